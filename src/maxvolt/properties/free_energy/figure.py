"""Free energies in pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from ase import units

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from maxvolt.properties.free_energy.result import FreeEnergies

__all__ = ["draw_free_energies"]


def draw_free_energies(phases: Sequence[FreeEnergies]) -> Figure:
    """Draw Gibbs energy and entropy against temperature, and the derivative along switchings."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 3.6), layout="constrained")
    gibbs, entropy, switching = figure.subplots(1, 3)
    for phase in phases:
        _draw_phase(gibbs, entropy, phase)
        _draw_switchings(switching, phase)
    gibbs.set(xlabel="temperature (K)", ylabel="Gibbs energy (eV/atom)")
    entropy.set(xlabel="temperature (K)", ylabel="entropy ($k_B$/atom)")
    switching.set(xlabel="share of the reference", ylabel="derivative (eV/atom)")
    for axes in (gibbs, entropy, switching):
        axes.legend(fontsize="small")
    return figure


def _draw_phase(gibbs: Axes, entropy: Axes, phase: FreeEnergies) -> None:
    t = phase.column("temperature")
    shown: dict[str, Any] = {"fmt": "o-", "capsize": 3, "label": phase.phase}
    gibbs.errorbar(t, phase.column("gibbs"), phase.column("error"), **shown)
    entropy.errorbar(
        t, phase.column("entropy") / units.kB, phase.column("entropy_error") / units.kB, **shown
    )
    harmonic = [one.harmonic for one in phase.states]
    known = [one for one in harmonic if one is not None]
    if len(known) == len(t):
        entropy.plot(t, [one.entropy / units.kB for one in known], "s--", label="harmonic crystal")


def _draw_switchings(axes: Axes, phase: FreeEnergies) -> None:
    """The first switching of the highest temperature, there and back."""
    state = max(phase.states, key=lambda one: one.temperature)
    one = state.switchings[0]
    for values, style, way in ((one.there, "-", "there"), (one.back, "--", "back")):
        axes.plot(
            one.shares,
            np.asarray(values) / state.atoms,
            style,
            label=f"{phase.phase}, {state.temperature:g} K, {way}",
        )
