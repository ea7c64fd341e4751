"""What has been tried, line by line on disk: a kill loses the candidate in progress."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from maxvolt.appending import append_whole, remove_torn_line
from maxvolt.errors import FitError
from maxvolt.files import make_folder
from maxvolt.fitting.tuning.candidate import Candidate, Tried
from maxvolt.fitting.tuning.held_out import HeldOutErrors

__all__ = ["TuningJournal"]

_ERRORS = ("energies", "forces", "has_energy", "components")


class TuningJournal:
    """Results by candidate, in a folder with their potentials.

    Parameters
    ----------
    folder
        Where.
    signature
        Of data and settings: results of another search are refused.

    Raises
    ------
    FitError
        The folder belongs to another search, or a line is damaged.
    """

    def __init__(self, folder: Path, signature: str) -> None:
        make_folder(folder)
        self.folder = folder
        self.results: dict[Candidate, Tried] = {}
        self._path = folder / "journal.jsonl"
        try:
            lines = remove_torn_line(self._path).splitlines()
        except OSError as error:
            raise FitError(f"{self._path}: cannot be read: {error.strerror}") from error
        if not lines:
            self._append({"signature": signature})
        for number, line in enumerate(lines):
            self._take(number, line, signature)

    def add(self, result: Tried) -> None:
        """Write a result, then know it."""
        errors = {name: getattr(result.errors, name).tolist() for name in _ERRORS}
        self._append(
            {
                "candidate": asdict(result.candidate),
                "file": str(result.file.relative_to(self.folder)),
                "scalars": result.scalars,
                "parameters": result.parameters,
                "us_per_atom": result.microseconds,
                "errors": errors,
            }
        )
        self.results[result.candidate] = result

    def _take(self, number: int, line: bytes, signature: str) -> None:
        where = f"{self._path}, line {number + 1}"
        try:
            document = json.loads(line)
            if number == 0:
                known = document["signature"]
            else:
                result = self._result(document)
                self.results[result.candidate] = result
        except (ValueError, KeyError, TypeError) as error:
            raise FitError(
                f"{where}: not a line of a search ({error}); remove the folder to begin anew"
            ) from error
        if number == 0 and known != signature:
            raise FitError(
                f"{self._path}: belongs to a search with other data or settings; name another "
                "folder, or remove this one"
            )

    def _result(self, document: dict[str, Any]) -> Tried:
        errors = {name: np.array(document["errors"][name], float) for name in _ERRORS}
        return Tried(
            Candidate(**document["candidate"]),
            self.folder / document["file"],
            int(document["scalars"]),
            int(document["parameters"]),
            float(document["us_per_atom"]),
            HeldOutErrors(**errors),
        )

    def _append(self, document: dict[str, Any]) -> None:
        try:
            append_whole(self._path, (json.dumps(document) + "\n").encode())
        except OSError as error:
            raise FitError(f"{self._path}: cannot be written: {error.strerror}") from error
