"""Atoms that are held in relaxations and in dynamics."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms, units
from ase.build import bulk
from ase.calculators.calculator import Calculator, all_changes
from ase.calculators.emt import EMT
from ase.constraints import (
    FixAtoms,
    FixBondLength,
    FixCartesian,
    FixCom,
    FixConstraint,
    FixScaled,
    Hookean,
)
from ase.filters import FrechetCellFilter
from ase.optimize import BFGS

import maxvolt
from maxvolt.constraints import constraint_records
from maxvolt.dataset import Dataset
from maxvolt.errors import DataError
from maxvolt.properties.statistics import series_mean
from maxvolt.sampling import Limits, MolecularDynamics, Relaxation, Thresholds, rattle, vacancy
from maxvolt.sampling.held import HeldAtoms

sys.path.insert(0, str(Path(__file__).parents[1] / "potentials"))
from make_potentials import copper

RULE = Thresholds(2.0, 10.0)
NEVER = Thresholds(np.inf, np.inf)
COPPER = copper()


def calculator() -> maxvolt.Calculator:
    return maxvolt.Calculator(COPPER, threads=1)


class Ideal(Calculator):
    """Atoms that do not interact."""

    implemented_properties = ("energy", "forces", "stress")

    def calculate(self, atoms=None, properties=("energy",), system_changes=tuple(all_changes)):
        super().calculate(atoms, properties, system_changes)
        self.results = {
            "energy": 0.0, "forces": np.zeros((len(atoms), 3)), "stress": np.zeros(6)
        }  # fmt: skip


def crystal(*constraints: object) -> Atoms:
    atoms = bulk("Cu", a=3.62, cubic=True) * (2, 2, 1)
    atoms.positions += 0.05 * np.random.default_rng(3).standard_normal((len(atoms), 3))
    atoms.set_constraint(list(constraints))
    return atoms


def relaxed(atoms: Atoms, **options: object) -> Atoms:
    (end,) = Relaxation("r", atoms, **options).run(calculator(), RULE).candidates
    assert end.status == "relaxed", end.message
    return end.structure


class TestRelaxation:
    def test_fixed_atoms_stay(self) -> None:
        start = crystal(FixAtoms([0, 3]), FixCartesian([5], (False, True, False)))
        end = relaxed(start, cell=False)
        moved = end.positions - start.positions
        assert (moved[[0, 3]] == 0).all()
        assert moved[5, 1] == 0
        assert abs(moved[5, [0, 2]]).min() > 1e-4
        raw = end.calc.results["forces"]
        assert abs(raw[[0, 3]]).max() > 0.01  # the forces on them are labels, not zero
        assert abs(np.delete(raw, [0, 3, 5], axis=0)).max() < 1e-3
        assert constraint_records(end) == constraint_records(start)

    def test_it_finds_what_ase_finds(self) -> None:
        constraints = [FixAtoms([0, 3]), FixCartesian([5], (False, True, False))]
        end = relaxed(crystal(*constraints), cell=False, force_tolerance=1e-4)
        other = crystal(*constraints)
        other.calc = calculator()
        BFGS(other, logfile=None).run(fmax=1e-4, steps=500)
        assert end.calc.results["energy"] == pytest.approx(other.get_potential_energy(), abs=1e-5)
        np.testing.assert_allclose(end.positions, other.positions, atol=2e-3)

    def test_with_the_cell_they_keep_their_scaled_coordinates(self) -> None:
        start = crystal(FixAtoms([0, 3]))
        end = relaxed(start, stress_tolerance=1e-4)
        assert abs(end.cell.array - start.cell.array).max() > 0.01
        np.testing.assert_allclose(
            end.get_scaled_positions()[[0, 3]], start.get_scaled_positions()[[0, 3]], atol=1e-12
        )
        other = crystal(FixAtoms([0, 3]))
        other.calc = calculator()
        BFGS(FrechetCellFilter(other), logfile=None).run(fmax=1e-3, steps=500)
        assert end.calc.results["energy"] == pytest.approx(other.get_potential_energy(), abs=1e-4)

    @pytest.mark.parametrize("cell", [False, True])
    def test_scaled_directions_of_an_oblique_cell(self, cell: bool) -> None:
        fcc = bulk("Cu", a=3.62) * (2, 2, 2)
        fcc.positions += 0.05 * np.random.default_rng(3).standard_normal((len(fcc), 3))
        start = fcc.copy()
        start.set_constraint(FixScaled(2, (True, False, False)))
        end = relaxed(start, cell=cell)
        before, after = (one.cell.scaled_positions(one.positions) for one in (start, end))
        assert after[2, 0] == pytest.approx(before[2, 0], abs=1e-9)
        assert abs(after[2, 1:] - before[2, 1:]).max() > 1e-4


class KeptByNoFile(FixConstraint):
    """Like FixSymmetry: it refers to a whole structure, and no record can be made of it."""

    def todict(self) -> dict[str, object]:
        raise NotImplementedError


@pytest.mark.parametrize("kind", [MolecularDynamics, Relaxation])
@pytest.mark.parametrize(
    "constraint", [FixBondLength(0, 1), Hookean(0, 1, 5.0, 3.0), KeptByNoFile()]
)
def test_what_cannot_be_honoured_is_refused_by_name(kind: type, constraint: object) -> None:
    atoms = bulk("Cu", cubic=True)
    atoms.set_constraint(constraint)
    name = type(constraint).__name__
    arguments = (10, 300.0) if kind is MolecularDynamics else ()
    with pytest.raises(DataError, match=rf"structure 1 has .*{name}.*FixAtoms.*remove"):
        kind("x", [bulk("Cu", cubic=True), atoms], *arguments)


class TestDynamics:
    @pytest.mark.parametrize("thermostat", ["langevin", "bussi", "nve"])
    def test_fixed_atoms_stay_and_the_others_are_as_hot_as_asked(self, thermostat: str) -> None:
        start = bulk("Cu", a=3.62, cubic=True) * (2, 2, 2)
        start.set_constraint([FixAtoms(range(8)), FixCartesian([9], (False, False, True))])
        ensemble = ("nve", "langevin") if thermostat == "nve" else ("nvt", thermostat)
        temperatures, squares = [], []

        def look(step: int, atoms: Atoms) -> None:
            assert (atoms.positions[:8] == start.positions[:8]).all()
            assert atoms.positions[9, 2] == start.positions[9, 2]
            if step > 150:
                momenta = atoms.get_momenta()
                squares.append((momenta**2).sum() / atoms.get_masses()[0])
                temperatures.append(atoms.get_temperature())

        scenario = MolecularDynamics(
            "md", start, 1200, 600.0, *ensemble, timestep_fs=3.0, thermostat_time_fs=50.0
        )
        result = scenario.run(calculator(), RULE, seed=1, observer=look)
        assert result.reason == "finished"
        from ase import units

        degrees = 3 * 32 - 24 - 1
        mean = np.mean(squares) / (degrees * units.kB)
        assert np.mean(temperatures) == pytest.approx(mean, rel=1e-9)
        # At constant energy half of the first kinetic energy goes into the lattice.
        wanted = result.trace.temperatures[0] / 2 if thermostat == "nve" else 600.0
        assert mean == pytest.approx(wanted, rel=0.12)
        assert constraint_records(result.last) == constraint_records(start)
        energies = result.trace.total_energies
        if thermostat == "nve":
            assert np.ptp(energies) / 32 < 0.002

    def test_scaled_directions_of_an_oblique_cell(self) -> None:
        start = bulk("Cu", a=3.62) * (3, 3, 3)
        start.set_constraint([FixScaled(range(4), (False, True, True)), FixAtoms([7])])
        before = start.cell.scaled_positions(start.positions)

        def look(step: int, atoms: Atoms) -> None:
            now = atoms.cell.scaled_positions(atoms.positions)
            np.testing.assert_allclose(now[:4, 1:], before[:4, 1:], atol=1e-12)
            assert (atoms.positions[7] == start.positions[7]).all()

        scenario = MolecularDynamics("md", start, 200, 600.0, timestep_fs=2.0)
        result = scenario.run(calculator(), RULE, seed=1, observer=look)
        moved = result.last.cell.scaled_positions(result.last.positions) - before
        assert abs(moved[:4, 0]).max() > 1e-3

    def test_held_atoms_follow_a_strained_cell(self) -> None:
        start = bulk("Cu", a=3.62, cubic=True) * (2, 2, 2)
        start.set_constraint(FixAtoms([0, 5]))
        scenario = MolecularDynamics(
            "md", start, 50, 300.0, cell=maxvolt.sampling.ramp(0.0, 0.02, 50)
        )
        last = scenario.run(calculator(), RULE, seed=1).last
        np.testing.assert_allclose(
            last.get_scaled_positions()[[0, 5]], start.get_scaled_positions()[[0, 5]], atol=1e-12
        )

    def test_npt_refuses_what_cannot_go_along_with_the_cell(self) -> None:
        start = bulk("Cu", a=3.62, cubic=True) * (2, 2, 2)
        start.set_constraint(FixCartesian([0], (True, False, False)))
        with pytest.raises(DataError, match=r"FixCartesian, which npt cannot honour; hold whole"):
            MolecularDynamics("md", start, 50, 300.0, "npt")
        start.set_constraint([FixAtoms(range(31)), FixAtoms([-1])])
        with pytest.raises(DataError, match="structure 0 has no atom that is not held"):
            MolecularDynamics("md", start, 50, 300.0, "npt")

    @pytest.mark.parametrize("shape", [False, True])
    def test_in_npt_held_atoms_go_along_with_the_cell(self, shape: bool) -> None:
        start = bulk("Cu", a=3.62, cubic=True) * (2, 2, 2)
        start.set_constraint(FixAtoms(range(8)))
        before = start.cell.scaled_positions(start.positions)[:8]
        cells, temperatures = [], []

        def look(step: int, atoms: Atoms) -> None:
            now = atoms.cell.scaled_positions(atoms.positions)
            np.testing.assert_allclose(now[:8], before, atol=1e-12)
            assert (atoms.get_momenta()[:8] == 0).all()
            cells.append(atoms.cell.array.copy())
            if step > 100:
                temperatures.append(atoms.get_temperature())

        scenario = MolecularDynamics(
            "md", start, 500, 600.0, "npt", shape=shape, timestep_fs=3.0, record_every=2
        )
        result = scenario.run(calculator(), RULE, seed=1, observer=look)
        assert result.steps == 500, result.message
        assert np.ptp([np.linalg.det(cell) for cell in cells]) > 1.0
        assert np.mean(temperatures) == pytest.approx(600.0, rel=0.15)  # of 72 degrees of freedom

    def test_the_pressure_of_an_ideal_gas_is_that_of_its_free_atoms(self) -> None:
        """Volume of 20 atoms, or 21 (by the measure of volume), not of the 40 that are there."""
        pressure, temperature = 1e-4, 500.0
        of_one = units.kB * temperature / pressure
        edge = (20 * of_one) ** (1 / 3)
        places = edge * np.random.default_rng(1).random((40, 3))
        start = Atoms(40 * "Cu", positions=places, cell=3 * [edge], pbc=True)
        start.set_constraint(FixAtoms(range(20)))
        volumes: list[float] = []
        scenario = MolecularDynamics(
            "gas", start, 1500, temperature, "npt", pressure=pressure, timestep_fs=20.0,
            barostat_time_fs=150.0, bulk_modulus=pressure, limits=Limits(1e-9, np.inf),
        )  # fmt: skip
        result = scenario.run(
            Ideal(), NEVER, seed=1, observer=lambda _, atoms: volumes.append(atoms.get_volume())
        )
        assert result.steps == 1500, result.message
        mean = series_mean(np.array(volumes))
        assert mean.error < 2 * of_one
        assert abs(mean.mean - 20.5 * of_one) < 0.5 * of_one + 3 * mean.error

    def test_a_held_centre_of_mass_changes_nothing(self) -> None:
        free, held = (bulk("Cu", a=3.62, cubic=True) * (2, 2, 2) for _ in range(2))
        held.set_constraint(FixCom())
        ends = [
            MolecularDynamics("md", one, 30, 300.0).run(calculator(), RULE, seed=1).last
            for one in (free, held)
        ]
        assert (ends[0].positions == ends[1].positions).all()


class TestHeldAtoms:
    def test_total_momentum_is_held_along_directions_that_all_share(self) -> None:
        atoms = bulk("Cu", a=3.62, cubic=True)
        held = HeldAtoms(
            constraint_records(_with(atoms, FixCartesian([0, 1], (False, False, True))))
        )
        assert held.get_removed_dof(atoms) == 2 + 2
        momenta = np.random.default_rng(1).standard_normal((4, 3))
        held.adjust_momenta(atoms, momenta)
        np.testing.assert_allclose(momenta[:, :2].sum(axis=0), 0, atol=1e-14)
        assert (momenta[:2, 2] == 0).all()
        assert abs(momenta[2:, 2].sum()) > 0.1

    def test_without_a_cell_scaled_coordinates_mean_nothing(self) -> None:
        atoms = Atoms("Cu2", [[0, 0, 0], [0, 0, 2.3]])
        atoms.set_constraint(FixScaled(0, (True, False, False)))
        with pytest.raises(DataError, match="FixScaled needs a cell"):
            Relaxation("r", atoms, cell=False).run(calculator(), RULE)


def _with(atoms: Atoms, constraint: object) -> Atoms:
    atoms = atoms.copy()
    atoms.set_constraint(constraint)
    return atoms


def test_changed_copies_keep_them() -> None:
    slab = _with(bulk("Cu", a=3.62, cubic=True) * (1, 1, 2), FixAtoms([6, 7]))
    assert all(one.constraints[0].index.tolist() == [6, 7] for one in rattle(slab, 0.1))
    without = vacancy(slab, 1, seed=4)[0]
    gone = [
        index
        for index in range(8)
        if not (np.linalg.norm(without.positions - slab.positions[index], axis=1) < 1e-9).any()
    ]
    fixed = [p for k, p in enumerate(slab.positions) if k in (6, 7) and k not in gone]
    assert (without.positions[without.constraints[0].index] == fixed).all()


def test_a_dataset_brings_them_along() -> None:
    dataset = Dataset.from_atoms([crystal(FixAtoms([0]))])
    end = Relaxation("r", dataset, cell=False).run(EMT(), RULE).candidates[0].structure
    assert (end.positions[0] == dataset[0].positions[0]).all()
