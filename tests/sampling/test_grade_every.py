"""Grades at every so many steps: the decisions are those of grades at each step."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.calculator import all_changes
from fake_calculators import Springs
from hypothesis import given, settings
from hypothesis import strategies as st

import maxvolt
from maxvolt.errors import DataError
from maxvolt.sampling import MolecularDynamics, SamplingResult, Thresholds, TrajectoryState, ramp
from maxvolt.sampling.graded_steps import CAUTION, GradedSteps

sys.path.insert(0, str(Path(__file__).parents[1] / "potentials"))
from make_potentials import copper


class Counting(Springs):
    """Springs whose grade can be left out and computed later; counts how often it is."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.grading = True
        self.at_once = self.later = 0
        self.broken = False
        self._grade: float | None = None

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Any = ("energy",),
        system_changes: Any = tuple(all_changes),
    ) -> None:
        super().calculate(atoms, properties, system_changes)
        if self.grading:
            self._grade = None
            self.at_once += 1
        else:
            self._grade = self.results.pop("grade")

    def graded_later(self) -> Callable[[], dict[str, Any]] | None:
        grade = self._grade
        if grade is None:
            return None

        def compute() -> dict[str, Any]:
            self.later += 1
            if self.broken:
                raise RuntimeError("the grade cannot be told")
            return {"grade": grade}

        return compute


def structure() -> Atoms:
    return bulk("Cu", a=3.62, cubic=True) * (2, 1, 1)


def scenario(every: int, **options: Any) -> MolecularDynamics:
    chosen: dict[str, Any] = {"temperature": 600.0, "record_every": 20, "timestep_fs": 2.0}
    return MolecularDynamics("md", structure(), 300, grade_every=every, **(chosen | options))


HEATED: dict[str, Any] = {"temperature": ramp(100.0, 3000.0, 300)}


def outcome(result: SamplingResult) -> dict[str, Any]:
    """Everything but the time it took; grades apart, whose last bits may differ."""
    trace = result.trace
    assert trace is not None
    arrays = [getattr(trace, name) for name in trace.__slots__ if name != "grades"]
    arrays += [result.last.positions, result.last.get_momenta(), result.last.cell.array]
    arrays += [result.extrapolative.positions, result.extrapolative.cells]
    return {
        "reason": (result.reason, result.steps, len(result.extrapolative)),
        "kept": [info["step"] for info in result.extrapolative.infos],
        "bits": [np.ascontiguousarray(array).tobytes() for array in arrays],
    }


@pytest.mark.parametrize("every", [5, 20])
@pytest.mark.parametrize("grade", [12.0, 45.0])
@pytest.mark.parametrize(
    "options",
    [{"ensemble": "nve"}, HEATED, {"ensemble": "npt"}],
    ids=["nve", "heating", "npt"],
)
def test_decisions_are_those_of_each_step(
    options: dict[str, Any], grade: float, every: int
) -> None:
    found, told = [], []
    for steps in (1, every):
        seen: list[tuple[int, bytes]] = []
        done: list[int] = []

        def observe(step: int, atoms: Atoms, seen: list[tuple[int, bytes]] = seen) -> None:
            seen.append((step, atoms.get_forces().tobytes()))

        result = scenario(steps, **options).run(
            Counting(grade=grade, stiffness=2.0),
            Thresholds(2.0, 10.0),
            seed=1,
            observer=observe,
            progress=done.append,
        )
        found.append(outcome(result))
        assert result.trace is not None
        told.append((seen, sum(done), result.message, result.trace.grades.tolist()))
    assert found[0] == found[1]
    assert told[0] == told[1]


def test_breaks_are_found_afterwards_too() -> None:
    """The tests above are of calm runs, of kept frames and of breaks at steps without a grade."""
    rule = Thresholds(2.0, 10.0)
    calm = scenario(20, ensemble="nve").run(Counting(grade=12.0, stiffness=2.0), rule, seed=1)
    assert calm.reason == "finished"
    assert len(calm.extrapolative) == 3
    calculator = Counting(grade=45.0, stiffness=2.0)
    broken = scenario(20, **HEATED).run(calculator, rule, seed=1)
    assert broken.reason == "grade"
    assert (broken.steps + 1) % 20
    assert calculator.later > 1


