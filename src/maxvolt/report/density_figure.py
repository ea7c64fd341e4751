"""The figure of densities of states and of what follows from them."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure

from maxvolt.properties.lattice.flat_histogram import DensityOfStates, Thermodynamics

__all__ = ["draw_densities"]


def draw_densities(densities: Sequence[DensityOfStates], found: Sequence[Thermodynamics]) -> Figure:
    """Draw the densities, and energy, heat capacity and entropy with their errors.

    Parameters
    ----------
    densities
        Of each walk.
    found
        Of each temperature.
    """
    figure = Figure(figsize=(14.0, 3.6), layout="constrained")
    density, *axes = figure.subplots(1, 4)
    for one in densities:
        density.plot(1000 * one.energies / one.n_sites, one.logarithms, linewidth=1.0)
    density.set(xlabel="energy (meV per site)", ylabel="logarithm of the number of arrangements")
    kelvin = [one.temperature for one in found]
    energy, capacity, entropy = axes
    for name, label in (("energy", "energy"), ("free_energy", "free energy")):
        energy.errorbar(
            kelvin,
            [1000 * getattr(one, name) for one in found],
            [1000 * getattr(one, f"{name}_error") for one in found],
            fmt=".-",
            label=label,
        )
    energy.set(xlabel="temperature (K)", ylabel="meV per site")
    energy.legend(fontsize="small")
    for axis, name, label in (
        (capacity, "heat_capacity", "heat capacity ($k_B$ per site)"),
        (entropy, "entropy", "entropy ($k_B$ per site)"),
    ):
        values = [getattr(one, name) for one in found]
        axis.errorbar(kelvin, values, [getattr(one, f"{name}_error") for one in found], fmt=".-")
        axis.set(xlabel="temperature (K)", ylabel=label)
    return figure
