"""Pictures of convex hulls of two and of three elements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from maxvolt.errors import DataError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["hull_figure"]

_MEV = 1000.0


class Hull(Protocol):
    """What is drawn: see `maxvolt.properties.ConvexHull`."""

    @property
    def elements(self) -> tuple[str, ...]:
        """Components."""

    @property
    def compositions(self) -> NDArray[np.float64]:
        """Shares of the elements, shape (n, elements)."""

    @property
    def formation_energies(self) -> NDArray[np.float64]:
        """Per atom, eV, shape (n,)."""

    @property
    def distances(self) -> NDArray[np.float64]:
        """Above the hull, eV/atom, shape (n,)."""

    @property
    def ground_states(self) -> tuple[int, ...]:
        """Numbers of the corners."""


_COLOURS = ("C0", "C3")


def hull_figure(hull: Hull, reference: Hull | None = None) -> Figure:
    """Draw a hull, and that of a reference; see `ConvexHull.plot`."""
    from matplotlib.figure import Figure

    count = len(hull.elements)
    if count not in (2, 3):
        raise DataError(f"only hulls of two or three elements can be drawn; this has {count}")
    if reference is not None and set(reference.elements) != set(hull.elements):
        raise DataError(
            f"the reference has {', '.join(reference.elements)}; expected the elements "
            f"{', '.join(hull.elements)}"
        )
    several = [("", hull)] if reference is None else [("potential", hull), ("reference", reference)]
    figure = Figure(figsize=(6.0 if count == 2 else 5.5 * len(several), 4.5), layout="constrained")
    if count == 2:
        axes = figure.add_subplot()
        for (label, one), colour in zip(several, _COLOURS, strict=False):
            _binary(axes, one, label, colour, hull.elements)
        axes.set_xlabel(f"share of {hull.elements[1]}")
        axes.set_ylabel("formation energy (meV/atom)")
        if reference is not None:
            axes.legend()
        return figure
    for position, (label, one) in enumerate(several):
        axes = figure.add_subplot(1, len(several), position + 1)
        _ternary(figure, axes, one, label, hull.elements)
    return figure


def _shares(hull: Hull, elements: tuple[str, ...]) -> NDArray[np.float64]:
    """Compositions with the elements in a given order."""
    return hull.compositions[:, [hull.elements.index(symbol) for symbol in elements]]


def _binary(axes: Axes, hull: Hull, label: str, colour: str, elements: tuple[str, ...]) -> None:
    share = _shares(hull, elements)[:, 1]
    energies = _MEV * hull.formation_energies
    corners = np.array(sorted(hull.ground_states, key=lambda s: share[s]))
    axes.scatter(share, energies, s=9, alpha=0.5, color=colour, linewidths=0, rasterized=True)
    axes.plot(share[corners], energies[corners], "o-", color=colour, label=label or None)
    depth = max(-energies.min(), 1.0)
    axes.set_ylim(min(axes.get_ylim()[0], -1.15 * depth), max(depth, 0.1 * energies.max()))


def _ternary(figure: Figure, axes: Axes, hull: Hull, label: str, elements: tuple[str, ...]) -> None:
    at = _shares(hull, elements) @ np.array([[0.0, 0.0], [1.0, 0.0], [0.5, np.sqrt(3) / 2]])
    axes.plot([0, 1, 0.5, 0], [0, 0, np.sqrt(3) / 2, 0], color="0.5", linewidth=1)
    order = np.argsort(-hull.distances)
    drawn = axes.scatter(
        at[order, 0],
        at[order, 1],
        c=_MEV * hull.distances[order],
        s=12,
        cmap="viridis_r",
        rasterized=True,
    )
    corners = list(hull.ground_states)
    axes.plot(at[corners, 0], at[corners, 1], "o", color="C3", markersize=7, markerfacecolor="none")
    for symbol, place in zip(elements, ((0, -0.06), (1, -0.06), (0.5, 0.9)), strict=True):
        axes.text(*place, symbol, ha="center", va="center")
    axes.set_aspect("equal")
    axes.set_axis_off()
    axes.set_title(label)
    figure.colorbar(drawn, ax=axes, label="above the hull (meV/atom)", shrink=0.8)
