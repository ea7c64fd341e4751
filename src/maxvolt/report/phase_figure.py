"""The figure of phases in a set of structures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from maxvolt.properties.dynamic.common_neighbours import PHASES

__all__ = ["draw_phases"]

_COLOURS = dict(zip(PHASES, ("0.6", "C2", "C3", "C0", "C1", "C4", "C5"), strict=True))

_FEW = 12
"""Batches whose names have room below the axis."""


def draw_phases(
    batches: Sequence[str],
    shares: Mapping[str, Sequence[float]],
    clusters: Mapping[str, NDArray[np.int64]],
    firsts: Mapping[str, int | None],
    least: int,
) -> Figure:
    """Draw shares by batch, and the largest piece of crystal in each structure.

    Parameters
    ----------
    batches
        Names of k batches.
    shares
        Of the atoms of each batch in a phase, by phases, k each.
    clusters
        Atoms of the largest piece of a phase in each structure, by phases.
    firsts
        Index of the first structure with a piece that counts; None: there is none.
    least
        Atoms that a piece needs to count.
    """
    figure = Figure(figsize=(8.0, 6.0), layout="constrained")
    above, below = figure.subplots(2, 1)
    for phase, of_phase in shares.items():
        colour = _COLOURS[phase]
        percent = [100 * share for share in of_phase]
        above.plot(range(len(batches)), percent, "o-", color=colour, markersize=3, label=phase)
        some = np.flatnonzero(clusters[phase] > 0)
        below.plot(some + 1, clusters[phase][some], ".", color=colour, markersize=4)
        first = firsts[phase]
        if first is not None:
            below.axvline(first + 1, color=colour, linewidth=0.8, linestyle=":")
    above.set(xlabel="iteration or file", ylabel="atoms in the phase (%)", ylim=(0, None))
    above.xaxis.set_major_locator(MaxNLocator(integer=True))
    if len(batches) <= _FEW:
        above.set_xticks(range(len(batches)), batches)
    above.legend()
    below.axhline(least, color="0.4", linewidth=0.8, label="counts as a crystal")
    below.set_yscale("log")
    below.set(xlabel="structure, in the order of labels", ylabel="largest piece (atoms)")
    count = max(len(one) for one in clusters.values())
    largest = max(least, *(int(one.max()) for one in clusters.values()))
    below.set(xlim=(0, count + 1), ylim=(0.8, 1.3 * largest))
    below.legend()
    return figure
