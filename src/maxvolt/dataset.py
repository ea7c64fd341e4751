"""Labelled structures as compact arrays.

A `Dataset` holds many structures in a few flat arrays, so that kernels can run over all of them,
together with the labels that exist. A missing label is missing: its number is NaN and its presence
mask is False; it is never zero.

Units: eV, Angstrom, eV/Angstrom, eV/Angstrom^3; stress has the sign of ASE (positive under tension)
and the Voigt order xx, yy, zz, yz, xz, xy. Energies are force-consistent (with electronic smearing:
the free energy).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from os import PathLike
from types import MappingProxyType
from typing import Any, Self

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers, chemical_symbols
from numpy.typing import ArrayLike, NDArray

from maxvolt.cells import cell_volumes
from maxvolt.constraints import CONSTRAINTS_KEY
from maxvolt.errors import DataError
from maxvolt.labels import ARRAYS_KEY, Labels, attach_labels, labels_of_atoms

__all__ = ["ARRAYS_KEY", "CONSTRAINTS_KEY", "Dataset", "Origin"]

Origin = tuple[str, int]
"""File that a structure was read from, and its index there, from 0."""

_EMPTY_INFO: Mapping[str, Any] = MappingProxyType({})

_SMALLEST_CELL_DETERMINANT = 1e-6
"""Smallest |det| of the normalised lattice vectors of a usable cell (1 for orthogonal ones)."""


_LARGEST_LENGTH = 1e9
"""Longest lattice vector component (Angstrom); longer ones are no lengths but wrong numbers."""


@dataclass(frozen=True, slots=True, eq=False)
class Dataset:
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

    offsets: NDArray[np.int64]
    numbers: NDArray[np.int32]
    positions: NDArray[np.float64]
    cells: NDArray[np.float64]
    pbc: NDArray[np.bool_]
    energies: NDArray[np.float64]
    forces: NDArray[np.float64]
    stresses: NDArray[np.float64]
    has_energy: NDArray[np.bool_]
    has_forces: NDArray[np.bool_]
    has_stress: NDArray[np.bool_]
    weights: NDArray[np.float64]
    groups: tuple[str, ...]
    infos: tuple[Mapping[str, Any], ...]
    origins: tuple[Origin | None, ...] = ()

    def __post_init__(self) -> None:
        self._set_read_only("offsets", np.int64, None)
        n = len(self.offsets) - 1
        self._check_offsets(n)
        total = int(self.offsets[-1])
        for name, dtype, shape in (
            ("numbers", np.int32, (total,)),
            ("positions", np.float64, (total, 3)),
            ("cells", np.float64, (n, 3, 3)),
            ("pbc", np.bool_, (n, 3)),
            ("energies", np.float64, (n,)),
            ("forces", np.float64, (total, 3)),
            ("stresses", np.float64, (n, 6)),
            ("has_energy", np.bool_, (n,)),
            ("has_forces", np.bool_, (n,)),
            ("has_stress", np.bool_, (n,)),
            ("weights", np.float64, (n,)),
        ):
            self._set_read_only(name, dtype, shape)
        object.__setattr__(self, "origins", tuple(self.origins) or (None,) * n)
        for name in ("groups", "infos", "origins"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
            if len(getattr(self, name)) != n:
                raise DataError(
                    f"{name} has {len(getattr(self, name))} entries for {n} structures; "
                    "give one for each"
                )
        self._check_structures()
        self._check_cells()
        self._check_labels()

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by the fields; read-only mappings, which pickle refuses, become dicts."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return _restored, (type(self), {**values, "infos": tuple(map(dict, self.infos))})

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
        """
        structures = list(structures)
        labels: list[Labels] = []
        for index, atoms in enumerate(structures):
            try:
                labels.append(labels_of_atoms(atoms))
            except DataError as error:
                raise DataError(f"structure {index}: {error}") from error
        counts = np.array([len(atoms) for atoms in structures], np.int64)
        total = int(counts.sum())
        no_atoms = np.empty((0, 3))
        forces = [
            np.full((count, 3), np.nan) if label.forces is None else label.forces
            for label, count in zip(labels, counts, strict=True)
        ]
        absent_stress = np.full(6, np.nan)
        return cls.from_arrays(
            offsets=np.concatenate([[0], np.cumsum(counts)]),
            numbers=np.concatenate([np.empty(0, np.int32), *(a.numbers for a in structures)]),
            positions=np.concatenate([no_atoms, *(a.positions for a in structures)]),
            cells=np.array([a.cell.array for a in structures]).reshape(-1, 3, 3),
            pbc=np.array([a.pbc for a in structures], np.bool_).reshape(-1, 3),
            energies=np.array([np.nan if x.energy is None else x.energy for x in labels]),
            forces=np.concatenate([no_atoms, *forces]).reshape(total, 3),
            stresses=np.array(
                [absent_stress if x.stress is None else x.stress for x in labels]
            ).reshape(-1, 6),
            weights=np.array([x.weight for x in labels], np.float64),
            groups=[x.group for x in labels],
            infos=[x.info for x in labels],
        )

    @classmethod
    def of(cls, structures: Dataset | Atoms | Iterable[Atoms]) -> Dataset:
        """Give structures as a dataset, however they come: one, several, or a dataset already.

        Raises
        ------
        DataError
            They are not structures.
        """
        if isinstance(structures, Dataset):
            return structures
        found = [structures] if isinstance(structures, Atoms) else structures
        if isinstance(found, Iterable):
            found = list(found)
            if all(isinstance(atoms, Atoms) for atoms in found):
                return cls.from_atoms(found)
        raise DataError(
            f"expected structures, a maxvolt.Dataset or ase.Atoms, not {structures!r:.60}; read "
            "files with maxvolt.read"
        )

    @classmethod
    def concatenate(cls, datasets: Sequence[Dataset]) -> Self:
        """Join datasets, one after the other."""
        datasets = list(datasets)
        if not datasets:
            return cls.from_atoms([])
        counts = np.concatenate([d.counts for d in datasets])
        joined = {
            name: np.concatenate([getattr(d, name) for d in datasets])
            for name in (*_PER_ATOM, *_PER_STRUCTURE)
        }
        return cls(
            offsets=np.concatenate([[0], np.cumsum(counts)]),
            groups=tuple(group for d in datasets for group in d.groups),
            infos=tuple(info for d in datasets for info in d.infos),
            origins=tuple(origin for d in datasets for origin in d.origins),
            **joined,
        )

    # ----------------------------------------------------------------- what it holds

    def __len__(self) -> int:
        """Return the number of structures."""
        return len(self.offsets) - 1

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

    @property
    def n_atoms(self) -> int:
        """Number of atoms of all structures."""
        return int(self.offsets[-1])

    @property
    def counts(self) -> NDArray[np.int64]:
        """Number of atoms of each structure, shape (n,)."""
        return np.diff(self.offsets)

    @property
    def volumes(self) -> NDArray[np.float64]:
        """Cell volumes, shape (n,), Angstrom^3; zero without a full cell."""
        return cell_volumes(self.cells)

    @property
    def species(self) -> tuple[str, ...]:
        """Symbols of the elements present, by atomic number."""
        return tuple(chemical_symbols[z] for z in np.unique(self.numbers))

    @property
    def structure_of_atom(self) -> NDArray[np.int64]:
        """Index of the structure each atom belongs to, shape (N,)."""
        return np.repeat(np.arange(len(self), dtype=np.int64), self.counts)

    def select(self, which: ArrayLike | slice) -> Self:
        """Return some of the structures, in the order asked for.

        Parameters
        ----------
        which
            A boolean mask of length n, indices (negative ones count from the end), or a slice.
        """
        chosen = self._indices(which)
        counts = self.counts[chosen]
        offsets = np.concatenate([[0], np.cumsum(counts)])
        # Atom k of a chosen structure is its first atom in this dataset plus k.
        atoms = np.repeat(self.offsets[:-1][chosen] - offsets[:-1], counts) + np.arange(offsets[-1])
        return type(self)(
            offsets=offsets,
            groups=tuple(self.groups[s] for s in chosen),
            infos=tuple(self.infos[s] for s in chosen),
            origins=tuple(self.origins[s] for s in chosen),
            **{name: getattr(self, name)[atoms] for name in _PER_ATOM},
            **{name: getattr(self, name)[chosen] for name in _PER_STRUCTURE},
        )

    def with_origins(self, path: str | PathLike[str]) -> Self:
        """Return the structures as those of a file, in its order."""
        return replace(self, origins=tuple((str(path), s) for s in range(len(self))))

    def structures_with(self, symbols: Collection[str]) -> NDArray[np.int64]:
        """Return the indices of the structures that hold one of these elements, ascending."""
        atoms = np.isin(self.numbers, [atomic_numbers[symbol] for symbol in symbols])
        return np.unique(self.structure_of_atom[atoms])

    def name_of(self, index: int, whole: str = "the dataset") -> str:
        """Name a structure in a message: by its file, or else as one of `whole`."""
        origin = self.origins[index]
        if origin is None:
            return f"structure {index} of {whole}"
        return f"structure {origin[1]} of {origin[0]}"

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
        of_s = slice(int(self.offsets[s]), int(self.offsets[s + 1]))
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

    def _indices(self, which: ArrayLike | slice) -> NDArray[np.int64]:
        n = len(self)
        if isinstance(which, slice):
            return np.arange(n)[which]
        chosen = np.atleast_1d(np.asarray(which))
        if chosen.dtype == np.bool_:
            if chosen.shape != (n,):
                raise DataError(f"mask of shape {chosen.shape} for {n} structures; need ({n},)")
            return np.flatnonzero(chosen)
        if chosen.size == 0:
            return np.empty(0, np.int64)
        if chosen.ndim != 1 or not np.issubdtype(chosen.dtype, np.integer):
            raise DataError("select needs a boolean mask, a list of integers or a slice")
        if chosen.min() < -n or chosen.max() >= n:
            raise DataError(f"select asks for a structure outside 0 to {n - 1}")
        return np.asarray(chosen % n, np.int64)

    def _set_read_only(self, name: str, dtype: type, shape: tuple[int, ...] | None) -> None:
        """Store a field as a contiguous, read-only array of the right type and shape."""
        try:
            array: NDArray[Any] = np.ascontiguousarray(getattr(self, name), dtype).view()
        except (TypeError, ValueError) as error:
            raise DataError(f"{name} cannot be read as an array of {dtype.__name__}") from error
        if shape is None and (array.ndim != 1 or not len(array)):
            raise DataError(
                f"{name} has shape {array.shape}; expected one dimension, n + 1 entries"
            )
        if shape is not None and array.shape != shape:
            raise DataError(f"{name} has shape {array.shape}; expected {shape}")
        array.flags.writeable = False
        object.__setattr__(self, name, array)

    def _check_offsets(self, n: int) -> None:
        if self.offsets[0] != 0:
            raise DataError(f"offsets begins with {self.offsets[0]}; expected 0")
        empty = np.flatnonzero(np.diff(self.offsets) < 1)
        if n and len(empty):
            raise DataError(f"structure {empty[0]} has no atoms; leave it out")

    def _check_structures(self) -> None:
        bad = np.asarray(~np.isfinite(self.positions).all(axis=-1))
        self._refuse(self._owner(bad), "has positions that are not finite numbers")
        unknown = (self.numbers < 1) | (self.numbers >= len(chemical_symbols))
        self._refuse(self._owner(unknown), "has atoms that are no chemical element")
        bad_weight = ~(np.isfinite(self.weights) & (self.weights >= 0))
        self._refuse(np.flatnonzero(bad_weight), "has a weight that is negative or not finite")

    def _check_cells(self) -> None:
        self._refuse(
            np.flatnonzero(~np.isfinite(self.cells).all(axis=(1, 2))),
            "has a cell that is not made of finite numbers",
        )
        far = np.abs(self.cells).max(axis=(1, 2), initial=0.0) > _LARGEST_LENGTH
        self._refuse(np.flatnonzero(far), f"has a cell longer than {_LARGEST_LENGTH:g} Angstrom")
        for pattern in np.unique(self.pbc, axis=0):
            if not pattern.any():
                continue
            of_pattern = np.flatnonzero((self.pbc == pattern).all(axis=1))
            vectors = self.cells[of_pattern][:, pattern]
            lengths = np.linalg.norm(vectors, axis=2)
            unit = vectors / np.where(lengths > 0, lengths, 1.0)[..., None]
            with np.errstate(all="ignore"):
                gram = np.linalg.det(unit @ unit.transpose(0, 2, 1))
            self._refuse(
                of_pattern[~(gram >= _SMALLEST_CELL_DETERMINANT**2)],
                "is periodic along lattice vectors that are zero or linearly dependent",
            )

    def _check_labels(self) -> None:
        """Refuse labels that claim to exist and do not; erase those that claim not to.

        Without periodicity in three directions there is no stress, and what is given is erased.
        """
        self._set_erased("has_stress", self.has_stress & self.pbc.all(axis=1))
        self._refuse(
            np.flatnonzero(self.has_energy & ~np.isfinite(self.energies)),
            "has an energy that is not finite",
        )
        force_atoms = np.repeat(self.has_forces, self.counts)
        bad = force_atoms & ~np.isfinite(self.forces).all(axis=-1)
        self._refuse(self._owner(bad), "has forces that are not finite on some atoms")
        self._refuse(
            np.flatnonzero(self.has_stress & ~np.isfinite(self.stresses).all(axis=-1)),
            "has a stress that is not finite",
        )
        for name, present in (
            ("energies", self.has_energy),
            ("forces", force_atoms[:, None]),
            ("stresses", self.has_stress[:, None]),
        ):
            values = getattr(self, name)
            if not np.isnan(values[np.broadcast_to(~present, values.shape)]).all():
                self._set_erased(name, np.where(present, values, np.nan))

    def _set_erased(self, name: str, values: NDArray[Any]) -> None:
        values.flags.writeable = False
        object.__setattr__(self, name, values)

    def _owner(self, atom_mask: NDArray[np.bool_]) -> NDArray[np.int64]:
        atoms = np.flatnonzero(atom_mask)
        return np.searchsorted(self.offsets, atoms, side="right") - 1

    @staticmethod
    def _refuse(structures: NDArray[np.int64], what: str) -> None:
        if len(structures):
            more = len(np.unique(structures)) - 1
            others = f" (and {more} more)" if more else ""
            raise DataError(f"structure {structures[0]}{others} {what}")


_PER_ATOM = ("numbers", "positions", "forces")
_PER_STRUCTURE = (
    "cells",
    "pbc",
    "energies",
    "stresses",
    "has_energy",
    "has_forces",
    "has_stress",
    "weights",
)


def _restored(kind: type[Dataset], values: dict[str, Any]) -> Dataset:
    return kind(**values)


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
