"""The figure of an alloy on a lattice at one temperature after the other."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations_with_replacement

from matplotlib.figure import Figure

from maxvolt.properties.lattice.at_temperature import AtTemperature

__all__ = ["draw_annealing"]


def draw_annealing(found: Sequence[AtTemperature], species: Sequence[str]) -> Figure:
    """Draw energy, heat capacity and the order of the nearest shell, with their errors.

    Parameters
    ----------
    found
        Of each temperature.
    species
        Symbols, in the order of their numbers.
    """
    figure = Figure(figsize=(12.0, 3.6), layout="constrained")
    energy, capacity, order = figure.subplots(1, 3)
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
    return figure
