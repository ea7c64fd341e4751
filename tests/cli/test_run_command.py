"""`maxvolt run`: what it prints; tests/campaign tests what it does."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from maxvolt.campaign import CampaignFolder, Event
from maxvolt.cli.campaign_progress import _live, describe_event

OUTCOME = {
    "reliability": 0.9999,
    "max_grade": 12.34,
    "n_breaks": 1,
    "n_scenarios": 2,
    "n_labelled": 3,
    "n_quarantined": 1,
    "n_training": 13,
    "training": {"energy_rmse": 0.001, "force_rmse": 0.02},
    "validation": None,
    "reason": "labelled and fitted",
}

EVENTS = [
    (Event("started"), ""),
    (Event("iteration", 3, "main", {"kind": "sampling"}), "iteration 3 (main) samples"),
    (Event("iteration", 0, "main", {"kind": "opening"}), "iteration 0 (main) labels and fits"),
    (
        Event(
            "step",
            1,
            "main",
            {
                "step": "sampling",
                "scenario": "search",
                "part": 2,
                "kind": "Relaxation",
                "reason": "grade",
                "steps": 99,
                "total_steps": 100,
                "max_grade": 13.04,
            },
        ),
        "  search 2: grade, 99 of 100 structures, largest grade 13",
    ),
    (
        Event(
            "step",
            0,
            "main",
            {
                "step": "fit",
                "n_parameters": 125,
                "seconds": 3.21,
                "active_set": "rank 10 of 125 (114 possible), incomplete: huge grades",
                "warnings": ["the training set has no Cu"],
            },
        ),
        "  fitted 125 parameters in 3.2 s\n"
        "  active set: rank 10 of 125 (114 possible), incomplete: huge grades\n"
        "  warning: the training set has no Cu",
    ),
    (Event("progress", 3, "main", {"step": "fit", "name": "", "done": 1, "total": 2}), ""),
]


@pytest.mark.parametrize(("event", "text"), EVENTS)
def test_events_in_words(event: Event, text: str) -> None:
    assert describe_event(event) == text


def test_an_outcome_in_words() -> None:
    text = describe_event(Event("outcome", 3, "main", OUTCOME))
    assert text == (
        "iteration 3 (main); reliability 99.9 %, 1 of 2 broke, largest grade 12.3; 3 labelled, "
        "1 quarantined; training set 13: 1 meV/atom, 20 meV/A"
    )


def test_the_live_display_shows_what_runs(tmp_path: Path) -> None:
    folder = CampaignFolder(tmp_path)
    sampling = folder.iteration(3).sampling
    sampling.mkdir(parents=True)
    (sampling / "warm.0.progress").write_text('{"done": 30, "total": 120}')
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=100, highlight=False)
    with _live(console, folder) as report:
        report(Event("iteration", 3, "main", {"kind": "sampling"}))
        report(Event("progress", 3, "main", {"step": "labels", "name": "", "done": 1, "total": 4}))
    shown = screen.getvalue()
    assert "iteration 3 (main) samples" in shown
    assert "warm.0" in shown
    assert "30 of 120" in shown
    assert "labels: 1 of 4" in shown
