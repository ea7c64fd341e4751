"""The figure of an alloy on a lattice at one temperature after the other."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations_with_replacement

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from maxvolt.properties.lattice.at_temperature import AtTemperature

__all__ = ["draw_annealing"]

_MOST_STARS = 6


def draw_annealing(found: Sequence[AtTemperature], species: Sequence[str]) -> Figure:
    """Draw energy, heat capacity and order of the nearest shell with their errors, and peaks.

    Parameters
    ----------
    found
        Of each temperature.
    species
        Symbols, in the order of their numbers.
    """
    figure = Figure(figsize=(15.0, 3.6), layout="constrained")
    energy, capacity, order, peaks = figure.subplots(1, 4)
    kelvin = [one.temperature for one in found]
    energy.errorbar(
        kelvin, [1000 * one.energy for one in found], [1000 * one.energy_error for one in found],
        fmt=".-",
    )  # fmt: skip
    energy.set(xlabel="temperature (K)", ylabel="energy (meV per site)")
    capacity.errorbar(
        kelvin, [one.heat_capacity for one in found], [one.heat_capacity_error for one in found],
        fmt=".-",
    )  # fmt: skip
    capacity.set(xlabel="temperature (K)", ylabel="heat capacity ($k_B$ per site)")
    for s, t in combinations_with_replacement(range(len(species)), 2):
        values = [one.order[0, s, t] for one in found]
        errors = [one.order_error[0, s, t] for one in found]
        order.errorbar(kelvin, values, errors, fmt=".-", label=f"{species[s]}-{species[t]}")
    order.axhline(0.0, color="0.6", linewidth=0.8)
    order.set(xlabel="temperature (K)", ylabel=r"order of the nearest shell, $\alpha_1$")
    order.legend(fontsize="small", ncols=2)
    _draw_peaks(peaks, found)
    return figure


def _draw_peaks(axes: Axes, found: Sequence[AtTemperature]) -> None:
    """Draw the largest share of the variance of a species that each star of waves holds."""
    states = [(one.temperature, one.state) for one in found if one.state is not None]
    stars = dict.fromkeys(peak.star for _, state in states for peak in state.peaks)
    for star in list(stars)[:_MOST_STARS]:
        shown = [
            (temperature, np.nanmax(peak.shares))
            for temperature, state in states
            for peak in state.peaks
            if peak.star == star and np.isfinite(peak.shares).any()
        ]
        axes.plot(*zip(*shown, strict=True), ".-", label=star)
    axes.set(xlabel="temperature (K)", ylabel="share of the star, largest of all species")
    axes.set_ylim(0.0, 1.02)
    if stars:
        axes.legend(fontsize="small")
