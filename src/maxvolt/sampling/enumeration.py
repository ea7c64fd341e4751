"""All orderings of elements on crystal lattices, as candidates for relaxations."""

from __future__ import annotations

import importlib
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms
from ase.build import bulk
from ase.data import atomic_numbers, reference_states

from maxvolt.errors import DataError, MaxvoltError, SpeciesError
from maxvolt.species import check_species

__all__ = [
    "LATTICES",
    "PARENT_LATTICE",
    "Enumeration",
    "enumerated_structures",
    "enumeration_of_icet",
]

PARENT_LATTICE = "parent_lattice"
"""Key of the lattice in the infos of a structure."""

_COVERA = math.sqrt(8 / 3)
"""c/a of hcp, where spheres touch."""

_ATOMS_OF_A_CUBE = {"sc": 1, "bcc": 2, "fcc": 4, "diamond": 8}

LATTICES: Mapping[str, int] = {"fcc": 1, "bcc": 1, "hcp": 2}
"""Lattices, and the atoms of their primitive cells."""


@dataclass(frozen=True, slots=True)
class Enumeration:
    """Which orderings are made.

    Attributes
    ----------
    species
        Elements, at least two.
    most_atoms, fewest_atoms
        Atoms of a cell.
    lattices
        Some of `LATTICES`.
    concentrations
        Least and largest share of elements, from 0 to 1; others have any.
    lattice_constants : Angstrom
        By lattice and element, ``{"fcc": {"Ag": 4.09}}``. What is not given follows from the
        crystal in nature: the volume of an atom there.

    Raises
    ------
    DataError, SpeciesError
        A value that cannot be used; the message names it.
    """

    species: tuple[str, ...]
    most_atoms: int
    fewest_atoms: int = 1
    lattices: tuple[str, ...] = tuple(LATTICES)
    concentrations: Mapping[str, tuple[float, float]] | None = None
    lattice_constants: Mapping[str, Mapping[str, float]] | None = None

    def __post_init__(self) -> None:
        if len(check_species(self.species)) < 2:
            raise SpeciesError(
                f"species: orderings need at least two elements; got {', '.join(self.species)}"
            )
        unknown = [name for name in self.lattices if name not in LATTICES]
        if unknown or not self.lattices or len(set(self.lattices)) < len(self.lattices):
            raise DataError(
                f"lattices: expected each of {', '.join(LATTICES)} at most once; got "
                f"{', '.join(self.lattices) or 'none'}"
            )
        if not 1 <= self.fewest_atoms <= self.most_atoms:
            raise DataError(
                f"atoms: expected 1 <= least <= most; got {self.fewest_atoms} and {self.most_atoms}"
            )
        for symbol, (low, high) in (self.concentrations or {}).items():
            if symbol not in self.species or not 0 <= low <= high <= 1:
                raise DataError(
                    f"concentrations, {symbol}: expected one of {', '.join(self.species)} with "
                    f"0 <= least <= largest <= 1; got {low:g} and {high:g}"
                )
        for lattice in self.lattices:
            for symbol in self.species:
                self.lattice_constant(lattice, symbol)

    def lattice_constant(self, lattice: str, symbol: str) -> float:
        """Lattice constant of a pure element, Angstrom."""
        given = (self.lattice_constants or {}).get(lattice, {}).get(symbol)
        if given is None:
            return _constant_of_volume(lattice, _volume_in_nature(symbol))
        if not (given > 0 and math.isfinite(given)):
            raise DataError(f"lattice constant {lattice}:{symbol}: expected a length; got {given}")
        return given

    def sizes(self, lattice: str) -> list[int]:
        """Primitive cells of the structures of a lattice."""
        atoms = LATTICES[lattice]
        return list(range(-(-self.fewest_atoms // atoms), self.most_atoms // atoms + 1))


def enumerated_structures(wanted: Enumeration) -> Iterator[Atoms]:
    """Yield every ordering that no symmetry of the lattice turns into another one, smallest first.

    The algorithm is that of Hart and Forcade (Phys. Rev. B 77, 224115 and 80, 014120), by icet. The
    lattice constant of a structure is the mean of those of its elements (Vegard's rule). Each one
    has `PARENT_LATTICE` and ``lattice_constant`` (Angstrom) in its infos.

    Parameters
    ----------
    wanted
        Elements, lattices, limits.

    Raises
    ------
    MaxvoltError
        icet is not installed.
    """
    orderings = enumeration_of_icet()
    for lattice in wanted.lattices:
        constants = np.array([wanted.lattice_constant(lattice, s) for s in wanted.species])
        primitive = _primitive(lattice, wanted.species[0], float(constants[0]))
        for size in wanted.sizes(lattice):
            for atoms in orderings(
                primitive,
                [size],
                list(wanted.species),
                concentration_restrictions=dict(wanted.concentrations or {}) or None,
            ):
                symbols = np.array(atoms.get_chemical_symbols())
                shares = np.array([np.mean(symbols == symbol) for symbol in wanted.species])
                constant = float(shares @ constants)
                atoms.set_cell(atoms.cell.array * (constant / constants[0]), scale_atoms=True)
                atoms.info = {PARENT_LATTICE: lattice, "lattice_constant": constant}
                yield atoms


def enumeration_of_icet() -> Any:
    """Give icet's function; an error says how to install it."""
    try:
        return importlib.import_module("icet.tools").enumerate_structures
    except ModuleNotFoundError as error:
        raise MaxvoltError(
            f"enumeration needs {error.name}, which is not installed; run: "
            "pip install 'maxvolt[enumeration]'"
        ) from error


def _primitive(lattice: str, symbol: str, constant: float) -> Atoms:
    if lattice == "hcp":
        return bulk(symbol, lattice, a=constant, c=_COVERA * constant)
    return bulk(symbol, lattice, a=constant)


def _volume_in_nature(symbol: str) -> float:
    """Volume of an atom in the crystal of the element, Angstrom^3."""
    state: Mapping[str, Any] = reference_states[atomic_numbers[symbol]] or {}
    constant, name = state.get("a"), state.get("symmetry")
    if constant is not None and name in _ATOMS_OF_A_CUBE:
        return float(constant**3 / _ATOMS_OF_A_CUBE[name])
    if constant is not None and name == "hcp":
        return float(constant**3 * state.get("c/a", _COVERA) * math.sqrt(3) / 4)
    raise DataError(
        f"{symbol}: ASE knows no cubic or hexagonal crystal of it, from which lattice constants "
        f"could follow; give them for each lattice, such as fcc:{symbol}=4.0"
    )


def _constant_of_volume(lattice: str, volume: float) -> float:
    """Lattice constant at a volume of an atom."""
    if lattice == "hcp":
        return float(np.cbrt(4 * volume / (math.sqrt(3) * _COVERA)))
    return float(np.cbrt(_ATOMS_OF_A_CUBE[lattice] * volume))
