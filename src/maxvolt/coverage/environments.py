"""Features of local environments, and what a potential says of each atom."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maxvolt.cells import cell_volumes
from maxvolt.dataset import Dataset
from maxvolt.errors import DataError, MaxvoltError
from maxvolt.neighbors.neighborhoods import Neighborhoods, iterate_neighborhoods
from maxvolt.potentials import DescribesSites, Potential, SharesVirials
from maxvolt.potentials.ensemble import members_of, types_for
from maxvolt.potentials.families import title_of
from maxvolt.selection.rows import own_atoms
from maxvolt.units import VOIGT

__all__ = ["AtomicQuantities", "atomic_quantities", "chosen_atoms", "describing"]

_ATOMS_AT_ONCE = 1000
"""Of which features, energies and virials are held at once."""


@dataclass(frozen=True, slots=True, eq=False)
class AtomicQuantities:
    """Features of atoms, and what a potential says of them.

    Parameters
    ----------
    atoms : shape (n,), int64
        Which atoms, counted through all structures.
    structures : shape (n,), int64
        The structure of each.
    features : shape (n, F)
        Of their neighbourhoods, equation (189).
    energies : shape (n,), eV
        Shares in the energies of the structures.
    stresses : shape (n, 6), eV/Angstrom^3
        Atomic stresses, equation (191): their mean over a structure is its stress; Voigt order,
        sign of ASE. NaN in structures that are not periodic.
    force_errors : shape (n,), eV/Angstrom
        Length of the difference to the labelled force; NaN where there is none.
    """

    atoms: NDArray[np.int64]
    structures: NDArray[np.int64]
    features: NDArray[np.float64]
    energies: NDArray[np.float64]
    stresses: NDArray[np.float64]
    force_errors: NDArray[np.float64]

    def __len__(self) -> int:
        """Return the number of atoms n."""
        return len(self.atoms)


def describing(potential: Potential) -> DescribesSites:
    """The potential whose features a map is made of: of an ensemble the first member.

    Neurons of different networks do not correspond, so that a mean over members says nothing.

    Raises
    ------
    MaxvoltError
        It has no features of atoms.
    """
    first = members_of(potential)[0]
    if not isinstance(first, DescribesSites):
        raise MaxvoltError(
            f"{title_of(first)} does not describe environments by features; a map needs a moment "
            "tensor potential or an ANI potential"
        )
    return first


def chosen_atoms(dataset: Dataset, most: int, seed: int) -> NDArray[np.int64]:
    """Numbers of at most so many atoms, drawn without repetition, in ascending order.

    Atoms that are only there as neighbours of others (the per-atom array ``ghost``) are not drawn.

    Raises
    ------
    DataError
        There is no atom.
    MaxvoltError
        The number is not positive.
    """
    if most < 1:
        raise MaxvoltError(f"environments: expected a number above 0; got {most}")
    own = own_atoms(dataset)
    candidates = np.arange(dataset.n_atoms) if own is None else np.flatnonzero(own)
    if not len(candidates):
        raise DataError("a map needs structures; there is none with an atom")
    if len(candidates) <= most:
        return candidates.astype(np.int64)
    drawn = np.random.default_rng(seed).choice(candidates, most, replace=False)
    return np.sort(drawn).astype(np.int64)


def atomic_quantities(
    potential: Potential,
    dataset: Dataset,
    atoms: NDArray[np.int64] | None = None,
    *,
    threads: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> AtomicQuantities:
    """Features, energies, stresses and force errors of atoms.

    Parameters
    ----------
    potential
        Of an ensemble, energies, stresses and forces are means, features are of its first member.
    dataset
        Structures; forces among their labels are compared with.
    atoms : shape (n,), int64
        Which atoms, counted through all structures, ascending; None: all.
    threads
        Number of threads; None for every core.
    progress
        Called with the number of structures that are done.

    Raises
    ------
    MaxvoltError
        The potential has no features or is not trained.
    SpeciesError
        A species that it does not know.
    DataError
        Positions that are not finite, or features that are not.
    """
    describer = describing(potential)
    wanted = np.arange(dataset.n_atoms) if atoms is None else np.asarray(atoms, np.int64)
    parts: list[AtomicQuantities] = []
    for part, where in iterate_neighborhoods(
        dataset, potential.species, potential.cutoff, atoms_at_once=_ATOMS_AT_ONCE
    ):
        first, last = (int(dataset.offsets[end]) for end in (part.start, part.stop))
        here = wanted[slice(*np.searchsorted(wanted, [first, last]))]
        if len(here):
            own = types_for(where, tuple(potential.species), tuple(describer.species))
            features = describer.site_features(own, threads=threads)[here - first]
            _check_features(features, dataset.structure_of_atom[here])
            parts.append(_evaluated(potential, dataset, where, here, features, threads))
        if progress is not None:
            progress(part.stop)
    return _joined(parts)


def _check_features(features: NDArray[np.float64], structures: NDArray[np.int64]) -> None:
    bad = np.flatnonzero(~np.isfinite(features).all(axis=1))
    if len(bad):
        raise DataError(
            f"structure {structures[bad[0]]}, counted from 0: features of an atom are not finite; "
            "are atoms too near to each other?"
        )


def _evaluated(
    potential: Potential,
    dataset: Dataset,
    where: Neighborhoods,
    atoms: NDArray[np.int64],
    features: NDArray[np.float64],
    threads: int | None,
) -> AtomicQuantities:
    """Quantities of some atoms of a portion whose neighbours are known."""
    first = int(dataset.offsets[where.first_structure])
    found = potential.evaluate_neighborhoods(where, threads=threads)
    structures = dataset.structure_of_atom[atoms]
    errors = np.linalg.norm(found.forces[atoms - first] - dataset.forces[atoms], axis=1)
    stresses = np.full((len(atoms), 6), np.nan)
    periodic = dataset.pbc[structures].all(axis=1)
    if periodic.any() and isinstance(potential, SharesVirials):
        shares = potential.atomic_virials(where, threads=threads)[atoms[periodic] - first]
        symmetric = (shares + shares.transpose(0, 2, 1)) / 2
        inside = structures[periodic]
        volumes = cell_volumes(dataset.cells[inside]) / dataset.counts[inside]
        stresses[periodic] = [
            [one[a, b] / volume for a, b in VOIGT]
            for one, volume in zip(symmetric, volumes, strict=True)
        ]
    return AtomicQuantities(
        atoms, structures, features, found.site_energies[atoms - first], stresses, errors
    )


def _joined(parts: Sequence[AtomicQuantities]) -> AtomicQuantities:
    if not parts:
        raise DataError("a map needs structures; there is none with an atom")
    return AtomicQuantities(
        *(
            np.concatenate([getattr(one, name) for one in parts])
            for name in AtomicQuantities.__dataclass_fields__
        )
    )
