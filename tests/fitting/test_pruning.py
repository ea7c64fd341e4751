"""Pruning: what is removed is what costs least, and a known potential is found again."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from training_data import crystals, known_potential, labelled

import maxvolt
from maxvolt.dataset import Dataset
from maxvolt.errors import FitError
from maxvolt.fitting.objective import Objective
from maxvolt.fitting.pruning import PruningStage, PruningTarget, backward_elimination, prune
from maxvolt.fitting.pruning.prune import _staged
from maxvolt.fitting.pruning.stage import StageNumbers
from maxvolt.fitting.settings import FitSettings
from maxvolt.fitting.variable_projection.elimination import eliminate
from maxvolt.fitting.variable_projection.normal_equations import LinearEquations
from maxvolt.fitting.variable_projection.problem_builder import ProblemBuilder
from maxvolt.parallel.blocks import LocalBlocks
from maxvolt.potentials import MTP
from maxvolt.potentials.mtp.basis.contraction import contraction_table
from maxvolt.potentials.mtp.reduction import reduced
from maxvolt.potentials.mtp.scalar_costs import scalar_costs
from maxvolt.selection import ActiveSet

SETTINGS = FitSettings(max_iterations=20)


def equations_of(a: np.ndarray, y: np.ndarray) -> LinearEquations:
    return LinearEquations(a.T @ a, a.T @ y, float(y @ y), LocalBlocks(()), np.zeros(a.shape[1]))


def least_loss(a: np.ndarray, y: np.ndarray, columns: np.ndarray) -> float:
    """By least squares, without normal equations."""
    part = a[:, columns]
    return float(np.sum((part @ np.linalg.lstsq(part, y, rcond=None)[0] - y) ** 2))


def test_each_removal_has_the_loss_of_least_squares_without_it() -> None:
    generator = np.random.default_rng(0)
    a = generator.normal(size=(60, 14)) * 10.0 ** generator.uniform(-3, 3, size=14)
    y = generator.normal(size=60)
    removals = list(backward_elimination(equations_of(a, y), 1e-14, None, n_species=2))
    assert [int(one.kept.sum()) for one in removals] == list(range(11, 0, -1))
    for one in removals:
        columns = np.concatenate([[True, True], one.kept])
        assert one.loss == pytest.approx(least_loss(a, y, columns), rel=1e-8)


def test_the_scalar_that_is_worth_least_goes_first() -> None:
    generator = np.random.default_rng(1)
    a, y = generator.normal(size=(40, 9)), generator.normal(size=40)
    kept = np.ones(8, dtype=bool)
    for one in backward_elimination(equations_of(a, y), 1e-14, None, n_species=1):
        losses = {}
        for number in np.flatnonzero(kept):
            trial = kept & (np.arange(8) != number)
            losses[number] = least_loss(a, y, np.concatenate([[True], trial]))
        best = min(losses, key=losses.__getitem__)
        kept = kept & (np.arange(8) != best)
        assert np.array_equal(one.kept, kept)


def test_the_first_removal_is_the_cheapest_of_all_groups_for_what_it_saves() -> None:
    table = contraction_table(10)
    costs = scalar_costs(table, 6, neighbors=20.0)
    assert costs is not None
    n = len(table.scalars)
    generator = np.random.default_rng(2)
    a, y = generator.normal(size=(80, n + 1)), generator.normal(size=80)
    every = np.ones(n, dtype=bool)
    before = least_loss(a, y, np.ones(n + 1, dtype=bool))
    ratios = []
    for group in costs.groups() > 0:
        if group.sum() == 1 or group.sum() <= 0.6 * n:
            loss = least_loss(a, y, np.concatenate([[True], ~group]))
            ratios.append(((loss - before) / (costs.of(every) - costs.of(~group)), group))
    best = min(ratios, key=lambda one: one[0])[1]
    first = next(backward_elimination(equations_of(a, y), 1e-14, costs, n_species=1))
    assert np.array_equal(first.kept, ~best)
    assert first.operations == costs.of(~best)


@pytest.fixture(scope="module")
def sparse() -> tuple[MTP, Dataset]:
    """A potential of level 8 of which few scalars count, and structures with its labels."""
    known = reduced(known_potential(8, ["Mo"]), np.array([0, 2, 4]))
    return known, labelled(known, crystals(["Mo"], 24))


@pytest.fixture(scope="module")
def fitted(sparse: tuple[MTP, Dataset]) -> MTP:
    """All scalars of level 8, with the radial functions of the known potential."""
    _, data = sparse
    start = known_potential(8, ["Mo"])
    result = maxvolt.fit(start, data, SETTINGS, threads=1, progress=False)
    assert isinstance(result.potential, MTP)
    return result.potential


def test_scalars_that_play_no_role_are_found(fitted: MTP, sparse: tuple[MTP, Dataset]) -> None:
    known, data = sparse
    found = prune(fitted, data, PruningTarget(scalars=3), SETTINGS, threads=1)
    assert len(found.potential.model.moment_coeffs) == 3
    spread = float(np.std(data.forces))
    assert found.chosen.numbers.training_force < 1e-4 * spread
    table, expected = found.potential.model.table, known.model.table
    assert table.n_moments == expected.n_moments
    assert len(table.products) == len(expected.products)


def test_the_loss_grows_no_more_than_allowed() -> None:
    data = labelled(known_potential(12, ["Mo"], seed=5), crystals(["Mo"], 24))
    start = maxvolt.fit(
        MTP(10, ["Mo"], 4.5, 2.0, 4), data, SETTINGS, starts=1, threads=1, progress=False
    ).potential
    assert isinstance(start, MTP)
    target = PruningTarget(loss_increase=0.5)
    found = prune(start, data, target, SETTINGS, threads=1)
    first = found.stages[0].numbers
    assert found.chosen.numbers.loss <= 1.5 * first.loss
    assert found.chosen.numbers.operations < first.operations
    assert any(stage.numbers.loss > 1.5 * first.loss for stage in found.stages)
    scalars = [stage.numbers.scalars for stage in found.stages]
    assert all(np.diff(scalars))  # what went too far is not tried twice


class Work:
    """A hundred scalars that are worth the same and go by tens; refits take no time."""

    def stage(self, scalars: int, step: float = 0.0) -> PruningStage:
        loss = 1 + (100 - scalars) / 100
        numbers = StageNumbers(scalars, 1, scalars, float(scalars), 1.0, loss, 0.0, 0.0)
        return PruningStage(self.potential(scalars), numbers, step)

    def potential(self, scalars: int) -> Any:
        return SimpleNamespace(model=SimpleNamespace(moment_coeffs=range(scalars)))

    def first(self) -> PruningStage:
        return self.stage(100)

    def smaller(self, stage: PruningStage, step: float, *_: object) -> Any:
        return self.potential(int(stage.numbers.scalars * (1 - step)) // 10 * 10)

    def refitted(self, potential: Any, step: float) -> PruningStage:
        return self.stage(len(potential.model.moment_coeffs), step)

    def finished(self, stage: PruningStage) -> PruningStage:
        return stage


@pytest.mark.parametrize("stopped", [0, 1, 2, 3, 4])
def test_steps_are_halved_where_the_loss_grows_too_much(stopped: int) -> None:
    known = [(100, 0.0), (80, 0.12), (90, 0.06), (80, 0.06)]
    work, added = Work(), []

    class Kept:
        def read(self) -> list[PruningStage]:
            return [work.stage(*one) for one in known[:stopped]]

        def add(self, number: int, stage: PruningStage) -> None:
            added.append((number, stage))

    found = _staged(work, PruningTarget(loss_increase=0.1), Kept(), None)  # type: ignore[arg-type]
    # From 90 scalars a step of 3 % would end at 80 again, and is not made.
    assert [(one.numbers.scalars, one.step) for one in found.stages] == known
    assert [number for number, _ in added] == list(range(stopped, 4))
    assert found.chosen.numbers.scalars == 90


def test_a_pruned_potential_grades_selects_and_compiles(
    fitted: MTP, sparse: tuple[MTP, Dataset], tmp_path: Path
) -> None:
    _, data = sparse
    pruned = prune(fitted, data, PruningTarget(cost=0.6), SETTINGS, threads=1).potential
    active = ActiveSet.from_dataset(pruned, data, mode="neighborhood", threads=1)
    assert active.rank <= active.largest_rank
    active.write(tmp_path / "pruned.almtp")
    again = maxvolt.read_active_set(tmp_path / "pruned.almtp")
    grades = active.grade(data.select(np.arange(3)))
    np.testing.assert_allclose(again.grade(data.select(np.arange(3))), grades, rtol=1e-9)
    pruned.write_compiled(tmp_path / "pruned.maxvolt")
    assert (tmp_path / "pruned.maxvolt").stat().st_size > 0


def test_a_pruning_goes_on_from_its_stages(
    fitted: MTP, sparse: tuple[MTP, Dataset], tmp_path: Path
) -> None:
    _, data = sparse
    target = PruningTarget(cost=0.5)
    whole = prune(fitted, data, target, SETTINGS, folder=tmp_path / "whole", threads=1)

    class StoppedError(Exception):
        pass

    told: list[PruningStage] = []

    def stop(stage: PruningStage) -> None:
        told.append(stage)
        if len(told) == 2:
            raise StoppedError

    folder = tmp_path / "stopped"
    with pytest.raises(StoppedError):
        prune(fitted, data, target, SETTINGS, folder=folder, threads=1, progress=stop)
    assert len(list(folder.glob("*.json"))) == 2
    again = prune(fitted, data, target, SETTINGS, folder=folder, threads=1)
    assert again.potential.digest == whole.potential.digest
    assert [one.numbers.loss for one in again.stages] == [one.numbers.loss for one in whole.stages]
    with pytest.raises(FitError, match="pruning of another potential"):
        prune(fitted, data, PruningTarget(cost=0.4), SETTINGS, folder=folder, threads=1)


def test_threads_change_nothing(fitted: MTP, sparse: tuple[MTP, Dataset]) -> None:
    _, data = sparse
    digests = {
        prune(fitted, data, PruningTarget(scalars=5), SETTINGS, threads=n).potential.digest
        for n in (1, 2)
    }
    assert len(digests) == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({}, "one target"),
        ({"cost": 0.5, "scalars": 3}, "one target"),
        ({"cost": 1.5}, "between 0 and 1"),
        ({"scalars": 0}, "1 or more"),
        ({"loss_increase": -0.1}, "above 0"),
    ],
)
def test_targets_that_are_none_are_refused(change: dict[str, float], message: str) -> None:
    with pytest.raises(FitError, match=message):
        PruningTarget(**change)  # type: ignore[arg-type]


def test_what_cannot_be_pruned_is_refused(fitted: MTP, sparse: tuple[MTP, Dataset]) -> None:
    _, data = sparse
    target = PruningTarget(cost=0.5)
    with pytest.raises(FitError, match="untrained"):
        prune(MTP(8, ["Mo"], 4.5, 2.0, 4), data, target)
    with pytest.raises(FitError, match="robust"):
        prune(fitted, data, target, {"robust": True})
    with pytest.raises(FitError, match="ask for fewer"):
        prune(fitted, data, PruningTarget(scalars=9))
    names = ("offsets", "numbers", "positions", "cells", "pbc", "energies")
    one = data.select([0])
    alone = Dataset.from_arrays(**{name: getattr(one, name) for name in names})
    with pytest.raises(FitError, match="1 labels with a weight"):
        prune(fitted, alone, target)


def test_the_linear_equations_are_those_of_a_fit(fitted: MTP, sparse: tuple[MTP, Dataset]) -> None:
    """Removing all scalars of a radial function costs what a fit without it has."""
    _, data = sparse
    builder = ProblemBuilder(Objective(data, SETTINGS.weights, SETTINGS.scaling), 1)
    problem = builder.problem(fitted)
    radial = (fitted.model.radial_coeffs * fitted.model.scaling).ravel()
    equations = problem.linear_equations(radial)
    removals = backward_elimination(equations, SETTINGS.ridge, None, n_species=1)
    one = next(found for found in removals if found.kept.sum() == 5)
    smaller = reduced(fitted, np.flatnonzero(one.kept))
    again = builder.problem(smaller)
    radial = (smaller.model.radial_coeffs * smaller.model.scaling).ravel()
    direct = eliminate(again.linear_equations(radial), SETTINGS.ridge)
    assert one.loss == pytest.approx(direct.loss, rel=1e-5, abs=1e-9 * equations.constant)
