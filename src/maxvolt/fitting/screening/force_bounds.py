"""Forces that no atom can have at the distances of its neighbours."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
from ase.data import atomic_numbers
from numpy.typing import NDArray

from maxvolt.dataset import Dataset
from maxvolt.fitting.screening.findings import Finding
from maxvolt.fitting.training_set import Portion, TrainingSet
from maxvolt.potentials.mtp.basis.repulsion import ZBL
from maxvolt.unnamed_types import STAND_INS

__all__ = ["impossible_forces"]

_BONDS = 100.0
"""eV/Angstrom; bonds pull and push with less at distances where nuclei do not repel each other: the
strongest, that of N2, with 15 at most."""

_REPULSION = 5.0
"""Times the repulsion of the nuclei by Ziegler, Biersack and Littmark, which is right to 20 % or
so above 10 eV, and too strong rather than too weak below."""

_NUCLEI = ZBL(50.0, 100.0)  # complete at all distances of neighbours

Array = NDArray[np.float64]


def impossible_forces(
    training_set: TrainingSet, dataset: Dataset, species: tuple[str, ...]
) -> list[Finding]:
    """Find forces far above what the nearest atoms can exert.

    Parameters
    ----------
    training_set
        With neighbours.
    dataset
        The same structures.
    species
        Of the potential.
    """
    if any(symbol in STAND_INS for symbol in species):
        return []  # of types without names no charge is known
    parts = training_set.portions.each(partial(_excesses, species))
    ratio, force, bound = map(np.concatenate, zip(*parts, strict=True))
    bad = np.flatnonzero((ratio > 1.0) & (dataset.weights > 0))
    if not bad.size:
        return []
    worst = bad[np.argmax(ratio[bad])]
    return [
        Finding(
            "force",
            tuple(bad.tolist()),
            f"has a force of {force[worst]:.3g} eV/A",
            f"at most {bound[worst]:.3g} eV/A is possible so far from its neighbours",
            "remove it, calculate it again, or check that forces are in eV/A",
        )
    ]


def _excesses(species: tuple[str, ...]) -> Callable[[Portion], tuple[Array, Array, Array]]:
    """Of each structure the largest ratio of a force to its bound, with force and bound."""
    charges = np.array([atomic_numbers[symbol] for symbol in species], np.float64)

    def work(portion: Portion) -> tuple[Array, Array, Array]:
        neighborhoods = portion.neighborhoods
        found = np.zeros((3, neighborhoods.n_structures))
        forces = np.abs(portion.split(portion.labels)[1]).max(axis=1, initial=0.0)
        if not (forces > _BONDS).any():
            return found[0], found[1], found[2]
        pairs = neighborhoods.pairs
        shifts = np.einsum(
            "pa,pab->pb", pairs.shifts, neighborhoods.cells[neighborhoods.structures[pairs.owners]]
        )
        r = neighborhoods.positions[pairs.neighbors] + shifts
        distances = np.linalg.norm(r - neighborhoods.positions[pairs.owners], axis=1)
        z = charges[neighborhoods.types]
        repulsion = -_NUCLEI.evaluate(z[pairs.owners], z[pairs.neighbors], distances)[1]
        bounds = np.full(len(forces), _BONDS)
        for ends in (pairs.owners, pairs.neighbors):
            bounds += _REPULSION * np.bincount(ends, repulsion, minlength=len(forces))
        for atom in np.argsort(forces / bounds, kind="stable"):  # the largest is written last
            found[:, neighborhoods.structures[atom]] = (
                forces[atom] / bounds[atom],
                forces[atom],
                bounds[atom],
            )
        return found[0], found[1], found[2]

    return work
