"""Picking measurements out of a section, for a table or for a plot."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from performance.results import Measurement

__all__ = ["Lines", "Value", "picked"]

Value = str | int | float


@dataclass(frozen=True, slots=True)
class Lines:
    """The rows of a table, or the curves of a plot, of one quantity.

    Attributes
    ----------
    quantity : str
    label : str
        Of a line, with names of the case in braces: "{program}".
    only : mapping
        What the case must have.
    digits : str
        Format of a number in a table.
    """

    quantity: str
    label: str
    only: Mapping[str, Value] = field(default_factory=dict)
    digits: str = ".3g"


def picked(
    measurements: Iterable[Measurement], lines: Lines, across: str
) -> dict[str, dict[Value, Measurement]]:
    """Measurements by label and by the value of the case that goes across.

    Those count whose case is made of `across`, of what `only` asks for and of what the label names.
    """
    found: dict[str, dict[Value, Measurement]] = {}
    for one in measurements:
        rest = {key: value for key, value in one.case.items() if key != across}
        fits = one.quantity == lines.quantity and across in one.case
        if not fits or any(rest.pop(key, None) != value for key, value in lines.only.items()):
            continue
        if all("{" + key + "}" in lines.label for key in rest) and (rest or "{" not in lines.label):
            found.setdefault(lines.label.format(**rest), {})[one.case[across]] = one
    return found
