"""Structures on their lattice, those that are on none named; and arrangements with labels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maxvolt.dataset import Dataset
from maxvolt.errors import DataError
from maxvolt.fitting.lattice.arrangements import Arrangement
from maxvolt.potentials.lattice.mapping import Mapped, on_lattice
from maxvolt.potentials.lattice.parent import ParentLattice

__all__ = [
    "Labelled",
    "OnSites",
    "energies_per_atom",
    "labelled_arrangements",
    "labels_of",
    "structures_on_sites",
]


@dataclass(frozen=True, slots=True, eq=False)
class OnSites:
    """Structures of a dataset on their lattice.

    Attributes
    ----------
    mapped
        Those that are on the lattice.
    structures : shape (S,), int64
        Their numbers in the dataset.
    refused
        Number of each other structure, and why it has been left out.
    """

    mapped: tuple[Mapped, ...]
    structures: NDArray[np.int64]
    refused: tuple[tuple[int, str], ...]

    @property
    def displacements(self) -> NDArray[np.float64]:
        """Of the atom that is farthest from its site, in each, shape (S,), Angstrom."""
        return np.array([one.displacements.max() for one in self.mapped])

    @property
    def strains(self) -> NDArray[np.float64]:
        """Largest strain of each cell in any direction, shape (S,)."""
        return np.array([np.abs(np.linalg.eigvalsh(one.strain)).max() for one in self.mapped])

    def to_dict(self) -> dict[str, Any]:
        """Values for JSON, units in the names."""
        return {
            "on_lattice": len(self.mapped),
            "left_out": [{"structure": one, "reason": reason} for one, reason in self.refused],
            "largest_displacement_A": float(self.displacements.max(initial=0.0)),
            "largest_strain": float(self.strains.max(initial=0.0)),
        }


@dataclass(frozen=True, slots=True, eq=False)
class Labelled:
    """Structures on their lattice with their energies.

    Attributes
    ----------
    arrangements
        Those of the structures that are on the lattice and have an energy.
    sites
        Where they are, and what has been left out.
    """

    arrangements: tuple[Arrangement, ...]
    sites: OnSites


def structures_on_sites(
    dataset: Dataset,
    parent: ParentLattice,
    *,
    refusing: Callable[[int], str | None] = lambda _: None,
    largest: float = 0.8,
    largest_strain: float = 0.15,
    progress: Callable[[int], None] | None = None,
) -> OnSites:
    """Map all structures to sites.

    Parameters
    ----------
    dataset
        Structures, relaxed or not.
    parent
        The lattice.
    refusing
        Says of the number of a structure why it is left out, or None.
    largest, largest_strain
        As of `maxvolt.potentials.lattice.on_lattice`.
    progress
        Is told of each structure, with 1.
    """
    found: list[tuple[int, Mapped]] = []
    refused = []
    for number, atoms in enumerate(dataset):
        try:
            if (reason := refusing(number)) is not None:
                raise DataError(reason)
            mapped = on_lattice(atoms, parent, largest=largest, largest_strain=largest_strain)
        except DataError as error:
            refused.append((number, str(error)))
        else:
            found.append((number, mapped))
        if progress is not None:
            progress(1)
    return OnSites(
        tuple(mapped for _, mapped in found),
        np.array([number for number, _ in found], np.int64),
        tuple(refused),
    )


def labelled_arrangements(
    dataset: Dataset,
    parent: ParentLattice,
    *,
    energies: NDArray[np.float64] | None = None,
    largest: float = 0.8,
    largest_strain: float = 0.15,
    progress: Callable[[int], None] | None = None,
) -> Labelled:
    """Map all structures that have an energy to sites.

    Parameters
    ----------
    dataset, parent, largest, largest_strain, progress
        As of `structures_on_sites`.
    energies : shape (number of structures,), eV
        In place of the labels; NaN where there is none.
    """
    given = labels_of(dataset, energies)
    sites = structures_on_sites(
        dataset, parent, largest=largest, largest_strain=largest_strain, progress=progress,
        refusing=lambda number: None if np.isfinite(given[number]) else "it has no energy",
    )  # fmt: skip
    return Labelled(
        tuple(
            Arrangement(one.supercell, one.occupation, float(given[number]))
            for number, one in zip(sites.structures.tolist(), sites.mapped, strict=True)
        ),
        sites,
    )


def labels_of(dataset: Dataset, energies: NDArray[np.float64] | None) -> NDArray[np.float64]:
    """Energies of all structures, NaN where there is none, eV."""
    return np.where(dataset.has_energy, dataset.energies, np.nan) if energies is None else energies


def energies_per_atom(dataset: Dataset, key: str) -> NDArray[np.float64]:
    """Energies from numbers in the info of each structure, eV/atom; NaN where there is none, eV.

    Raises
    ------
    DataError
        No structure has a number of this name.
    """
    found = np.full(len(dataset), np.nan)
    for number, info in enumerate(dataset.infos):
        value: Any = info.get(key)
        if isinstance(value, int | float | np.number):
            found[number] = float(value) * dataset.counts[number]
    if np.isnan(found).all():
        raise DataError(f"no structure has a number of the name {key}")
    return found
