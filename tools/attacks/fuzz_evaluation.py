"""Damaged potentials that are still read give finite numbers or an error, in bounded memory.

Every potential that the reader accepts is evaluated on random structures: energies, forces, and
gradients by the parameters. This reaches the compiled core, so run it under sanitizers, too.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
from ase import Atoms

from attacks import fuzz_potentials
from attacks.finding import FindingError
from attacks.mutations import survive
from maxvolt.errors import MaxvoltError
from maxvolt.potentials import read_potential

__all__ = ["trial"]

INPUTS = 60
"""Of each kind in a trial."""


def structures(generator: np.random.Generator) -> list[Atoms]:
    """Make a small crystal, a slab and a molecule of the species of the seeds."""
    made = []
    for pbc in ((True, True, True), (True, True, False), (False, False, False)):
        n = int(generator.integers(1, 9))
        positions = generator.uniform(0.0, 6.0, size=(n, 3))
        symbols = generator.choice(["Ti", "Al"], size=n).tolist()
        cell = 6.0 * np.eye(3) + generator.normal(scale=0.3, size=(3, 3))
        made.append(Atoms(symbols, positions, cell=cell, pbc=pbc))
    return made


def checker(path: Path, generator: np.random.Generator) -> Callable[[bytes], str]:
    """Give the check of contents, which are written to a file for it."""

    def check(data: bytes) -> str:
        path.write_bytes(data)
        try:
            potential = read_potential(path)
            sites = [
                evaluated
                for atoms in structures(generator)
                if set(atoms.symbols) <= set(potential.species)
                for evaluated in (potential.evaluate(atoms, threads=1),)
            ]
            if sites and potential.n_parameters < 2000:
                atoms = Atoms(potential.species[0] * 2, [[0, 0, 0], [2.5, 0, 0]])
                potential.site_energy_gradients(atoms, threads=1)
        except MaxvoltError:
            return "refused"
        for found in sites:
            if not (np.isfinite(found.energy) and np.isfinite(found.forces).all()):
                raise FindingError(f"an energy of {found.energy} without an error")
        return "evaluated"

    return check


def trial(seed: int, scratch: Path, count: int = INPUTS) -> str:
    """Evaluate some damaged potentials of each kind."""
    path = scratch / "potential.mtp"
    for kind in fuzz_potentials.KINDS:
        check = checker(path, np.random.default_rng(seed))
        stream = fuzz_potentials.numbers_changed(kind, random.Random(f"{kind} {seed}"))
        outcomes = survive(stream, check, scratch / f"input.{kind}", count=count)
        if not outcomes["evaluated"]:
            raise FindingError("no potential was evaluated")
    return "held"
