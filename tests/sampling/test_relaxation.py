"""Relaxation of batches: known answers, pressure, limits, and every way to end."""

from __future__ import annotations

import pickle
import sys
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.calculators.emt import EMT
from ase.filters import FrechetCellFilter
from ase.optimize import LBFGS
from fake_calculators import Springs

import maxvolt
from maxvolt.dataset import Dataset
from maxvolt.errors import DataError
from maxvolt.sampling import (
    Limits,
    Relaxation,
    StopReason,
    Thresholds,
    random_structures,
    rattle,
    strain,
)
from maxvolt.sampling.batch import Batch
from maxvolt.sampling.batch_neighbors import BatchNeighbors
from maxvolt.sampling.coordinates import Coordinates
from maxvolt.sampling.evaluators import AseEvaluator, NeighborhoodEvaluator
from maxvolt.units import GPA_PER_EV_A3

sys.path.insert(0, str(Path(__file__).parents[1] / "potentials"))
from make_potentials import copper

ALWAYS = Thresholds()
COPPER = copper()


def calculator(**options) -> maxvolt.Calculator:
    return maxvolt.Calculator(COPPER, threads=1, **options)


def disturbed(atoms: Atoms, copies: int, amount: float = 0.05) -> Dataset:
    return rattle(strain(atoms, amount, copies=copies, seed=1), 0.08, seed=2)


# --------------------------------------------------------------------- known answers


def test_aluminium_finds_its_lattice_constant():
    """EMT aluminium: 3.99 A; ASE's own minimiser gives the same at zero and at 10 GPa."""
    candidates = disturbed(bulk("Al", a=4.1, cubic=True), 3)
    for pressure in (0.0, 10.0 / GPA_PER_EV_A3):
        scenario = Relaxation("al", candidates, pressure, force_tolerance=1e-4)
        result = scenario.run(EMT(), ALWAYS)
        assert result.reason is StopReason.FINISHED
        assert [end.status for end in result.candidates] == ["relaxed"] * 3
        reference = bulk("Al", a=4.05)
        reference.calc = EMT()
        LBFGS(FrechetCellFilter(reference, scalar_pressure=pressure), logfile=None).run(1e-5)
        for end in result.candidates:
            assert end.structure.get_volume() / 4 == pytest.approx(reference.get_volume(), rel=1e-4)
            found = -end.structure.get_stress()[:3] * GPA_PER_EV_A3
            assert found == pytest.approx(pressure * GPA_PER_EV_A3, abs=0.01)
            assert end.structure.get_potential_energy() / 4 == pytest.approx(
                reference.get_potential_energy(), abs=1e-5
            )
        if not pressure:
            volume = result.candidates[0].structure.get_volume()
            assert volume ** (1 / 3) == pytest.approx(3.99, abs=0.01)


def test_atoms_alone_are_relaxed_where_the_cell_is_fixed():
    molecules = rattle(molecule("CO2"), 0.05, copies=2)
    result = Relaxation("m", molecules, cell=False, force_tolerance=1e-4).run(EMT(), ALWAYS)
    for end in result.candidates:
        assert end.reason is StopReason.CONVERGED
        assert np.linalg.norm(end.structure.get_forces(), axis=1).max() < 1e-4
        assert "stress" not in end.structure.calc.results
    cells = disturbed(bulk("Cu", a=3.62, cubic=True), 2)
    fixed = Relaxation("c", cells, cell=False).run(calculator(), ALWAYS)
    for before, end in zip(cells, fixed.candidates, strict=True):
        np.testing.assert_array_equal(end.structure.cell.array, before.cell.array)


def test_gradients_of_all_variables():
    """Against differences of the enthalpy, at a strained point."""
    dataset = disturbed(bulk("Cu", a=3.62, cubic=True), 2)
    start = Batch.from_dataset(dataset)
    coordinates = Coordinates(start, True, 0.05, np.array([3.0, 4.0]))
    evaluator = NeighborhoodEvaluator(calculator())
    nothing = np.zeros(2, np.bool_)

    def evaluate(x):
        at = coordinates.structures(x)
        neighbors = BatchNeighbors(evaluator.reach, 0.1)
        neighbors.add(at.counts)
        neighbors.update(at)
        found = evaluator.evaluate(at, neighbors, nothing, stress=True)
        value = coordinates.enthalpies(at, found.energies)
        return value, coordinates.gradients(x, at, found.forces, found.virials)

    generator = np.random.default_rng(0)
    x = 0.05 * generator.normal(size=coordinates.zeros().shape)
    direction = generator.normal(size=x.shape)
    for begin in (4, 11):  # the strains are symmetric
        for rows in (x, direction):
            rows[begin : begin + 3] = 0.5 * (rows[begin : begin + 3] + rows[begin : begin + 3].T)
    step = 1e-5
    above, below = evaluate(x + step * direction)[0], evaluate(x - step * direction)[0]
    gradient = evaluate(x)[1]
    slopes = [(gradient[:7] * direction[:7]).sum(), (gradient[7:] * direction[7:]).sum()]
    np.testing.assert_allclose((above - below) / (2 * step), slopes, rtol=1e-6)


