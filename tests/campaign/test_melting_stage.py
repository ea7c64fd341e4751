"""A stage that finds the melting point of the potential; the best of several fits."""

from __future__ import annotations

import json
import shutil
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from campaign_files import SMALL, products, run, write_campaign

from maxvolt.campaign import Campaign, CampaignFolder, summarize
from maxvolt.campaign.planning import Action, CompleteIteration, plan
from maxvolt.campaign.record.storage import read_result
from maxvolt.campaign.settings import CampaignSettings, settings_of
from maxvolt.campaign.steps import melting
from maxvolt.cli import main
from maxvolt.errors import SettingsError
from maxvolt.properties.melting import MeltingPoint, MeltingSettings

STAGES = """
[[stage]]
name = "learn"
[stage.fit]
best_of = 3
restart = false
[[stage]]
name = "melt"
[stage.melting]
structure = "fcc"
seeds = [4, 5]
"""
TEXT = SMALL.replace("limit = 3", "limit = 3\ncalibrate = false") + STAGES


def file_of(text: str) -> CampaignSettings:
    return settings_of(tomllib.loads(text), Path("al.toml"))


def done(file: CampaignSettings, stage: int, kind: str) -> CompleteIteration:
    outcome = {"kind": kind, "is_clean": True, "n_labelled": 0, "n_new_labels": 0, "reason": ""}
    return CompleteIteration(file.stages[stage], outcome)


class Found:
    """Stands in for LAMMPS: remembers what it was asked, and answers a known point."""

    def __init__(self) -> None:
        self.asked: list[tuple[Path, MeltingSettings, Path]] = []

    def __call__(
        self, potential: Path, settings: MeltingSettings, folder: Path, **_: Any
    ) -> MeltingPoint:
        self.asked.append((potential, settings, folder))
        folder.mkdir(parents=True, exist_ok=True)
        return MeltingPoint(931.5, 2.5, np.nan, np.nan, 0.0, 0.11, 0.9, (), (), (), "potential")


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Found]:
    found = Found()
    file = write_campaign(tmp_path_factory.mktemp("melting"), TEXT)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(melting, "melting_point", found)
        assert run(file).status == "finished"
    return file, found


class TestPlanning:
    def test_a_melting_point_needs_one_iteration_and_no_scenario(self) -> None:
        file = file_of(SMALL + STAGES)
        past = [done(file, 0, "opening"), done(file, 0, "sampling")]
        following = plan(past, file)
        assert (following.action, following.kind) == (Action.ITERATE, "melting")
        assert following.settings.active_scenarios == ()
        ended = plan([*past, done(file, 1, "melting")], file)
        assert ended.action is Action.FINISHED
        assert "melting point of stage 'melt'" in ended.reason

    def test_other_settings_make_it_again(self) -> None:
        before, file = file_of(SMALL + STAGES), file_of(SMALL + STAGES.replace("4, 5", "4, 6"))
        past = [done(before, 0, "sampling"), done(before, 1, "melting")]
        assert plan(past, file).action is Action.ITERATE


