"""Embedded-atom potentials: half a pair energy and an embedding energy for each atom."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from ase.calculators.eam import EAM
from numpy.typing import NDArray

from maxvolt.errors import DataError, SpeciesError
from maxvolt.files import replacing
from maxvolt.neighbors.neighborhoods import Neighborhoods
from maxvolt.potentials.eam.tables import read_tables
from maxvolt.potentials.evaluation import NeighborhoodPotential
from maxvolt.potentials.families import file_suffix
from maxvolt.potentials.refusals import check_distinct, check_finite
from maxvolt.potentials.results import Energies, Precision
from maxvolt.species import check_species
from maxvolt.units import VOIGT

__all__ = ["EmbeddedAtom", "read_eam"]

Array = NDArray[np.float64]
Function = Callable[[Array], Array]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class EmbeddedAtom(NeighborhoodPotential):
    r"""An embedded-atom potential (Daw and Baskes 1984; Finnis and Sinclair 1984) from tables.

    .. math:: E_i = \tfrac12 \sum_j \phi_{t_i t_j}(r_{ij}) + F_{t_i}\Big(\sum_j
        \rho_{t_j t_i}(r_{ij})\Big)

    Functions between the points of the tables are ASE's cubic splines; LAMMPS interpolates in
    another way, which differs in energies by about the square of the spacing of the tables. Beyond
    its table an embedding energy goes on as a straight line, as in LAMMPS.

    Make one with `maxvolt.load`.

    Parameters
    ----------
    species
        Symbols of the elements, in the order of the file.
    content
        The file, byte by byte.
    form
        "alloy" or "fs".
    tables
        What ASE made of the file.
    """

    species: tuple[str, ...]
    content: bytes
    form: str
    tables: EAM

    @classmethod
    def read(cls, path: str | Path, species: Sequence[str] | None = None) -> Self:
        """Read a file; see `read_eam`."""
        path = Path(path)
        content, form, tables = read_tables(path)
        found = tuple(tables.elements)
        if species is not None and check_species(species) != found:
            raise SpeciesError(
                f"{path}: the file names the species {', '.join(found)}, but "
                f"{', '.join(species)} were given; leave them out to use those of the file"
            )
        return cls(found, content, form, tables)

    @property
    def cutoff(self) -> float:
        """Cutoff, Angstrom."""
        return float(self.tables.cutoff)

    @property
    def digest(self) -> str:
        """Name of the file's content."""
        return hashlib.sha256(self.content).hexdigest()[:16]

    def __repr__(self) -> str:
        elements = ", ".join(self.species)
        return f"EmbeddedAtom({elements}; eam/{self.form}, cutoff {self.cutoff:g} A)"

    def __copy__(self) -> Self:
        """Return itself: what cannot change needs no copy."""
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Return itself: what cannot change needs no copy."""
        return self

    def evaluate_neighborhoods(
        self, where: Neighborhoods, *, threads: int | None = None, precision: Precision = "double"
    ) -> Energies:
        """Energies, forces and virials of structures whose neighbours are known.

        It computes with one thread, whatever is asked for.

        Raises
        ------
        DataError
            Two atoms coincide.
        EvaluationError
            An energy or a force is not finite.
        """
        self.check_options(threads=threads, precision=precision)
        pairs = _Pairs.of(where, self.cutoff)
        check_distinct(pairs.first[pairs.lengths == 0.0], where)
        with np.errstate(all="ignore"):  # refused afterwards, with a message
            found = self._evaluate(where, pairs)
        return check_finite(found, where)

    def _evaluate(self, where: Neighborhoods, pairs: _Pairs) -> Energies:
        n, types = where.n_atoms, where.types
        # Both ends of each pair: phi once, the density of the second atom at the first and back.
        phi, d_phi = self._pair_functions(self.tables.phi, self.tables.d_phi, pairs, types)
        at_first, d_at_first = self._densities(pairs, types[pairs.second], types[pairs.first])
        at_second, d_at_second = self._densities(pairs, types[pairs.first], types[pairs.second])
        density: Array = np.zeros(n)
        density += np.bincount(pairs.first, at_first, n)
        density += np.bincount(pairs.second, at_second, n)
        embedding, slope = self._embedding(density, types)
        sites = embedding + 0.5 * (
            np.bincount(pairs.first, phi, n) + np.bincount(pairs.second, phi, n)
        )
        tension = d_phi + slope[pairs.first] * d_at_first + slope[pairs.second] * d_at_second
        along = tension[:, None] * pairs.vectors / pairs.lengths[:, None]
        forces = np.zeros((n, 3))
        np.add.at(forces, pairs.first, along)
        np.add.at(forces, pairs.second, -along)
        virials = np.zeros((where.n_structures, 6))
        for component, (a, b) in enumerate(VOIGT):
            virials[:, component] = np.bincount(
                where.structures[pairs.first], along[:, a] * pairs.vectors[:, b], len(virials)
            )
        return Energies(sites, forces, virials)

    def _pair_functions(
        self, values: Any, slopes: Any, pairs: _Pairs, types: NDArray[np.int32]
    ) -> tuple[Array, Array]:
        return _of_types(values, slopes, pairs.lengths, types[pairs.first], types[pairs.second])

    def _densities(
        self, pairs: _Pairs, source: NDArray[np.int32], host: NDArray[np.int32]
    ) -> tuple[Array, Array]:
        """Density that atoms of a type contribute at atoms of another, and its slope."""
        values, slopes = self.tables.electron_density, self.tables.d_electron_density
        if self.form == "alloy":  # the same at whichever host
            host = np.zeros_like(host)
            values, slopes = values[:, None], slopes[:, None]
        return _of_types(values, slopes, pairs.lengths, source, host)

    def _embedding(self, density: Array, types: NDArray[np.int32]) -> tuple[Array, Array]:
        """Embedding energies and their slopes, on a straight line outside of the table."""
        inside = np.clip(density, self.tables.rho[0], self.tables.rho[-1])
        zeros = np.zeros_like(types)
        values, slopes = (
            self.tables.embedded_energy[:, None],
            self.tables.d_embedded_energy[:, None],
        )
        energy, slope = _of_types(values, slopes, inside, types, zeros)
        return energy + slope * (density - inside), slope

    def write(self, path: str | Path) -> None:
        """Write the file as it was read, whole or not at all.

        Raises
        ------
        DataError
            The name belongs to another kind of file, or it cannot be written.
        """
        if not file_suffix(path).endswith((f".eam.{self.form}", self.form)):
            raise DataError(f"{path}: end the name of this potential with .eam.{self.form}")
        with replacing(path) as stream:
            stream.write(self.content)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle as the values it has."""
        return type(self), (self.species, self.content, self.form, self.tables)


