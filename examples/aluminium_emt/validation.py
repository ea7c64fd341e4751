"""The validation set of the example: frames of dynamics with the reference itself.

They lie where the scenarios of the campaign go, in the solid and in the liquid, and come from other
trajectories than any structure that is trained on.
"""

from __future__ import annotations

import numpy as np
from ase import Atoms, units
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator
from ase.md.langevin import Langevin

import maxvolt
from maxvolt.sampling.integrators import draw_velocities

__all__ = ["validation_set"]

_FRAMES = 6
_EVERY, _FIRST = 25, 100  # steps of 4 fs

_CONDITIONS = (("solid 900 K", 900, 4.05), ("solid 1200 K", 1200, 4.12), ("liquid", 2500, 4.05))
"""Name, temperature in K, lattice constant in Angstrom of the crystal that it starts from."""


def validation_set(seed: int = 1) -> maxvolt.Dataset:
    """Six labelled frames of each condition, named by their ``config_type``."""
    rng = np.random.default_rng(seed)
    frames: list[Atoms] = []
    for name, temperature, a in _CONDITIONS:
        atoms = bulk("Al", "fcc", a=a, cubic=True) * 3
        atoms.calc = EMT()
        # Half of it goes into the potential energy, and a liquid has to melt first.
        draw_velocities(atoms, 2 * temperature, rng)
        dynamics = Langevin(
            atoms,
            4 * units.fs,
            temperature_K=temperature,
            friction=0.02 / units.fs,
            fixcm=False,
            rng=rng,
        )
        dynamics.run(_FIRST)
        for _ in range(_FRAMES):
            dynamics.run(_EVERY)
            frames.append(_labelled(atoms, name))
    return maxvolt.Dataset.from_atoms(frames)


def _labelled(atoms: Atoms, name: str) -> Atoms:
    frame = Atoms(atoms.symbols, atoms.positions, cell=atoms.cell, pbc=True)
    frame.info["config_type"] = name
    frame.calc = SinglePointCalculator(
        frame,
        energy=atoms.get_potential_energy(),
        forces=atoms.get_forces(),
        stress=atoms.get_stress(),
    )
    return frame
