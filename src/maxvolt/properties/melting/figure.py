"""The picture of a melting point."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from maxvolt.properties.melting.coexistence import Coexistence
    from maxvolt.properties.melting.phases import PhasePoint
    from maxvolt.properties.melting.sizes import SizeMean

__all__ = ["draw_melting_curve", "draw_melting_point"]

_SMOOTH_PS = 2.0
"""Over which temperature and fraction are averaged in the picture."""


def draw_melting_point(
    title: str,
    value: float,
    extrapolated: tuple[float, float],
    sizes: Sequence[SizeMean],
    runs: Sequence[Coexistence],
    phases: Sequence[PhasePoint],
) -> Figure:
    """Draw temperature, solid fraction, profile, lattice constant and the trend with the size.

    Parameters
    ----------
    title
        Above all.
    value : K
        The melting point.
    extrapolated : K
        To infinite size, and its error; NaN for none.
    sizes, runs, phases
        What is drawn.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 6.5), layout="constrained")
    axes = figure.subplots(2, 3)
    for run in runs:
        _draw_series(axes[0, 0], run, run.temperatures)
        _draw_series(axes[0, 1], run, run.solid_fractions)
    axes[0, 0].axhline(value, color="0.3", linestyle="--", linewidth=1)
    axes[0, 0].set_ylabel("temperature (K)")
    axes[0, 1].set_ylabel("solid fraction")
    axes[0, 1].set_ylim(0, 1)
    axes[0, 1].legend(fontsize=7)
    _draw_profile(axes[0, 2], axes[1, 2], runs[-1])
    _draw_lattice(axes[1, 0], phases)
    _draw_trend(axes[1, 1], sizes, extrapolated)
    figure.suptitle(title)
    return figure


def draw_melting_curve(
    pressures: NDArray[np.float64],
    values: NDArray[np.float64],
    errors: NDArray[np.float64],
    slopes: NDArray[np.float64],
) -> Figure:
    """Draw melting points (K) against the pressure (GPa), with the slope (K/GPa) at each."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 4), layout="constrained")
    axes = figure.add_subplot()
    axes.errorbar(pressures, values, errors, fmt="o", capsize=3)
    half = 0.3 * (np.ptp(pressures) / max(len(pressures) - 1, 1) or 1.0)
    ends = np.array([-half, half])
    for pressure, value, slope in zip(pressures, values, slopes, strict=True):
        axes.plot(pressure + ends, value + slope * ends, color="0.5", linewidth=1)
    axes.set_xlabel("pressure (GPa)")
    axes.set_ylabel("melting point (K)")
    axes.set_title("lines: slopes by Clausius and Clapeyron", fontsize=9)
    return figure


def _draw_series(axes: Axes, run: Coexistence, values: NDArray[np.float64]) -> None:
    step = float(run.times[0])
    width = max(1, min(round(_SMOOTH_PS / step), len(run.times)))
    smooth = np.convolve(values, np.ones(width) / width, "valid")
    times = run.times[width - 1 :] - step * (width - 1) / 2
    axes.plot(times, smooth, linewidth=1, label=f"{run.atoms} atoms, seed {run.seed}")
    axes.set_xlabel("time (ps)")


def _draw_profile(order: Axes, density: Axes, run: Coexistence) -> None:
    places = (np.arange(len(run.profile)) + 0.5) / max(len(run.profile), 1)
    order.plot(places, run.profile[:, 1], "o-", markersize=3)
    order.set_ylabel("order parameter")
    density.plot(places, run.profile[:, 0], "o-", markersize=3)
    density.set_ylabel("density (atoms/Å³)")
    for axes in (order, density):
        axes.set_xlabel("place along the axis")
    order.set_title(f"last picosecond, {run.atoms} atoms, seed {run.seed}", fontsize=9)


def _draw_lattice(axes: Axes, points: Sequence[PhasePoint]) -> None:
    phases = sorted(points, key=lambda one: one.temperature)
    axes.errorbar(
        [one.temperature for one in phases],
        [one.edges[0] for one in phases],
        [one.edge_error for one in phases],
        fmt="o-",
        capsize=3,
    )
    axes.set_xlabel("temperature (K)")
    axes.set_ylabel("lattice constant (Å)")


def _draw_trend(axes: Axes, sizes: Sequence[SizeMean], extrapolated: tuple[float, float]) -> None:
    inverse = [1e3 / one.atoms for one in sizes]
    values, errors = zip(*((one.temperature, one.error) for one in sizes), strict=True)
    axes.errorbar(inverse, values, errors, fmt="o", capsize=3)
    if np.isfinite(extrapolated[0]):
        axes.errorbar([0], extrapolated[:1], extrapolated[1:], fmt="s", capsize=3)
    axes.set_xlim(left=-0.05 * max(inverse))
    axes.set_xlabel("1000 / atoms")
    axes.set_ylabel("melting point (K)")
