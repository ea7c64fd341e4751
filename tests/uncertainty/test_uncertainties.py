"""Expected errors of structures: as objects, files, calculators, queries."""

from __future__ import annotations

import argparse
import dataclasses
import inspect
import pickle
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.calculator import PropertyNotImplementedError
from uncertainty_data import held_out, labelled, potential, rattled, training, uncertainty

import maxvolt
from maxvolt.campaign.settings.sections import SelectionSection
from maxvolt.cli import calibrate as command
from maxvolt.errors import DataError, FileFormatError, SpeciesError
from maxvolt.sampling import MolecularDynamics, StopReason, Thresholds
from maxvolt.selection import QueryStrategy, unit_of
from maxvolt.uncertainty import (
    DEFAULT_MEASURE,
    CommitteeMeasure,
    Measure,
    cross_validated_errors,
    held_out_errors,
    reliability_on,
)

MEASURES = ("grade", "posterior", "posterior forces", "committee")


def true_errors(dataset: maxvolt.Dataset) -> np.ndarray:
    return np.linalg.norm(potential().evaluate_dataset(dataset).forces - dataset.forces, axis=1)


def test_expected_errors_are_about_the_errors() -> None:
    found, true = uncertainty().of(held_out()), true_errors(held_out())
    assert found.forces.shape == true.shape
    assert found.forces.mean() == pytest.approx(true.mean(), rel=0.1)
    assert found.energies.shape == (len(held_out()),)
    assert (true <= found.interval(0.9).forces).mean() == pytest.approx(0.9, abs=0.05)
    assert (found.interval(0.5).forces < found.interval(0.9).forces).all()
    assert found.structures[3] == found.forces[held_out().atoms_of(3)].max()
    far = uncertainty().of(rattled(10, seed=4, spread=0.8))
    assert far.beyond.any()
    assert far.forces.mean() > 3 * found.forces.mean()


@pytest.mark.parametrize("name", MEASURES)
def test_each_measure_calibrates_and_generalises(name: str, tmp_path: Path) -> None:
    found = maxvolt.calibrate(potential(), held_out(), training(), name)
    assert isinstance(found.measures[0], Measure)
    new = maxvolt.Dataset.from_atoms(rattled(40, seed=12))
    told = reliability_on(found.calibration, held_out_errors(potential(), found.measures, new))
    assert told.coverage[3].forces == pytest.approx(0.9, abs=0.07)
    assert told.expected.mean() == pytest.approx(told.errors.mean(), rel=0.25)
    found.write(tmp_path / "pot.uncertainty")
    again = maxvolt.read_uncertainty(tmp_path / "pot.uncertainty")
    np.testing.assert_allclose(again.of(new).forces, found.of(new).forces, rtol=1e-9)
    np.testing.assert_allclose(again.of(new).energies, found.of(new).energies, rtol=1e-9)
    bounds = [one.of(new).interval(0.8, strict=True).forces for one in (again, found)]
    np.testing.assert_allclose(*bounds, rtol=1e-9)


def test_there_is_one_default_measure() -> None:
    for function, name in ((maxvolt.calibrate, "measures"), (cross_validated_errors, "names")):
        default = inspect.signature(function).parameters[name].default
        assert default in (DEFAULT_MEASURE, (DEFAULT_MEASURE,))
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    assert f"({DEFAULT_MEASURE})" in parser.format_help()
    page = (Path(__file__).parents[2] / "docs" / "uncertainty.md").read_text()
    assert f"Where none is named it is `{DEFAULT_MEASURE}`" in page
    assert f'uncertainty = "{SelectionSection().uncertainty}"   # the default' in page


def test_rotations_permutations_and_supercells_change_nothing() -> None:
    structure = held_out()[1]
    turned = structure.copy()
    turned.rotate(50, (1, 1, 0), rotate_cell=True)
    order = np.random.default_rng(1).permutation(len(structure))
    alike = [structure, turned, structure[order], structure * (1, 2, 1)]
    one, other, mixed, doubled = (uncertainty().of(atoms) for atoms in alike)
    np.testing.assert_allclose(other.forces, one.forces, rtol=1e-5)
    np.testing.assert_allclose(mixed.forces, one.forces[order], rtol=1e-5)
    np.testing.assert_allclose(doubled.forces, np.tile(one.forces, 2), rtol=1e-5)
    np.testing.assert_allclose(doubled.energies, one.energies, rtol=1e-5)


