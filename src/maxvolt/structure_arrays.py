"""The arrays of many structures: checked when they are put together, cut and joined by number."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields, replace
from os import PathLike
from typing import Any, Self

import numpy as np
from ase.data import atomic_numbers, chemical_symbols
from numpy.typing import ArrayLike, NDArray

from maxvolt.cells import cell_volumes
from maxvolt.errors import DataError
from maxvolt.structure_checks import (
    check_cells,
    check_labels,
    check_offsets,
    check_structures,
    read_only,
    structure_indices,
)

__all__ = ["PER_ATOM", "PER_STRUCTURE", "Origin", "StructureArrays"]

Origin = tuple[str, int]
"""File that a structure was read from, and its index there, from 0."""

PER_ATOM = ("numbers", "positions", "forces")
PER_STRUCTURE = (
    "cells",
    "pbc",
    "energies",
    "stresses",
    "has_energy",
    "has_forces",
    "has_stress",
    "weights",
)


@dataclass(frozen=True, slots=True, eq=False)
class StructureArrays:
    """The fields of a `maxvolt.dataset.Dataset`, which says what they are; immutable.

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
        self._set("offsets", read_only("offsets", self.offsets, np.int64, None))
        n = len(self.offsets) - 1
        check_offsets(self.offsets)
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
            self._set(name, read_only(name, getattr(self, name), dtype, shape))
        self._set("origins", tuple(self.origins) or (None,) * n)
        for name in ("groups", "infos", "origins"):
            self._set(name, tuple(getattr(self, name)))
            if len(getattr(self, name)) != n:
                raise DataError(
                    f"{name} has {len(getattr(self, name))} entries for {n} structures; "
                    "give one for each"
                )
        check_structures(self.offsets, self.numbers, self.positions, self.weights)
        check_cells(self.cells, self.pbc)
        self._check_labels()

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle by the fields; read-only mappings, which pickle refuses, become dicts."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return _restored, (type(self), {**values, "infos": tuple(map(dict, self.infos))})

    def __len__(self) -> int:
        """Return the number of structures."""
        return len(self.offsets) - 1

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

    def atoms_of(self, index: int) -> slice:
        """Return where the atoms of a structure stand in per-atom arrays."""
        return slice(int(self.offsets[index]), int(self.offsets[index + 1]))

    def select(self, which: ArrayLike | slice) -> Self:
        """Return some of the structures, in the order asked for.

        Parameters
        ----------
        which
            A boolean mask of length n, indices (negative ones count from the end), or a slice.
        """
        if isinstance(which, slice) and which.step in (None, 1):
            return self._stretch(which)
        chosen = structure_indices(which, len(self))
        counts = self.counts[chosen]
        offsets = np.concatenate([[0], np.cumsum(counts)])
        # Atom k of a chosen structure is its first atom in this dataset plus k.
        atoms = np.repeat(self.offsets[:-1][chosen] - offsets[:-1], counts) + np.arange(offsets[-1])
        return type(self)(
            offsets=offsets,
            groups=tuple(self.groups[s] for s in chosen),
            infos=tuple(self.infos[s] for s in chosen),
            origins=tuple(self.origins[s] for s in chosen),
            **{name: getattr(self, name)[atoms] for name in PER_ATOM},
            **{name: getattr(self, name)[chosen] for name in PER_STRUCTURE},
        )

    def _stretch(self, which: slice) -> Self:
        """Return structures that follow each other; they share memory and were checked before."""
        begin, end, _ = which.indices(len(self))
        structures = slice(begin, max(begin, end))
        atoms = slice(*self.offsets[[structures.start, structures.stop]].tolist())
        offsets = self.offsets[structures.start : structures.stop + 1] - atoms.start
        part = object.__new__(type(self))
        part._set("offsets", read_only("offsets", offsets, np.int64, None))
        for name in PER_ATOM:
            part._set(name, getattr(self, name)[atoms])
        for name in (*PER_STRUCTURE, "groups", "infos", "origins"):
            part._set(name, getattr(self, name)[structures])
        return part

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

    def _check_labels(self) -> None:
        """Refuse labels that claim to exist and do not; erase those that claim not to.

        Without periodicity in three directions there is no stress, and what is given is erased.
        """
        has_stress = self.has_stress & self.pbc.all(axis=1)
        has_stress.flags.writeable = False
        self._set("has_stress", has_stress)
        labels = {
            "energies": (self.energies, self.has_energy),
            "forces": (self.forces, self.has_forces),
            "stresses": (self.stresses, self.has_stress),
        }
        for name, values in check_labels(self.offsets, labels).items():
            self._set(name, values)

    def _set(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)


def _restored(kind: type[StructureArrays], values: dict[str, Any]) -> StructureArrays:
    return kind(**values)
