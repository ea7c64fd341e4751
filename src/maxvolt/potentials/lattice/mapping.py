"""Which sites the atoms of a structure are on, relaxed or not, however it is turned or shifted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms
from ase.geometry import find_mic
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from maxvolt.errors import DataError
from maxvolt.potentials.lattice.nearest_sites import DeformedLattice
from maxvolt.potentials.lattice.parent import VACANCY, ParentLattice
from maxvolt.potentials.lattice.supercells import Supercell
from maxvolt.potentials.lattice.superlattices import CellTooLargeError, stretch_of, superlattices

__all__ = ["Mapped", "on_lattice"]

_FAR = 1e6
"""Square of a distance to a site that may not have the species."""

_GOOD = 0.1
"""Of the distance between sites: what equation (216) gives a structure that has barely moved."""

_LOST = 0.3
"""The same of structures of other lattices: 0.36 for hcp on fcc, 0.43 for atoms at random."""

_STRAINS = (0.01, 0.03, 0.08)
"""Up to which superlattices are looked for, before those of the largest strain."""

_EQUAL = 1e-6
"""Angstrom; costs that differ by rounding errors alone."""

_VOLUMES = 1.5
"""By which factor the volume of a site may differ from that of the lattice."""

Array = NDArray[np.float64]
Integers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Mapped:
    """A structure on the sites of its lattice.

    Attributes
    ----------
    supercell
        In which the structure lies.
    occupation : shape (n_sites,), int64
        Numbers of species.
    displacements : shape (N,), Angstrom
        How far each atom is from its site, without the shift of all and the strain of the cell.
    strain : shape (3, 3)
        Symmetric, of the cell relative to that of the lattice, in the orientation of the lattice.
    rotation : shape (3, 3)
        Turns row vectors of the strained lattice into those of the structure.
    """

    supercell: Supercell
    occupation: Integers
    displacements: Array
    strain: Array
    rotation: Array


def on_lattice(
    atoms: Atoms, parent: ParentLattice, *, largest: float = 0.8, largest_strain: float = 0.15
) -> Mapped:
    """Find the sites of the atoms: equations (215) and (216).

    The edges of the cell are rounded to primitive vectors where that fits. Otherwise superlattices
    of the same shape are looked for in all orientations. Atoms go to the sites of the strained
    lattice so that the sum of the squares of their displacements is least, after a common shift.

    Parameters
    ----------
    atoms
        Periodic, in any orientation, with any shift and any edges of the cell.
    parent
        The lattice.
    largest : Angstrom
        Displacement above which a structure is refused.
    largest_strain
        Strain above which it is refused, without the change of volume.

    Raises
    ------
    DataError
        The cell is none of the lattice, atoms do not fit on its sites, or one is too far away.
    """
    if not (np.isfinite(atoms.cell.array).all() and np.isfinite(atoms.positions).all()):
        raise DataError("the cell or the positions have numbers that are not finite")
    if not atoms.pbc.all() or not len(atoms) or abs(np.linalg.det(atoms.cell.array)) < 1e-6:
        raise DataError("the structure has no atoms or is not periodic in three directions")
    best = _best(atoms, parent, largest_strain)
    supercell = Supercell.of(best.edges)
    chosen, displacements = _assigned(atoms, parent, best, supercell)
    if displacements.max() > largest:
        raise DataError(
            f"atom {int(np.argmax(displacements))} is {displacements.max():.2f} A from its site, "
            f"more than {largest:g} A: the structure has left the lattice, or is of another one"
        )
    stretch, rotation = stretch_of(best.deformation)
    occupation = _occupation(atoms, parent, supercell, chosen)
    return Mapped(supercell, occupation, displacements, stretch - np.eye(3), rotation)


@dataclass(frozen=True, slots=True, eq=False)
class _Candidate:
    """Edges of a superlattice, and what they leave."""

    edges: Integers
    deformation: Array
    shift: Array
    left: float
    strain: float
    distance: float

    @property
    def cost(self) -> float:
        """Equation (216), Angstrom."""
        return self.left + self.strain * self.distance


def _best(atoms: Atoms, parent: ParentLattice, largest_strain: float) -> _Candidate:
    """The superlattice with the least cost; of those with the same, the one turned least."""
    sizes = _sizes(atoms, parent)
    search = _Search(atoms, parent, _allowed(atoms, parent), len(sizes) > 1)
    best: _Candidate | None = None
    try:
        for some in _proposed(atoms, parent, sizes, largest_strain):
            best = search.better(some, best)
            if best is not None and best.cost < _GOOD * parent.site_distance:
                break
    except CellTooLargeError:  # what has been found so far is a smaller strain away
        if best is None:
            raise
    if best is None:
        number = f"{min(sizes)} to {max(sizes)}" if len(sizes) > 1 else f"{sizes[0]}"
        raise DataError(
            f"the structure is of another lattice: no superlattice of {number} cells has the shape "
            f"of its cell within a strain of {largest_strain:g}; or are sites empty?"
        )
    if best.cost > _LOST * parent.site_distance:
        raise DataError(
            f"the structure is of another lattice: on the best of its superlattices atoms are "
            f"{best.left:.2f} A from the nearest sites (root mean square), and the strain is "
            f"{best.strain:.3f}"
        )
    return search.candidate(min(best.edges @ parent.rotations, key=search.turned))


def _proposed(
    atoms: Atoms,
    parent: ParentLattice,
    sizes: list[int],
    largest_strain: float,
) -> Iterator[Integers]:
    """Edges in primitive vectors, first what is near at hand."""
    cell = atoms.cell.array
    rounded = np.rint(cell @ np.linalg.inv(parent.cell)).astype(np.int64)
    n_cells = round(np.linalg.det(rounded) * np.sign(np.linalg.det(cell @ parent.cell)))
    if n_cells in sizes:
        singular = np.linalg.svd(np.linalg.inv(rounded @ parent.cell) @ cell, compute_uv=False)
        if np.abs(singular / np.cbrt(singular.prod()) - 1).max() <= largest_strain:
            yield rounded[None]
    for strain in (*(one for one in _STRAINS if one < largest_strain), largest_strain):
        found = [superlattices(cell, parent.cell, size, strain, parent.rotations) for size in sizes]
        yield np.concatenate(found)


def _sizes(atoms: Atoms, parent: ParentLattice) -> list[int]:
    """Numbers of primitive cells that the atoms may fill, likely ones first.

    Raises
    ------
    DataError
        There is none.
    """
    n_sites = len(parent.allowed)
    never_empty = sum(VACANCY not in one for one in parent.allowed)
    volume = float(atoms.cell.volume / abs(np.linalg.det(parent.cell)))
    least, most = -(-len(atoms) // n_sites), int(volume * _VOLUMES)
    if never_empty:
        most = min(most, len(atoms) // never_empty)
    sizes = [size for size in range(least, most + 1) if size * _VOLUMES >= volume]
    if sizes:
        return sorted(sizes, key=lambda size: abs(np.log(volume / size)))
    if least > len(atoms) // max(never_empty, 1):
        raise DataError(
            f"{len(atoms)} atoms do not fill whole cells of {n_sites} sites, of which "
            f"{never_empty} are never empty"
        )
    raise DataError(
        f"{len(atoms)} atoms fill {least} or more cells of the lattice, whose volume is "
        f"{least / volume:.2f} times that of the structure: is the lattice constant right?"
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Search:
    """What candidates are compared for."""

    atoms: Atoms
    parent: ParentLattice
    allowed: NDArray[np.bool_]
    volume_counts: bool
    """The number of cells is open."""

    def better(self, some: Integers, best: _Candidate | None) -> _Candidate | None:
        """The best of some superlattices, and of what is best so far."""
        strains = np.array([self.strain(edges) for edges in some])
        for number in np.argsort(strains, kind="stable"):
            if best is not None and strains[number] * self.parent.site_distance > best.cost:
                break  # so much the strain costs alone
            candidate = self.candidate(some[number])
            if best is None or candidate.cost < best.cost - _EQUAL:
                best = candidate
        return best

    def candidate(self, edges: Integers) -> _Candidate:
        """What a superlattice leaves."""
        deformation = self._deformation(edges)
        lattice = DeformedLattice(self.parent.cell @ deformation, self.parent.places)
        shift, left = lattice.shift(self.atoms.positions, self.allowed)
        return _Candidate(
            edges, deformation, shift, left, self.strain(edges), self.parent.site_distance
        )

    def strain(self, edges: Integers) -> float:
        """The largest, in any direction."""
        lengths = np.linalg.svd(self._deformation(edges), compute_uv=False)
        scale = 1.0 if self.volume_counts else np.cbrt(lengths.prod())
        return float(np.abs(lengths / scale - 1).max())

    def turned(self, edges: Integers) -> tuple[float, list[int]]:
        """How much the structure is turned, then the edges, to choose among equal ones."""
        rotation = stretch_of(self._deformation(edges))[1]
        return round(-float(np.trace(rotation)), 6), edges.ravel().tolist()

    def _deformation(self, edges: Integers) -> Array:
        return np.asarray(np.linalg.inv(edges @ self.parent.cell) @ self.atoms.cell.array)


def _allowed(atoms: Atoms, parent: ParentLattice) -> NDArray[np.bool_]:
    """Whether each atom may be on each site of the primitive cell.

    Raises
    ------
    DataError
        A symbol has no sites.
    """
    symbols = atoms.get_chemical_symbols()
    known = {symbol for one in parent.allowed for symbol in one}
    foreign = sorted(set(symbols) - known)
    if foreign:
        raise DataError(f"the lattice has no sites for {', '.join(foreign)}")
    return np.array([[symbol in one for one in parent.allowed] for symbol in symbols])


def _assigned(
    atoms: Atoms, parent: ParentLattice, best: _Candidate, supercell: Supercell
) -> tuple[Integers, Array]:
    """Site of each atom in the supercell, and its distance but for a common shift.

    The nearest sites, where they are all different; otherwise those of the least sum of squares.
    """
    lattice = DeformedLattice(parent.cell @ best.deformation, parent.places)
    allowed = _allowed(atoms, parent)
    nearest = lattice.nearest(atoms.positions - best.shift, allowed)
    chosen = supercell.numbers(nearest.cells) * len(parent.places) + nearest.sites
    vectors = nearest.vectors
    if len(set(chosen.tolist())) < len(chosen):
        chosen, vectors = _without_conflicts(atoms, parent, best, supercell)
    left = vectors - vectors.mean(axis=0)
    return chosen, np.asarray(np.linalg.norm(left, axis=1))


def _without_conflicts(
    atoms: Atoms, parent: ParentLattice, best: _Candidate, supercell: Supercell
) -> tuple[Integers, Array]:
    """Sites of the atoms, each for one only, and the vectors to the atoms."""
    places = (supercell.offsets()[:, None] + parent.places).reshape(-1, 3) @ parent.cell
    places = places @ best.deformation
    forbidden = ~np.tile(_allowed(atoms, parent), (1, supercell.n_cells))
    shift = best.shift
    for _ in range(3):
        differences = (atoms.positions - shift)[:, None] - places
        vectors, lengths = find_mic(differences.reshape(-1, 3), atoms.cell)
        squares = lengths.reshape(len(atoms), -1) ** 2
        rows, columns = linear_sum_assignment(np.where(forbidden, _FAR, squares))
        if forbidden[rows, columns].any():
            wrong = atoms.get_chemical_symbols()[int(rows[forbidden[rows, columns]][0])]
            raise DataError(f"there are more atoms of {wrong} than sites that may have it")
        chosen = vectors.reshape(len(atoms), -1, 3)[rows, columns]
        shift = shift + chosen.mean(axis=0)
    return np.asarray(columns, np.int64), np.asarray(chosen)


def _occupation(
    atoms: Atoms, parent: ParentLattice, supercell: Supercell, chosen: Integers
) -> Integers:
    """Numbers of the species of all sites with a choice.

    Raises
    ------
    DataError
        A site is empty that may not be.
    """
    named: NDArray[Any] = np.full(supercell.n_cells * len(parent.places), VACANCY, dtype="<U3")
    named[chosen] = atoms.get_chemical_symbols()
    every = named.reshape(supercell.n_cells, -1)
    never_empty = np.array([VACANCY not in one for one in parent.allowed])
    if (every[:, never_empty] == VACANCY).any():
        raise DataError("a site is empty that may not be")
    numbers = {symbol: number for number, symbol in enumerate(parent.species)}
    of_sites = every[:, parent.active].ravel().tolist()
    return np.array([numbers[symbol] for symbol in of_sites], np.int64)
