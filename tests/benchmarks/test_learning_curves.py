"""Learning curves: nothing is fitted twice, and the page says what was measured."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import learning_curves
from learning_curves import SYSTEMS, Trial, main, plan
from learning_curves_report import write_report

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_every_fit_is_planned_once_and_fits_its_data():
    trials = plan()
    assert len(set(trials)) == len(trials)
    largest = {system.name: max(system.sizes) for system in SYSTEMS}
    assert all(trial.structures <= largest[trial.system] for trial in trials)
    assert {trial.level for trial in trials if trial.system == "Mo"} == {8, 10, 12, 16, 20}


@pytest.fixture
def measured(monkeypatch, tmp_path):
    """Trials that were measured, by a stand-in that needs no data; output goes to a folder."""
    trials: list[Trial] = []

    def measure(trial: Trial, _: Path) -> dict[str, object]:
        trials.append(trial)
        if len(trials) == 3:
            raise KeyboardInterrupt
        return {"trial": learning_curves.asdict(trial), "outcome": "refused: a stand-in"}

    monkeypatch.setattr(learning_curves, "measure", measure)
    monkeypatch.setattr(learning_curves, "shared_folder", lambda _: tmp_path)
    monkeypatch.setattr(learning_curves, "write_report", lambda *_: None)
    monkeypatch.setattr("sys.argv", ["learning_curves.py", "--output", str(tmp_path)])
    return trials


def test_a_run_that_was_stopped_goes_on(measured, tmp_path):
    with pytest.raises(KeyboardInterrupt):
        main()
    fits = json.loads((tmp_path / "learning_curves.json").read_text())["fits"]
    assert len(fits) == 2
    main()
    fits = json.loads((tmp_path / "learning_curves.json").read_text())["fits"]
    assert [Trial(**fit["trial"]) for fit in fits] == plan()
    assert len(measured) == len(plan()) + 1  # that which was stopped is made again


def test_the_page_has_the_numbers_that_were_measured(tmp_path):
    shutil.copytree(DOCS / "choosing", tmp_path / "choosing")
    shutil.copy(DOCS / "choosing.md", tmp_path / "choosing.md")
    found = json.loads((tmp_path / "choosing/learning_curves.json").read_text())
    write_report(found["fits"], tmp_path / "choosing")
    assert (tmp_path / "choosing.md").read_text() == (DOCS / "choosing.md").read_text()