def test_most_steps_of_a_calm_run_have_no_grade() -> None:
    calculator = Counting(grade=1.0)
    scenario(20).run(calculator, Thresholds(2.0, 10.0), seed=1)
    # 0 to 20, then each 20th, and one pair.
    assert calculator.at_once <= 21 + 14 + 2
    assert calculator.later == 0
    assert calculator.grading  # as it was


def test_each_step_near_the_threshold() -> None:
    each = scenario(1, record_every=1).run(Counting(grade=3.0), Thresholds(2.0, 100.0), seed=1)
    stop = 1.05 * float(each.grades.max())
    calm, close = Counting(grade=3.0), Counting(grade=3.0)
    scenario(20).run(calm, Thresholds(2.0, 100.0), seed=1)
    result = scenario(20).run(close, Thresholds(stop, stop), seed=1)
    assert result.reason == "finished"
    assert close.at_once + close.later > 2 * calm.at_once


def test_a_grade_that_fails_afterwards_ends_it_where_it_was() -> None:
    calculator = Counting(grade=45.0, stiffness=2.0)
    calculator.broken = True
    result = scenario(20, **HEATED).run(calculator, Thresholds(2.0, 10.0), seed=1)
    assert (result.reason, result.message) == ("failed", "RuntimeError: the grade cannot be told")
    at_each = scenario(1, **HEATED).run(
        Counting(grade=45.0, stiffness=2.0), Thresholds(2.0, 10.0), seed=1
    )
    assert result.steps < at_each.steps


def test_a_refusal_of_the_calculator_does_not_hide_a_break() -> None:
    """It raises at a step without a grade, after the grade has passed the threshold."""
    one = Counting(grade=45.0, stiffness=2.0)
    first = scenario(1, **HEATED).run(one, Thresholds(2.0, 10.0), seed=1)
    assert first.reason == "grade"
    raising = Counting(grade=45.0, stiffness=2.0, fault="raise", fault_at=one.calls + 2)
    again = scenario(20, **HEATED).run(raising, Thresholds(2.0, 10.0), seed=1)
    assert outcome(again) == outcome(first)


@pytest.mark.parametrize("every", [1, 5])
def test_calculators_without_the_choice_are_graded_at_each_step(every: int) -> None:
    result = scenario(every).run(Springs(grade=80.0), Thresholds(2.0, 5.0), seed=1)
    alike = scenario(1).run(Springs(grade=80.0), Thresholds(2.0, 5.0), seed=1)
    assert result.reason == "grade"
    assert outcome(result) == outcome(alike)


def test_steps_that_cannot_be_kept_are_refused() -> None:
    with pytest.raises(DataError, match="record_every = 20 must be a multiple of grade_every = 3"):
        scenario(3)
    with pytest.raises(DataError, match="grade_every must be at least 1, not 0"):
        scenario(0)


# --------------------------------------------------------------------- real grades

COPPER = copper()


def active_set(mode: str) -> maxvolt.ActiveSet:
    training = []
    for seed in range(12):
        atoms = structure()
        atoms.rattle(0.1, seed=seed)
        training.append(atoms)
    return maxvolt.ActiveSet.from_dataset(COPPER, training, mode=mode)  # type: ignore[arg-type]


def committee() -> maxvolt.Committee:
    generator = np.random.default_rng(0)
    model = COPPER.model
    members = [
        COPPER.with_coefficients(
            model.radial_coeffs * (1 + 0.01 * generator.normal()),
            model.species_coeffs,
            model.moment_coeffs * (1 + 0.01 * generator.normal(size=model.moment_coeffs.shape)),
        )
        for _ in range(3)
    ]
    training = []
    for seed in range(6):
        atoms = structure()
        atoms.rattle(0.1, seed=seed)
        training.append(atoms)
    return maxvolt.Committee.from_dataset(maxvolt.Ensemble(tuple(members)), training)


