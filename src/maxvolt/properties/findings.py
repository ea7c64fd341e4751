"""What a property finds with one calculator: numbers with units, and curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from maxvolt.html_tables import TableOfNumbers

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Curve", "Findings", "Quantity"]


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
class Curve:
    """One line of a figure. Curves with the same axes are drawn into the same panel.

    Attributes
    ----------
    name
        Of the line; lines of several potentials with the same name are compared.
    x, y
        The points, in order.
    x_label, y_label
        What they are, with the unit: "volume (Å³/atom)".
    ticks
        Places along x that have names, as points of high symmetry have.
    """

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    x_label: str
    y_label: str
    ticks: tuple[tuple[float, str], ...] = ()

    @classmethod
    def of(
        cls,
        name: str,
        x: ArrayLike,
        y: ArrayLike,
        labels: tuple[str, str],
        ticks: Sequence[tuple[float, str]] = (),
    ) -> Curve:
        """Take the points from arrays of shape (n,)."""
        xs, ys = (tuple(np.asarray(one, dtype=float).tolist()) for one in (x, y))
        return cls(name, xs, ys, labels[0], labels[1], ticks=tuple(ticks))

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain numbers and lists."""
        return {
            "name": self.name,
            "x": list(self.x),
            "y": list(self.y),
            "x_label": self.x_label,
            "y_label": self.y_label,
            "ticks": [list(tick) for tick in self.ticks],
        }

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Curve:
        """Read what `to_dict` gave; numbers that JSON lacks are None there."""
        x, y = (
            tuple(float("nan") if value is None else float(value) for value in document[axis])
            for axis in ("x", "y")
        )
        ticks = tuple((float(place), str(name)) for place, name in document["ticks"])
        return cls(document["name"], x, y, document["x_label"], document["y_label"], ticks=ticks)


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
