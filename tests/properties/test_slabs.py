"""Slabs across any plane of a crystal."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.neighborlist import neighbor_list

from maxvolt.properties import Keeping
from maxvolt.properties.dynamic.settings import SimulationSettings
from maxvolt.properties.extremes.slabs import (
    crystal_across,
    crystal_at_temperature,
    slab_across,
)

PLANES = ((0, 0, 1), (1, 1, 0), (1, 1, 1), (3, 2, 1), (1, -1, 2))


@pytest.mark.parametrize("plane", PLANES)
@pytest.mark.parametrize("name", ["Al", "Fe", "Si", "Mg"])
def test_a_slab_is_the_crystal_inside(name: str, plane: tuple[int, int, int]):
    crystal = bulk(name) if name == "Mg" else bulk(name, cubic=True)
    slab = slab_across(crystal, plane, 12.0, 30.0)
    reach = 1.15 * neighbor_list("d", crystal, 3.5).min()
    expected = np.bincount(neighbor_list("i", crystal, reach)).max()
    z = slab.positions[:, 2]
    inside = (z > z.min() + reach) & (z < z.max() - reach)
    counts = np.bincount(neighbor_list("i", slab, reach), minlength=len(slab))
    assert set(counts[inside]) == {expected}
    assert neighbor_list("d", slab, 3.5).min() == pytest.approx(
        neighbor_list("d", crystal, 3.5).min()
    )
    plane_cell = slab.cell.array[:2, :2]
    heights = abs(np.linalg.det(plane_cell)) / np.linalg.norm(plane_cell, axis=1)
    assert (heights > 12.0 - 1e-9).all()
    assert np.ptp(z) >= 30.0 - 1e-9
    assert z.min() == pytest.approx(20.0)
    assert slab.cell[2, 2] == pytest.approx(z.max() + 20.0)
    assert np.allclose(slab.cell.array[2, :2], 0)
    assert slab.cell[0, 1] == pytest.approx(0)
    assert np.linalg.det(slab.cell.array) > 0
    assert slab.pbc.tolist() == [True, True, False]


@pytest.mark.parametrize("plane", PLANES)
def test_the_plane_is_across_z(plane: tuple[int, int, int]):
    """Layers of a simple cubic crystal are a / |h k l| apart."""
    slab = slab_across(bulk("Po", "sc", a=3.3), plane, 8.0, 15.0)
    levels = np.unique(slab.positions[:, 2].round(6))
    assert np.diff(levels) == pytest.approx(3.3 / np.linalg.norm(plane), abs=1e-5)


ROCK_SALT = bulk("NaCl", "rocksalt", a=5.6, cubic=True)


@pytest.mark.parametrize("plane", PLANES)
@pytest.mark.parametrize("cell", [bulk("Al", cubic=True), bulk("Mg"), ROCK_SALT])
def test_a_slab_is_turned_as_the_crystal_across_the_plane(
    cell: Atoms, plane: tuple[int, int, int]
) -> None:
    slab, crystal = slab_across(cell, plane, 8.0, 10.0), crystal_across(cell, plane)
    assert crystal.get_volume() / len(crystal) == pytest.approx(cell.get_volume() / len(cell))
    scaled = slab.positions @ np.linalg.inv(crystal.cell.array)
    places = crystal.get_scaled_positions()
    fits = []
    for origin in np.flatnonzero(crystal.numbers == slab.numbers[0]):
        apart = (scaled - scaled[0])[:, None] - (places - places[origin])[None]
        apart = np.abs(apart - np.round(apart)).max(axis=2)
        apart[slab.numbers[:, None] != crystal.numbers[None]] = np.inf
        fits.append(apart.min(axis=1).max())
    assert min(fits) < 1e-9
    # LAMMPS loses atoms on an edge where it writes restarts and they do not move.
    inside = slab.get_scaled_positions(wrap=False)[:, :2]
    assert inside.min() > 1e-4
    assert inside.max() < 1 - 1e-4


def test_the_cell_at_temperature_has_the_mean_volume_of_a_simulation():
    settings = SimulationSettings(atoms=32, temperature=300, equilibration_time=1.0)
    cell, found = crystal_at_temperature(EMT(), bulk("Cu"), settings, Keeping(), "test")
    assert len(cell) == 4
    mean = found.atoms.get_volume() / len(found.atoms)
    assert cell.get_volume() / 4 == pytest.approx(mean)
    assert mean > bulk("Cu", a=3.59).get_volume()
