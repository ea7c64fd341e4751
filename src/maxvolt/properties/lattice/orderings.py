"""All arrangements in small cells of a lattice that no symmetry turns into another one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from maxvolt.errors import SettingsError
from maxvolt.potentials.lattice.mapping import on_lattice
from maxvolt.potentials.lattice.parent import VACANCY, ParentLattice
from maxvolt.potentials.lattice.supercells import Supercell
from maxvolt.sampling.enumeration import enumeration_of_icet

__all__ = ["enumerated_arrangements", "of_icet", "primitive_of"]

_ROUNDING = 1e-9


def enumerated_arrangements(
    parent: ParentLattice,
    most_sites: int,
    *,
    fewest_sites: int = 1,
    concentrations: Mapping[str, tuple[float, float]] | None = None,
) -> Iterator[tuple[Supercell, NDArray[np.int64]]]:
    """Yield the derivative structures of a lattice, smallest first.

    The algorithm is that of Hart and Forcade (Phys. Rev. B 77, 224115 and 80, 014120), by icet.

    Parameters
    ----------
    parent
        The lattice, by its primitive cell.
    most_sites, fewest_sites
        Sites with a choice in a cell.
    concentrations
        Least and largest share of the sites with a choice, from 0 to 1, for some species.

    Yields
    ------
    supercell, occupation
        As those of a potential. No two are made equal by a symmetry, or have a smaller cell.

    Raises
    ------
    SettingsError
        Numbers of sites, or shares, cannot be used.
    MaxvoltError
        icet is not installed.
    """
    if not 1 <= fewest_sites <= most_sites:
        raise SettingsError(
            f"expected 1 <= fewest sites <= most sites; got {fewest_sites} and {most_sites}"
        )
    enumerate_with_icet = enumeration_of_icet()
    b = len(parent.active)
    for size in range(-(-fewest_sites // b), most_sites // b + 1):
        for atoms in enumerate_with_icet(
            primitive_of(parent),
            [size],
            [list(one) for one in parent.allowed],
            concentration_restrictions=_of_all_sites(parent, concentrations or {}) or None,
        ):
            yield of_icet(atoms, parent)


def primitive_of(parent: ParentLattice) -> Atoms:
    """Primitive cell with the first species of each site."""
    symbols = [one[0] for one in parent.allowed]
    return Atoms(symbols, scaled_positions=parent.places, cell=parent.cell, pbc=True)


def of_icet(atoms: Atoms, parent: ParentLattice) -> tuple[Supercell, NDArray[np.int64]]:
    """Map a structure of icet, whose empty sites are atoms with a symbol of their own."""
    occupied = atoms[np.array(atoms.get_chemical_symbols()) != VACANCY]
    if not len(occupied):
        cells = np.rint(atoms.cell.array @ np.linalg.inv(parent.cell))
        supercell = Supercell.of(cells)
        empty = parent.species.index(VACANCY)
        return supercell, np.full(parent.n_sites(supercell), empty, np.int64)
    mapped = on_lattice(occupied, parent)
    return mapped.supercell, mapped.occupation


def _of_all_sites(
    parent: ParentLattice, concentrations: Mapping[str, tuple[float, float]]
) -> dict[str, tuple[float, float]]:
    """Shares of all atoms, spectators included, as icet wants them."""
    spectators = [one[0] for one in parent.allowed if len(one) == 1]
    n_sites = len(parent.allowed)
    found = {}
    for symbol, (low, high) in concentrations.items():
        if symbol not in parent.species or not 0 <= low <= high <= 1:
            raise SettingsError(
                f"concentration of {symbol}: expected one of {', '.join(parent.species)} with "
                f"0 <= least <= largest <= 1; got {low:g} and {high:g}"
            )
        held, active = spectators.count(symbol), len(parent.active)
        found[symbol] = (
            (low * active + held) / n_sites - _ROUNDING,
            (high * active + held) / n_sites + _ROUNDING,
        )
    return found
