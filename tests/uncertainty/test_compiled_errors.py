"""Expected errors as programs without Python make them: the numbers of Python."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from uncertainty_data import held_out, potential, training, uncertainty

import maxvolt
from maxvolt.cli import main
from maxvolt.compiled import _core
from maxvolt.errors import DataError
from maxvolt.potentials.mtp.compiled_file import error_arrays
from maxvolt.uncertainty import Uncertainty
from maxvolt.uncertainty.calibration import CalibratedError, Calibration
from maxvolt.uncertainty.compiled import error_record
from maxvolt.uncertainty.conformal import ConformalScores, conformal_scores
from maxvolt.uncertainty.error_model import ErrorModel
from maxvolt.uncertainty.measures import PosteriorMeasure


def core_errors(of: Uncertainty) -> _core.ForceErrors:
    model = potential().model
    arrays = error_arrays(error_record(of.measures, of.calibration), model)
    return _core.ForceErrors(arrays, potential().n_parameters)


def with_scores(scores: ConformalScores) -> Uncertainty:
    """One that takes the length of the force, and has these scores."""
    of = uncertainty()
    model = ErrorModel(
        np.array([0.1, 1e-4, 0.02]), np.array([0.3, 0.0, 1.1]), 0.7, np.array([3.0, 2e-3, 5.0])
    )
    names = ("grade", "posterior", "force length")
    force = CalibratedError(names, model, scores)
    return replace(of, calibration=replace(of.calibration, force=force))


def in_bins() -> ConformalScores:
    generator = np.random.default_rng(0)
    expected = generator.uniform(0.01, 1.0, 900)
    owners = np.repeat(np.arange(150), 6)
    errors = expected * generator.exponential(1.0 + expected)
    return conformal_scores(expected, errors, owners, bins=3)


def test_deviations_are_those_of_python() -> None:
    of = uncertainty()
    (posterior,) = (one.posterior for one in of.measures if isinstance(one, PosteriorMeasure))
    neighborhoods = potential().neighborhoods(held_out())
    expected = posterior.deviations(neighborhoods).sites
    rows = potential().site_gradients(neighborhoods)
    rows[:, : potential().model.n_radial] /= potential().model.scaling
    for kernels in _core.kernel_names():
        found = np.empty(len(rows))
        core_errors(of).deviations(np.ascontiguousarray(rows), kernels, found)
        np.testing.assert_allclose(found, expected, rtol=1e-10)


measures = st.tuples(*[st.floats(0.0, 10.0) for _ in range(3)])


@settings(max_examples=200, deadline=None)
@given(measures, st.floats(0.01, 0.99), st.booleans())
def test_errors_and_bounds_are_those_of_python(
    values: tuple[float, float, float], coverage: float, strict: bool
) -> None:
    of = with_scores(in_bins())
    core, force = core_errors(of), of.calibration.force
    expected = force.expected(np.array([values]))
    assert core.expected(*values) == pytest.approx(expected[0], rel=1e-12)
    factors = force.scores.factors(coverage, strict=strict)
    np.testing.assert_allclose(core.factors(coverage, strict), factors, rtol=1e-12)
    assert core.bin(float(expected[0])) == force.scores.bins(expected)[0]
    beyond = values[0] > 3.0 or values[1] > 2e-3
    assert core.is_beyond(values[0], values[1]) == beyond


def test_with_few_structures_there_is_no_bound() -> None:
    scores = conformal_scores(np.full(6, 0.1), np.linspace(0.05, 0.2, 6), np.arange(6))
    core = core_errors(with_scores(scores))
    assert core.factors(0.95, True) == [np.inf]
    assert core.factors(0.95, False) == scores.factors(0.95).tolist()


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("floors", np.array([0.0, 0.1, 0.1]), "a floor is not positive"),
        ("exponents", np.array([1.0, np.nan, 0.0]), "not finite"),
        ("exponents", np.array([1.0]), "exponents has 1 entries; expected 3"),
        ("edges", np.array([0.3, 0.2]), "not in order"),
        ("factor", np.zeros((3, 3)), "factor"),
        ("measures", ("grade", "grade", "force length"), "occurs twice"),
        ("scores", (np.array([2.0, 1.0]),) * 3, "not in order"),
        ("structures", np.array([1.0]), "structures has 1 entries"),
        ("reached", np.zeros((3, 1)), "levels of coverage"),
    ],
)
def test_arrays_that_are_no_calibration(name: str, value: object, message: str) -> None:
    of = with_scores(in_bins())
    record = replace(error_record(of.measures, of.calibration), **{name: value})
    with pytest.raises(ValueError, match=message):
        _core.ForceErrors(error_arrays(record, potential().model), potential().n_parameters)


def test_what_lammps_does_not_compute_is_refused(tmp_path: Path) -> None:
    found = maxvolt.calibrate(potential(), held_out(), training(), ("posterior forces",))
    with pytest.raises(DataError, match="measure posterior, grade, or both"):
        found.write(tmp_path / "pot.maxvolt")
    assert not list(tmp_path.iterdir())
    by_committee = maxvolt.calibrate(potential(), held_out(), training(), ("committee",))
    with pytest.raises(DataError, match="'committee'"):
        by_committee.write_compiled(tmp_path / "pot.maxvolt")


def test_the_grades_of_configurations_are_refused(tmp_path: Path) -> None:
    of = uncertainty()
    whole = maxvolt.ActiveSet.from_dataset(potential(), training(), mode="configuration")
    grade = replace(of.measures[0], active_set=whole)
    with pytest.raises(DataError, match="neighborhood mode"):
        replace(of, measures=(grade, *of.measures[1:])).write_compiled(tmp_path / "pot.maxvolt")


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plain, out = tmp_path / "pot.mtp", tmp_path / "pot.maxvolt"
    potential().write(plain)
    of = maxvolt.calibrate(str(plain), held_out(), training(), ("posterior",))
    of.write(tmp_path / "pot.uncertainty")
    command = ["compile", str(plain), "-o", str(out), "--uncertainty"]
    assert main([*command, str(tmp_path / "pot.uncertainty")]) == 0
    assert "expected errors by posterior" in capsys.readouterr().err
    _, species, _ = _core.read_potential(str(out))
    assert species == ["Al"]
    model = potential().model
    changed = potential().with_coefficients(
        model.radial_coeffs, model.species_coeffs + 1.0, model.moment_coeffs
    )
    changed.write(plain)
    out.unlink()
    assert main([*command, str(tmp_path / "pot.uncertainty")]) != 0
    assert "another potential" in capsys.readouterr().err
    assert main([*command, str(plain)]) != 0
    assert "pot.mtp" in capsys.readouterr().err
    assert not out.exists()


def test_a_calibration_survives(tmp_path: Path) -> None:
    """Also one whose mean takes no posterior and no length of the force."""
    found = maxvolt.calibrate(potential(), held_out(), training(), ("grade",))
    assert isinstance(found.calibration, Calibration)
    found.write(tmp_path / "pot.maxvolt")
    _, _, active_set = _core.read_potential(str(tmp_path / "pot.maxvolt"))
    assert active_set is not None
