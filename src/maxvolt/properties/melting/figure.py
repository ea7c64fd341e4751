"""The picture of a melting point."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from maxvolt.properties.melting.coexistence import Coexistence
    from maxvolt.properties.melting.result import MeltingPoint

__all__ = ["draw_melting_curve", "draw_melting_point"]

_SMOOTH_PS = 2.0
"""Over which temperature and fraction are averaged in the picture."""


def draw_melting_point(point: MeltingPoint) -> Figure:
    """Draw temperature, solid fraction, profile, lattice constant and the trend with the size."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 6.5), layout="constrained")
    axes = figure.subplots(2, 3)
    for run in point.runs:
        _draw_series(axes[0, 0], run, run.temperatures)
        _draw_series(axes[0, 1], run, run.solid_fractions)
    axes[0, 0].axhline(point.value, color="0.3", linestyle="--", linewidth=1)
    axes[0, 0].set_ylabel("temperature (K)")
    axes[0, 1].set_ylabel("solid fraction")
    axes[0, 1].set_ylim(0, 1)
    axes[0, 1].legend(fontsize=7)
    _draw_profile(axes[0, 2], axes[1, 2], point.runs[-1])
    _draw_lattice(axes[1, 0], point)
    _draw_trend(axes[1, 1], point)
    figure.suptitle(
        f"{point.potential}: {point.value:.1f} ± {point.error:.1f} K at {point.pressure:g} GPa"
    )
    return figure


def draw_melting_curve(points: Sequence[MeltingPoint]) -> Figure:
    """Draw the melting point against the pressure, with the slope at each point.

    Parameters
    ----------
    points
        Of `maxvolt.properties.melting.melting_curve`.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 4), layout="constrained")
    axes = figure.add_subplot()
    pressures = np.array([one.pressure for one in points])
    values = [one.value for one in points]
    axes.errorbar(pressures, values, [one.error for one in points], fmt="o", capsize=3)
    half = 0.3 * (np.ptp(pressures) / max(len(points) - 1, 1) or 1.0)
    for one in points:
        ends = np.array([-half, half])
        axes.plot(one.pressure + ends, one.value + one.slope * ends, color="0.5", linewidth=1)
    axes.set_xlabel("pressure (GPa)")
    axes.set_ylabel("melting point (K)")
    axes.set_title("lines: slopes by Clausius and Clapeyron", fontsize=9)
    return figure


def _draw_series(axes: Axes, run: Coexistence, values: Sequence[float] | np.ndarray) -> None:
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


def _draw_lattice(axes: Axes, point: MeltingPoint) -> None:
    phases = sorted(point.phases, key=lambda one: one.temperature)
    axes.errorbar(
        [one.temperature for one in phases],
        [one.edges[0] for one in phases],
        [one.edge_error for one in phases],
        fmt="o-",
        capsize=3,
    )
    axes.set_xlabel("temperature (K)")
    axes.set_ylabel("lattice constant (Å)")


def _draw_trend(axes: Axes, point: MeltingPoint) -> None:
    inverse = [1e3 / one.atoms for one in point.sizes]
    values, errors = zip(*((one.temperature, one.error) for one in point.sizes), strict=True)
    axes.errorbar(inverse, values, errors, fmt="o", capsize=3)
    if np.isfinite(point.extrapolated):
        axes.errorbar([0], [point.extrapolated], [point.extrapolated_error], fmt="s", capsize=3)
    axes.set_xlim(left=-0.05 * max(inverse))
    axes.set_xlabel("1000 / atoms")
    axes.set_ylabel("melting point (K)")
