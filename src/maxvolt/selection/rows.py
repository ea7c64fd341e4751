"""Rows of structures: gradients with respect to all parameters, equation (36)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from os import PathLike
from typing import Any, TypeVar

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from maxvolt.dataset import (
    ARRAYS_KEY,
    ConvertibleToAtoms,
    Dataset,
    StructureLike,
    atoms_like,
)
from maxvolt.errors import DataError
from maxvolt.io.structures import Structures, structures_of
from maxvolt.neighbors.neighborhoods import Neighborhoods, dataset_neighborhoods
from maxvolt.parallel.ranks import ONE_PROCESS, Ranks
from maxvolt.potentials import ParameterGradients
from maxvolt.potentials.evaluation import ATOMS_AT_ONCE
from maxvolt.potentials.results import Energies
from maxvolt.selection.weights import RowWeights

__all__ = [
    "SITES",
    "Part",
    "Rows",
    "as_datasets",
    "evaluated_rows",
    "iterate_parts",
    "iterate_rows",
    "neighborhood_rows",
    "own_atoms",
    "rows_of_part",
]

R = TypeVar("R")

_BYTES = 32 * 2**20
"""Of the rows that are computed at once."""

SITES = RowWeights(energy=0.0, site_energy=1.0)
"""Of neighbourhood mode: rows of the site energies and no others."""

_STRESS = np.array([1, 5, 9, 6, 3, 2])
"""Where xx yy zz yz xz xy stand, from 1, among the nine components that MLIP counts."""


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Some rows, and what they belong to.

    Parameters
    ----------
    values : shape (m, n)
        One row per equation, one column per parameter.
    structures : shape (m,), int64
        Number of the structure of each row, not decreasing.
    equations : shape (m,), int64
        As MLIP counts them: 0 the energy, 1 to 3N the forces, then nine components of the stress,
        then the site energies.
    """

    values: NDArray[np.float64]
    structures: NDArray[np.int64]
    equations: NDArray[np.int64]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.values)

    def select(self, which: NDArray[np.int64] | NDArray[np.bool_]) -> Rows:
        """Return some of the rows."""
        return Rows(self.values[which], self.structures[which], self.equations[which])


def as_datasets(
    structures: Structures, species: Sequence[str] | None = None, atoms: int = ATOMS_AT_ONCE
) -> Iterator[Dataset]:
    """Turn whatever names structures into datasets, which come as the stream yields them."""
    if isinstance(structures, Dataset):
        return iter([structures])
    if isinstance(structures, Atoms | ConvertibleToAtoms | str | PathLike) or not isinstance(
        structures, Iterable
    ):
        return iter([structures_of(structures, species, name="structures")])
    return Dataset.batches(_opened(structures, species), atoms)


def _opened(
    stream: Iterable[Dataset | StructureLike | str | PathLike[str]], species: Sequence[str] | None
) -> Iterator[Dataset | Atoms]:
    """Open the files of a stream."""
    for item in stream:
        if isinstance(item, Dataset):
            yield item
        elif (atoms := atoms_like(item)) is not None:
            yield atoms
        else:
            yield structures_of(item, species, name="structures")


