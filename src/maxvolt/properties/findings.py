"""What a property finds with one calculator: numbers with units, and curves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from maxvolt.html_tables import TableOfNumbers
from maxvolt.properties.curves import Curve

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Findings", "Quantity"]


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number with its unit.

    Attributes
    ----------
    value
        NaN where there is none: a curve without a minimum, for instance.
    unit
        "" for a pure number.
    statistical_error
        Standard error of a mean over time; None where the number comes from no dynamics.
    """

    value: float
    unit: str = ""
    statistical_error: float | None = None


@dataclass(frozen=True, slots=True)
class Findings(TableOfNumbers):
    """What a property finds with one calculator.

    Attributes
    ----------
    title
        Of the property.
    quantities
        Numbers with units, by their names.
    curves
        What they were read from.
    warnings
        What speaks against the numbers, and what to do; empty when nothing does.
    notes
        What was chosen, left out or not checked.
    """

    title: str
    quantities: Mapping[str, Quantity]
    curves: tuple[Curve, ...] = ()
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = field(default=())

    def __getitem__(self, name: str) -> float:
        """Value of a quantity."""
        return self.quantities[name].value

    def to_dict(self) -> dict[str, Any]:
        """Everything but the curves: numbers with their units in the keys, warnings and notes."""
        numbers = {
            f"{name} ({one.unit})" if one.unit else name: one.value
            for name, one in self.quantities.items()
        }
        return {**numbers, "warnings": list(self.warnings), "notes": list(self.notes)}

    def plot(self) -> Figure:
        """Draw the curves, one panel for each pair of axes."""
        from maxvolt.properties.curve_figure import curve_figure

        return curve_figure({"": self.curves}, title=self.title)
