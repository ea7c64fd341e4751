"""Slabs of a crystal, with any plane of it across z."""

from __future__ import annotations

from typing import Any

import numpy as np
from ase import Atoms
from ase.build import surface
from ase.geometry import minkowski_reduce
from numpy.typing import NDArray

from maxvolt.errors import SettingsError
from maxvolt.properties.dynamic.keeping import Keeping
from maxvolt.properties.dynamic.preparation import Prepared, prepared, supercell
from maxvolt.properties.dynamic.settings import SimulationSettings
from maxvolt.properties.static.resting_cells import resting_cell

__all__ = ["Plane", "crystal_across", "crystal_at_temperature", "require_plane", "slab_across"]

Plane = tuple[int, int, int]
"""Miller indices of the plane across z: of the cell with right angles of a crystal of one element
(fcc, bcc, sc, diamond, hcp), of the given cell of any other crystal."""

_GAP = 20.0
"""Angstrom above and below: what heat and a load need."""

_LARGEST_INDEX = 20


def require_plane(plane: Plane) -> None:
    """Refuse what are no Miller indices, or such large ones that a slab would be huge.

    Raises
    ------
    SettingsError
        They are not three whole numbers of moderate size, or all 0.
    """
    given = np.asarray(plane)
    if (
        given.shape != (3,)
        or given.dtype.kind != "i"
        or not given.any()
        or abs(given).max() > _LARGEST_INDEX
    ):
        raise SettingsError(
            f"plane must be three whole numbers, not all 0, up to {_LARGEST_INDEX}, such as "
            f"[1, 1, 1]; got {plane!r}"
        )


def crystal_at_temperature(
    calculator: Any, atoms: Atoms, settings: SimulationSettings, keeping: Keeping, purpose: str
) -> tuple[Atoms, Prepared]:
    """Return a cell of a crystal with the lattice constants of temperature and pressure.

    Parameters
    ----------
    calculator
        Any ASE calculator with stress.
    atoms
        Crystal near equilibrium; it is relaxed first.
    settings
        Temperature, pressure, and size of the simulation that finds them.
    keeping
        Where segments are kept.
    purpose
        What is computed, for messages.

    Returns
    -------
    cell
        With its atoms at the places of the crystal at rest.
    prepared
        The simulation.
    """
    cell = resting_cell(calculator, atoms, purpose, right_angled=True)
    perfect = supercell(calculator, atoms, settings.atoms, purpose)
    found = prepared(calculator, atoms, settings, keeping, purpose)
    stretch = np.linalg.inv(perfect.cell.array) @ found.atoms.cell.array
    cell.set_cell(cell.cell.array @ stretch, scale_atoms=True)
    return cell, found


def crystal_across(cell: Atoms, plane: Plane) -> Atoms:
    """Build a cell of the crystal, periodic in three directions, that is turned as the slab is.

    Parameters
    ----------
    cell
        Of a crystal.
    plane
        Across z.
    """
    two: Atoms = surface(cell, plane, 2, periodic=False)  # else heights are wrapped
    _reduce(two)
    one: Atoms = two[: len(two) // 2]
    upwards = two.positions[len(one)] - two.positions[0]
    one.set_cell([two.cell[0], two.cell[1], upwards])
    one.pbc = True
    return one


def slab_across(cell: Atoms, plane: Plane, width: float, height: float) -> Atoms:
    """Build a slab that is periodic along x and y.

    Parameters
    ----------
    cell
        Of a crystal.
    plane
        Across z.
    width : Angstrom
        Least distance from an atom to its own images.
    height : Angstrom
        Least distance from the lowest atom to the highest.

    Returns
    -------
    slab
        Its lowest atom is at z = 20; above the highest 20 Angstrom of the cell are empty. No atom
        is on an edge of the cell: LAMMPS loses such ones in restarts, where they do not move.
    """
    one = crystal_across(cell, plane)
    thickness = _thickness(one.cell.array)
    layers = int(np.ceil(height / thickness)) + 1
    across = surface(cell, plane, layers, periodic=False)
    _reduce(across)
    times = np.ceil(width / _heights(across.cell.array[:2, :2]) - 1e-9).astype(int)
    slab: Atoms = across * (*np.maximum(times, 1).tolist(), 1)
    z = slab.positions[:, 2]
    slab = slab[z <= z.min() + height + thickness]
    slab.positions[:, 2] += _GAP - slab.positions[:, 2].min()
    slab.set_cell([slab.cell[0], slab.cell[1], [0, 0, slab.positions[:, 2].max() + _GAP]])
    slab.pbc = (True, True, False)
    _clear_edges(slab)
    return Atoms(slab.numbers, slab.positions, cell=slab.cell, pbc=slab.pbc)


def _reduce(slab: Atoms) -> None:
    """Choose the shortest vectors in the plane, the first along x."""
    slab.set_cell(minkowski_reduce(slab.cell.array, pbc=[True, True, False])[0])
    first = slab.cell.array[0]
    slab.rotate(np.degrees(-np.arctan2(first[1], first[0])), "z", rotate_cell=True)


def _clear_edges(slab: Atoms) -> None:
    """Shift a slab along x and y, so that the edges are in the middle between atoms."""
    scaled = slab.get_scaled_positions()[:, :2] % 1
    for axis in range(2):
        places = np.sort(scaled[:, axis])
        gaps = np.diff(places, append=places[0] + 1)
        widest = int(np.argmax(gaps))
        slab.positions -= (places[widest] + gaps[widest] / 2) * slab.cell.array[axis]
    slab.wrap()


def _thickness(cell: NDArray[np.float64]) -> float:
    return float(abs(np.linalg.det(cell)) / np.linalg.norm(np.cross(cell[0], cell[1])))


def _heights(plane: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distances of the opposite edges of a parallelogram."""
    area = abs(np.linalg.det(plane))
    return np.asarray(area / np.linalg.norm(plane, axis=1)[::-1])
