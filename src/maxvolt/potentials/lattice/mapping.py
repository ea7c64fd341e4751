"""Which sites the atoms of a structure are on, relaxed or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms
from ase.geometry import find_mic
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from maxvolt.errors import DataError
from maxvolt.potentials.lattice.parent import VACANCY, ParentLattice
from maxvolt.potentials.lattice.supercells import Supercell

__all__ = ["Mapped", "on_lattice"]

_WHOLE = 0.3
"""How far from whole numbers edges may be, in primitive vectors."""

_FAR = 1e6
"""Square of a distance to a site that may not have the species."""


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
        Symmetric, of the cell relative to that of the lattice.
    """

    supercell: Supercell
    occupation: NDArray[np.int64]
    displacements: NDArray[np.float64]
    strain: NDArray[np.float64]


def on_lattice(atoms: Atoms, parent: ParentLattice, *, largest: float = 0.8) -> Mapped:
    """Find the sites of the atoms.

    The edges of the cell are rounded to primitive vectors; atoms go to the sites of the strained
    lattice so that the sum of the squares of their displacements is least.

    Parameters
    ----------
    atoms
        Periodic, in the orientation of the lattice.
    parent
        The lattice.
    largest : Angstrom
        Displacement above which a structure is refused.

    Raises
    ------
    DataError
        The cell is none of the lattice, atoms do not fit on its sites, or one is too far away.
    """
    edges = atoms.cell.array @ np.linalg.inv(parent.cell)
    vectors = np.rint(edges)
    if not atoms.pbc.all() or abs(np.linalg.det(vectors)) < 0.5:
        raise DataError("the structure is not periodic in cells of the lattice")
    away = np.abs(edges - vectors).max()
    if away > _WHOLE:
        raise DataError(
            f"the edges of the cell are {away:.2f} primitive vectors away from a superlattice; "
            "is it turned, or of another lattice or lattice constant?"
        )
    supercell = Supercell.of(vectors)
    deformation = np.linalg.inv(vectors @ parent.cell) @ atoms.cell.array
    places = (supercell.offsets()[:, None] + parent.places).reshape(-1, 3) @ parent.cell
    allowed = list(parent.allowed) * supercell.n_cells
    chosen, displacements = _assigned(atoms, places @ deformation, allowed)
    if displacements.size and displacements.max() > largest:
        raise DataError(
            f"atom {int(np.argmax(displacements))} is {displacements.max():.2f} A from its site, "
            f"more than {largest:g} A: the structure has left the lattice"
        )
    return Mapped(
        supercell,
        _occupation(atoms, parent, supercell, chosen),
        displacements,
        (deformation + deformation.T) / 2 - np.eye(3),
    )


def _assigned(
    atoms: Atoms, places: NDArray[np.float64], allowed: list[tuple[str, ...]]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Site of each atom, and its distance, after the mean shift has been taken out."""
    symbols = atoms.get_chemical_symbols()
    if len(symbols) > len(places):
        raise DataError(f"{len(symbols)} atoms do not fit on {len(places)} sites")
    forbidden = np.array([[symbol not in one for one in allowed] for symbol in symbols])
    shift = np.zeros(3)
    for _ in range(3):
        differences = (atoms.positions - shift)[:, None] - places
        vectors, lengths = find_mic(differences.reshape(-1, 3), atoms.cell)
        squares = lengths.reshape(len(symbols), -1) ** 2
        rows, columns = linear_sum_assignment(np.where(forbidden, _FAR, squares))
        if forbidden[rows, columns].any():
            wrong = symbols[int(rows[forbidden[rows, columns]][0])]
            raise DataError(f"there are more atoms of {wrong} than sites that may have it")
        chosen = vectors.reshape(len(symbols), -1, 3)[rows, columns]
        shift = shift + chosen.mean(axis=0)
        left = np.linalg.norm(chosen - chosen.mean(axis=0), axis=1)
    return np.asarray(columns, np.int64), np.asarray(left)


def _occupation(
    atoms: Atoms, parent: ParentLattice, supercell: Supercell, chosen: NDArray[np.int64]
) -> NDArray[np.int64]:
    named: NDArray[Any] = np.full(supercell.n_cells * len(parent.places), VACANCY, dtype="<U3")
    named[chosen] = atoms.get_chemical_symbols()
    every = named.reshape(supercell.n_cells, -1)
    spectators = [i for i, one in enumerate(parent.allowed) if len(one) == 1]
    if (every[:, spectators] == VACANCY).any():
        raise DataError("a site without a choice has no atom")
    numbers = {symbol: number for number, symbol in enumerate(parent.species)}
    of_sites = every[:, parent.active].ravel()
    missing = sorted(set(of_sites.tolist()) - set(numbers))
    if missing:
        raise DataError(
            f"a site is empty, and {VACANCY} is not among the species of the lattice"
            if missing == [VACANCY]
            else f"the lattice has no sites for {', '.join(missing)}"
        )
    return np.array([numbers[symbol] for symbol in of_sites.tolist()], np.int64)