class TestRunning:
    def test_the_row_has_the_melting_point(
        self, campaign: tuple[Path, Found], capsys: pytest.CaptureFixture[str]
    ) -> None:
        file, found = campaign
        folder = CampaignFolder(file.with_suffix(""))
        row = summarize(folder).iterations[-1]
        assert (row["kind"], row["is_clean"]) == ("melting", True)
        assert row["melting"]["melting_point_K"] == 931.5
        ((potential, settings, where),) = found.asked
        trained = row["files"]["potential"]
        assert potential.parent == folder.iteration(trained).path
        assert (settings.species, settings.seeds) == ("Al", (4, 5))
        written = json.loads((where / "melting.json").read_text())
        assert written["melting_point_K"] == 931.5
        main(["status", str(file)])
        assert "melting point at 0 GPa: 931.5 +- 2.5 K" in capsys.readouterr().out

    def test_the_page_is_drawn(self, campaign: tuple[Path, Found], tmp_path: Path) -> None:
        file, _ = campaign
        main(["report", str(file), "-o", str(tmp_path / "page.html")])
        assert "melt" in (tmp_path / "page.html").read_text()

    def test_a_damaged_result_is_made_again(
        self, campaign: tuple[Path, Found], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        file, again = tmp_path / campaign[0].name, Found()
        shutil.copy(campaign[0], file)
        shutil.copytree(campaign[0].with_suffix(""), file.with_suffix(""))
        last = CampaignFolder(file.with_suffix("")).iterations()[-1]
        whole = last.step_file("melting").read_bytes()
        last.step_file("melting").write_bytes(whole[: len(whole) // 2])
        monkeypatch.setattr(melting, "melting_point", again)
        assert run(file).status == "finished"
        assert len(again.asked) == 1
        assert read_result(last.step_file("melting")).record["melting_point_K"] == 931.5

    def test_the_fit_with_the_lowest_loss_counts(self, campaign: tuple[Path, Found]) -> None:
        folder = CampaignFolder(campaign[0].with_suffix(""))
        record = read_result(folder.iteration(0).step_file("fit")).record
        assert len(set(record["losses"])) == 3
        assert record["loss"] == [min(record["losses"])]
        assert not list(folder.iteration(0).path.glob("*.checkpoint"))

    def test_a_fit_that_was_cut_short_goes_on(
        self, campaign: tuple[Path, Found], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from maxvolt.campaign.steps import best_fit

        once, calls = best_fit._fit_once, []

        def cut(*arguments: Any) -> Any:
            calls.append(arguments)
            if len(calls) == 3:
                raise KeyboardInterrupt
            return once(*arguments)

        file = write_campaign(tmp_path, TEXT)
        with monkeypatch.context() as patch:
            patch.setattr(best_fit, "_fit_once", cut)
            with pytest.raises(KeyboardInterrupt):
                run(file)
        monkeypatch.setattr(melting, "melting_point", Found())
        run(file)
        assert products(file.with_suffix("")) == products(campaign[0].with_suffix(""))


class TestSettings:
    @pytest.mark.parametrize(
        ("old", "new", "message"),
        [
            ("[4, 5]", "[4, 4]", "seeds must be different"),
            ('structure = "fcc"\nseeds', 'structure = "fcx"\nseeds', "fcx"),
            ("seeds = [4, 5]", 'species = "Cu"', "is not among those of the potential"),
            ('["Al"]', '["Al", "Cu"]', "name the element to melt"),
            ("level = 4", "level = 4\nmembers = 2", "best_of in \\[fit\\] picks one"),
            ("best_of = 3\n", "[stage.potential]\nmembers = 2\n", ""),
        ],
    )
    def test_what_cannot_be_is_refused(self, old: str, new: str, message: str) -> None:
        text = SMALL + STAGES
        assert old in text
        if not message:
            text = text.replace("best_of = 3\n", "").replace("level = 4", "level = 4\nmembers = 2")
            message = "melting point of one potential"
        else:
            text = text.replace(old, new)
        with pytest.raises(SettingsError, match=message):
            file_of(text)

    @pytest.mark.parametrize(
        ("new", "message"),
        [
            (
                'structure = "fcc"\nproduction_tme = 5',
                r"\[stage 2.melting\] production_tme: unknown key",
            ),
            ("", r"\[stage 2.melting\] structure: is missing"),
        ],
    )
    def test_keys_at_fault_are_named(self, new: str, message: str) -> None:
        with pytest.raises(SettingsError, match=message):
            file_of(TEXT.replace('structure = "fcc"', new))

    @pytest.mark.parametrize(
        ("species", "where"), [('species = "Al"', "stage 2.melting"), ("", "stage.melting")]
    )
    def test_a_simulation_that_cannot_be_is_told_once(self, species: str, where: str) -> None:
        with pytest.raises(SettingsError) as refused:
            file_of(TEXT + f"segment_time = 1e3\n{species}\n")
        assert f"[{where}]: segment_time = 1000 ps is longer than" in str(refused.value)
        assert "melting: melting" not in str(refused.value)

    @pytest.mark.parametrize(
        ("header", "section", "where"),
        [
            ('scenarios = ["warm"]', "", r"\[stage 2\] scenarios: has no effect"),
            ("sparsify = true", "", r"\[stage 2\] sparsify: has no effect"),
            ("", '[stage.reference]\ncalculator = "emt"', r"\[stage 2.reference\]: has no effect"),
            ("", "[stage.fit]\nseed = 1", r"\[stage 2.fit\]: has no effect"),
        ],
    )
    def test_what_has_no_effect_is_refused(self, header: str, section: str, where: str) -> None:
        text = TEXT.replace('name = "melt"', f'name = "melt"\n{header}') + section
        with pytest.raises(SettingsError, match=where):
            file_of(text)

    def test_members_may_be_one_beside_it(self) -> None:
        text = TEXT.replace("best_of = 3\n", "").replace("level = 4", "level = 4\nmembers = 2")
        file = file_of(text + "[stage.potential]\nmembers = 1\n")
        assert file.stages[1].stage.melting is not None

    def test_it_needs_a_stage_before_it(self, tmp_path: Path) -> None:
        alone = STAGES[STAGES.index('[[stage]]\nname = "melt"') :]
        file = write_campaign(tmp_path, SMALL + alone)
        with pytest.raises(SettingsError, match="first stage"):
            Campaign(file).check()