def test_only_the_strains_that_are_free_change_the_cell():
    """Under pressure along all axes two of them stay; the stress along the third is that asked."""
    pressure = 2.0 / GPA_PER_EV_A3
    begun = bulk("Cu", a=3.62, cubic=True)
    strains = (True, False, False, False, True, False)
    scenario = Relaxation("x", Dataset.from_atoms([begun]), pressure, strains=strains)
    [end] = scenario.run(calculator(), ALWAYS).candidates
    assert end.reason is StopReason.CONVERGED
    cell = end.structure.cell.array
    np.testing.assert_array_equal(cell[1], begun.cell[1])
    assert cell[2, 2] == begun.cell[2, 2]
    assert cell[0, 0] < begun.cell[0, 0] - 0.005
    stress = end.structure.get_stress()
    assert stress[0] == pytest.approx(-pressure, abs=1e-4)
    assert abs(stress[1] + pressure) > 1e-3


def test_batches_and_single_structures_agree():
    """The kernels' batches against the calculator, structure by structure."""
    dataset = Dataset.concatenate(
        [disturbed(bulk("Cu", a=3.62, cubic=True), 3), Dataset.from_atoms([bulk("Cu", a=3.5)])]
    )
    batch = Batch.from_dataset(dataset)
    skip = np.array([False, True, False, False])
    batched = NeighborhoodEvaluator(calculator())
    neighbors = BatchNeighbors(batched.reach, 0.5)
    neighbors.add(batch.counts)
    neighbors.update(batch)
    one = batched.evaluate(batch, neighbors, skip, stress=True)
    other = AseEvaluator(calculator()).evaluate(batch, neighbors, skip, stress=True)
    np.testing.assert_allclose(one.energies[~skip], other.energies[~skip], rtol=1e-12)
    chosen = ~skip[batch.structure_of_atom]
    np.testing.assert_allclose(one.forces[chosen], other.forces[chosen], atol=1e-12)
    np.testing.assert_allclose(one.virials[~skip], other.virials[~skip], atol=1e-11)
    assert np.isnan(one.energies[skip]).all()


@pytest.mark.parametrize("mode", ["configuration", "neighborhood"])
def test_grades_of_batches(mode):
    """An active set made of gently disturbed crystals: the wild candidates are stopped."""
    training = disturbed(bulk("Cu", a=3.62, cubic=True), 30)
    query = maxvolt.ActiveSet.from_dataset(COPPER, training, mode=mode)
    wild = disturbed(bulk("Cu", a=3.62, cubic=True), 3, amount=0.2)
    candidates = Dataset.concatenate([training.select([0, 1]), wild])
    thresholds = Thresholds(2.0, 1000.0)
    batched = Relaxation("g", candidates, record_every=1)
    result = batched.run(calculator(query=query), thresholds)
    kept = result.extrapolative
    assert len(kept) > 3
    grades = np.array([info["grade"] for info in kept.infos])
    np.testing.assert_allclose(query.grade(kept), grades, rtol=1e-6)
    ends = Dataset.from_atoms([end.structure for end in result.candidates])
    np.testing.assert_allclose(query.grade(ends), result.grades, rtol=1e-6)
    stops = [end.reason is StopReason.GRADE for end in result.candidates]
    assert stops == [grade >= 1000.0 for grade in result.grades]


