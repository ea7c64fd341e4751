"""The journal of a search: a line for what was asked, and one for each generation.

A line is on the disk before the next generation begins, and never changed. A line that a kill has
cut short has no end and does not count. Each line holds the SHA-256 of what else it says, so that
nothing is built on a damaged one.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ase import Atoms

from maxvolt.appending import append_whole, remove_torn_line
from maxvolt.errors import DataError
from maxvolt.search.candidates import Candidate, atoms_from_dict, atoms_to_dict

__all__ = ["Generation", "Journal"]

Generation = tuple[list[Candidate], list[Atoms]]
"""Candidates, and the structures that extrapolated on their way."""

_DIGEST = "digest"


class Journal:
    """Keeps the generations of one search.

    Parameters
    ----------
    path
        The file, made if it is not there.
    asked
        What the search depends on, as plain values.
    strict
        Whether a journal of another search is refused, unless it holds no generation; else it is
        begun anew, as it is where it is damaged.

    Raises
    ------
    DataError
        The file is damaged, belongs to another search or cannot be written.
    """

    def __init__(self, path: Path, asked: Mapping[str, Any], *, strict: bool = True) -> None:
        self._path = path
        wanted = json.loads(json.dumps(asked))
        try:
            self.generations = self._read(wanted)
        except DataError as error:
            if strict:
                raise
            try:
                path.unlink()
            except OSError:
                raise error from None  # it is not what is in it that is wrong
            self.generations = self._read(wanted)

    def append(self, generation: Generation) -> None:
        """Write a generation down."""
        candidates, extrapolative = generation
        self._write(
            {
                "generation": len(self.generations),
                "candidates": [one.to_dict() for one in candidates],
                "extrapolative": [atoms_to_dict(one) for one in extrapolative],
            }
        )
        self.generations.append(generation)

    def _read(self, asked: dict[str, Any]) -> list[Generation]:
        lines = self._whole_lines()
        if not lines:
            self._write(_first(asked))
            return []
        first, *others = (self._content(number, line) for number, line in enumerate(lines, 1))
        if first.get("search") != asked:
            if not others and isinstance(first.get("search"), dict):
                self._write_anew(_first(asked))  # what was asked then came to nothing
                return []
            raise DataError(f"{self._path}: {_refusal(first, asked)}")
        return [self._generation(number, content) for number, content in enumerate(others)]

    def _whole_lines(self) -> list[bytes]:
        """Lines that have an end; the file is cut after them."""
        try:
            return remove_torn_line(self._path).splitlines()
        except OSError as error:
            raise DataError(f"{self._path}: cannot be used: {error.strerror or error}") from error

    def _content(self, number: int, line: bytes) -> dict[str, Any]:
        try:
            content = json.loads(line)
            digest = content.pop(_DIGEST)
            if digest != _digest(content):
                raise ValueError("its content does not match its digest")
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            what = f"has no {error}" if isinstance(error, KeyError) else error
            raise DataError(
                f"{self._path}, line {number}: damaged ({what}); remove this line and all after "
                "it: the search makes them again"
            ) from error
        found: dict[str, Any] = content
        return found

    def _generation(self, number: int, content: Mapping[str, Any]) -> Generation:
        if content.get("generation") != number:
            raise DataError(
                f"{self._path}, line {number + 2}: expected generation {number}; remove this line "
                "and all after it: the search makes them again"
            )
        candidates = [Candidate.from_dict(one) for one in content["candidates"]]
        return candidates, [atoms_from_dict(one) for one in content["extrapolative"]]

    def _write_anew(self, content: Mapping[str, Any]) -> None:
        """Empty the file, which stays the one that is locked, and write a line."""
        try:
            os.truncate(self._path, 0)
        except OSError as error:
            raise DataError(
                f"{self._path}: cannot be written: {error.strerror or error}"
            ) from error
        self._write(content)

    def _write(self, content: Mapping[str, Any]) -> None:
        """Append a line, whole or not at all."""
        text = json.dumps({**content, _DIGEST: _digest(content)}).encode() + b"\n"
        try:
            append_whole(self._path, text)
        except OSError as error:
            raise DataError(
                f"{self._path}: cannot be written: {error.strerror or error}"
            ) from error


def _digest(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _first(asked: Mapping[str, Any]) -> dict[str, Any]:
    """What the first line says."""
    return {"search": asked, "version": version("maxvolt")}


def _refusal(first: Mapping[str, Any], asked: Mapping[str, Any]) -> str:
    """Say why a journal that begins so is not that of a search."""
    before = first.get("search")
    if not isinstance(before, dict):
        return (
            "belongs to another search (its first line says nothing about a search); give another "
            "folder"
        )
    different = _difference(before, asked)
    made_by = first.get("version", "an earlier one")
    if made_by == version("maxvolt") and before.keys() == asked.keys():
        return (
            f"belongs to another search ({different}); give another folder, or the options it has"
        )
    return (
        f"was made by another version of maxvolt ({made_by}; this is {version('maxvolt')}), or "
        f"belongs to another search ({different}); give another folder"
    )


def _difference(before: Mapping[str, Any], asked: Mapping[str, Any]) -> str:
    """Name the first thing that differs."""
    for name in dict.fromkeys([*asked, *before]):
        if name not in before or name not in asked:
            return f"{name}: only {'now' if name in asked else 'then'}"
        if before[name] != asked[name]:
            return f"{name}: {before[name]!r} then, {asked[name]!r} now"
    return "nothing differs"
