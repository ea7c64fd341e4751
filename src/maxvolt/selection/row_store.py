"""Rows kept for further passes: in memory up to a limit, beyond it in a temporary file."""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import IO, Self

from maxvolt.dataset import Dataset
from maxvolt.selection.rows import Rows

__all__ = ["MEMORY", "Portion", "RowStore"]

MEMORY = 512 * 2**20
"""Bytes of rows that are held in memory."""


@dataclass(frozen=True, slots=True, eq=False)
class Portion:
    """Some structures of one source with their rows.

    Parameters
    ----------
    source
        Number of the source that they come from.
    first
        Number of the first structure in it.
    structures
        The structures.
    rows
        Their rows, with the numbers that structures have in the source.
    """

    source: int
    first: int
    structures: Dataset
    rows: Rows


class RowStore:
    """Portions in the order in which they were added, to be read as often as needed.

    Parameters
    ----------
    memory
        Bytes of rows that are held in memory; what is more goes to a temporary file, which the
        system removes when the store is closed or the process ends.
    """

    def __init__(self, memory: int = MEMORY) -> None:
        self._memory = memory
        self._held: list[Portion] = []
        self._bytes = 0
        self._file: IO[bytes] | None = None
        self._in_file = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._file.close()

    def append(self, portion: Portion) -> None:
        """Add one more."""
        if self._file is None and self._bytes + portion.rows.values.nbytes <= self._memory:
            self._held.append(portion)
            self._bytes += portion.rows.values.nbytes
            return
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="maxvolt-rows-")  # noqa: SIM115 (kept open)
        self._file.seek(0, 2)
        pickle.dump(portion, self._file, protocol=5)
        self._in_file += 1

    def __iter__(self) -> Iterator[Portion]:
        """Yield all portions from the first on."""
        yield from self._held
        if self._file is not None:
            self._file.seek(0)
            for _ in range(self._in_file):
                portion: Portion = pickle.load(self._file)
                yield portion
