"""Panels of force and energy errors against the time of an evaluation."""

from __future__ import annotations

from collections.abc import Callable

from matplotlib.axes import Axes
from matplotlib.figure import Figure

__all__ = ["circle", "error_panels"]

_UNITS = {"force": "meV/Å", "energy": "meV/atom"}


def error_panels(has: Callable[[str], bool], title: str) -> tuple[Figure, dict[str, Axes]]:
    """Make a figure with a panel for each kind of error that there is.

    Parameters
    ----------
    has
        Whether there are errors of "force", or of "energy".
    title
        Of the figure.

    Returns
    -------
    figure
    panels
        By the kind of error; none where there are no labels at all.
    """
    drawn = [quantity for quantity in _UNITS if has(quantity)]
    figure = Figure(figsize=(4.5 * max(len(drawn), 1), 4.2), layout="constrained")
    figure.suptitle(title, fontsize="medium")
    if not drawn:
        return figure, {}
    panels = dict(zip(drawn, figure.subplots(1, len(drawn), squeeze=False)[0], strict=True))
    for quantity, axes in panels.items():
        axes.set(
            xlabel="time of an evaluation (µs/atom)",
            ylabel=f"{quantity} error ({_UNITS[quantity]})",
        )
    return figure, panels


def circle(axes: Axes, point: tuple[float, float]) -> None:
    """Draw a circle around a point."""
    axes.plot(*point, "o", markersize=13, fillstyle="none", color="black")
