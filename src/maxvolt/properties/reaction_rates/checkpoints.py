"""What a long sampling has so far, in one file that is replaced as it goes on."""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maxvolt.errors import FileFormatError, MaxvoltError
from maxvolt.files import make_folder, replacing
from maxvolt.properties.dynamic.keeping import Keeping

__all__ = ["Checkpoint"]

_DIGITS = 16
_GENERATOR = "generator"

Arrays = Mapping[str, NDArray[Any]]


class Checkpoint:
    """The file of one sampling.

    Parameters
    ----------
    keeping
        Where, how often, and who hears of it.
    name
        Of the sampling, for people.
    digest
        Of all that decides about it but its length, so that a longer one goes on.
    """

    def __init__(self, keeping: Keeping, name: str, digest: str) -> None:
        self._keeping = keeping
        self._name = name
        self._path: Path | None = None
        self._written = time.monotonic()
        if keeping.folder is not None:
            try:
                make_folder(keeping.folder)
            except OSError as error:
                message = f"{keeping.folder}: cannot be a folder: {error.strerror}"
                raise MaxvoltError(message) from error
            self._path = keeping.folder / f"{name.replace(' ', '-')}-{digest[:_DIGITS]}.npz"

    def read(self, generator: np.random.Generator) -> dict[str, NDArray[Any]] | None:
        """Return what is kept, and set the generator to where it was; None: there is nothing.

        Raises
        ------
        FileFormatError
            The file is damaged.
        """
        if self._path is None or not self._path.is_file():
            return None
        try:
            with np.load(io.BytesIO(self._path.read_bytes()), allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
            generator.bit_generator.state = json.loads(arrays.pop(_GENERATOR).tobytes())
        except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
            raise FileFormatError(
                self._path,
                f"is no state of a sampling ({error}); remove it and it is made again",
            ) from error
        return arrays

    def tell(
        self,
        done: int,
        total: int,
        generator: np.random.Generator,
        arrays: Callable[[], Arrays],
    ) -> None:
        """Tell how far it is, and keep what there is where it is time or the end."""
        if self._keeping.progress is not None:
            self._keeping.progress(self._name, done, total)
        due = time.monotonic() - self._written >= self._keeping.seconds
        if self._path is None or not (due or done == total):
            return
        record = np.frombuffer(json.dumps(generator.bit_generator.state).encode(), np.uint8)
        stream = io.BytesIO()
        np.savez(stream, allow_pickle=False, **{**arrays(), _GENERATOR: record})
        with replacing(self._path) as file:
            file.write(stream.getvalue())
        self._written = time.monotonic()