def test_a_committee_stops_where_its_members_disagree():
    softer = copper().with_coefficients(
        COPPER.model.radial_coeffs, np.array([-1.0]), np.array([0.8, 0.01])
    )
    ensemble = maxvolt.Ensemble((COPPER, softer))
    committee = maxvolt.Committee(ensemble, force_scale=1e-4)
    calc = maxvolt.Calculator(ensemble, query=committee, threads=1)
    candidates = disturbed(bulk("Cu", a=3.62, cubic=True), 2)
    result = Relaxation("c", candidates).run(calc, ALWAYS)
    assert [end.reason for end in result.candidates] == [StopReason.GRADE] * 2
    np.testing.assert_allclose(committee.grade(candidates), result.grades, rtol=1e-9)


def test_an_ensemble_relaxes_to_where_its_mean_does():
    softer = copper().with_coefficients(
        COPPER.model.radial_coeffs, np.array([-1.0]), np.array([0.8, 0.01])
    )
    ensemble = maxvolt.Ensemble((COPPER, softer))
    mean = maxvolt.Calculator(ensemble, threads=1)
    result = Relaxation("e", disturbed(bulk("Cu", a=3.62, cubic=True), 2)).run(mean, ALWAYS)
    for end in result.candidates:
        assert end.reason is StopReason.CONVERGED
        structure = end.structure.copy()
        structure.calc = maxvolt.Calculator(ensemble, threads=1)
        assert np.linalg.norm(structure.get_forces(), axis=1).max() < 1e-3 + 1e-9
        assert abs(structure.get_stress()).max() * GPA_PER_EV_A3 < 0.01 + 1e-6


def test_many_random_structures():
    """More candidates than are relaxed together; every one has an end, in its place."""
    candidates = random_structures(
        {"Cu": 1}, (2, 6), (10, 14), count=300, minimum_distance=2.1, seed=3
    )
    scenario = Relaxation("random", candidates, max_steps=150)
    result = scenario.run(calculator(), ALWAYS)
    assert [end.index for end in result.candidates] == list(range(300))
    assert sum(end.reason is StopReason.CONVERGED for end in result.candidates) > 250
    for end in result.candidates:
        assert len(end.structure) == candidates.counts[end.index]
    converged = [end for end in result.candidates if end.reason is StopReason.CONVERGED]
    checked = Dataset.from_atoms([end.structure for end in converged])
    predicted = COPPER.evaluate_dataset(checked)
    assert np.linalg.norm(predicted.forces, axis=1).max() < scenario.force_tolerance * 1.001
    assert abs(predicted.stresses).max() < scenario.stress_tolerance * 1.001
    np.testing.assert_allclose(predicted.energies, checked.energies, rtol=1e-10)


# --------------------------------------------------------------------- the rule and other ends


def hanging(count: int = 3) -> tuple[Dataset, Springs]:
    """Atoms that hang ever farther from where their springs hold them."""
    home = bulk("Cu", cubic=True)
    pulled = []
    for k in range(count):
        atoms = home.copy()
        atoms.positions[1] += [0.1 * (k + 1), 0, 0]
        pulled.append(atoms)
    return Dataset.from_atoms(pulled), Springs(home=home.positions)


def test_the_two_thresholds():
    candidates, calculator = hanging(5)
    calculator.grade = 10.0  # so 1, 2, 3, 4, 5 at the start, and less on the way
    scenario = Relaxation("s", candidates, cell=False, record_every=1)
    result = scenario.run(calculator, Thresholds(1.5, 4.0))
    assert [end.reason for end in result.candidates] == [StopReason.CONVERGED] * 3 + [
        StopReason.GRADE
    ] * 2
    assert [end.status for end in result.candidates] == ["relaxed"] * 3 + ["stopped"] * 2
    assert result.reason is StopReason.GRADE
    assert result.message == "3 converged, 2 grade"
    assert (result.steps, result.total_steps) == (3, 5)
    assert result.grades[3:] == pytest.approx([4.0, 5.0])
    kept = result.extrapolative
    of = [info["candidate"] for info in kept.infos]
    grades = np.array([info["grade"] for info in kept.infos])
    assert sorted(set(of)) == [1, 2, 3, 4]
    assert of == sorted(of)
    assert (grades >= 1.5).all()
    assert not kept.has_energy.any()
    assert sum(k == 4 for k in of) == 1


@pytest.mark.parametrize(
    ("fault", "reason"), [("nan", StopReason.NOT_FINITE), ("raise", StopReason.FAILED)]
)
def test_faults_end_candidates(fault, reason):
    candidates, calculator = hanging(2)
    calculator.fault, calculator.fault_at = fault, 3
    result = Relaxation("s", candidates, cell=False).run(calculator, ALWAYS)
    assert {end.reason for end in result.candidates} == {reason}
    status = "failed" if fault == "raise" else "stopped"
    assert {end.status for end in result.candidates} == {status}
    for end in result.candidates:
        assert np.isfinite(end.structure.positions).all()
        assert end.structure.calc is None