def test_an_ensemble_is_its_own_committee(tmp_path: Path) -> None:
    posterior = maxvolt.Posterior.from_dataset(potential(), training())
    ensemble = posterior.ensemble(4, seed=1)
    # With the posterior of one of its members, whose numbers are kept once.
    found = maxvolt.calibrate(ensemble, held_out(), training(), ("committee", "posterior"))
    assert found.measures[0].members == ensemble.members
    found.write(tmp_path / "pot.uncertainty")
    again = maxvolt.read_uncertainty(tmp_path / "pot.uncertainty")
    assert len(again.members) == 4
    np.testing.assert_allclose(again.of(held_out()).forces, found.of(held_out()).forces, rtol=1e-6)
    with pytest.raises(DataError, match="at least two"):
        CommitteeMeasure(posterior.ensemble(1))
    with pytest.raises(DataError, match="held_out"):
        maxvolt.calibrate(ensemble, None, training(), "committee")


def test_cross_validation_is_a_refit_without_the_fold() -> None:
    errors = cross_validated_errors(potential(), training(), ("posterior",), folds=5)
    own = true_errors(training()).mean()
    assert len(errors.force_errors) == training().n_atoms
    assert own < errors.force_errors.mean() < 2 * own
    found = maxvolt.calibrate(potential(), None, training(), "posterior", folds=5)
    assert "5-fold cross-validation" in found.calibration.source
    with pytest.raises(DataError, match="folds"):
        cross_validated_errors(potential(), training(), folds=1)


def test_the_calculator_tells_errors(tmp_path: Path) -> None:
    atoms = held_out()[1]
    expected = uncertainty().of(atoms)
    uncertainty().write(tmp_path / "pot.uncertainty")
    potential().write(tmp_path / "pot.mtp")
    for given, told in (
        (potential(), uncertainty()),
        (tmp_path / "pot.mtp", tmp_path / "pot.uncertainty"),
    ):
        atoms.calc = maxvolt.Calculator(given, uncertainty=told)
        atoms.get_forces()
        np.testing.assert_allclose(atoms.calc.results["force_errors"], expected.forces, rtol=1e-6)
        energy = atoms.calc.get_property("energy_error", atoms)
        assert energy == pytest.approx(len(atoms) * expected.energies[0], rel=1e-6)
    again = pickle.loads(pickle.dumps(atoms.calc))
    np.testing.assert_allclose(
        again.get_property("force_errors", atoms), expected.forces, rtol=1e-6
    )
    with pytest.raises(PropertyNotImplementedError, match="needs an uncertainty"):
        maxvolt.Calculator(potential()).get_property("force_errors", atoms)
    model = potential().model
    other = potential().with_coefficients(
        model.radial_coeffs, model.species_coeffs, 1.01 * model.moment_coeffs
    )
    with pytest.raises(DataError, match="another potential"):
        maxvolt.Calculator(other, uncertainty=uncertainty())
    with pytest.raises(DataError, match="not dict"):
        maxvolt.Calculator(potential(), uncertainty={})  # type: ignore[arg-type]


def test_queries_select_by_expected_errors() -> None:
    query = maxvolt.ErrorQuery(uncertainty())
    assert isinstance(query, QueryStrategy)
    assert unit_of(query) == "eV/A"
    assert unit_of(maxvolt.ActiveSet.empty(potential())) == ""
    assert "eV/A" in query.description
    candidates = maxvolt.Dataset.from_atoms(rattled(30, seed=20, spread=0.4))
    errors = query.grade(candidates)
    np.testing.assert_allclose(errors, uncertainty().of(candidates).structures, rtol=1e-9)
    threshold = float(np.median(errors))
    found = query.select(iter(candidates), threshold=threshold, limit=4)
    assert 0 < len(found.indices) <= 4
    assert (errors[found.indices] > threshold).all()
    np.testing.assert_array_equal(
        found.structures.positions, candidates.select(found.indices).positions
    )
    assert len(query.select(candidates, threshold=2 * errors.max()).indices) == 0
    alone = maxvolt.calibrate(potential(), held_out(), training(), "posterior")
    largest = maxvolt.ErrorQuery(alone).select(candidates, threshold=0.0, limit=3)
    assert set(largest.indices) == set(np.argsort(largest.grades)[-3:])
    each, grades = query.evaluate_neighborhoods(potential().neighborhoods(candidates))
    assert len(each) == 1
    np.testing.assert_allclose(grades.structures, errors, rtol=1e-6)


