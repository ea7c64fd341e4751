"""What is wrong with labels, named by structure, with what was expected and the remedy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from maxvolt.dataset import Dataset

__all__ = ["Finding"]

_NAMED = 8
"""Structures that a message names."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Labels or positions of some structures that do not belong to those of the others.

    Attributes
    ----------
    kind : str
        "energy", "force", "stress", "positions" or "species".
    structures : tuple of int
        Numbers in the dataset, from 0, ascending.
    found, expected, remedy : str
        Parts of the message: ``has stresses of 96 eV/A^3``, ``about 0.06 eV/A^3``, ``divide them by
        1602.177``.
    certain : bool
        Whether no honest data look like this: a fit refuses them. Otherwise it warns.
    """

    kind: str
    structures: tuple[int, ...]
    found: str
    expected: str
    remedy: str
    certain: bool = True

    def message(self, dataset: Dataset) -> str:
        """One sentence with the name of the first structure and the numbers of others."""
        first, *others = self.structures
        text = dataset.name_of(first, "the training set")
        if others:
            shown = ", ".join(_number(dataset, s) for s in others[: _NAMED - 1])
            more = "" if len(others) < _NAMED else ", ..."
            text += f" (and {len(others)} more: {shown}{more})"
        return f"{text} {self.found}, where {self.expected}: {self.remedy}"

    def reason(self) -> str:
        """The same without the names of structures."""
        return f"it {self.found}, where {self.expected}: {self.remedy}"

    def to_dict(self, dataset: Dataset) -> dict[str, Any]:
        """Plain numbers and text."""
        return {
            "kind": self.kind,
            "structures": list(self.structures),
            "certain": self.certain,
            "found": self.found,
            "expected": self.expected,
            "remedy": self.remedy,
            "message": self.message(dataset),
        }


def _number(dataset: Dataset, structure: int) -> str:
    """Number of a structure in the file that it comes from, where that is known."""
    origin = dataset.origins[structure]
    return str(structure if origin is None else origin[1])
