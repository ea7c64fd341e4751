"""Crystals with planes across z: their cells at right angles, layers, and energies."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from ase import Atoms
from ase.lattice.cubic import BodyCenteredCubic, Diamond, FaceCenteredCubic, SimpleCubic
from numpy.typing import NDArray

from maxvolt.errors import DataError
from maxvolt.properties.elemental_crystals import ElementalCrystal
from maxvolt.units import MJ_M2_PER_EV_A2

__all__ = [
    "area_of",
    "chosen_interfaces",
    "interface_energy",
    "layers_of",
    "oriented",
    "stacked",
]

_FACTORIES = {
    "fcc": FaceCenteredCubic,
    "bcc": BodyCenteredCubic,
    "sc": SimpleCubic,
    "diamond": Diamond,
}

_SAME_LAYER = 0.05
"""Atoms whose heights differ by less, in Angstrom, are in one layer."""

Directions = Sequence[Sequence[int]]


def oriented(crystal: ElementalCrystal, directions: Directions, height: float) -> Atoms:
    """Return a cubic crystal with these crystal directions along x, y and z.

    Parameters
    ----------
    crystal
        What it is made of.
    directions
        Three directions at right angles, as Miller indices of the cubic cell.
    height : Angstrom
        The cell is repeated along z until it is as high.
    """
    unit = _FACTORIES[crystal.kind](
        directions=[list(one) for one in directions],
        symbol=crystal.symbol,
        latticeconstant=crystal.a,
        pbc=True,
    )
    cell = Atoms(unit.symbols, unit.positions, cell=unit.cell, pbc=True)
    return stacked(cell, height)


def stacked(cell: Atoms, height: float) -> Atoms:
    """Repeat a cell along z until it is as high, with its lowest layer at z = 0."""
    times = max(int(np.ceil(height / cell.cell.lengths()[2] - 1e-9)), 1)
    atoms = cell * (1, 1, times)
    heights = atoms.positions[:, 2] % atoms.cell[2, 2]
    heights[heights > atoms.cell[2, 2] - _SAME_LAYER] = 0.0
    atoms.positions[:, 2] = heights - heights.min()
    ordered: Atoms = atoms[np.argsort(atoms.positions[:, 2], kind="stable")]
    return ordered


def layers_of(atoms: Atoms) -> NDArray[np.int64]:
    """Number of the layer of each atom, counted from the lowest, shape (N,)."""
    order = np.argsort(atoms.positions[:, 2], kind="stable")
    steps = np.diff(atoms.positions[order, 2], prepend=atoms.positions[order[0], 2])
    layers = np.empty(len(atoms), dtype=np.int64)
    layers[order] = np.cumsum(steps > _SAME_LAYER)
    return layers


def area_of(atoms: Atoms) -> float:
    """Area of the cell across z, Angstrom^2."""
    return float(np.linalg.norm(np.cross(atoms.cell[0], atoms.cell[1])))


def interface_energy(atoms: Atoms, per_atom: float) -> float:
    """Energy in mJ/m^2 of each of the two equal interfaces of a cell, above the perfect crystal.

    Parameters
    ----------
    atoms
        Across z, with a calculator.
    per_atom : eV/atom
        Of the perfect crystal.
    """
    excess = float(atoms.get_potential_energy()) - len(atoms) * per_atom
    return MJ_M2_PER_EV_A2 * excess / (2 * area_of(atoms))


def chosen_interfaces(
    asked: Sequence[str], known: Collection[str], kind: str, purpose: str
) -> Sequence[str]:
    """Which interfaces of a kind of crystal are computed: those asked for, else all.

    Raises
    ------
    DataError
        The crystal has none of this name.
    """
    foreign = [name for name in asked if name not in known]
    if foreign:
        raise DataError(
            f"{purpose}: the crystal is {kind} and has {', '.join(known)} here, not "
            f"{', '.join(foreign)}"
        )
    return asked or list(known)
