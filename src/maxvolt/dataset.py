"""Labelled structures as compact arrays.

A `Dataset` holds many structures in a few flat arrays, so that kernels can run over all of them,
together with the labels that exist. A missing label is missing: its number is NaN and its presence
mask is False; it is never zero.

Units: eV, Angstrom, eV/Angstrom, eV/Angstrom^3; stress has the sign of ASE (positive under tension)
and the Voigt order xx, yy, zz, yz, xz, xy. Energies are force-consistent (with electronic smearing:
the free energy).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol, Self, runtime_checkable

import numpy as np
from ase import Atoms
from numpy.typing import ArrayLike, NDArray

from maxvolt.constraints import CONSTRAINTS_KEY
from maxvolt.errors import DataError
from maxvolt.html_tables import described_table
from maxvolt.identity import DIGEST_DIGITS, structure_digest
from maxvolt.labels import ARRAYS_KEY, Labels, attach_labels, labels_of_atoms
from maxvolt.structure_arrays import PER_ATOM, PER_STRUCTURE, Origin, StructureArrays

__all__ = [
    "ARRAYS_KEY",
    "CONSTRAINTS_KEY",
    "ConvertibleToAtoms",
    "Dataset",
    "Origin",
    "StructureLike",
    "atoms_like",
]

_EMPTY_INFO: Mapping[str, Any] = MappingProxyType({})

_CONTENT = (
    *("offsets", "numbers", "positions", "cells", "pbc"),
    *("energies", "forces", "stresses"),
)
"""Fields by which fits and campaigns know their data again, in the order of their digests."""


@runtime_checkable
class ConvertibleToAtoms(Protocol):
    """A structure of another package that can become `ase.Atoms`, as pymatgen's can."""

    def to_ase_atoms(self) -> Atoms:
        """Return the structure."""
        ...


StructureLike = Atoms | ConvertibleToAtoms


def atoms_like(structure: object) -> Atoms | None:
    """Return what is, or can become, `ase.Atoms`; None where it is no structure."""
    if isinstance(structure, Atoms):
        return structure
    if isinstance(structure, ConvertibleToAtoms) and not isinstance(structure, type):
        return structure.to_ase_atoms()
    return None


