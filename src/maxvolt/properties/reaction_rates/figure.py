"""The picture of rates: free energies along the coordinate, transmission coefficients in time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from maxvolt.properties.reaction_rates.transmission import Transmission
    from maxvolt.properties.reaction_rates.umbrella import FreeEnergy

__all__ = ["draw_rates"]


def draw_rates(rates: Mapping[str, tuple[FreeEnergy, Transmission]]) -> Figure:
    """Draw several rates side by side.

    Parameters
    ----------
    rates
        Free energy and transmission coefficient of each, by their names.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    for name, (energy, transmission) in rates.items():
        (line,) = left.plot(energy.coordinate, energy.values, label=name, linewidth=1.2)
        for axes, x, y, error in (
            (left, energy.coordinate, energy.values, energy.errors),
            (right, transmission.times, transmission.values, transmission.errors),
        ):
            axes.fill_between(x, y - error, y + error, color=line.get_color(), alpha=0.25)
        right.plot(transmission.times, transmission.values, color=line.get_color(), linewidth=1.2)
    left.set_xlabel("reaction coordinate")
    left.set_ylabel("free energy (eV)")
    left.legend(fontsize=8, frameon=False)
    right.set_xlabel("time (fs)")
    right.set_ylabel("transmission coefficient")
    right.set_ylim(0, 1.05)
    return figure
