"""Plots of an ensemble: the energy-volume curve and the elastic constants."""

from __future__ import annotations

import numpy as np
import paper
from crystal import CrystalProperties
from matplotlib.figure import Figure


def energy_volume_figure(crystal: CrystalProperties) -> Figure:
    """Draw the mean energy above each member's minimum, with a band of two sigma."""
    results = crystal.curve.results
    volumes = np.linspace(results[0].volumes[0], results[0].volumes[-1], 200)
    energy = crystal.curve.of(lambda curve: 1000 * (curve.energy_at(volumes) - curve.energy))
    points = crystal.curve.of(lambda curve: 1000 * (curve.energies - curve.energy))
    lattice = crystal.lattice.of(lambda result: result.value)

    figure = Figure(figsize=(5.5, 4.2), layout="constrained")
    axes = figure.add_subplot()
    axes.plot(volumes, energy.mean, label="mean of the ensemble")
    if len(results) > 1:
        axes.fill_between(
            volumes,
            energy.mean - energy.two_sigma,
            energy.mean + energy.two_sigma,
            alpha=0.3,
            label="2 sigma",
        )
    axes.plot(results[0].volumes, points.mean, "o", color="C0", markersize=4)
    axes.axvline(
        paper.LATTICE_CONSTANT**3 / 2, color="0.5", linestyle="--", label="minimum in the paper"
    )
    axes.set_xlabel("volume (Å$^3$/atom)")
    axes.set_ylabel("energy above the minimum (meV/atom)")
    axes.set_title(f"bcc Mo, a = {lattice:.4f} Å")
    axes.legend()
    return figure


def elastic_figure(crystal: CrystalProperties) -> Figure:
    """Draw C11, C12 and C44 with two sigma, beside those of the paper."""
    figure = Figure(figsize=(5.5, 4.2), layout="constrained")
    axes = figure.add_subplot()
    positions = np.arange(3)
    spreads = [
        crystal.elastic.of(lambda result, name=name: getattr(result, name))
        for name in paper.ELASTIC_CONSTANTS
    ]
    for position, spread in zip(positions, spreads, strict=True):
        axes.plot(np.full(len(spread.values), position - 0.2), spread.values, "_", color="C0")
    axes.errorbar(
        positions - 0.1,
        [float(spread.mean) for spread in spreads],
        # A single potential has no spread to draw.
        [float(np.nan_to_num(spread.two_sigma)) for spread in spreads],
        fmt="o",
        capsize=4,
        label="mean and 2 sigma, members at the left",
    )
    means, two_sigmas = zip(*paper.ELASTIC_CONSTANTS.values(), strict=True)
    axes.errorbar(positions + 0.1, means, two_sigmas, fmt="s", capsize=4, label="paper")
    axes.set_xticks(range(3), list(paper.ELASTIC_CONSTANTS))
    axes.set_xlim(-0.5, 2.5)
    axes.set_ylim(bottom=0)
    axes.set_ylabel("elastic constant (GPa)")
    axes.legend()
    return figure
