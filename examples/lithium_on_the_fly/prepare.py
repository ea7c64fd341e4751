"""Make what lithium.toml needs beside it: the reference, and frames that it has labelled."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
from ase import Atoms, units
from ase.build import bulk
from ase.calculators.singlepoint import SinglePointCalculator
from ase.md.langevin import Langevin
from conditions import Condition

import maxvolt
from maxvolt.sampling.integrators import draw_velocities

__all__ = ["LATTICE_CONSTANT", "REFERENCE", "prepare"]

REFERENCE = Path(__file__).with_name("reference.mtp")
LATTICE_CONSTANT = 3.44
"""Angstrom, of lithium.toml."""

_REPEAT = 4
_MELTING = 1000
"""Steps of 1 fs at twice the temperature, where the crystal is to melt; one that stays a crystal
takes as many to become warm."""


def prepare(folder: Path, condition: Condition, *, frames: int, every: int, seed: int = 1) -> None:
    """Copy the reference, and write the validation set unless it is there.

    Parameters
    ----------
    folder
        Of the campaigns of one condition.
    condition
        Temperature of the frames.
    frames, every
        How many frames, so many steps of 1 fs apart.
    seed
        Of velocities and thermostat: other trajectories than any that is trained on.
    """
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(REFERENCE, folder / REFERENCE.name)
    target = folder / "validation.xyz"
    if not target.exists():
        made = _frames(condition, frames, every, np.random.default_rng(seed))
        maxvolt.write(target, maxvolt.Dataset.from_atoms(made))
        print(f"wrote {target}: {frames} frames of {len(made[0])} atoms")


def _frames(
    condition: Condition, frames: int, every: int, generator: np.random.Generator
) -> list[Atoms]:
    """Run dynamics with the reference, and keep frames with energies, forces and stresses."""
    atoms = bulk("Li", "bcc", a=LATTICE_CONSTANT, cubic=True) * _REPEAT
    atoms.calc = maxvolt.Calculator(maxvolt.load(REFERENCE), threads=1)
    draw_velocities(atoms, condition.initial_temperature, generator)
    final = condition.final_temperature
    dynamics = Langevin(
        atoms,
        1 * units.fs,
        temperature_K=2 * final if condition.melts else final,
        friction=0.01 / units.fs,
        fixcm=False,
        rng=generator,
    )
    dynamics.run(_MELTING)
    if condition.melts:
        dynamics.set_temperature(temperature_K=final)
        dynamics.run(_MELTING)
    kept: list[Atoms] = []
    for _ in range(frames):
        dynamics.run(every)
        frame = Atoms(atoms.symbols, atoms.positions, cell=atoms.cell, pbc=True)
        frame.calc = SinglePointCalculator(
            frame,
            energy=atoms.get_potential_energy(),
            forces=atoms.get_forces(),
            stress=atoms.get_stress(),
        )
        kept.append(frame)
    return kept
