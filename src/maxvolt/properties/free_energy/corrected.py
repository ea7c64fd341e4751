"""Free energies of a reference, from those of a potential and energies of snapshots."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

from maxvolt.errors import DataError
from maxvolt.properties.dynamic.frame_check import asked_reference
from maxvolt.properties.free_energy.perturbation import (
    FEWEST_SNAPSHOTS,
    Correction,
    free_energy_correction,
)
from maxvolt.properties.free_energy.result import FreeEnergies, FreeEnergy
from maxvolt.properties.lammps_stages import Progress

__all__ = ["corrected", "of_reference"]

_PURPOSE = "free energy"


def corrected(
    phase: FreeEnergies,
    reference: Any,
    folder: str | Path | None = None,
    progress: Progress | None = None,
) -> FreeEnergies:
    """Ask a reference for the energies of all snapshots, and add what follows to each state.

    Equation (150), at the volume of the potential.

    Parameters
    ----------
    phase
        Of `free_energies`, with ``snapshots`` in its settings.
    reference
        ASE calculator.
    folder
        Where its answers are kept, so that the same call goes on; None: nowhere.
    progress
        Is told how many snapshots are done.

    Returns
    -------
    phase
        Its states have a `correction`.

    Raises
    ------
    DataError
        A state has fewer than four snapshots.
    MaxvoltError
        The reference fails.
    """
    total = sum(len(one.snapshots) for one in phase.states)
    done = 0
    states = []
    for one in phase.states:
        if len(one.snapshots) < FEWEST_SNAPSHOTS:
            raise DataError(
                f"{_PURPOSE}: a correction needs {FEWEST_SNAPSHOTS} snapshots of each state at "
                f"least; there are {len(one.snapshots)}; raise snapshots"
            )
        differences = []
        for snapshot in one.snapshots:
            if progress is not None:
                progress(f"reference, {phase.phase}", done, total)
            energy, _ = asked_reference(
                reference, snapshot, None if folder is None else Path(folder), _PURPOSE
            )
            differences.append(energy - float(snapshot.get_potential_energy()))
            done += 1
        correction = free_energy_correction(differences, one.temperature, one.atoms)
        states.append(replace(one, correction=correction))
    if progress is not None:
        progress(f"reference, {phase.phase}", total, total)
    return replace(phase, states=tuple(states))


def of_reference(phase: FreeEnergies) -> FreeEnergies:
    """Return the free energies of the reference: those of the potential with the corrections.

    Their energies and entropies are NaN: snapshots of the potential do not tell them. There is no
    harmonic crystal, for it is that of the potential.

    Raises
    ------
    DataError
        A state has no correction.
    """
    return replace(phase, states=tuple(_of_reference(one) for one in phase.states))


def _of_reference(state: FreeEnergy) -> FreeEnergy:
    added = state.correction
    if not isinstance(added, Correction):
        raise DataError(f"{_PURPOSE}: the state at {state.temperature:g} K has no correction")
    return replace(
        state,
        value=state.value + added.value,
        gibbs=state.gibbs + added.value,
        error=math.hypot(state.error, added.error),
        energy=math.nan,
        energy_error=math.nan,
        harmonic=None,
        correction=None,
    )
