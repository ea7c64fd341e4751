"""Logarithmic axes with plain numbers, as 0.5 and 20, not powers of ten."""

from __future__ import annotations

from matplotlib.axes import Axes

__all__ = ["make_logarithmic"]


def make_logarithmic(axes: Axes) -> None:
    """Make both axes logarithmic, ticks between powers of ten named, too."""
    axes.set(xscale="log", yscale="log")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter("{x:g}")
        axis.set_minor_formatter("{x:g}")
