"""Parent lattices: where atoms may be, and which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from ase import Atoms
from ase.data import chemical_symbols
from numpy.typing import NDArray

from maxvolt.errors import SettingsError
from maxvolt.potentials.lattice.supercells import Supercell
from maxvolt.potentials.lattice.superlattices import rotations_of

__all__ = ["VACANCY", "ParentLattice"]

VACANCY = "X"
"""Symbol of an empty site, as in ASE."""

_COINCIDE = 1e-3
"""Of primitive vectors; places that are the same."""

_WHOLE = 1e-6
"""How far the shares of a full site may be from 1."""


@dataclass(frozen=True, eq=False)
class ParentLattice:
    """A lattice whose sites are occupied by one of several species each.

    Attributes
    ----------
    cell : shape (3, 3), Angstrom
        Primitive vectors, rows.
    places : shape (B, 3)
        Sites of the primitive cell, in primitive vectors.
    allowed : B tuples of str
        Chemical symbols that each site may have; `VACANCY` for empty. A site with one symbol is a
        spectator.
    """

    cell: NDArray[np.float64]
    places: NDArray[np.float64]
    allowed: tuple[tuple[str, ...], ...]

    @classmethod
    def of(
        cls, primitive: Atoms | Any, species: Sequence[str] | Mapping[str, Sequence[str]] = ()
    ) -> ParentLattice:
        """Make one of a primitive cell.

        Parameters
        ----------
        primitive
            A periodic structure of ASE, or one of pymatgen.
        species
            Symbols that each site may have; or for each symbol of the structure the symbols that
            its sites may have, where those that are not named are spectators. Not needed where
            pymatgen's sites have several species each; one whose shares are below 1 may be empty.

        Raises
        ------
        SettingsError
            The structure is not periodic in three directions, a symbol is unknown or named twice,
            or no site has two.
        """
        if not isinstance(primitive, Atoms):
            primitive, choices = _of_pymatgen(primitive)
        else:
            choices = [(symbol,) for symbol in primitive.get_chemical_symbols()]
        if not primitive.pbc.all() or not len(primitive):
            raise SettingsError("a parent lattice has sites and is periodic in all directions")
        if species:
            choices = _choices(primitive.get_chemical_symbols(), species)
        for one in choices:
            _check_symbols(one)
        if all(len(one) < 2 for one in choices):
            raise SettingsError("no site of the parent lattice has two species to choose from")
        return cls(np.array(primitive.cell.array), primitive.get_scaled_positions(), tuple(choices))

    @cached_property
    def species(self) -> tuple[str, ...]:
        """All symbols of sites with a choice, in alphabetical order, a vacancy last."""
        found = {symbol for one in self.choices for symbol in one}
        return tuple(sorted(found, key=lambda symbol: (symbol == VACANCY, symbol)))

    @cached_property
    def active(self) -> NDArray[np.int64]:
        """Sites of the primitive cell with a choice, shape (b,)."""
        return np.array([i for i, one in enumerate(self.allowed) if len(one) > 1], np.int64)

    @property
    def choices(self) -> tuple[tuple[str, ...], ...]:
        """Symbols that each site with a choice may have."""
        return tuple(one for one in self.allowed if len(one) > 1)

    @cached_property
    def may_have(self) -> NDArray[np.bool_]:
        """Whether an active site may have a species, shape (b, number of species)."""
        return np.array([[symbol in one for symbol in self.species] for one in self.choices])

    @cached_property
    def site_distance(self) -> float:
        """Shortest distance between sites, Angstrom."""
        primitive = Atoms([VACANCY] * len(self.places), cell=self.cell, pbc=True)
        primitive.set_scaled_positions(self.places)
        distances = primitive.repeat(2).get_all_distances(mic=True)
        return float(distances[~np.eye(len(distances), dtype=bool)].min())

    @cached_property
    def rotations(self) -> NDArray[np.int64]:
        """Proper rotations that carry sites into sites which allow the same, shape (g, 3, 3).

        In primitive vectors, for rows of coordinates; the identity is among them.
        """
        found = []
        for rotation in rotations_of(self.cell):
            moved = self.places @ rotation
            shifts = (
                place - moved[0]
                for place, one in zip(self.places, self.allowed, strict=True)
                if set(one) == set(self.allowed[0])
            )
            if any(self._are_sites(moved + shift) for shift in shifts):
                found.append(rotation)
        return np.array(found)

    def _are_sites(self, places: NDArray[np.float64]) -> bool:
        """Whether there are sites at places, each with the choice of the site of its number."""
        away = places[:, None] - self.places
        together = np.abs(away - np.rint(away)).max(axis=-1) < _COINCIDE
        kinds = [frozenset(one) for one in self.allowed]
        equal = np.array([[one == other for other in kinds] for one in kinds])
        return bool((together & equal).any(axis=1).all())

    def n_sites(self, supercell: Supercell) -> int:
        """Number of sites with a choice in a supercell."""
        return supercell.n_cells * len(self.active)

    def atoms(self, supercell: Supercell, occupation: NDArray[np.integer[Any]]) -> Atoms:
        """Build the unrelaxed structure, spectators included and vacancies left out.

        Parameters
        ----------
        supercell
            Of the structure.
        occupation : shape (n_sites,), int
            Numbers of species, site after site of the first cell, then of the second.
        """
        offsets = supercell.offsets()
        places = (offsets[:, None] + self.places).reshape(-1, 3) @ self.cell
        symbols = np.tile([one[0] for one in self.allowed], (len(offsets), 1)).astype("<U3")
        named = np.array(self.species)[np.asarray(occupation)]
        symbols[:, self.active] = named.reshape(len(offsets), -1)
        atoms = Atoms(
            symbols.ravel().tolist(), places, cell=supercell.vectors @ self.cell, pbc=True
        )
        atoms.wrap()
        occupied: Atoms = atoms[np.array(atoms.get_chemical_symbols()) != VACANCY]
        return occupied


def _choices(
    symbols: list[str], species: Sequence[str] | Mapping[str, Sequence[str]]
) -> list[tuple[str, ...]]:
    if not isinstance(species, Mapping):
        return [tuple(species)] * len(symbols)
    unknown = sorted(set(species) - set(symbols))
    if unknown:
        raise SettingsError(f"the parent lattice has no sites of {', '.join(unknown)}")
    return [tuple(species.get(symbol, (symbol,))) for symbol in symbols]


def _of_pymatgen(structure: Any) -> tuple[Atoms, list[tuple[str, ...]]]:
    """Structure of the first species of each site, and the symbols of all of them."""
    try:
        cell, places = structure.lattice.matrix, structure.frac_coords
        occupied = [{one.symbol: share for one, share in site.species.items()}
                    for site in structure]  # fmt: skip
    except (AttributeError, TypeError):
        raise SettingsError(
            "a parent lattice is made of a structure of ASE or of pymatgen, got "
            f"{type(structure).__name__}"
        ) from None
    choices = [
        tuple(one) + ((VACANCY,) if sum(one.values()) < 1 - _WHOLE and VACANCY not in one else ())
        for one in occupied
    ]
    symbols = [one[0] for one in choices]
    return Atoms(symbols, cell=cell, scaled_positions=places, pbc=True), choices


def _check_symbols(one: tuple[str, ...]) -> None:
    wrong = [symbol for symbol in one if symbol not in chemical_symbols]
    if wrong or not one or len(set(one)) != len(one):
        raise SettingsError(
            f"a site has different chemical symbols, or {VACANCY} for a vacancy; got {list(one)}"
        )
