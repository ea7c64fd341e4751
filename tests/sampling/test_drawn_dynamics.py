"""Runs that draw their own starts, temperatures and strains."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.calculators.emt import EMT
from scipy.stats import kstest

from maxvolt.errors import DataError
from maxvolt.sampling import (
    DrawnDynamics,
    MolecularDynamics,
    NonequilibriumTemperatures,
    OscillatingStrains,
    RandomBoxes,
    Recorder,
    SamplingResult,
    Thresholds,
    TrajectoryState,
    nonequilibrium,
    parse_schedule,
    run_scenarios,
)
from maxvolt.sampling.workers import Task

RULE = Thresholds()
BOXES = RandomBoxes({"Al": 1}, edges=(10.5, 11.5), density=(1.8, 2.2))
SMITH = NonequilibriumTemperatures()


def example(steps: int = 60, **options: object) -> MolecularDynamics:
    given = {"temperature": 300.0, "record_every": 20, "timestep_fs": 2.0, **options}
    return MolecularDynamics("melt", BOXES.draw(), steps, **given)


def test_the_nonequilibrium_schedule_is_equation_2_of_smith() -> None:
    start, end, height, period, length = 820.0, 140.0, 1300.0, 17_300.0, 250_000
    schedule = nonequilibrium(start, end, height, period, length)
    assert schedule.steps == length
    for step in (0, 1, 8650, 17_300, 100_001, 249_999, 250_000):
        ramped = start + step / length * (end - start)
        # sin^2 x = (1 - cos 2 x) / 2
        expected = ramped + height * (1 - math.cos(2 * math.pi * step / period)) / 2
        assert schedule.value(step) == pytest.approx(expected, rel=1e-12)
    assert schedule.value(0) == start
    assert schedule.value(17_300) == pytest.approx(start + 17_300 / length * (end - start))
    assert schedule.value(8650) == pytest.approx(start + 8650 / length * (end - start) + height)
    assert schedule.value(length + 5) == schedule.value(length)  # the last value stays
    assert not schedule.is_constant
    assert schedule.scaled(2.0).value(100_001) == pytest.approx(2 * schedule.value(100_001))
    (low, high) = schedule.segments[0].extremes()
    values = [schedule.value(step) for step in range(0, length, 97)]
    assert low <= min(values)
    assert max(values) <= high
    said = parse_schedule(f"nonequilibrium {start} {end} {height} {period} {length}")
    assert said == schedule


@pytest.mark.parametrize("period", [0.0, -1.0, math.inf, math.nan])
def test_a_period_is_above_zero(period: float) -> None:
    with pytest.raises(DataError, match="period of a nonequilibrium schedule must be above 0"):
        nonequilibrium(300, 300, 100, period, 10)


def test_temperatures_are_drawn_from_their_ranges() -> None:
    generator = np.random.default_rng(4)
    drawn = [SMITH.draw(generator, 250_000, 1.0).segments[0] for _ in range(300)]
    for name, least, most in (
        ("start", 10, 1000),
        ("end", 10, 600),
        ("modulation", 0, 2000),
        ("period", 10_000, 50_000),  # steps of 1 fs
    ):
        values = np.array([getattr(one, name) for one in drawn])
        assert kstest(values, "uniform", (least, most - least)).pvalue > 0.01
    assert SMITH.draw(np.random.default_rng(1), 1000, 2.0).segments[0].period == pytest.approx(
        SMITH.draw(np.random.default_rng(1), 1000, 1.0).segments[0].period / 2
    )


def test_strains_are_drawn_from_their_ranges() -> None:
    strains = OscillatingStrains(mean=(-0.05, 0.1), amplitude=(0.0, 0.2), period_ps=(5, 10))
    generator = np.random.default_rng(4)
    drawn = [strains.draw(generator, 1000, 2.0) for _ in range(300)]
    breathing = [one.segments[0] for one in drawn if one.shape == ()]
    shears = [one.segments[0] for one in drawn if one.shape == (6,)]
    assert 120 < len(breathing) < 180  # half of them, within 3.5 standard deviations
    assert len(breathing) + len(shears) == 300
    amplitudes = np.array([np.abs(one.amplitude).max() for one in (*breathing, *shears)])
    assert kstest(amplitudes, "uniform", (0, 0.2)).pvalue > 0.01
    means = np.array([one.mean for one in breathing])
    assert kstest(means, "uniform", (-0.05, 0.15)).pvalue > 0.01
    assert all(2500 <= one.period <= 5000 for one in breathing)  # steps of 2 fs
    components = [np.flatnonzero(one.amplitude).tolist() for one in shears]
    assert {len(one) for one in components} == {1}
    assert {one[0] for one in components} == {3, 4, 5}


def test_a_cell_breathes_and_shears_as_a_sine() -> None:
    cells: dict[int, np.ndarray] = {}

    def watch(step: int, atoms: Atoms) -> None:
        cells[step] = atoms.cell.array.copy()

    for kind in ("breathing", "shear"):
        strains = OscillatingStrains(0.01, 0.04, 0.1, (kind,))  # a period of 50 steps
        run = DrawnDynamics(example(steps=50, record_every=10), strains=strains).drawn()
        run.run(EMT(), RULE, seed=1, observer=watch)
        first = run.structures.cells[0]
        for step, cell in cells.items():
            size = 0.01 + 0.04 * math.sin(2 * math.pi * step / 50)
            tensor = np.linalg.solve(first, cell) - np.eye(3)
            assert np.allclose(tensor, tensor.T, atol=1e-12)
            if kind == "breathing":
                assert np.allclose(tensor, size * np.eye(3), atol=1e-12)
            else:
                sheared = tensor[np.triu_indices(3, 1)]
                assert np.allclose(np.diag(tensor), 0, atol=1e-12)
                assert np.allclose(sorted(sheared), sorted([0, 0, size]), atol=1e-12)
        assert len(cells) == 6


def test_each_run_draws_its_own_and_always_the_same() -> None:
    runs = DrawnDynamics(example(), 6, 3, BOXES, SMITH, OscillatingStrains())
    assert runs.total_steps == 6 * 60
    drawn = [part.drawn() for part in runs.split()]
    again = [part.drawn() for part in runs.split()]
    assert [one.part for one in drawn] == list(range(6))
    assert len({one.structures.digests[0] for one in drawn}) == 6
    assert len({repr(one.temperature) for one in drawn}) == 6
    for one, other in zip(drawn, again, strict=True):
        assert one.structures.digests == other.structures.digests
        assert (one.temperature, one.cell) == (other.temperature, other.cell)
    # Another range of temperatures leaves starts and strains as they are; another seed nothing.
    warmer = DrawnDynamics(
        example(), 6, 3, BOXES, NonequilibriumTemperatures(start=900.0), OscillatingStrains()
    )
    assert warmer.split()[4].drawn().structures.digests == drawn[4].structures.digests
    assert warmer.split()[4].drawn().cell == drawn[4].cell
    other = DrawnDynamics(example(), 6, 4, BOXES, SMITH, OscillatingStrains()).split()[4].drawn()
    assert other.structures.digests != drawn[4].structures.digests
    assert other.cell != drawn[4].cell


def test_given_structures_are_started_from_in_turn() -> None:
    two = [bulk("Al", cubic=True), bulk("Cu", cubic=True)]
    runs = DrawnDynamics(MolecularDynamics("md", two, 5, 300.0), 4, temperatures=SMITH)
    assert [part.drawn().structures.species for part in runs.split()] == [("Al",), ("Cu",)] * 2


def test_scenarios_run_what_is_drawn() -> None:
    runs = DrawnDynamics(example(steps=20), 2, 3, BOXES, SMITH)
    results = run_scenarios([runs], EMT, RULE, seed=0)
    assert [(one.part, one.steps, str(one.reason)) for one in results] == [
        (0, 20, "finished"),
        (1, 20, "finished"),
    ]
    starts = [part.drawn().structures for part in runs.split()]
    assert [len(one.last) for one in results] == [len(one[0]) for one in starts]
    one = runs.split()[1]
    alone = run_scenarios([one], EMT, RULE, seed=0)[0]
    assert alone.last.positions.tobytes() == results[1].last.positions.tobytes()
    with pytest.raises(DataError, match="has 2 runs; run each part"):
        runs.run(EMT(), RULE, seed=0)


class Keeping(Recorder):
    """Keeps the last state before a step, as a process does that is killed there."""

    renew_every = 20

    def __init__(self, states: list[TrajectoryState], killed_after: int) -> None:
        self._states = states
        self._killed_after = killed_after

    def state(self) -> TrajectoryState | None:
        return self._states[-1] if self._states else None

    def keep(self, state: Callable[[], TrajectoryState]) -> None:
        now = state()
        if now.step <= self._killed_after:
            self._states.append(now)


def content(result: SamplingResult) -> list[bytes]:
    assert result.trace is not None
    arrays = [getattr(result.trace, name) for name in result.trace.__slots__]
    arrays += [result.last.positions, result.last.get_momenta(), result.last.cell.array]
    return [np.ascontiguousarray(array).tobytes() for array in arrays]


@pytest.mark.parametrize("killed_after", [20, 40])
def test_a_run_goes_on_in_the_middle_of_its_schedules(killed_after: int) -> None:
    strains = OscillatingStrains(0.0, 0.05, 0.08)
    temperatures = NonequilibriumTemperatures(period_ps=0.05)
    part = DrawnDynamics(example(), 3, 7, BOXES, temperatures, strains).split()[2]
    states: list[TrajectoryState] = []
    whole = Task(part, RULE, 11, partial(Keeping, states, killed_after)).run(EMT)
    assert whole.reason == "finished"
    assert states[-1].step == killed_after
    rest = Task(part, RULE, 11, partial(Keeping, states, -1)).run(EMT)
    assert content(rest) == content(whole)


def test_what_does_not_go_with_the_ensemble_is_refused() -> None:
    with pytest.raises(DataError, match="nve keeps no temperature"):
        DrawnDynamics(example(ensemble="nve"), temperatures=SMITH)
    with pytest.raises(DataError, match="the barostat of npt sets the cell"):
        DrawnDynamics(example(ensemble="npt"), strains=OscillatingStrains())
    alone = MolecularDynamics("md", [bulk("Al", cubic=True), molecule("H2O")], 5, 300.0)
    DrawnDynamics(alone, temperatures=SMITH)
    with pytest.raises(DataError, match="structure 1 is not periodic in three directions"):
        DrawnDynamics(alone, strains=OscillatingStrains())
    with pytest.raises(DataError, match="runs must lie between"):
        DrawnDynamics(example(), 0)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (partial(NonequilibriumTemperatures, start=-1.0), "start: expected a number of at least 0"),
        (partial(NonequilibriumTemperatures, end=(600, 10)), "end: expected"),
        (partial(NonequilibriumTemperatures, modulation=math.nan), "modulation: expected"),
        (partial(NonequilibriumTemperatures, period_ps=0.0), "period_ps: expected"),
        (partial(NonequilibriumTemperatures, start=1e7), "the highest temperature must lie"),
        (partial(OscillatingStrains, amplitude=0.99), "the smallest strain must lie between"),
        (partial(OscillatingStrains, mean=20.0), "the largest strain must lie between"),
        (partial(OscillatingStrains, mean=0.9, amplitude=0.1), "shears of up to 1; expected at mo"),
        (partial(OscillatingStrains, deformations=("twist",)), "expected breathing or shear"),
        (partial(OscillatingStrains, deformations=()), "expected breathing or shear"),
    ],
)
def test_ranges_that_cannot_be_are_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(DataError, match=message):
        make()
