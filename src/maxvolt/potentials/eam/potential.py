"""Embedded-atom potentials: half a pair energy and an embedding energy for each atom."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from maxvolt.errors import DataError, SpeciesError
from maxvolt.files import replacing
from maxvolt.neighbors.neighborhoods import Neighborhoods
from maxvolt.potentials.eam.functions import Functions
from maxvolt.potentials.eam.tables import Tables, read_tables
from maxvolt.potentials.evaluation import NeighborhoodPotential
from maxvolt.potentials.refusals import COINCIDENT, check_distinct, check_finite
from maxvolt.potentials.results import Energies, Precision
from maxvolt.species import check_species
from maxvolt.units import VOIGT

__all__ = ["EmbeddedAtom", "read_eam"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class EmbeddedAtom(NeighborhoodPotential):
    r"""An embedded-atom potential (Daw and Baskes 1984; Finnis and Sinclair 1984) from tables.

    .. math:: E_i = \tfrac12 \sum_j \phi_{t_i t_j}(r_{ij}) + F_{t_i}\Big(\sum_j
        \rho_{t_j t_i}(r_{ij})\Big)

    Between the points of the tables are cubic splines, as in ASE. LAMMPS interpolates in another
    way; see docs/potentials. Beyond its table an embedding energy goes on as a straight line, as in
    LAMMPS.

    Make one with `maxvolt.load`.

    Parameters
    ----------
    content
        The file, byte by byte.
    tables
        What it says.
    functions
        Splines through the tables.
    """

    content: bytes
    tables: Tables
    functions: Functions

    @classmethod
    def read(cls, path: str | Path, species: Sequence[str] | None = None) -> Self:
        """Read a file; see `read_eam`."""
        path = Path(path)
        content, tables = read_tables(path)
        if species is not None and check_species(species) != tables.species:
            raise SpeciesError(
                f"{path}: the file names the species {', '.join(tables.species)}, but "
                f"{', '.join(species)} were given; leave them out to use those of the file"
            )
        return cls(content, tables, Functions.of(tables))

    @property
    def species(self) -> tuple[str, ...]:  # type: ignore[override]
        """Symbols of the elements, in the order of the file."""
        return self.tables.species

    @property
    def cutoff(self) -> float:
        """Cutoff, Angstrom."""
        return self.tables.cutoff

    @property
    def digest(self) -> str:
        """Name of the numbers and elements in the file."""
        return self.tables.digest

    def __repr__(self) -> str:
        elements = ", ".join(self.species)
        return f"EmbeddedAtom({elements}; eam/{self.tables.form}, cutoff {self.cutoff:g} A)"

    def __copy__(self) -> Self:
        """Return itself: what cannot change needs no copy."""
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Return itself: what cannot change needs no copy."""
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle without the splines, which are made again from the tables."""
        return _restore, (type(self), self.content, self.tables)

    def evaluate_neighborhoods(
        self,
        neighborhoods: Neighborhoods,
        *,
        threads: int | None = None,
        precision: Precision = "double",
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
        pairs = self._pairs(neighborhoods)
        with np.errstate(all="ignore"):  # refused afterwards, with a message
            site_energies, of_first, of_second = self._site_energies(neighborhoods, pairs)
            along = (of_first + of_second)[:, None] * pairs.directions
            forces = _summed(pairs.first, along, neighborhoods.n_atoms)
            forces -= _summed(pairs.second, along, neighborhoods.n_atoms)
            products = [along[:, a] * pairs.vectors[:, b] for a, b in VOIGT]
            structure = neighborhoods.structures[pairs.first]
            virials = _summed(structure, np.stack(products, axis=1), neighborhoods.n_structures)
        return check_finite(Energies(site_energies, forces, virials), neighborhoods)

    def atomic_virials(
        self, neighborhoods: Neighborhoods, *, threads: int | None = None
    ) -> NDArray[np.float64]:
        """Share of each atom in the virial, equation (13a), shape (N, 3, 3), eV.

        Errors as of `evaluate_neighborhoods`.
        """
        self.check_options(threads=threads)
        pairs = self._pairs(neighborhoods)
        with np.errstate(all="ignore"):
            site_energies, of_first, of_second = self._site_energies(neighborhoods, pairs)
            products = pairs.vectors[:, :, None] * pairs.directions[:, None, :]
            # An atom has what the energy of the atom at the other end says of its place.
            shares = _summed(
                pairs.second,
                (of_first[:, None, None] * products).reshape(-1, 9),
                neighborhoods.n_atoms,
            )
            shares += _summed(
                pairs.first,
                (of_second[:, None, None] * products).reshape(-1, 9),
                neighborhoods.n_atoms,
            )
        check_finite(Energies(site_energies, shares[:, :3], shares), neighborhoods)
        return shares.reshape(-1, 3, 3)

    def _pairs(self, neighborhoods: Neighborhoods) -> _Pairs:
        pairs = _Pairs.of(neighborhoods, self.cutoff)
        close = pairs.lengths < COINCIDENT
        check_distinct(np.minimum(pairs.first[close], pairs.second[close]), neighborhoods)
        return pairs

    def _site_energies(
        self, neighborhoods: Neighborhoods, pairs: _Pairs
    ) -> tuple[Array, Array, Array]:
        """Energies of atoms and, for each pair, the slopes of those of its first and second atom.

        Slopes are by the distance of the pair.
        """
        n, types, functions = neighborhoods.n_atoms, neighborhoods.types, self.functions
        one, other = types[pairs.first], types[pairs.second]
        phi, d_phi = functions.pair_energies(one, other, pairs.lengths)
        at_first, d_at_first = functions.densities(other, one, pairs.lengths)
        at_second, d_at_second = functions.densities(one, other, pairs.lengths)
        density: Array = np.bincount(pairs.first, at_first, n).astype(float)
        density += np.bincount(pairs.second, at_second, n)
        embedding, slope = functions.embedding_energies(types, density)
        halves = np.bincount(pairs.first, phi, n) + np.bincount(pairs.second, phi, n)
        return (
            embedding + 0.5 * halves,
            0.5 * d_phi + slope[pairs.first] * d_at_first,
            0.5 * d_phi + slope[pairs.second] * d_at_second,
        )

    def write(self, path: str | Path) -> None:
        """Write the file as it was read, whole or not at all.

        Raises
        ------
        DataError
            The name belongs to another kind of file, or it cannot be written.
        """
        if Path(path).suffix != f".{self.tables.form}":
            raise DataError(f"{path}: end the name of this potential with .eam.{self.tables.form}")
        with replacing(path) as stream:
            stream.write(self.content)


@dataclass(frozen=True, slots=True, eq=False)
class _Pairs:
    """Pairs inside the cutoff, each once: atoms, vectors from first to second, lengths."""

    first: NDArray[np.int32]
    second: NDArray[np.int32]
    vectors: Array
    lengths: Array

    @classmethod
    def of(cls, neighborhoods: Neighborhoods, cutoff: float) -> Self:
        first, second = neighborhoods.pairs.owners, neighborhoods.pairs.neighbors
        cells = neighborhoods.cells[neighborhoods.structures[first]]
        vectors = neighborhoods.positions[second] - neighborhoods.positions[first]
        vectors += np.einsum("pa,pab->pb", neighborhoods.pairs.shifts.astype(float), cells)
        lengths = np.linalg.norm(vectors, axis=1)
        inside = lengths < cutoff
        return cls(first[inside], second[inside], vectors[inside], lengths[inside])

    @property
    def directions(self) -> Array:
        """Unit vectors from first to second."""
        return self.vectors / self.lengths[:, None]


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


def _summed(owners: NDArray[np.int32], values: Array, n: int) -> Array:
    """Sum rows that belong to the same of n owners; shape (n, columns)."""
    columns = [np.bincount(owners, column, n) for column in values.T]
    return np.stack(columns, axis=1)


def _restore(cls: type[EmbeddedAtom], content: bytes, tables: Tables) -> EmbeddedAtom:
    return cls(content, tables, Functions.of(tables))
