"""Campaigns by expected errors and by grades: nothing runs twice, and the page says what was."""

from __future__ import annotations

import json
import math
import shutil
import tomllib
from pathlib import Path

import pytest

import campaigns_by_errors
from campaigns_by_errors import (
    BREAK,
    DRIVERS,
    SELECT,
    SYSTEMS,
    campaign_text,
    force_thresholds,
    main,
    plan,
    settings_for,
)
from campaigns_by_errors_report import labels_needed, write_report
from maxvolt.campaign.settings import settings_of
from maxvolt.sampling import Thresholds

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_all_drivers_run_every_system_with_every_seed_once():
    planned = [(system.name, driver, seed) for system, driver, seed in plan(5)]
    assert len(set(planned)) == len(planned) == len(DRIVERS) * len(SYSTEMS) * 5
    assert {driver for _, driver, _ in planned} == set(DRIVERS)


def test_labels_are_counted_from_where_the_error_stays_small():
    errors = [90.0, 20.0, 40.0, 20.0, 10.0]
    points = [{"labels": 10 * i, "error": value} for i, value in enumerate(errors)]
    assert labels_needed(points, "error", 100.0) == 0
    assert labels_needed(points, "error", 20.0) == 30
    assert math.isinf(labels_needed(points, "error", 5.0))


def test_the_campaigns_of_a_seed_differ_by_their_thresholds_alone(tmp_path):
    aluminium = SYSTEMS[0]
    assert force_thresholds(aluminium, "grades", 0, tmp_path) == ""
    thresholds_text = force_thresholds(aluminium, "errors by grade", 0, tmp_path)
    text = campaign_text(aluminium, 0, thresholds_text)
    by_errors = settings_of(tomllib.loads(text), tmp_path / "campaign.toml").stages[0]
    by_grades = settings_for(aluminium, 0)
    thresholds = by_errors.selection.thresholds
    assert thresholds.unit == "eV/A"
    assert by_errors.selection.measure == "grade"
    assert thresholds.stop / thresholds.select == pytest.approx(BREAK / SELECT, rel=0.1)  # rounded
    assert by_grades.selection.thresholds == Thresholds(2.0, 10.0)
    assert by_errors.scenario == by_grades.scenario
    assert by_errors.training == by_grades.training
    assert by_errors.potential == by_grades.potential


@pytest.fixture
def ran(monkeypatch, tmp_path):
    """Campaigns that ran, by a stand-in; output goes to a folder."""
    campaigns: list[tuple[str, str, int]] = []

    def run(system, driver, seed, *_):
        campaigns.append((system.name, driver, seed))
        if len(campaigns) == 3:
            raise KeyboardInterrupt
        point = {"labels": 10, "scenarios": 0.1}
        return {
            **{"system": system.name, "driver": driver, "seed": seed},
            **{"status": "finished", "points": [point]},
        }

    monkeypatch.setattr(campaigns_by_errors, "run", run)
    monkeypatch.setattr(campaigns_by_errors, "test_sets", lambda *_: {})
    monkeypatch.setattr(campaigns_by_errors, "write_report", lambda *_: None)
    monkeypatch.setattr("sys.argv", ["campaigns_by_errors.py", "--output", str(tmp_path)])
    return campaigns


def test_a_run_that_was_stopped_goes_on(ran, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        main()
    assert len(json.loads((tmp_path / "campaigns.json").read_text())["campaigns"]) == 2
    main()
    found = json.loads((tmp_path / "campaigns.json").read_text())["campaigns"]
    assert [(one["system"], one["driver"], one["seed"]) for one in found] == [
        (system.name, driver, seed) for system, driver, seed in plan(5)
    ]
    assert len(ran) == len(plan(5)) + 1  # that which was stopped is run again


def test_the_page_has_the_numbers_that_were_measured(tmp_path):
    shutil.copytree(DOCS / "uncertainty", tmp_path / "uncertainty")
    page = tmp_path / "uncertainty_campaigns.md"
    shutil.copy(DOCS / page.name, page)
    found = json.loads((tmp_path / "uncertainty/campaigns.json").read_text())
    write_report(found["campaigns"], tmp_path / "uncertainty", page)
    assert page.read_text() == (DOCS / page.name).read_text()