def own_atoms(dataset: Dataset) -> NDArray[np.bool_] | None:
    """Say which atoms have a neighbourhood of their own; None: all.

    Structures cut out by MLIP's LAMMPS interface hold ghost atoms, which are only there as
    neighbours of others (the per-atom array ``ghost``).
    """
    ghosts = [info.get(ARRAYS_KEY, {}).get("ghost") for info in dataset.infos]
    if all(ghost is None for ghost in ghosts):
        return None
    parts = [
        np.zeros(count, np.bool_) if ghost is None else np.asarray(ghost, np.bool_)
        for ghost, count in zip(ghosts, dataset.counts.tolist(), strict=True)
    ]
    return ~np.concatenate(parts)


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Some structures of a larger set; `first` is the number of the first one."""

    structures: Dataset
    first: int


def iterate_parts(
    setup: Callable[[], Callable[[Part], R]],
    dataset: Dataset,
    potential: ParameterGradients,
    weights: RowWeights,
    *,
    first: int = 0,
    atoms_at_once: int | None = None,
    ranks: Ranks = ONE_PROCESS,
) -> Iterator[tuple[slice, R]]:
    """Yield what comes out of parts of a dataset, in order; as many atoms as have rows of 32 MiB.

    Parameters
    ----------
    setup
        Its work is called with each part, see `Ranks.stream`.
    dataset, potential, weights, first, atoms_at_once, ranks
        As of `iterate_rows`.
    """
    parts = list(dataset.portions(atoms_at_once or _atoms_at_once(potential, weights)))
    items = (Part(dataset.select(part), first + part.start) for part in parts)
    return zip(parts, ranks.stream(setup, items), strict=True)


def rows_of_part(
    potential: ParameterGradients, weights: RowWeights, threads: int | None
) -> Callable[[Part], Rows]:
    """Compute the rows of parts, with the numbers that structures have in the whole.

    Raises
    ------
    DataError
        As of `iterate_rows`.
    """

    def work(part: Part) -> Rows:
        neighborhoods = dataset_neighborhoods(
            part.structures, potential.species, potential.cutoff, first_structure=part.first
        )
        own = own_atoms(part.structures)
        of_part = None if own is None or own.all() else own
        rows = neighborhood_rows(potential, weights, neighborhoods, of_part, threads=threads)
        bad = np.flatnonzero(~np.isfinite(rows.values).all(axis=1))
        if len(bad):
            number = part.first + rows.structures[bad[0]]
            raise DataError(f"structure {number} has gradients that are not finite; leave it out")
        return replace(rows, structures=rows.structures + part.first)

    return work


def iterate_rows(
    potential: ParameterGradients,
    weights: RowWeights,
    dataset: Dataset,
    *,
    first: int = 0,
    threads: int | None,
    atoms_at_once: int | None = None,
    ranks: Ranks = ONE_PROCESS,
) -> Iterator[tuple[slice, Rows]]:
    """Yield the rows of a dataset in order, some structures at a time, in bounded memory.

    Parameters
    ----------
    potential, weights
        What the rows are gradients of.
    dataset
        Structures.
    first
        Number of the first structure, for the rows and for messages.
    threads
        Number of threads; None for every core.
    atoms_at_once
        Atoms whose neighbours are held at once; None: as many as have rows of 32 MiB.
    ranks
        Who computes them.

    Yields
    ------
    which
        The structures of the data set.
    rows : Rows
        Their rows.

    Raises
    ------
    DataError
        Rows that are not finite, or what the search for neighbours refuses.
    """
    setup = partial(rows_of_part, potential, weights, threads)
    return iterate_parts(
        setup,
        dataset,
        potential,
        weights,
        first=first,
        atoms_at_once=atoms_at_once,
        ranks=ranks,
    )


def neighborhood_rows(
    potential: ParameterGradients,
    weights: RowWeights,
    neighborhoods: Neighborhoods,
    own: NDArray[np.bool_] | None = None,
    *,
    threads: int | None = None,
) -> Rows:
    """Rows of structures whose neighbours are known.

    Parameters
    ----------
    potential, weights
        What the rows are gradients of.
    neighborhoods
        Structures and neighbours.
    own : shape (N,)
        Atoms with a neighbourhood of their own; None: all.
    threads
        Number of threads; None for every core.
    """
    counted = neighborhoods.structures if own is None else neighborhoods.structures[own]
    counts = np.bincount(counted, minlength=neighborhoods.n_structures)
    if weights.force or weights.stress:
        parts = _derivative_rows(potential, weights, neighborhoods, counts, own, threads)
    else:
        parts = []
    if weights.energy or weights.site_energy:
        parts += _energy_rows(potential, weights, neighborhoods, counts, own, threads)
    if len(parts) == 1:
        return parts[0]
    joined = Rows(
        np.concatenate([p.values for p in parts]),
        np.concatenate([p.structures for p in parts]),
        np.concatenate([p.equations for p in parts]),
    )
    return joined.select(np.lexsort((joined.equations, joined.structures)))


def evaluated_rows(
    potential: ParameterGradients,
    weights: RowWeights,
    neighborhoods: Neighborhoods,
    *,
    threads: int | None = None,
) -> tuple[Energies, Rows]:
    """Energies and forces together with the rows; in one pass where the rows are of one kind.

    Parameters
    ----------
    potential, weights, neighborhoods, threads
        As of `neighborhood_rows`.
    """
    of_sites = weights == SITES
    if not of_sites and (weights.force or weights.stress or weights.site_energy):
        energies = potential.evaluate_neighborhoods(neighborhoods, threads=threads)
        return energies, neighborhood_rows(potential, weights, neighborhoods, threads=threads)
    energies, gradients = potential.evaluate_with_gradients(
        neighborhoods, of_sites=of_sites, threads=threads
    )
    counts = np.bincount(neighborhoods.structures, minlength=neighborhoods.n_structures)
    if of_sites:
        return energies, _of_sites(gradients, neighborhoods.structures.astype(np.int64), counts)
    return energies, _of_energies(weights, gradients, counts)


def _atoms_at_once(potential: ParameterGradients, weights: RowWeights) -> int:
    width = 8 * potential.n_parameters
    if weights.force or weights.stress:
        return max(1, _BYTES // (4 * width))
    return ATOMS_AT_ONCE if not weights.site_energy else max(1, min(ATOMS_AT_ONCE, _BYTES // width))


def _energy_rows(
    potential: ParameterGradients,
    weights: RowWeights,
    neighborhoods: Neighborhoods,
    counts: NDArray[np.int64],
    own: NDArray[np.bool_] | None,
    threads: int | None,
) -> list[Rows]:
    """Rows of the energies and of the site energies."""
    parts = []
    if not weights.site_energy and own is None:
        sums = potential.structure_gradients(neighborhoods, threads=threads)
        return [_of_energies(weights, sums, counts)]
    sites = potential.site_gradients(neighborhoods, threads=threads)
    structures = neighborhoods.structures.astype(np.int64)
    if own is not None:
        sites, structures = sites[own], structures[own]
    if weights.energy:
        sums = np.zeros((neighborhoods.n_structures, sites.shape[1]))
        begin = np.flatnonzero(np.diff(structures, prepend=-1))
        sums[structures[begin]] = np.add.reduceat(sites, begin, axis=0)
        parts.append(_of_energies(weights, sums, counts))
    if weights.site_energy:
        parts.append(_of_sites(sites, structures, counts))
    return parts


def _of_sites(
    sites: NDArray[np.float64],
    structures: NDArray[np.int64],
    counts: NDArray[np.int64],
) -> Rows:
    """Number the rows of the site energies."""
    first = np.concatenate([[0], np.cumsum(counts)[:-1]])
    within = np.arange(len(structures)) - first[structures]
    return Rows(sites, structures, 3 * counts[structures] + 10 + within)


def _of_energies(weights: RowWeights, sums: NDArray[np.float64], counts: NDArray[np.int64]) -> Rows:
    """Weigh the rows of the energies; a structure of ghosts alone has none."""
    present = np.flatnonzero(counts)
    sums = sums if len(present) == len(counts) else sums[present]
    _scale(sums, (weights.energy / counts[present] ** (weights.scaling / 2))[:, None])
    return Rows(sums, present.astype(np.int64), np.zeros(len(present), np.int64))


def _derivative_rows(
    potential: ParameterGradients,
    weights: RowWeights,
    neighborhoods: Neighborhoods,
    counts: NDArray[np.int64],
    own: NDArray[np.bool_] | None,
    threads: int | None,
) -> list[Rows]:
    """Rows of the forces and of the stresses."""
    if own is not None:
        raise DataError(
            "rows of forces and stresses exist for whole structures only, not for those with ghost "
            "atoms; use weights of energies or site energies"
        )
    of_forces, of_virials = potential.force_and_virial_gradients(neighborhoods)
    width, parts = potential.n_parameters, []
    if weights.force:
        structures = np.repeat(neighborhoods.structures.astype(np.int64), 3)
        first = np.concatenate([[0], np.cumsum(3 * counts)[:-1]])
        within = np.arange(len(structures)) - first[structures]
        values = _scale(of_forces.reshape(-1, width), weights.force)
        parts.append(Rows(values, structures, 1 + within))
    if weights.stress:
        factors = weights.stress / counts ** (weights.scaling / 2)
        structures = np.repeat(np.arange(neighborhoods.n_structures, dtype=np.int64), 6)
        values = of_virials.reshape(-1, width)
        _scale(values, factors[structures][:, None])
        equations = 3 * counts[structures] + np.tile(_STRESS, neighborhoods.n_structures)
        parts.append(Rows(values, structures, equations))
    return parts


def _scale(
    rows: NDArray[np.float64], factor: float | NDArray[np.floating[Any]]
) -> NDArray[np.float64]:
    """Weigh rows in place."""
    with np.errstate(over="ignore", invalid="ignore"):  # refused afterwards, with a message
        if np.ndim(factor) or factor != 1.0:
            rows *= factor
    return rows
