"""Campaigns whose scenarios run in LAMMPS: the file, what is checked before, a whole one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from attacks.campaign_trials.small_campaign import InThisProcess
from attacks.kills_in_lammps import write_files

from maxvolt.campaign import Campaign, read_result, read_settings
from maxvolt.campaign.preflight import check_campaign
from maxvolt.errors import SettingsError
from promises import needs


def written(folder: Path, *replaced: tuple[str, str], template: tuple[str, str] = ("", "")) -> Path:
    """A small campaign, with texts of its file and of its template replaced."""
    file = write_files(folder)
    text = file.read_text()
    for old, new in replaced:
        assert old in text
        text = text.replace(old, new)
    file.write_text(text)
    path = folder / "in.warm"
    path.write_text(path.read_text().replace(*template))
    return file


@pytest.mark.parametrize(
    ("replaced", "message"),
    [
        (("ranks = 2", "ranks = 0"), r"\[scenario 1\] ranks: expected a number of at least 1"),
        (("ranks = 2", "rank = 2"), r"\[scenario 1\] rank: unknown key; did you mean 'ranks'"),
        (('template = "in.warm"\n', ""), r"\[scenario 1\] template: is missing"),
        (
            ('mode = "neighborhood"', 'strategy = "committee"'),
            "scenario 'warm' runs in LAMMPS, which grades by an active set only",
        ),
    ],
)
def test_files_that_are_refused(tmp_path: Path, replaced: tuple[str, str], message: str):
    members = ('species = ["Al"]', 'species = ["Al"]\nmembers = 2')
    changes = (replaced, members) if "committee" in replaced[1] else (replaced,)
    with pytest.raises(SettingsError, match=message):
        read_settings(written(tmp_path, *changes))


@pytest.mark.parametrize(
    ("replaced", "template", "message"),
    [
        (('"in.warm"', '"in.cold"'), ("", ""), r"\[scenario 1\]: .*in\.cold: no such file"),
        (("ranks = 2", "pressure = 1.0"), ("", ""), "pressure is given, but .*in.warm does not"),
        (("ranks = 2", ""), ("${temperature}", "${temprature}"), "did you mean .*temperature"),
        (("ranks = 2", ""), ("${pair}", "# ${pair}"), r"in\.warm: lacks \$\{pair\}"),
    ],
)
def test_templates_are_checked_before_anything_runs(
    tmp_path: Path, replaced: tuple[str, str], template: tuple[str, str], message: str
):
    file = written(tmp_path, replaced, template=template)
    with pytest.raises(SettingsError, match=message):
        check_campaign(read_settings(file), tmp_path, here=False)


def test_lammps_reads_the_templates_before_anything_runs(tmp_path: Path):
    needs("lammps")
    file = written(tmp_path, template=("velocity    all", "velocity    nobody"))
    with pytest.raises(SettingsError, match=r"in\.warm: LAMMPS cannot use it: .*nobody"):
        check_campaign(read_settings(file), tmp_path, here=True)


def test_a_campaign_in_lammps(tmp_path: Path):
    """It comes to its end, and its parts are recorded as those of other scenarios."""
    needs("lammps")
    file = written(tmp_path, ("steps = 1000", "steps = 60"), ("ranks = 2", "ranks = 1"))
    with InThisProcess() as executor:
        result = Campaign(file).run(executor=executor)
    assert result.status == "finished"
    journal = (tmp_path / "small/journal.jsonl").read_text()
    lines = [json.loads(line) for line in journal.splitlines()]
    parts = [line for line in lines if line.get("step") == "sampling"]
    assert {part["kind"] for part in parts} == {"LammpsDynamics"}
    assert parts[0]["reason"] == "grade"
    assert "break threshold 3" in parts[0]["message"]
    assert [part["reason"] for part in parts[-2:]] == ["finished", "finished"]
    assert [part["steps"] for part in parts[-2:]] == [60, 60]
    assert max(part["max_grade"] for part in parts[-2:]) < 1.5
    last = sorted((tmp_path / "small/iterations").iterdir())[-1]
    found = read_result(last / "sampling/warm.0.npz")
    assert found.arrays["steps"].tolist() == list(range(0, 61, 10))
    assert 100 < found.arrays["temperatures"].mean() < 1300
    assert len(found.datasets["last"][0]) == 32


def test_parts_are_made_again_where_the_template_changes(tmp_path: Path):
    from maxvolt.campaign.steps.scenarios import scenario_fingerprint, scenario_parts
    from maxvolt.campaign.steps.structures import Structures

    def fingerprints(folder: Path) -> list[str]:
        (settings,) = read_settings(folder / "small.toml").stages
        parts = scenario_parts(settings.active_scenarios, Structures.of(settings, folder))
        return [scenario_fingerprint(part) for part in parts]

    written(tmp_path / "one")
    written(tmp_path / "moved")
    written(tmp_path / "other", template=("0.1 ${seed}", "0.2 ${seed}"))
    assert fingerprints(tmp_path / "one") == fingerprints(tmp_path / "moved")
    assert fingerprints(tmp_path / "one") != fingerprints(tmp_path / "other")


def test_the_executor_of_another_machine_needs_no_lammps_here(tmp_path: Path):
    file = written(tmp_path, ("ranks = 2", 'command = "launch nowhere/lmp"'))
    check_campaign(read_settings(file), tmp_path, here=False)
    with pytest.raises(SettingsError, match="'launch' is neither in the environment"):
        check_campaign(read_settings(file), tmp_path, here=True)
