"""A campaign whose reference is a potential of another family."""

from __future__ import annotations

from pathlib import Path

import pytest
from campaign_files import SMALL, InThisProcess, write_campaign

import maxvolt
from embedded_atoms import Analytic
from maxvolt.campaign import Campaign, CampaignFolder
from maxvolt.campaign.settings import read_settings
from maxvolt.errors import SettingsError
from maxvolt.report.campaign_page import write_campaign_page
from maxvolt.report.campaign_page.stand_ins import describe_stand_in

POTENTIAL = SMALL.replace(
    'calculator = "emt"', 'calculator = "potential"\nsettings = {file = "Al.eam.alloy"}'
)


def campaign(folder: Path, name: str = "Al.eam.alloy") -> Path:
    Analytic(("Al",)).write(folder / name, 501, 501)
    return write_campaign(folder, POTENTIAL)


def test_a_campaign_learns_an_embedded_atom_potential(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = campaign(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    with InThisProcess() as executor:
        result = Campaign(file).run(executor=executor)
    expected = maxvolt.load(tmp_path / "Al.eam.alloy")
    training = maxvolt.read(result.training)
    assert len(training) > 3
    for atoms in training:
        labelled = atoms.get_potential_energy()
        assert labelled == pytest.approx(expected.evaluate(atoms).energy, abs=1e-6)
    # What the potential learnt is what it was taught, not merely something.
    learnt = maxvolt.load(result.potential)
    crystal = training[0]
    away = learnt.evaluate(crystal).energy - expected.evaluate(crystal).energy
    assert abs(away) / len(crystal) < 0.05
    page = tmp_path / "page.html"
    # The page is written after the file has gone: the record holds what it was.
    (tmp_path / "Al.eam.alloy").unlink()
    write_campaign_page(CampaignFolder(result.folder), page)
    text = page.read_text()
    assert describe_stand_in("potential") == "another interatomic potential"
    assert "another interatomic potential" in text
    assert "another moment tensor potential" not in text
    assert "emt" not in text.lower().split()


def test_the_place_of_the_file_does_not_matter_and_its_content_does(tmp_path: Path) -> None:
    (one,) = read_settings(campaign(tmp_path)).stages
    other_folder = tmp_path / "other"
    other_folder.mkdir()
    (other,) = read_settings(campaign(other_folder)).stages
    assert one.reference.settings == other.reference.settings
    assert one.reference.machine["file"] == str(tmp_path / "Al.eam.alloy")
    assert one.reference.reference().key == other.reference.reference().key
    Analytic(("Al",), seed=1).write(other_folder / "Al.eam.alloy", 501, 501)
    (changed,) = read_settings(other_folder / "small.toml").stages
    assert one.reference.reference().key != changed.reference.reference().key


def test_a_missing_file_names_the_section(tmp_path: Path) -> None:
    file = campaign(tmp_path)
    (tmp_path / "Al.eam.alloy").unlink()
    with pytest.raises(SettingsError, match=r"\[reference\]: .*Al\.eam\.alloy: cannot be read"):
        read_settings(file)
