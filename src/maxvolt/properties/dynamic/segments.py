"""Segments of a simulation in files, each written whole, and the state to go on from."""

from __future__ import annotations

import io
import json
import logging
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maxvolt.errors import FileFormatError, MaxvoltError
from maxvolt.files import make_folder, replacing
from maxvolt.sampling import TrajectoryState

__all__ = ["Segment", "SegmentFiles"]

_logger = logging.getLogger(__name__)

_DIGITS = 16
_INTEGRATOR = "integrator_"

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Segment:
    """What was recorded since the segment before.

    Attributes
    ----------
    begin
        Step after which it was recorded.
    recorded
        Arrays by their names, values along the first axis.
    state
        Where the simulation goes on.
    """

    begin: int
    recorded: Arrays
    state: TrajectoryState


class SegmentFiles:
    """The segments of one simulation.

    Parameters
    ----------
    folder
        Where the files are; it is made.
    name
        Of the simulation, for people.
    digest
        Of all that decides about it.
    maker
        Versions of the programs that decide about the last digits, in words. What others have made
        is made again.
    """

    def __init__(self, folder: Path, name: str, digest: str, maker: str) -> None:
        self._folder = folder
        self._maker = maker
        self._stem = f"{name.replace(' ', '-')}-{digest[:_DIGITS]}"
        self._count = 0
        try:
            make_folder(folder)
        except OSError as error:
            raise MaxvoltError(f"{folder}: cannot be a folder: {error.strerror}") from error

    def read(self) -> list[Segment]:
        """Return all that is kept, in order.

        What does not follow on what is before is left out, and written anew: where two processes
        have made the same simulation at once, one has overwritten segments of the other.
        """
        found: list[Segment] = []
        while (path := self._path()).is_file():
            one, maker = _read(path)
            if maker != self._maker:
                _logger.warning(
                    "%s was made by %s, and this is %s: from there on the simulation is made again",
                    path, maker or "an earlier version", self._maker,
                )  # fmt: skip
                break
            if one.begin != (found[-1].state.step if found else 0):
                break
            found.append(one)
            self._count += 1
        return found

    def write(self, segment: Segment) -> None:
        """Keep one more."""
        state = segment.state
        record = {
            "begin": segment.begin,
            "step": state.step,
            "generator": dict(state.generator),
            "seconds": state.seconds,
            "maker": self._maker,
        }
        arrays: dict[str, Any] = {
            "record": np.frombuffer(json.dumps(record).encode(), np.uint8),
            "positions": state.positions,
            "momenta": state.momenta,
            "cell": state.cell,
            **{_INTEGRATOR + name: value for name, value in state.integrator.items()},
            **{f"recorded_{name}": value for name, value in segment.recorded.items()},
        }
        stream = io.BytesIO()
        np.savez(stream, allow_pickle=False, **arrays)
        with replacing(self._path()) as file:
            file.write(stream.getvalue())
        self._count += 1

    def _path(self) -> Path:
        return self._folder / f"{self._stem}.{self._count:04d}.npz"


def _read(path: Path) -> tuple[Segment, str]:
    """Read a segment, and who made it."""
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        record = json.loads(arrays["record"].tobytes())
        begin = int(record["begin"])
        state = TrajectoryState(
            step=int(record["step"]),
            positions=arrays["positions"],
            momenta=arrays["momenta"],
            cell=arrays["cell"],
            integrator=_named(arrays, _INTEGRATOR),
            generator=record["generator"],
            kept=(),
            rows=np.zeros((0, 6)),
            seconds=float(record["seconds"]),
        )
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise FileFormatError(
            path, f"is no segment of a simulation ({error}); remove it and those after it, and "
            "they are made again",
        ) from error  # fmt: skip
    return Segment(begin, _named(arrays, "recorded_"), state), str(record.get("maker", ""))


def _named(arrays: Arrays, beginning: str) -> dict[str, NDArray[Any]]:
    return {
        name.removeprefix(beginning): value
        for name, value in arrays.items()
        if name.startswith(beginning)
    }
