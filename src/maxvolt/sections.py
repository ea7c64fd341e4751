"""Sections of files of settings: what all of them share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from ase.data import atomic_numbers
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from maxvolt.limits import Limit

__all__ = ["AddedLater", "NonNegative", "Positive", "Section", "Symbol", "within"]


class Section(BaseModel):
    """A table of the file: unknown keys are errors, values are not converted, nothing changes."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        strict=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
        populate_by_name=True,
    )


@dataclass(frozen=True, slots=True)
class AddedLater:
    """Marks a setting that did not exist at first: ``Annotated[bool, AddedLater(False)]``.

    Fingerprints leave it out where it has the value that does what was done before it existed, so
    that results from then still count.
    """

    before: Any


def _is_element(symbol: str) -> str:
    if symbol not in atomic_numbers or symbol == "X":
        raise ValueError("expected a chemical symbol such as 'Al'")
    return symbol


Symbol = Annotated[str, AfterValidator(_is_element)]
Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]


def within(limit: Limit, *, whole: bool = False) -> Any:
    """Constrain a number to a limit, for pydantic."""
    least, most = limit.least, limit.most
    return Field(ge=int(least), le=int(most)) if whole else Field(ge=least, le=most)
