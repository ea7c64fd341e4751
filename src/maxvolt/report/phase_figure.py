"""The figure of phases in a set of structures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from maxvolt.properties.dynamic.common_neighbours import PHASES

if TYPE_CHECKING:
    from maxvolt.report.phase_record import PhaseRecord

__all__ = ["draw_phases"]

_COLOURS = dict(zip(PHASES, ("0.6", "C2", "C3", "C0", "C1", "C4", "C5"), strict=True))


def draw_phases(record: PhaseRecord) -> Figure:
    """Draw shares by batch, and the largest piece of crystal in each structure."""
    figure = Figure(figsize=(8.0, 6.0), layout="constrained")
    above, below = figure.subplots(2, 1)
    batches = np.arange(len(record.batches))
    numbers = np.arange(1, len(record.atoms) + 1)
    for phase in record.phases:
        colour = _COLOURS[phase]
        shares = [100 * record.share(int(b), phase) for b in batches]
        above.plot(batches, shares, "o-", color=colour, markersize=3, label=phase)
        clusters = record.clusters[:, PHASES.index(phase)]
        some = clusters > 0
        below.plot(numbers[some], clusters[some], ".", color=colour, markersize=4)
        first = record.first(phase)
        if first is not None:
            below.axvline(first + 1, color=colour, linewidth=0.8, linestyle=":")
    above.set(xlabel="iteration or file", ylabel="atoms in the phase (%)", ylim=(0, None))
    above.xaxis.set_major_locator(MaxNLocator(integer=True))
    if len(batches) <= 12:
        above.set_xticks(batches, record.batches)
    above.legend()
    below.axhline(record.least, color="0.4", linewidth=0.8, label="counts as a crystal")
    below.set_yscale("log")
    below.set(xlabel="structure, in the order of labels", ylabel="largest piece (atoms)")
    below.set(xlim=(0, len(numbers) + 1), ylim=(0.8, None))
    below.legend()
    return figure
