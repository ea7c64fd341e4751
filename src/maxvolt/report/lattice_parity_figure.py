"""The figure of energies on a lattice beside their labels."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from maxvolt.fitting.lattice import LatticeErrors

__all__ = ["draw_lattice_parity"]


def draw_lattice_parity(errors: LatticeErrors) -> Figure:
    """Draw energies against labels; bars are the spread of the potentials.

    Parameters
    ----------
    errors
        Of structures.
    """
    found = errors.predictions
    there = np.isfinite(errors.labels)
    counts = found.counts[there]
    labels, energies = errors.labels[there] / counts, found.energies[there] / counts
    bars = None if found.spreads is None else found.spreads[there] / counts
    figure = Figure(figsize=(4.6, 4.4), layout="constrained")
    axes = figure.subplots()
    axes.errorbar(labels, energies, bars, fmt=".", markersize=4, elinewidth=0.8)
    ends = [min(labels.min(), energies.min()), max(labels.max(), energies.max())]
    axes.plot(ends, ends, color="0.6", linewidth=0.8, zorder=0)
    axes.set(
        xlabel="label (eV per site)", ylabel="predicted (eV per site)",
        title=f"RMSE {1000 * errors.total.rmse:.3g} meV per site",
    )  # fmt: skip
    return figure