@pytest.mark.parametrize("names", [("grade",), ("posterior",), ("posterior forces", "grade")])
def test_queries_evaluate_their_potential_once(
    names: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = maxvolt.calibrate(potential(), held_out(), training(), names, force_length=True)
    query = maxvolt.ErrorQuery(found)
    where = potential().neighborhoods(maxvolt.Dataset.from_atoms(rattled(5, seed=30)))
    expected = potential().evaluate_neighborhoods(where)
    grades = query.grade_neighborhoods(where, (expected,))

    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("a pass of its own")

    monkeypatch.setattr(maxvolt.MTP, "evaluate_neighborhoods", forbidden)
    (energies,), told = query.evaluate_neighborhoods(where)
    # Sums are in another order.
    np.testing.assert_allclose(energies.forces, expected.forces, atol=1e-12)
    np.testing.assert_allclose(energies.site_energies, expected.site_energies, atol=1e-12)
    np.testing.assert_allclose(told.structures, grades.structures, rtol=1e-9)
    np.testing.assert_allclose(told.sites, grades.sites, rtol=1e-9)


def test_dynamics_stops_at_an_expected_error() -> None:
    calculator = maxvolt.Calculator(potential(), query=maxvolt.ErrorQuery(uncertainty()))
    hot = MolecularDynamics("hot", bulk("Al", cubic=True) * 2, temperature=3000, steps=400)
    stopped = hot.run(calculator, Thresholds(0.1, 0.3, unit="eV/A"), seed=1)
    assert stopped.reason is StopReason.GRADE
    assert "expected force error" in stopped.message
    assert len(stopped.extrapolative)
    with pytest.raises(DataError, match=r"Thresholds\(0.15, 0.5, unit='eV/A'\)"):
        hot.run(calculator, Thresholds(), seed=1)
    graded = maxvolt.Calculator(potential(), query=uncertainty().active_set)
    with pytest.raises(DataError, match="2, 10"):
        hot.run(graded, Thresholds(0.1, 0.3, unit="eV/A"), seed=1)


def test_what_is_refused() -> None:
    with pytest.raises(DataError, match="held_out"):
        maxvolt.calibrate(potential(), None, None, ())
    with pytest.raises(DataError, match="training set; give it"):
        maxvolt.calibrate(potential(), held_out(), None, "posterior")
    with pytest.raises(DataError, match="no measure 'grades'"):
        maxvolt.calibrate(potential(), held_out(), training(), "grades")
    copper = labelled(bulk("Cu", cubic=True))
    with pytest.raises(SpeciesError, match="Cu"):
        uncertainty().of(copper)
    with pytest.raises(SpeciesError, match="Cu"):
        maxvolt.calibrate(potential(), [copper], training())
    with pytest.raises(DataError, match="there is none"):
        uncertainty().of([])
    with pytest.raises(DataError, match="the calibration is of"):
        dataclasses.replace(uncertainty(), measures=())


def test_damaged_files_are_named(tmp_path: Path) -> None:
    path = tmp_path / "pot.uncertainty"
    uncertainty().write(path)
    data, rng = path.read_bytes(), np.random.default_rng(0)
    damaged = [data[:length] for length in (0, 10, len(data) // 2, len(data) - 1)]
    for begin in rng.integers(0, len(data) - 64, 20).tolist():
        damaged.append(data[:begin] + rng.bytes(64) + data[begin + 64 :])
    for content in damaged:
        path.write_bytes(content)
        with pytest.raises(FileFormatError, match=r"pot\.uncertainty"):
            maxvolt.read_uncertainty(path)
    maxvolt.Posterior.from_dataset(potential(), training()).write(path)
    with pytest.raises(FileFormatError, match="not a maxvolt uncertainty"):
        maxvolt.read_uncertainty(path)
    assert [one.name for one in tmp_path.iterdir()] == [path.name]
