"""Faults of a campaign file that its keys do not show are told before anything is calculated."""

from __future__ import annotations

from pathlib import Path

import pytest
from campaign_files import InThisProcess, write_campaign

from maxvolt.campaign import Campaign, read_settings
from maxvolt.campaign.preflight import check_campaign
from maxvolt.cli import main
from maxvolt.errors import SettingsError


def refusal(file: Path) -> str:
    with pytest.raises(SettingsError) as caught:
        check_campaign(read_settings(file), file.parent, here=True)
    return str(caught.value)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"temperature": "-5"}, ["[scenario 1]", "-5", "between 0 and"]),
        ({"steps": '60\nensemble = "npt"\nstrain = 0.01'}, ["[scenario 1]", "barostat"]),
        ({"repeat": "[1, 1, 1]\ncubic = false"}, ["'warm'", "one atom", "repeat"]),
        ({"crystal": '"rocksalt"'}, ["[structures.fcc]", "rocksalt of Al", "2 atoms"]),
        ({"calculator": '"vasp"'}, ["[reference]", "vasp"]),
    ],
)
def test_faults_are_named(
    changes: dict[str, str], words: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VASP_PP_PATH", raising=False)
    file = write_campaign(tmp_path, **changes)
    message = refusal(file)
    for word in words:
        assert word in message


@pytest.mark.parametrize("name", ["no_such_module:Class", "json:NoSuchClass", "ase.io:NoSuchClass"])
def test_a_class_that_is_not_there(name: str, tmp_path: Path) -> None:
    message = refusal(write_campaign(tmp_path, calculator=f'"{name}"'))
    assert f"[reference]: {name}: cannot import {name}: " in message
    assert message.endswith("; is it installed in this environment?")


def test_elements_that_the_potential_does_not_know(tmp_path: Path) -> None:
    file = write_campaign(tmp_path)
    file.write_text(file.read_text().replace('species = ["Al"]', 'species = ["Cu"]'))
    message = refusal(file)
    assert "[structures.fcc]: holds Al, but species in [potential] has Cu only" in message
    assert len(message.splitlines()) == 2  # said once, although three sections use it


def test_files_that_are_not_there(tmp_path: Path) -> None:
    file = write_campaign(tmp_path)
    training = '[[training]]\nkind = "file"\nfile = "missing.xyz"\n\n[[validation]]'
    file.write_text(file.read_text().replace("[[validation]]", training))
    message = refusal(file)
    assert "[training 2]" in message
    assert "missing.xyz: no such file" in message


def test_a_later_stage_is_checked_at_the_beginning(tmp_path: Path) -> None:
    file = write_campaign(tmp_path)
    stages = """
[[stage]]
name = "cheap"

[[stage]]
name = "hot"
[[stage.scenario]]
name = "hot"
kind = "md"
structure = "fcc"
temperature = -1
steps = 5
"""
    file.write_text(file.read_text() + stages)
    message = refusal(file)
    assert "[stage 2] scenario 1: temperature must lie between 0 and" in message
    assert "'cheap'" not in message


def test_what_runs_elsewhere_is_not_looked_for_here(tmp_path: Path) -> None:
    file = write_campaign(tmp_path, calculator='"espresso"')
    assert "pseudopotential" in refusal(file)
    check_campaign(read_settings(file), tmp_path, here=False)
    file.write_text(file.read_text() + "manual = true\n")
    check_campaign(read_settings(file), tmp_path, here=True)


def test_nothing_is_labelled_before(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write_campaign(tmp_path, temperature="-5")
    assert main(["run", str(file)]) == 2
    assert "[scenario 1]" in capsys.readouterr().err
    assert not (tmp_path / "small" / "labels.db").exists()
    with (
        InThisProcess() as executor,
        pytest.raises(SettingsError, match="scenario 1"),
    ):
        Campaign(file).run(executor=executor)