@dataclass(frozen=True, slots=True, eq=False)
class Dataset(StructureArrays):
    """Structures with optional labels; immutable.

    Atoms of structure ``s`` are ``offsets[s]:offsets[s + 1]`` in every per-atom array.
    Below, n is the number of structures and N the number of atoms of all structures.

    Parameters
    ----------
    offsets : shape (n + 1,), int64
        Where the atoms of each structure begin; the last entry is N.
    numbers : shape (N,), int32
        Atomic numbers.
    positions : shape (N, 3), float64, Angstrom
        Cartesian positions.
    cells : shape (n, 3, 3), float64, Angstrom
        Rows are lattice vectors; rows of non-periodic directions may be zero.
    pbc : shape (n, 3), bool
        Which lattice vectors repeat.
    energies : shape (n,), float64, eV
        Force-consistent total energies; NaN where absent.
    forces : shape (N, 3), float64, eV/Angstrom
        NaN where absent.
    stresses : shape (n, 6), float64, eV/Angstrom^3
        NaN where absent.
    has_energy, has_forces, has_stress : shape (n,), bool
        Which labels exist.
    weights : shape (n,), float64
        Weight of each structure in a fit.
    groups : length n
        Group name (``config_type``) of each structure, "" when it has none.
    infos : length n
        Whatever else is known of each structure, kept in conversions. Per-atom arrays other than
        the labels stand under the key `ARRAYS_KEY` as a mapping from name to array, constraints
        of the structure under `CONSTRAINTS_KEY` as the dictionaries that ASE makes of them.
    origins : length n
        File and index in it (from 0) of each structure that was read from one, else None; it goes
        along when datasets are joined or structures selected, so that messages can name it.

    Raises
    ------
    DataError
        When shapes disagree or a structure cannot be used; the message names its index.
    """

    # ----------------------------------------------------------------- making one

    @classmethod
    def from_arrays(
        cls,
        offsets: ArrayLike,
        numbers: ArrayLike,
        positions: ArrayLike,
        cells: ArrayLike,
        pbc: ArrayLike,
        *,
        energies: ArrayLike | None = None,
        forces: ArrayLike | None = None,
        stresses: ArrayLike | None = None,
        weights: ArrayLike | None = None,
        groups: Sequence[str] | None = None,
        infos: Sequence[Mapping[str, Any]] | None = None,
    ) -> Self:
        """Make a dataset from arrays, with the presence of labels taken from NaN.

        Shapes and units as in `Dataset`. A label whose numbers are all NaN for a structure is
        absent; one with some NaN is an error. What is None is absent everywhere.
        """
        offsets = np.asarray(offsets, np.int64)
        n, total = len(offsets) - 1, int(offsets[-1]) if len(offsets) else 0
        energies = _or_nan(energies, (n,))
        forces = _or_nan(forces, (total, 3))
        stresses = _or_nan(stresses, (n, 6))
        atom_has_force = _has_numbers(forces)
        return cls(
            offsets=offsets,
            numbers=np.asarray(numbers, np.int32),
            positions=np.asarray(positions, np.float64),
            cells=np.asarray(cells, np.float64),
            pbc=np.asarray(pbc, np.bool_),
            energies=energies,
            forces=forces,
            stresses=stresses,
            has_energy=~np.isnan(energies),
            has_forces=_any_in_segments(atom_has_force, offsets),
            has_stress=_has_numbers(stresses),
            weights=np.ones(n) if weights is None else np.asarray(weights, np.float64),
            groups=("",) * n if groups is None else tuple(groups),
            infos=(_EMPTY_INFO,) * n if infos is None else tuple(infos),
        )

    @classmethod
    def from_atoms(cls, structures: Iterable[Atoms]) -> Self:
        """Make a dataset from `ase.Atoms`.

        Labels come from the results an attached calculator already holds (nothing is computed),
        else from ``atoms.info`` and ``atoms.arrays`` under their usual names; see `maxvolt.labels`.
        `without_labels` is faster where they do not matter.
        """
        structures = list(structures)
        labels: list[Labels] = []
        for index, atoms in enumerate(structures):
            try:
                labels.append(labels_of_atoms(atoms))
            except DataError as error:
                raise DataError(f"structure {index}: {error}") from error
        counts = [len(atoms) for atoms in structures]
        forces = [
            np.full((count, 3), np.nan) if label.forces is None else label.forces
            for label, count in zip(labels, counts, strict=True)
        ]
        absent_stress = np.full(6, np.nan)
        return cls.from_arrays(
            **_geometry(structures),
            energies=np.array([np.nan if x.energy is None else x.energy for x in labels]),
            forces=np.concatenate([np.empty((0, 3)), *forces]).reshape(-1, 3),
            stresses=np.array(
                [absent_stress if x.stress is None else x.stress for x in labels]
            ).reshape(-1, 6),
            weights=np.array([x.weight for x in labels], np.float64),
            groups=[x.group for x in labels],
            infos=[x.info for x in labels],
        )

    @classmethod
    def without_labels(cls, structures: Iterable[Atoms]) -> Self:
        """Make a dataset of what is evaluated alone: elements, positions, cells, periodicity."""
        return cls.from_arrays(**_geometry(list(structures)))

    @classmethod
    def of(
        cls,
        structures: Dataset | StructureLike | Iterable[StructureLike],
        *,
        labels: bool = True,
    ) -> Dataset:
        """Give structures as a dataset, however they come: one, several, or a dataset already.

        Parameters
        ----------
        structures
            What is given: `ase.Atoms`, or what has a method ``to_ase_atoms`` as pymatgen's
            structures do.
        labels
            Whether labels of `ase.Atoms` are looked for.

        Raises
        ------
        DataError
            They are not structures.
        """
        if isinstance(structures, Dataset):
            return structures
        one = atoms_like(structures)
        found: list[Atoms | None] = []
        if one is not None:
            found = [one]
        elif isinstance(structures, Iterable):
            found = [atoms_like(item) for item in structures]
        known = [atoms for atoms in found if atoms is not None]
        if len(known) == len(found) and (known or isinstance(structures, Iterable)):
            return cls.from_atoms(known) if labels else cls.without_labels(known)
        raise DataError(
            f"expected structures, a maxvolt.Dataset or ase.Atoms, not {structures!r:.60}; read "
            "files with maxvolt.read"
        )

    @classmethod
    def batches(cls, stream: Iterable[Dataset | Atoms], atoms: int) -> Iterator[Dataset]:
        """Gather the single structures of a stream to datasets of about so many atoms, in order."""
        single: list[Atoms] = []
        size = 0
        for item in stream:
            if isinstance(item, Atoms):
                single.append(item)
                size += len(item)
            if single and (size >= atoms or not isinstance(item, Atoms)):
                yield cls.from_atoms(single)
                single, size = [], 0
            if not isinstance(item, Atoms):
                yield item
        if single:
            yield cls.from_atoms(single)

    @classmethod
    def concatenate(cls, datasets: Sequence[Dataset]) -> Self:
        """Join datasets, one after the other."""
        datasets = list(datasets)
        if not datasets:
            return cls.from_atoms([])
        counts = np.concatenate([d.counts for d in datasets])
        joined = {
            name: np.concatenate([getattr(d, name) for d in datasets])
            for name in (*PER_ATOM, *PER_STRUCTURE)
        }
        return cls(
            offsets=np.concatenate([[0], np.cumsum(counts)]),
            groups=tuple(group for d in datasets for group in d.groups),
            infos=tuple(info for d in datasets for info in d.infos),
            origins=tuple(origin for d in datasets for origin in d.origins),
            **joined,
        )

    # ----------------------------------------------------------------- what it holds

    def __getitem__(self, index: int) -> Atoms:
        """Return one structure as `ase.Atoms`, as `to_atoms` does."""
        n = len(self)
        if not -n <= index < n:
            raise IndexError(f"structure {index} of a dataset of {n}")
        return self._atoms(index % n)

    def __iter__(self) -> Iterator[Atoms]:
        """Yield each structure as `ase.Atoms`."""
        return (self._atoms(index) for index in range(len(self)))

    def __repr__(self) -> str:
        """Return a one-line summary."""
        return (
            f"Dataset({len(self)} structures, {self.n_atoms} atoms, "
            f"species {' '.join(self.species) or 'none'}, "
            f"{self.has_energy.sum()} energies, {self.has_forces.sum()} with forces, "
            f"{self.has_stress.sum()} stresses)"
        )

    def _repr_html_(self) -> str:
        counts = self.counts
        groups = dict.fromkeys(group for group in self.groups if group)
        return described_table(
            "Dataset",
            {
                "structures": len(self),
                "atoms": self.n_atoms,
                "atoms of a structure": f"{counts.min()} to {counts.max()}" if len(self) else None,
                "species": self.species,
                "with energy": int(self.has_energy.sum()),
                "with forces": int(self.has_forces.sum()),
                "with stress": int(self.has_stress.sum()),
                "groups": list(groups) or None,
            },
        )

    # ----------------------------------------------------------------- what it is

    @property
    def digests(self) -> tuple[str, ...]:
        """A digest of each structure, the same for the same structure; labels do not count.

        Structures are the same where numbers, positions, cell, periodicity, initial magnetic
        moments and initial charges agree to the digits that matter, see `maxvolt.identity`.
        """
        return tuple(
            structure_digest(
                self.numbers[self.atoms_of(s)],
                self.positions[self.atoms_of(s)],
                self.cells[s],
                self.pbc[s],
                self.infos[s].get(ARRAYS_KEY),
            )
            for s in range(len(self))
        )

    @property
    def digest(self) -> str:
        """A digest of structures, labels and weights, to the last bit."""
        return hashlib.sha256(b"".join(self.content())).hexdigest()[:DIGEST_DIGITS]

    def content(self, *, weights: bool = True) -> Iterator[bytes]:
        """Yield the bytes of structures, labels and weights, for digests that hold more.

        Parameters
        ----------
        weights
            Whether the weights count.
        """
        for name in (*_CONTENT, *(("weights",) if weights else ())):
            yield getattr(self, name).tobytes()

    # ----------------------------------------------------------------- parts of it

    def portions(self, atoms: int) -> Iterator[slice]:
        """Cut into consecutive portions of so many atoms, at least one structure each.

        Parameters
        ----------
        atoms
            Most atoms of a portion; a larger structure is a portion of its own.

        Yields
        ------
        which : slice
            The structures of a portion.
        """
        begin, total = 0, 0
        for s, count in enumerate(self.counts.tolist()):
            if s > begin and total + count > atoms:
                yield slice(begin, s)
                begin, total = s, 0
            total += count
        if begin < len(self):
            yield slice(begin, len(self))

    def to_atoms(self) -> list[Atoms]:
        """Return the structures as `ase.Atoms`.

        Labels are the results of a `SinglePointCalculator` (``energy`` and ``free_energy``, which
        are the same here, ``forces``, ``stress``); the group becomes ``info["config_type"]``, a
        weight other than one ``info["config_weight"]``. Constraints are attached again; the
        results of the calculator are the labels as they are, also on fixed atoms.
        """
        return list(self)

    # ----------------------------------------------------------------- inside

    def _atoms(self, s: int) -> Atoms:
        of_s = self.atoms_of(s)
        labels = Labels(
            energy=float(self.energies[s]) if self.has_energy[s] else None,
            forces=self.forces[of_s].copy() if self.has_forces[s] else None,
            stress=self.stresses[s].copy() if self.has_stress[s] else None,
            weight=float(self.weights[s]),
            group=self.groups[s],
            info=self.infos[s],
        )
        atoms = Atoms(
            numbers=self.numbers[of_s],
            positions=self.positions[of_s],
            cell=self.cells[s],
            pbc=self.pbc[s],
        )
        attach_labels(atoms, labels)
        return atoms