def test_too_close_and_step_limit():
    near = bulk("Cu", a=3.62, cubic=True)
    near.positions[1] = near.positions[0] + [1.0, 0, 0]
    coincident = bulk("Cu", a=3.62, cubic=True)
    coincident.positions[1] = coincident.positions[0]
    good = disturbed(bulk("Cu", a=3.62, cubic=True), 1)[0]
    candidates = Dataset.from_atoms([near, good, coincident])
    result = Relaxation("c", candidates, limits=Limits(1.5)).run(calculator(), ALWAYS)
    assert [end.reason for end in result.candidates] == [
        StopReason.TOO_CLOSE,
        StopReason.CONVERGED,
        StopReason.TOO_CLOSE,
    ]
    assert "the limit is 1.5 A" in result.candidates[0].message
    short = Relaxation("c", candidates.select([1]), max_steps=3).run(calculator(), ALWAYS)
    assert short.candidates[0].reason is StopReason.STEP_LIMIT
    assert short.candidates[0].status == "stopped"
    assert short.candidates[0].steps == 3
    assert short.reason is StopReason.FINISHED


def test_without_limits_coincident_atoms_fail_alone():
    coincident = bulk("Cu", a=3.62, cubic=True)
    coincident.positions[1] = coincident.positions[0]
    good = disturbed(bulk("Cu", a=3.62, cubic=True), 1)[0]
    candidates = Dataset.from_atoms([good, coincident, bulk("Al")])
    result = Relaxation("c", candidates, limits=Limits(0.0)).run(calculator(), ALWAYS)
    reasons = [end.reason for end in result.candidates]
    assert reasons == [StopReason.CONVERGED, StopReason.FAILED, StopReason.FAILED]
    assert "coincides" in result.candidates[1].message
    assert "Al" in result.candidates[2].message


def test_forces_that_are_not_derivatives_fail():
    class Wrong(Springs):
        def calculate(self, *arguments):
            super().calculate(*arguments)
            self.results["forces"] = -self.results["forces"]

    candidates, good = hanging(1)
    result = Relaxation("w", candidates, cell=False).run(Wrong(home=good.home), ALWAYS)
    assert result.candidates[0].reason is StopReason.FAILED
    assert "forces and energy disagree" in result.candidates[0].message


# --------------------------------------------------------------------- parts and refusals


def test_parts_are_always_the_same():
    candidates = Dataset.concatenate([Dataset.from_atoms([bulk("Cu", cubic=True)])] * 2300)
    parts = Relaxation("p", candidates).split()
    assert [len(part.structures) for part in parts] == [1000, 1000, 300]
    assert [part.part for part in parts] == [0, 1, 2]
    assert [part.first for part in parts] == [0, 1000, 2000]
    small = pickle.loads(pickle.dumps(parts[2]))
    ends = small.run(calculator(), ALWAYS).candidates
    assert [end.index for end in ends] == list(range(2000, 2300))


def test_candidates_come_one_by_one():
    scenario = Relaxation("c", disturbed(bulk("Cu", a=3.62, cubic=True), 4))
    iterator = scenario.iterate(calculator(), ALWAYS)
    first = next(iterator)
    assert first.outcome.reason is StopReason.CONVERGED
    assert len({first.outcome.index, *(more.outcome.index for more in iterator)}) == 4


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"structures": Dataset.from_atoms([])}, "no structure"),
        ({"structures": Dataset.from_atoms([molecule("H2O")])}, r"set cell=False \(--fixed-cell\)"),
        ({"pressure": 0.1, "cell": False}, "pressure acts on the cell"),
        ({"force_tolerance": 0.0}, "force_tolerance"),
        ({"max_steps": 0}, "max_steps"),
        ({"pressure": np.inf}, "pressure must lie between"),
        ({"strains": (True,) * 3}, "strains must say of xx"),
        ({"strains": (False,) * 6}, "at least one"),
    ],
)
def test_what_cannot_be_relaxed_is_refused(options, complaint):
    with pytest.raises(DataError, match=complaint):
        Relaxation(**{"name": "r", "structures": Dataset.from_atoms([bulk("Cu")]), **options})
