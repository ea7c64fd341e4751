"""Arrangements of labelled structures, and which structures are on no lattice."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maxvolt.dataset import Dataset
from maxvolt.errors import DataError
from maxvolt.fitting.lattice.arrangements import Arrangement
from maxvolt.potentials.lattice.mapping import on_lattice
from maxvolt.potentials.lattice.parent import ParentLattice

__all__ = ["Labelled", "labelled_arrangements"]


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """Structures on their lattice.

    Attributes
    ----------
    arrangements
        Those of the structures that are on the lattice and have an energy.
    structures : shape (S,), int64
        Their numbers in the dataset.
    displacements : shape (S,), Angstrom
        Of the atom that is farthest from its site, in each.
    strains : shape (S,)
        Largest strain of each cell in any direction.
    refused
        Number of each other structure, and why it has been left out.
    """

    arrangements: tuple[Arrangement, ...]
    structures: NDArray[np.int64]
    displacements: NDArray[np.float64]
    strains: NDArray[np.float64]
    refused: tuple[tuple[int, str], ...]


def labelled_arrangements(
    dataset: Dataset,
    parent: ParentLattice,
    *,
    energies: NDArray[np.float64] | None = None,
    largest: float = 0.8,
    largest_strain: float = 0.15,
    progress: Callable[[int], None] | None = None,
) -> Labelled:
    """Map all structures to sites.

    Parameters
    ----------
    dataset
        Structures, relaxed or not.
    parent
        The lattice.
    energies : shape (number of structures,), eV
        In place of the labels; NaN where there is none.
    largest, largest_strain
        As of `maxvolt.potentials.lattice.on_lattice`.
    progress
        Is told of each structure, with 1.
    """
    if energies is None:
        energies = np.where(dataset.has_energy, dataset.energies, np.nan)
    found: list[tuple[int, Arrangement, float, float]] = []
    refused = []
    for number, atoms in enumerate(dataset):
        try:
            if not np.isfinite(energies[number]):
                raise DataError("it has no energy")
            mapped = on_lattice(atoms, parent, largest=largest, largest_strain=largest_strain)
        except DataError as error:
            refused.append((number, str(error)))
        else:
            one = Arrangement(mapped.supercell, mapped.occupation, float(energies[number]))
            strain = float(np.abs(np.linalg.eigvalsh(mapped.strain)).max())
            found.append((number, one, float(mapped.displacements.max()), strain))
        if progress is not None:
            progress(1)
    return Labelled(
        tuple(one for _, one, _, _ in found),
        np.array([number for number, _, _, _ in found], np.int64),
        np.array([displacement for _, _, displacement, _ in found]),
        np.array([strain for _, _, _, strain in found]),
        tuple(refused),
    )
