"""Free energies in pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["DrawnPhase", "draw_phases"]


@dataclass(frozen=True, slots=True, eq=False)
class DrawnPhase:
    """What is drawn of a phase with k temperatures.

    Attributes
    ----------
    name
    temperatures : shape (k,), K
    gibbs, gibbs_errors : shape (k,), eV/atom
    entropies, entropy_errors : shape (k,), kB/atom
    harmonic : shape (k,), kB/atom
        Entropies of the harmonic crystal; None where they are not known.
    switching
        Name of a switching, shares of the reference, derivatives there and back in eV/atom.
    """

    name: str
    temperatures: NDArray[np.float64]
    gibbs: NDArray[np.float64]
    gibbs_errors: NDArray[np.float64]
    entropies: NDArray[np.float64]
    entropy_errors: NDArray[np.float64]
    harmonic: NDArray[np.float64] | None
    switching: tuple[str, NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]] | None


def draw_phases(phases: Sequence[DrawnPhase]) -> Figure:
    """Draw Gibbs energy and entropy against temperature, and the derivative along switchings."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 3.6), layout="constrained")
    gibbs, entropy, switching = figure.subplots(1, 3)
    for phase in phases:
        _draw_phase(gibbs, entropy, phase)
        if phase.switching is not None:
            name, shares, there, back = phase.switching
            switching.plot(shares, there, "-", label=f"{name}, there")
            switching.plot(shares, back, "--", label=f"{name}, back")
    gibbs.set(xlabel="temperature (K)", ylabel="Gibbs energy (eV/atom)")
    entropy.set(xlabel="temperature (K)", ylabel="entropy ($k_B$/atom)")
    switching.set(xlabel="share of the reference", ylabel="derivative (eV/atom)")
    for axes in (gibbs, entropy, switching):
        if axes.get_legend_handles_labels()[0]:
            axes.legend(fontsize="small")
    return figure


def _draw_phase(gibbs: Axes, entropy: Axes, phase: DrawnPhase) -> None:
    t = phase.temperatures
    gibbs.errorbar(t, phase.gibbs, phase.gibbs_errors, fmt="o-", capsize=3, label=phase.name)
    entropy.errorbar(
        t, phase.entropies, phase.entropy_errors, fmt="o-", capsize=3, label=phase.name
    )
    if phase.harmonic is not None:
        entropy.plot(t, phase.harmonic, "s--", label="harmonic crystal")
