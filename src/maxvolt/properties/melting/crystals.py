"""Crystals that can be melted: their cells at right angles, and what tells them from a liquid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from ase import Atoms
from ase.build import bulk
from ase.data import atomic_numbers, reference_states

from maxvolt.errors import DataError, nearest_name

__all__ = ["CRYSTALS", "Crystal", "crystal_of"]


@dataclass(frozen=True, slots=True)
class Crystal:
    """A kind of crystal of one element.

    Attributes
    ----------
    name
        As ASE calls it.
    degree, neighbors
        Of the order parameter of Steinhardt, Nelson and Ronchetti, equation (51): degree of the
        spherical harmonics, and number of nearest neighbours they are summed over.
    is_cubic
        Whether one length is enough.
    """

    name: str
    degree: int
    neighbors: int
    is_cubic: bool

    def cell(self, species: str, edges: tuple[float, float, float]) -> Atoms:
        """Return the cell at right angles with edges of these lengths, in Angstrom."""
        if self.is_cubic:
            atoms = bulk(species, self.name, a=edges[0], cubic=True)
        else:
            atoms = bulk(species, self.name, a=edges[0], c=edges[2], orthorhombic=True)
        atoms.set_cell(edges, scale_atoms=True)
        return atoms

    def edges(self, lattice_constant: float) -> tuple[float, float, float]:
        """Return the edges of that cell by a lattice constant, Angstrom; c/a is ideal."""
        a = lattice_constant
        return (a, a, a) if self.is_cubic else (a, np.sqrt(3.0) * a, np.sqrt(8.0 / 3.0) * a)

    def nearest(self, species: str, edges: tuple[float, float, float]) -> float:
        """Return the distance of nearest neighbours, Angstrom."""
        distances = (self.cell(species, edges) * (2, 2, 2)).get_all_distances(mic=True)[0]
        return float(np.sort(distances)[1])


CRYSTALS: Mapping[str, Crystal] = {
    "fcc": Crystal("fcc", 6, 12, True),
    "bcc": Crystal("bcc", 6, 14, True),
    "hcp": Crystal("hcp", 6, 12, False),
    "diamond": Crystal("diamond", 3, 4, True),
}
"""By their names."""


def crystal_of(species: str, structure: str) -> tuple[Crystal, float | None]:
    """Find a crystal, and the lattice constant that ASE knows of the element in it, Angstrom.

    Raises
    ------
    DataError
        There is no such element, or no such crystal here.
    """
    if species not in atomic_numbers or species == "X":
        near = nearest_name(species, list(atomic_numbers)[1:])
        hint = f"; did you mean {near}?" if near else ""
        raise DataError(f"melting: {species!r} is no element{hint}")
    if structure not in CRYSTALS:
        raise DataError(
            f"melting: structure {structure!r} cannot be melted here; choose one of "
            f"{', '.join(CRYSTALS)}"
        )
    known = reference_states[atomic_numbers[species]] or {}
    found = known.get("a") if known.get("symmetry") == structure else None
    return CRYSTALS[structure], found if isinstance(found, float) else None
