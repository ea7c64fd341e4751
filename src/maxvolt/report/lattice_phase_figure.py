"""The figure of a phase diagram of an alloy on a lattice."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from maxvolt.properties.lattice.phases import Coexistence, PhaseDiagram

__all__ = ["draw_phase_diagram"]


def draw_phase_diagram(diagram: PhaseDiagram) -> Figure:
    """Draw two-phase regions against composition and temperature, and free energies of mixing.

    Parameters
    ----------
    diagram
        What was found.
    """
    figure = Figure(figsize=(11.0, 4.4), layout="constrained")
    phases, energies = figure.subplots(1, 2)
    _draw_regions(phases, diagram)
    _draw_energies(energies, diagram)
    for axes in (phases, energies):
        axes.set(xlabel=f"share of {diagram.species[1]}", xlim=(0.0, 1.0))
    return figure


def _draw_regions(axes: Axes, diagram: PhaseDiagram) -> None:
    by_pair: dict[tuple[str, str], list[tuple[int, float, Coexistence]]] = {}
    for number, one in enumerate(diagram.equilibria):
        for two in one.coexistences:
            pair = (diagram.name(two.left), diagram.name(two.right))
            by_pair.setdefault(pair, []).append((number, one.temperature, two))
    for index, (pair, regions) in enumerate(by_pair.items()):
        color = f"C{index % 10}"
        ends = np.array([two.concentrations for _, _, two in regions])
        errors = np.array([two.errors for _, _, two in regions])
        kelvin = np.array([one for _, one, _ in regions])
        for side, marker in ((0, ">"), (1, "<")):
            axes.errorbar(
                ends[:, side], kelvin, xerr=errors[:, side], fmt=marker, color=color, markersize=4,
                label=f"{pair[0]} + {pair[1]}" if side == 0 else None,
            )  # fmt: skip
        axes.hlines(kelvin, ends[:, 0], ends[:, 1], color=color, linewidth=0.8)
        for (first, low, before), (second, high, after) in pairwise(regions):
            if second == first + 1:
                left, right = zip(before.concentrations, after.concentrations, strict=True)
                axes.fill_betweenx(
                    [low, high], [left[0], left[1]], [right[0], right[1]], color=color, alpha=0.2,
                    linewidth=0,
                )  # fmt: skip
    seen = False
    for one in diagram.equilibria:
        for boundary in one.boundaries:
            axes.errorbar(
                boundary.concentration, one.temperature, xerr=boundary.concentration_error,
                fmt="o", mfc="none", color="0.3", markersize=4,
                label=None if seen else "order is lost, no two phases seen",
            )  # fmt: skip
            seen = True
    for state in diagram.states[1:-1]:
        axes.axvline(state.concentration, ymax=0.03, color="0.3", linewidth=1.0)
    axes.set(ylabel="temperature (K)")
    if by_pair or seen:
        axes.legend(fontsize="x-small")


def _draw_energies(axes: Axes, diagram: PhaseDiagram) -> None:
    hottest = max(one.temperature for one in diagram.equilibria)
    coldest = min(one.temperature for one in diagram.equilibria)
    for one in diagram.equilibria:
        found = diagram.mixing(one)
        level = (one.temperature - coldest) / (hottest - coldest or 1.0)
        axes.plot(
            found["concentration"], [1000 * value for value in found["free_energy"]], ".-",
            markersize=3, linewidth=0.8, color=(level, 0.2, 1.0 - level),
            label=f"{one.temperature:g} K",
        )  # fmt: skip
    states = diagram.states
    shares = np.array([one.concentration for one in states])
    energy = np.array([one.energy for one in states])
    pure = (1 - shares) * energy[0] + shares * energy[-1]
    axes.plot(shares, 1000 * (energy - pure), "k_-", markersize=8, linewidth=0.6, label="0 K")
    axes.set(ylabel="free energy of mixing (meV per site)")
    axes.legend(fontsize="x-small", ncols=2)
