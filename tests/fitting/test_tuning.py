"""The search for settings: what is compared with what, what is recommended, what a kill leaves."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from training_data import crystals, known_potential, labelled

from maxvolt.dataset import Dataset
from maxvolt.errors import FitError
from maxvolt.fitting.prediction_errors import compare, compute_errors
from maxvolt.fitting.settings import FitSettings
from maxvolt.fitting.tuning import (
    Candidate,
    HeldOutErrors,
    SearchSpace,
    Tried,
    TuningLimits,
    as_good_as_the_best,
    tune,
)
from maxvolt.fitting.tuning.held_out import hold_out
from maxvolt.fitting.tuning.search import compare_plain
from maxvolt.fitting.tuning.tune import recommended

SETTINGS = FitSettings(max_iterations=4, starts=1)
SPACE = SearchSpace(
    levels=(4, 8), cutoffs=(4.0, 4.5), radial_basis_sizes=(4,), force_weights=(0.01,), pruning=False
)


def errors_of(forces: np.ndarray, energies: np.ndarray) -> HeldOutErrors:
    """One atom in each structure."""
    ones = np.ones(len(forces))
    return HeldOutErrors(energies**2, 3 * forces**2, ones, 3 * ones)


def tried(number: int, microseconds: float, errors: HeldOutErrors) -> Tried:
    return Tried(Candidate(8, 5.0, 8, 0.01, number), Path("none"), 9, 26, microseconds, errors)


@pytest.fixture(scope="module")
def data() -> Dataset:
    return labelled(known_potential(8, ["Mo"]), crystals(["Mo"], 30))


def test_errors_are_those_of_the_error_table(data: Dataset) -> None:
    other = known_potential(8, ["Mo"], seed=1)
    found = HeldOutErrors.of(compare(other, data))
    total = compute_errors(other, data).total
    assert found.energy == pytest.approx(total.energy_per_atom.rmse, rel=1e-12)
    assert found.force == pytest.approx(total.force_components.rmse, rel=1e-12)
    expected = 0.75 * np.log(found.force) + 0.25 * np.log(found.energy)
    assert found.score(0.25) == pytest.approx(expected, rel=1e-12)


def test_labels_that_are_missing_do_not_count(data: Dataset) -> None:
    other = known_potential(8, ["Mo"], seed=1)
    energies = data.energies.copy()
    energies[3:] = np.nan
    some = Dataset.from_arrays(
        **{
            name: getattr(data, name)
            for name in ("offsets", "numbers", "positions", "cells", "pbc", "stresses")
        },
        energies=energies,
        forces=None,
    )
    found = HeldOutErrors.of(compare(other, some))
    assert np.isnan(found.force)
    assert found.energy == pytest.approx(compute_errors(other, some).total.energy_per_atom.rmse)
    assert found.score(0.25) == pytest.approx(np.log(found.energy))


def test_only_differences_beyond_their_standard_error_count() -> None:
    generator = np.random.default_rng(0)
    hard = np.exp(generator.normal(size=200))  # some structures are hard for everybody
    energies = np.abs(generator.normal(size=200))
    same = hard * np.exp(0.1 * generator.normal(size=200))
    several = [errors_of(one, energies) for one in (hard, same, 1.1 * hard, 3.0 * hard)]
    good = as_good_as_the_best(several, 0.0)
    best = int(np.argmin([one.score(0.0) for one in several]))
    assert best in (0, 1)
    assert good[best]
    assert good.tolist()[2:] == [False, False]


def test_the_cheapest_of_the_good_is_recommended() -> None:
    generator = np.random.default_rng(1)
    hard, energies = np.exp(generator.normal(size=100)), np.ones(100)
    noisy = [hard * np.exp(0.3 * generator.normal(size=100)) for _ in range(2)]
    several = [
        tried(0, 1.0, errors_of(2.0 * hard, energies)),
        tried(1, 2.0, errors_of(noisy[0], energies)),
        tried(2, 4.0, errors_of(noisy[1], energies)),
    ]
    good = as_good_as_the_best([one.errors for one in several], 0.25)
    chosen = recommended(several, TuningLimits())
    assert chosen is several[int(np.flatnonzero(good)[0])]
    assert recommended(several, TuningLimits(microseconds=1.5)) is several[0]
    with pytest.raises(FitError, match=r"fastest 1\.00"):
        recommended(several, TuningLimits(microseconds=0.5))


def test_settings_are_decided_one_after_the_other() -> None:
    """Whoever tells errors of each setting by itself is found at its best."""
    space = SearchSpace((4, 8, 12), (4.0, 5.0, 6.0), (8, 12), (0.001, 0.01, 0.1))
    asked: list[Candidate] = []

    def measure(candidate: Candidate) -> Tried:
        asked.append(candidate)
        size = 1.0 + abs(candidate.cutoff - 6.0) + (candidate.radial_basis_size == 8)
        size += abs(np.log10(candidate.force_weight) + 3)
        hard = np.arange(1.0, 21.0)
        found = tried(0, 1.0, errors_of(size * hard, hard))
        return replace(found, candidate=candidate)

    levels = compare_plain(space, measure, lambda several: recommended(several, TuningLimits()))
    best = Candidate(8, 6.0, 12, 0.001)
    assert [one.candidate for one in levels] == [replace(best, level=n) for n in (4, 8, 12)]
    assert {one.level for one in asked[:8]} == {8}
    assert len(set(asked)) == space.most


def test_a_search_recommends_the_level_of_the_data_and_goes_on_after_a_stop(
    data: Dataset, tmp_path: Path
) -> None:
    whole = tune(data, tmp_path / "whole", SPACE, SETTINGS, threads=1)
    assert whole.finished
    assert len(whole.tried) == 3
    assert whole.recommended.candidate.level == 8
    assert whole.recommended.candidate.cutoff == 4.5
    stopped = tune(data, tmp_path / "s", SPACE, SETTINGS, TuningLimits(candidates=2), threads=1)
    assert not stopped.finished
    assert len(stopped.tried) == 2
    journal = tmp_path / "s" / "journal.jsonl"
    journal.write_bytes(journal.read_bytes()[:-40])  # as a kill leaves the last line
    told: list[Tried] = []
    again = tune(data, tmp_path / "s", SPACE, SETTINGS, threads=1, progress=told.append)
    assert len(told) == 2  # the line that was cut, and the one that was never tried
    scores = {one.candidate: one.errors.score(0.25) for one in whole.tried}
    assert {one.candidate: one.errors.score(0.25) for one in again.tried} == scores
    assert again.potential.digest == whole.potential.digest
    told.clear()
    other = replace(SETTINGS, weights=replace(SETTINGS.weights, forces=0.3))  # that of candidates
    tune(data, tmp_path / "s", SPACE, other, refit=False, threads=1, progress=told.append)
    assert told == []
    with pytest.raises(FitError, match="other data or settings"):
        tune(data, tmp_path / "s", SPACE, replace(SETTINGS, seed=3), threads=1)


def test_pruned_potentials_are_candidates_too(data: Dataset, tmp_path: Path) -> None:
    space = replace(SPACE, levels=(12,), cutoffs=(4.5,), pruning=True)
    few = TuningLimits(candidates=3)
    found = tune(data, tmp_path, space, SETTINGS, few, refit=False, threads=1)
    stages = sorted(one.candidate.stage for one in found.tried)
    assert stages == [0, 1, 2]
    by_stage = {one.candidate.stage: one for one in found.tried}
    assert by_stage[0].scalars > by_stage[1].scalars > by_stage[2].scalars
    again = tune(data, tmp_path, space, SETTINGS, few, refit=False, threads=1, progress=print)
    assert [one.scalars for one in again.tried] == [one.scalars for one in found.tried]


def test_a_damaged_journal_is_named(data: Dataset, tmp_path: Path) -> None:
    one = replace(SPACE, levels=(4,), cutoffs=(4.5,))
    tune(data, tmp_path, one, SETTINGS, refit=False, threads=1)
    journal = tmp_path / "journal.jsonl"
    journal.write_bytes(journal.read_bytes().replace(b'"scalars"', b'"scalar"'))
    with pytest.raises(FitError, match=r"journal.jsonl, line 2"):
        tune(data, tmp_path, one, SETTINGS, refit=False, threads=1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"candidates": 0}, "above 0"),
        ({"seconds": -1.0}, "above 0"),
        ({"energy_share": 1.5}, "between 0 and 1"),
    ],
)
def test_limits_that_are_none_are_refused(change: dict[str, float], message: str) -> None:
    with pytest.raises(FitError, match=message):
        TuningLimits(**change)  # type: ignore[arg-type]


def test_too_little_to_hold_out_is_refused(data: Dataset, tmp_path: Path) -> None:
    for share in (0.0, 1.0, 0.001):
        with pytest.raises(FitError, match="held_out"):
            tune(data, tmp_path / str(share), SPACE, SETTINGS, held_out=share)
    with pytest.raises(FitError, match="one value to try"):
        SearchSpace(levels=())


def test_every_species_stays_among_the_structures_to_fit() -> None:
    structures = crystals(["Mo"], 10)
    structures[4].symbols[0] = "W"
    data = Dataset.from_atoms(structures)
    for seed in range(20):
        training, test = hold_out(data, 0.3, seed)
        assert (len(training), len(test)) == (7, 3)
        assert 74 in training.numbers
        held_out = np.random.default_rng(seed).permutation(10)
        expected = sorted(held_out[held_out != 4][:3].tolist())
        assert test.digests == data.select(expected).digests