@dataclass(frozen=True, slots=True, eq=False)
class _Pairs:
    """Pairs inside the cutoff, each once: atoms, vectors from first to second, lengths."""

    first: NDArray[np.int32]
    second: NDArray[np.int32]
    vectors: Array
    lengths: Array

    @classmethod
    def of(cls, where: Neighborhoods, cutoff: float) -> Self:
        first, second = where.pairs.owners, where.pairs.neighbors
        cells = where.cells[where.structures[first]]
        vectors = where.positions[second] - where.positions[first]
        vectors += np.einsum("pa,pab->pb", where.pairs.shifts.astype(float), cells)
        lengths = np.linalg.norm(vectors, axis=1)
        inside = lengths < cutoff
        return cls(first[inside], second[inside], vectors[inside], lengths[inside])


def read_eam(path: str | Path, species: Sequence[str] | None = None) -> EmbeddedAtom:
    """Read an ``.eam.alloy`` or ``.eam.fs`` file of LAMMPS.

    Parameters
    ----------
    path
        The file.
    species
        Not needed, as the file names its elements; they must agree.

    Raises
    ------
    FileFormatError
        The file is no such potential.
    SpeciesError
        Other species than those of the file were given.
    """
    return EmbeddedAtom.read(path, species)


def _of_types(
    values: Any, slopes: Any, x: Array, one: NDArray[np.int32], other: NDArray[np.int32]
) -> tuple[Array, Array]:
    """Functions of two types, and their slopes, where each x has its own pair of types."""
    value, slope = np.zeros_like(x), np.zeros_like(x)
    for a, b in np.unique(np.stack([one, other]), axis=1).T.tolist():
        here = (one == a) & (other == b)
        value[here], slope[here] = values[a, b](x[here]), slopes[a, b](x[here])
    return value, slope
