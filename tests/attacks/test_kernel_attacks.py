"""A few trials of the attacks on neighbour lists, threads and shared calculators."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest


@pytest.mark.parametrize("seed", range(3))
def test_random_edits_against_a_fresh_neighbour_list(seed: int, tmp_path: Path) -> None:
    from attacks import neighbors

    assert neighbors.trial(seed, tmp_path) == "held"


@pytest.mark.parametrize("seed", range(3))
def test_results_do_not_depend_on_threads(seed: int, tmp_path: Path) -> None:
    from attacks import threads

    assert threads.trial(seed, tmp_path).startswith("held")


@pytest.mark.parametrize("seed", range(2))
def test_threads_that_share_one_calculator(seed: int, tmp_path: Path) -> None:
    from attacks import shared_calculator

    assert shared_calculator.trial(seed, tmp_path).startswith("held")


def test_a_program_that_ends_while_threads_evaluate(tmp_path: Path) -> None:
    from attacks import interpreter_exit

    assert "," in interpreter_exit.trial(0, tmp_path)


def test_a_list_that_misses_pairs_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from attacks.finding import FindingError

    from attacks import neighbors

    monkeypatch.setattr(neighbors.VerletNeighbors, "_coming_closer", lambda *_: 0.0)
    with pytest.raises((FindingError, IndexError, ValueError)):
        neighbors.trial(0, tmp_path)


def test_a_thread_that_changes_numbers_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from attacks.finding import FindingError

    from attacks import threads

    whole = threads._evaluated

    def changed(potential, where, number):
        found = whole(potential, where, number)
        found["forces"] = np.nextafter(found["forces"], float(number))
        return found

    monkeypatch.setattr(threads, "_evaluated", changed)
    with pytest.raises(FindingError, match="forces differ"):
        threads.trial(0, tmp_path)
