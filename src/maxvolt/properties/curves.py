"""Lines of figures, as properties find them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

__all__ = ["Curve"]


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
