"""Molecular dynamics: physics, schedules and the two-threshold rule."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path

import ase.parallel
import numpy as np
import pytest
from ase import units
from ase.build import bulk, molecule
from ase.calculators.emt import EMT
from fake_calculators import Springs

import maxvolt
from maxvolt.dataset import Dataset
from maxvolt.errors import DataError
from maxvolt.sampling import Limits, MolecularDynamics, StopReason, Thresholds, hold, ramp
from maxvolt.units import GPA_PER_EV_A3

sys.path.insert(0, str(Path(__file__).parents[1] / "potentials"))
from make_potentials import copper

ALWAYS = Thresholds(2.0, 10.0)


def crystal(repeat: int = 2) -> Dataset:
    return Dataset.from_atoms([bulk("Cu", a=3.62, cubic=True) * ((repeat,) * 3)])


COPPER = copper()


def calculator() -> maxvolt.Calculator:
    return maxvolt.Calculator(COPPER, threads=1)


def run(scenario: MolecularDynamics, calc=None, thresholds=ALWAYS, seed=1, **more):
    return scenario.run(calc or calculator(), thresholds, seed=seed, **more)


# --------------------------------------------------------------------- physics


def test_nve_keeps_the_energy():
    scenario = MolecularDynamics("nve", crystal(), 1500, 600.0, "nve", timestep_fs=2.0)
    result = run(scenario)
    assert result.reason is StopReason.FINISHED
    assert result.steps == result.total_steps == 1500
    assert result.reliability == 1.0
    energy = result.trace.total_energies / 32
    half = len(energy) // 2
    kinetic = 1.5 * units.kB * 300.0
    assert abs(energy[half:].mean() - energy[:half].mean()) < 0.002 * kinetic
    assert np.ptp(energy) < 0.02 * kinetic
    # Half of the kinetic energy goes into the lattice.
    half_of_the_first = result.trace.temperatures[0] / 2
    assert result.trace.temperatures[half:].mean() == pytest.approx(half_of_the_first, rel=0.1)


@pytest.mark.parametrize("thermostat", ["langevin", "bussi"])
def test_thermostats_sample_the_canonical_ensemble(thermostat):
    scenario = MolecularDynamics(
        "nvt",
        crystal(),
        3000,
        600.0,
        "nvt",
        thermostat,
        timestep_fs=3.0,
        thermostat_time_fs=50.0,
        record_every=5,
    )
    velocities = []
    result = run(scenario, observer=lambda _, atoms: velocities.append(atoms.get_velocities()))
    warm = 100
    temperatures = result.trace.temperatures[warm:]
    assert temperatures.mean() == pytest.approx(600.0, rel=0.05)
    # Canonical fluctuations of the kinetic energy of 3 N - 3 degrees of freedom.
    expected = 600.0 * np.sqrt(2 / (3 * 32 - 3))
    assert temperatures.std() == pytest.approx(expected, rel=0.15)
    # Equipartition: every direction, and every atom, has its share of the kinetic energy. The
    # Bussi thermostat leaves it to the collisions to get there.
    squares = np.array(velocities)[warm:] ** 2
    close = 0.06 if thermostat == "langevin" else 0.15
    assert squares.mean(axis=(0, 1)) == pytest.approx(squares.mean(), rel=close)
    of_atoms = squares.mean(axis=(0, 2)) / squares.mean()
    assert of_atoms.min() > 0.75
    assert of_atoms.max() < 1.3


@pytest.mark.parametrize("material", ["aluminium, EMT, volume", "copper, volume and shape"])
def test_npt_keeps_the_pressure(material):
    """5 GPa: mean pressure, and a volume below that of the cold crystal."""
    aluminium, shape = "EMT" in material, "shape" in material
    structure = bulk("Al", a=3.99, cubic=True) * (2, 2, 2)
    pressure = 5.0 / GPA_PER_EV_A3
    scenario = MolecularDynamics(
        "npt",
        Dataset.from_atoms([structure]) if aluminium else crystal(),
        500 if aluminium else 1800,
        300.0,
        "npt",
        pressure=pressure,
        timestep_fs=5.0 if aluminium else 4.0,
        barostat_time_fs=200.0,
        bulk_modulus=(40.0 if aluminium else 140.0) / GPA_PER_EV_A3,
        shape=shape,
        record_every=4,
    )
    stresses = []

    def observe(step, atoms):
        if step > 150:
            stresses.append(atoms.get_stress(include_ideal_gas=True))

    result = run(scenario, EMT() if aluminium else calculator(), observer=observe)
    assert result.reason is StopReason.FINISHED
    found = -np.array(stresses)[:, :3].mean() * GPA_PER_EV_A3
    assert found == pytest.approx(5.0, abs=0.6)
    late = result.trace.steps > 150
    assert result.trace.temperatures[late].mean() == pytest.approx(300.0, rel=0.15)
    relative = result.trace.volumes[late].mean() / result.trace.volumes[0]
    assert 0.85 < relative < 0.99
    lengths = result.last.cell.lengths()
    assert (np.ptp(lengths) > 1e-3) == shape


@pytest.mark.parametrize(
    ("ensemble", "thermostat"),
    [("nve", "langevin"), ("nvt", "langevin"), ("nvt", "bussi"), ("npt", "langevin")],
)
def test_a_rank_of_mpi_simulates_alone(ensemble, thermostat, monkeypatch):
    """Other ranks do something else: whoever waits for them waits for ever."""

    class Others:
        def __getattr__(self, name):
            raise AssertionError(f"other ranks were asked for {name}")

    monkeypatch.setattr(ase.parallel.world, "comm", Others())
    scenario = MolecularDynamics("alone", crystal(), 5, 300.0, ensemble, thermostat)
    result = run(scenario)
    assert result.reason is StopReason.FINISHED, result.message


def test_temperature_follows_its_schedule():
    schedule = hold(200.0, 400) + ramp(200.0, 1000.0, 400) + hold(1000.0, 700)
    scenario = MolecularDynamics(
        "ramp", crystal(), schedule.steps, schedule, timestep_fs=3.0, thermostat_time_fs=30.0
    )
    trace = run(scenario).trace
    assert trace.temperatures[(trace.steps > 100) & (trace.steps < 400)].mean() == pytest.approx(
        200.0, rel=0.15
    )
    assert trace.temperatures[trace.steps > 900].mean() == pytest.approx(1000.0, rel=0.15)


@pytest.mark.parametrize("thermostat", ["langevin", "bussi"])
def test_the_cell_follows_its_schedule(thermostat):
    strain = ramp((0.0,) * 6, (0.02, -0.01, 0.0, 0.0, 0.0, 0.03), 100)
    scenario = MolecularDynamics(
        "strained", crystal(), 200, 300.0, "nvt", thermostat, cell=strain, timestep_fs=3.0
    )
    result = run(scenario)
    assert result.reason is StopReason.FINISHED
    expected = np.array([[1.02, 0.03, 0], [0.03, 0.99, 0], [0, 0, 1]])
    np.testing.assert_allclose(result.last.cell.array, 2 * 3.62 * expected, atol=1e-9)
    uniform = MolecularDynamics("u", crystal(), 20, 300.0, cell=hold(0.01))
    assert run(uniform).last.get_volume() == pytest.approx((2 * 3.62 * 1.01) ** 3)


def test_a_seed_gives_the_same_trajectory_and_another_seed_another():
    scenario = MolecularDynamics("md", crystal(), 60, 600.0)
    first, again, other = (run(scenario, seed=seed).last for seed in (3, 3, 4))
    assert (first.positions == again.positions).all()
    assert (first.get_velocities() == again.get_velocities()).all()
    assert abs(first.positions - other.positions).max() > 1e-3


# --------------------------------------------------------------------- the rule


def heated(steps=400, temperature=3000.0, **more) -> MolecularDynamics:
    options = {"record_every": 5, "limits": Limits(0.1, isolation=np.inf), **more}
    return MolecularDynamics("hot", crystal(), steps, temperature, timestep_fs=2.0, **options)


def test_a_grade_above_break_stops_and_keeps_the_frame():
    graded = Springs(grade=10.0, home=crystal().positions)
    result = run(heated(), graded, Thresholds(2.0, 4.0))
    assert result.reason is StopReason.GRADE
    assert "break threshold 4" in result.message
    assert 0 < result.steps < 400
    assert result.reliability == result.steps / 400
    kept = result.extrapolative
    grades = np.array([info["grade"] for info in kept.infos])
    assert len(kept) > 1
    assert (grades >= 2.0).all()
    assert (grades[:-1] < 4.0).all()
    assert grades[-1] >= 4.0
    steps = [info["step"] for info in kept.infos]
    assert steps[-1] == result.steps + 1
    assert all(step % 5 == 0 for step in steps[:-1])
    assert set(kept.groups) == {"hot"}
    assert not kept.has_energy.any()
    assert not kept.has_forces.any()
    np.testing.assert_array_equal(kept.positions[-32:], result.last.positions)
    # Grades that the trace holds are those of the frames.
    recorded = dict(zip(result.trace.steps.tolist(), result.grades.tolist(), strict=True))
    assert [recorded[step] for step in steps] == grades.tolist()


def test_without_grades_it_goes_on():
    result = run(heated(), Springs(home=crystal().positions))
    assert result.reason is StopReason.FINISHED
    assert len(result.extrapolative) == 0
    assert np.isnan(result.grades).all()


def test_forces_that_are_not_finite_stop_it():
    result = run(heated(), Springs(fault="nan", fault_at=40, grade=1.0))
    assert result.reason is StopReason.NOT_FINITE
    assert "forces" in result.message
    assert result.steps == 38  # call 40 is that of step 39
    assert np.isfinite(result.last.positions).all()


def test_an_error_of_the_calculator_loses_nothing():
    graded = Springs(grade=10.0, home=crystal().positions, fault="raise", fault_at=150)
    result = run(heated(), graded, Thresholds(0.5, 100.0))
    assert result.reason is StopReason.FAILED
    assert result.message == "RuntimeError: the calculator is out of order"
    assert result.steps == 148
    assert len(result.extrapolative) > 10
    assert np.isfinite(result.last.positions).all()


def test_atoms_that_come_too_close_stop_it():
    result = run(heated(limits=Limits(2.3)))
    assert result.reason is StopReason.TOO_CLOSE
    assert "the limit is 2.3 A" in result.message


def test_an_atom_that_leaves_stops_it():
    atoms = molecule("H2O")
    free = Springs(stiffness=0.0)
    scenario = MolecularDynamics("gas", Dataset.from_atoms([atoms]), 2000, 2000.0, "nve")
    result = run(scenario, free)
    assert result.reason is StopReason.LOST_ATOM
    assert result.steps < 2000


def test_a_start_beyond_the_limits_stops_at_once():
    result = run(heated(limits=Limits(3.0)))
    assert result.reason is StopReason.TOO_CLOSE
    assert result.steps == 0
    np.testing.assert_array_equal(result.last.positions, crystal().positions)


# --------------------------------------------------------------------- parts and refusals


def test_each_structure_is_a_part():
    structures = Dataset.concatenate([crystal(), crystal(), crystal()])
    scenario = MolecularDynamics("md", structures, 10, 300.0)
    assert scenario.total_steps == 30
    parts = scenario.split()
    assert [part.part for part in parts] == [0, 1, 2]
    assert [len(part.structures) for part in parts] == [1, 1, 1]
    with pytest.raises(DataError, match="3 structures"):
        run(scenario)
    atoms = [crystal()[0]] * 3
    given = [MolecularDynamics("md", one, 10, 300.0) for one in (atoms, tuple(atoms))]
    assert [len(one.structures) for one in given] == [3, 3]
    assert len(MolecularDynamics("md", atoms[0], 10, 300.0).structures) == 1
    again = pickle.loads(pickle.dumps(parts[2]))
    assert (run(again).last.positions == run(parts[2]).last.positions).all()


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"steps": 0}, "steps must lie between 1 and"),
        ({"timestep_fs": -1.0}, "timestep_fs"),
        ({"ensemble": "nvp"}, "expected nve, nvt or npt"),
        ({"thermostat": "nose"}, "expected langevin or bussi"),
        ({"thermostat": "bussi", "temperature": 0.0}, "cannot start at 0 K"),
        ({"pressure": 0.01}, "pressure is for npt; it would change nothing in nvt"),
        ({"pressure": ramp(0.0, 0.1, 5)}, "pressure is for npt"),
        ({"shape": True}, "shape is for npt"),
        ({"ensemble": "npt", "thermostat": "bussi"}, "thermostat is for nvt"),
        ({"ensemble": "npt", "cell": hold(0.1)}, "the barostat sets the cell"),
        ({"cell": hold((0.1, 0.2))}, "one component or six"),
        ({"temperature": hold((1.0, 2.0))}, "a number at each step"),
        ({"temperature": -5.0}, "temperature must lie between 0 and"),
        ({"structures": Dataset.from_atoms([])}, "no structure"),
        ({"structures": "start.xyz"}, r"read files with maxvolt\.read"),
        ({"structures": Dataset.from_atoms([bulk("Cu")])}, "repeat the cell"),
        ({"structures": Dataset.from_atoms([molecule("H2O")]), "ensemble": "npt"}, "periodic"),
    ],
)
def test_what_cannot_be_run_is_refused(options, complaint):
    given = {"name": "md", "structures": crystal(), "steps": 10, "temperature": 300.0, **options}
    with pytest.raises(DataError, match=complaint):
        MolecularDynamics(**given)


class HighestInTheMiddle(EMT):
    """Grades that rise and fall with the steps, so that it is known which are the highest."""

    def calculate(self, *arguments: object, **options: object) -> None:
        super().calculate(*arguments, **options)
        self.count = getattr(self, "count", -1) + 1
        self.results["grade"] = 9.0 - abs(self.count - 10) / 2


def test_only_the_highest_grades_are_kept() -> None:
    found = MolecularDynamics(
        "md", bulk("Al", cubic=True), 20, 300.0, record_every=2, keep_most=3
    ).run(HighestInTheMiddle(), Thresholds(2.0, 100.0), seed=0)
    assert found.reason == "finished"
    kept = [(info["step"], info["grade"]) for info in found.extrapolative.infos]
    assert kept == [(8, 8.0), (10, 9.0), (12, 8.0)]
    with pytest.raises(DataError, match="keep_most must be at least 1"):
        MolecularDynamics("md", bulk("Al", cubic=True), 20, 300.0, keep_most=0)
