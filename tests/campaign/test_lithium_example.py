"""The example of lithium on the fly: its campaign files, its quick form, reference and figures."""

from __future__ import annotations

import json
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from campaign_files import Run

import maxvolt
from example_modules import importable
from maxvolt.campaign.settings import CampaignSettings, read_settings, settings_of
from maxvolt.campaign.steps.scenarios import scenario_parts
from maxvolt.campaign.steps.structures import Structures

EXAMPLE = Path(__file__).parents[2] / "examples" / "lithium_on_the_fly"


@pytest.fixture
def example() -> Iterator[Any]:
    """Give the modules of the example."""
    with importable(EXAMPLE):
        import run

        yield run


@pytest.fixture
def prepared(example: Any, tmp_path: Path) -> Path:
    """Give a folder with the reference and a validation set."""
    example.prepare(tmp_path, next(example.conditions(quick=True))[0], frames=2, every=10)
    return tmp_path


def campaigns(example: Any, folder: Path, *, quick: bool) -> list[CampaignSettings]:
    return [
        settings_of(
            tomllib.loads(example.campaign_text(condition, threshold, quick=quick)),
            folder / "li.toml",
        )
        for condition, thresholds in example.conditions(quick=quick)
        for threshold in thresholds
    ]


def steps_of(campaign: CampaignSettings, folder: Path) -> int:
    (stage,) = campaign.stages
    (part,) = scenario_parts(stage.active_scenarios, Structures.of(stage, folder))
    return part.total_steps


def test_campaigns_differ_in_threshold_and_temperature(example: Any, prepared: Path) -> None:
    found = campaigns(example, prepared, quick=False)
    selections = [one.stages[0].selection for one in found]
    assert [one.select for one in selections] == [1.5, 2.0, 3.0, 5.0, 10.0, 2.0, 3.0, 5.0, 10.0]
    assert all(one.select == one.break_ for one in selections)
    assert {steps_of(one, prepared) for one in found} == {10_000}
    assert len({one.stages[0].reference.reference().key for one in found}) == 1


def test_the_validation_set_comes_from_the_reference(example: Any, prepared: Path) -> None:
    (campaign, *_) = campaigns(example, prepared, quick=False)
    crystal = Structures.of(campaign.stages[0], prepared).named("crystal")
    frames = maxvolt.read(prepared / "validation.xyz")
    assert frames.counts.tolist() == [128, 128]
    assert frames.cells == pytest.approx(np.repeat(crystal.cells, 2, axis=0))
    reference = maxvolt.load(prepared / "reference.mtp")
    found = reference.evaluate_dataset(frames)
    assert found.energies == pytest.approx(frames.energies, abs=1e-5)
    assert found.forces == pytest.approx(frames.forces, abs=1e-5)
    assert np.abs(frames.forces).max() > 0.1


def test_the_quick_form_is_short(example: Any, prepared: Path) -> None:
    quick = campaigns(example, prepared, quick=True)
    assert len(quick) < len(campaigns(example, prepared, quick=False)) / 4
    assert {steps_of(one, prepared) for one in quick} == {300}


def test_a_changed_file_is_noticed(
    example: Any, prepared: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import conditions

    monkeypatch.setitem(conditions.QUICK, "level = 13", "level = 8")
    with pytest.raises(SystemExit, match="level = 13"):
        campaigns(example, prepared, quick=True)


def test_the_campaign_with_dft(example: Any, tmp_path: Path) -> None:
    file = tmp_path / example.DFT.name
    shutil.copy(example.DFT, file)
    settings = read_settings(file)
    (stage,) = settings.stages
    assert stage.reference.reference().calculator == "espresso"
    crystal = Structures.of(stage, tmp_path).named("crystal")
    assert crystal.counts.tolist() == [16]
    assert np.linalg.norm(crystal.cells[0], axis=1).min() > stage.potential.cutoff


def test_figures_of_a_campaign(
    example: Any, finished: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "300K"
    folder.mkdir()
    file = Path(shutil.copy(finished.file, folder))
    shutil.copytree(finished.result.folder, file.with_suffix(""))
    example.figures.main([str(tmp_path), "--output", str(tmp_path / "figures")])
    assert (tmp_path / "figures" / "on_the_fly.png").stat().st_size > 10_000
    (found,) = json.loads((tmp_path / "figures" / "numbers.json").read_text())["300K"]
    rows = [event.content for event in finished.events if event.kind == "outcome"]
    assert found["calculations"] == [row["n_labels_total"] for row in rows]
    assert found["steps"][-1] == sum(row.get("steps", 0) for row in rows) > 0
    error = 1e3 * rows[-1]["validation"]["force_rmse"]
    assert found["force_error"][-1] == pytest.approx(error, rel=5e-5)  # of five digits
    last = f"| {found['calculations'][-1]} | {found['steps'][-1] * 3 / 1000:.1f} |"
    assert f"| 300K | 1.5 {last}" in capsys.readouterr().out


def test_there_is_nothing_to_draw(example: Any, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="no campaign"):
        example.figures.main([str(tmp_path)])


def test_the_reference_is_a_potential_of_lithium(shared: Path) -> None:
    """As good as the published potential of this level: 0.66 meV/atom and 13 meV/A."""
    test = maxvolt.read(shared / "data" / "mlearn" / "Li_test.xyz")
    potential = maxvolt.load(EXAMPLE / "reference.mtp")
    total = maxvolt.compute_errors(potential, test).total
    assert total.energy_per_atom.rmse < 1.1e-3
    assert total.force_components.rmse < 0.02
