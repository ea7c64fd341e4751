"""Energies, forces and grades that are infinite or no number are errors that say where."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.calculator import CalculationFailed

import maxvolt
from maxvolt import MTP, Dataset, EvaluationError
from maxvolt.calculators import MaxvoltCalculator
from maxvolt.potentials.refusals import check_finite
from maxvolt.potentials.results import Energies
from maxvolt.sampling import MolecularDynamics, Relaxation, Thresholds, run_scenarios


def trained(size: float = 1.0, *, species: tuple[str, ...] = ("Cu", "Au")) -> MTP:
    """Potential whose moment coefficients are of some size."""
    start = MTP(6, species, 4.5, 2.0)
    random, model = np.random.default_rng(0), start.model
    return start.with_coefficients(
        random.normal(size=model.radial_coeffs.shape),
        random.normal(size=len(species)),
        size * random.normal(size=len(model.moment_coeffs)),
    )


def overflowing() -> MTP:
    """Potential with coefficients of 1e200, whose products are infinite."""
    potential = trained()
    return potential.with_coefficients(
        1e200 * np.asarray(potential.model.radial_coeffs),
        np.asarray(potential.model.species_coeffs),
        np.asarray(potential.model.moment_coeffs),
    )


def with_infinite_gold() -> MTP:
    """Potential that is finite for copper alone."""
    potential = trained()
    coeffs = np.array(potential.model.radial_coeffs)
    coeffs[1, 1] *= 1e200
    return potential.with_coefficients(
        coeffs,
        np.asarray(potential.model.species_coeffs),
        np.asarray(potential.model.moment_coeffs),
    )


def gold_within_copper() -> Atoms:
    atoms = bulk("Cu", cubic=True) * 3
    atoms.symbols[[40, 41]] = "Au"
    atoms.positions += 0.02 * np.random.default_rng(1).normal(size=atoms.positions.shape)
    return atoms


@pytest.mark.parametrize("precision", ["double", "single"])
def test_atom_and_structure_are_named(precision: str) -> None:
    potential, atoms = with_infinite_gold(), gold_within_copper()
    data = Dataset.from_atoms([bulk("Cu"), bulk("Cu"), atoms])
    assert np.isfinite(potential.evaluate(bulk("Cu"), precision=precision).energy)
    with pytest.raises(EvaluationError, match=r"energy of atom 4[01] of structure 0 is not finite"):
        potential.evaluate(atoms, precision=precision)
    with pytest.raises(EvaluationError, match=r"atom 4[01] of structure 2 .*2 of 110 atoms"):
        potential.evaluate_dataset(data, precision=precision)


def test_a_scaling_that_makes_coefficients_infinite_is_no_warning() -> None:
    potential = overflowing()
    model = potential.model
    scaled = potential.with_coefficients(
        model.radial_coeffs, model.species_coeffs, model.moment_coeffs, scaling=1e150
    )
    with pytest.raises(EvaluationError, match="is not finite"):
        scaled.evaluate(gold_within_copper())


def test_a_force_alone_is_found() -> None:
    where = trained().neighborhoods(Dataset.from_atoms([bulk("Cu"), bulk("Cu", cubic=True)]))
    forces, virials = np.zeros((5, 3)), np.zeros((2, 6))
    forces[3, 1], virials[1, 0] = np.inf, np.nan
    with pytest.raises(EvaluationError, match=r"force of atom 2 of structure 1 .*1 of 5 atoms"):
        check_finite(Energies(np.zeros(5), forces, virials), where)


def test_finite_energies_whose_sum_is_not_are_refused() -> None:
    where = trained().neighborhoods(bulk("Cu", cubic=True))
    energies = Energies(np.full(4, 1e308), np.zeros((4, 3)), np.zeros((1, 6)))
    with pytest.raises(EvaluationError, match="sum of energies"):
        check_finite(energies, where)


def test_the_member_of_an_ensemble_is_named() -> None:
    ensemble, atoms = maxvolt.Ensemble((trained(), overflowing())), bulk("Cu")
    data = Dataset.from_atoms([atoms])
    committee = maxvolt.Committee(ensemble, 1.0, 1.0)
    for call in (
        lambda: ensemble.evaluate(atoms),
        lambda: ensemble.evaluate_dataset(data),
        lambda: committee.grade(atoms),
        lambda: maxvolt.Committee.from_dataset(ensemble, data),
        lambda: MaxvoltCalculator(ensemble).get_potential_energy(atoms),
        lambda: MaxvoltCalculator(ensemble, query=committee).get_potential_energy(atoms),
    ):
        with pytest.raises(EvaluationError, match=r"^member 1 of the ensemble: the energy of atom"):
            call()


def test_the_calculator_fails_as_ase_expects_and_keeps_no_numbers() -> None:
    calculator = MaxvoltCalculator(with_infinite_gold())
    atoms = bulk("Cu")
    atoms.calc = calculator
    assert np.isfinite(atoms.get_potential_energy())
    other = gold_within_copper()
    other.calc = calculator
    for ask in (other.get_potential_energy, other.get_forces, other.get_stress):
        with pytest.raises(CalculationFailed, match=r"atom 4[01]") as caught:
            ask()
        assert isinstance(caught.value, maxvolt.MaxvoltError)
        assert calculator.results == {}
    assert np.isfinite(atoms.get_potential_energy())


@pytest.mark.parametrize("mode", ["configuration", "neighborhood"])
def test_grades_are_refused_by_name(mode: str) -> None:
    good = trained()
    data = Dataset.from_atoms([gold_within_copper(), bulk("Cu")])
    active = maxvolt.ActiveSet.from_dataset(good, data, mode=mode)
    bad = replace(active, potential=with_infinite_gold())
    with pytest.raises(maxvolt.MaxvoltError, match=r"structure 1 has gradients"):
        bad.grade(Dataset.from_atoms([bulk("Cu"), gold_within_copper()]))
    infinite = replace(active, inverse=np.full((active.size, active.size), 1e308))
    calculator = MaxvoltCalculator(good, query=infinite)
    with pytest.raises(EvaluationError, match=r"grade of structure 0 is not finite"):
        calculator.get_property("grade", gold_within_copper())
    with pytest.raises(EvaluationError, match="not finite"):
        MaxvoltCalculator(bad.potential, query=bad).get_property("grade", gold_within_copper())


def test_errors_of_a_data_set_are_refused_by_structure() -> None:
    data = Dataset.from_atoms([bulk("Cu"), gold_within_copper()])
    with pytest.raises(EvaluationError, match="structure 1"):
        maxvolt.compute_errors(with_infinite_gold(), data)


@pytest.mark.parametrize("scenario", ["relaxation", "dynamics"])
def test_relaxation_and_dynamics_stop_and_say_why(scenario: str) -> None:
    potential, atoms = with_infinite_gold(), gold_within_copper()
    data = Dataset.from_atoms([atoms])
    run = (
        Relaxation("relax", data)
        if scenario == "relaxation"
        else MolecularDynamics("md", data, temperature=300.0, steps=3)
    )
    results = run_scenarios([run], lambda: MaxvoltCalculator(potential), Thresholds(), seed=0)
    text = repr(results)
    assert "not finite" in text
    assert "atom 4" in text


def test_radial_basis_of_high_order_is_an_error_and_not_nan() -> None:
    start = MTP(4, ["Cu"], 5.0, 2.0, 60, radial_basis="RBTaylor")
    model = start.model
    potential = start.with_coefficients(
        1e290 * np.ones(model.radial_coeffs.shape), np.zeros(1), np.ones(len(model.moment_coeffs))
    )
    with pytest.raises(EvaluationError, match="radial basis of very high order"):
        potential.evaluate(bulk("Cu", cubic=True))
