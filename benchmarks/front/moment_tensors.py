"""Moment tensor potentials of this package."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

import maxvolt
from front.contest import Contest

__all__ = ["MomentTensor", "fitted"]


@dataclass(frozen=True, slots=True)
class MomentTensor:
    """A trained potential."""

    potential: maxvolt.MTP
    parameters: int

    def predict(self, atoms: Atoms) -> tuple[float, NDArray[np.float64]]:
        """Energy, eV, and forces, eV/A."""
        found = self.potential.evaluate(atoms, threads=1)
        return found.energy, found.forces

    def run(self, atoms: Atoms) -> Callable[[], object]:
        """A calculation by the calculator of ASE, with atoms that have moved a little."""
        atoms = atoms.copy()
        atoms.calc = maxvolt.Calculator(self.potential, threads=1)
        step = np.random.default_rng(0).normal(scale=1e-6, size=(len(atoms), 3))

        def once() -> object:
            atoms.positions += step
            return atoms.get_forces()

        return once


def fitted(contest: Contest, level: int) -> MomentTensor:
    """Fit a level with the settings of the element, all else as by default."""
    shortest = maxvolt.minimum_distances(contest.training).overall
    start = maxvolt.MTP(
        level=level,
        species=[contest.symbol],
        cutoff=contest.case.cutoff,
        min_dist=round(0.99 * shortest, 3),
        radial_basis_size=contest.case.radial_basis_size,
    )
    result = maxvolt.fit(start, contest.training, weights=contest.weights, threads=1)
    assert isinstance(result.potential, maxvolt.MTP)
    return MomentTensor(result.potential, result.potential.n_parameters)