def _geometry(structures: Sequence[Atoms]) -> dict[str, Any]:
    """Arrays of `Dataset.from_arrays` that have no labels in them."""
    counts = np.array([len(atoms) for atoms in structures], np.int64)
    return {
        "offsets": np.concatenate([[0], np.cumsum(counts)]),
        "numbers": np.concatenate([np.empty(0, np.int32), *(a.numbers for a in structures)]),
        "positions": np.concatenate([np.empty((0, 3)), *(a.positions for a in structures)]),
        "cells": np.array([a.cell.array for a in structures]).reshape(-1, 3, 3),
        "pbc": np.array([a.pbc for a in structures], np.bool_).reshape(-1, 3),
    }


def _or_nan(values: ArrayLike | None, shape: tuple[int, ...]) -> NDArray[np.float64]:
    return np.full(shape, np.nan) if values is None else np.asarray(values, np.float64)


def _has_numbers(rows: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Say for each row whether any of its numbers is there."""
    return np.asarray(~np.isnan(rows).all(axis=-1))


def _any_in_segments(mask: NDArray[np.bool_], offsets: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Say for each segment whether any of its entries is True."""
    running = np.concatenate([[0], np.cumsum(mask)])
    last = len(running) - 1
    clipped = np.clip(offsets, 0, last)  # wrong offsets are refused later, with a message
    return np.asarray(running[clipped[1:]] > running[clipped[:-1]])