QUERIES: dict[str, Callable[[], Any]] = {
    "neighborhood": lambda: active_set("neighborhood"),
    "configuration": lambda: active_set("configuration"),
    "committee": committee,
    "committee of others": committee,
}


@pytest.fixture(scope="module", params=QUERIES)
def graded(request: pytest.FixtureRequest) -> Callable[[], maxvolt.Calculator]:
    query = QUERIES[request.param]()
    potential = COPPER
    if request.param != "committee of others":
        potential = query.potential if hasattr(query, "potential") else query.ensemble
    return lambda: maxvolt.Calculator(potential, query=query, threads=1)


HEATING = {"temperature": ramp(300.0, 6000.0, 300), "initial_temperature": 300.0}


def test_real_grades(graded: Callable[[], maxvolt.Calculator]) -> None:
    rule = Thresholds(1.0, 1e9)
    whole = scenario(1, **HEATING).run(graded(), rule, seed=2)
    assert whole.trace is not None
    assert whole.reason == "finished"
    stop = float(np.quantile(whole.trace.grades, 0.7))
    rule = Thresholds(0.5 * stop, stop)
    first = scenario(1, **HEATING).run(graded(), rule, seed=2)
    assert first.reason == "grade"
    assert first.trace is not None
    for every in (5, 20):
        again = scenario(every, **HEATING).run(graded(), rule, seed=2)
        assert outcome(again) == outcome(first)
        assert again.trace is not None
        # Rounding: energies and grades come from one pass, or from two.
        np.testing.assert_allclose(again.trace.grades, first.trace.grades, rtol=1e-8)


def test_going_on_with_fewer_grades(graded: Callable[[], maxvolt.Calculator]) -> None:
    states: list[TrajectoryState] = []
    rule = Thresholds(0.5, 1e6)
    whole = scenario(20, **HEATING).run(
        graded(), rule, seed=3, keep=lambda state: states.append(state()), renew_every=50
    )
    assert [state.step for state in states] == [50, 100, 150, 200, 250, 300]
    for state in states:
        rest = scenario(20, **HEATING).run(graded(), rule, seed=3, state=state, renew_every=50)
        assert outcome(rest) == outcome(whole)
        assert whole.trace is not None
        assert rest.trace is not None
        np.testing.assert_array_equal(rest.trace.grades, whole.trace.grades)
        assert state.growth.step == state.step


# --------------------------------------------------------------------- what can be missed


@settings(max_examples=300, deadline=None)
@given(
    every=st.integers(2, 12),
    changes=st.lists(st.floats(-1.0, 1.0), min_size=60, max_size=120),
    stop=st.floats(1.0, 8.0),
)
def test_no_break_is_missed_within_the_bound(every: int, changes: list[float], stop: float) -> None:
    """While no step changes the grade by more than twice what was seen to begin with."""
    changes[0], seen = 0.5, 0.5  # the first steps are graded: the fastest change seen is this
    grades = np.concatenate([[0.5], 0.5 + np.cumsum(np.clip(changes, -CAUTION * seen, 1.0))])
    grades = np.abs(grades)  # changes do not grow
    graded, last, waiting, ended = GradedSteps(every, stop), len(grades) - 1, [], None
    for step, grade in enumerate(grades.tolist()):
        if step != last and not graded.due(step):
            waiting.append(step)
            continue
        hides = graded.may_hide(step, grade)
        for one in waiting if hides else []:
            if ended is None and grades[one] >= stop:
                ended = one
            graded.note(one, float(grades[one]))
        waiting = []
        if ended is None and grade >= stop:
            ended = step
        if ended is not None:
            break
        graded.note(step, grade)
    above = np.flatnonzero(grades >= stop)
    assert ended == (int(above[0]) if len(above) else None)
