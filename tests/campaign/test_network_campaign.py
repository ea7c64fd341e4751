"""Campaigns that train neural networks: ensembles that grade by their spread, warm starts."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ase.build import bulk
from attacks.campaign_trials.small_campaign import SMALL_NETWORKS
from campaign_files import (
    RELAXATION,
    Run,
    products,
    run,
    run_with_interruptions,
    write_campaign,
)

import maxvolt
from maxvolt.campaign import Campaign, CampaignFolder, summarize
from maxvolt.campaign.settings import Settings, read_settings
from maxvolt.campaign.settings.network_section import NetworkSection
from maxvolt.campaign.steps import best_fit
from maxvolt.campaign.steps.grading import calculator_of
from maxvolt.cli import main
from maxvolt.errors import SettingsError
from maxvolt.fitting.network_settings import NetworkSettings
from maxvolt.fitting.neural_networks.section import NeuralNetworkSection
from maxvolt.report.campaign_page import write_campaign_page
from maxvolt.sampling import strain
from promises import needs


class Fits:
    """What the fits of a campaign were asked for, in their order."""

    def __init__(self) -> None:
        self.starts: list[Any] = []
        self.settings: list[maxvolt.FitSettings] = []

    def __call__(self, potential: Any, data: Any, settings: Any, **others: Any) -> Any:
        self.starts.append(potential)
        self.settings.append(settings)
        return maxvolt.fit(potential, data, settings, **others)


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Run, Fits]]:
    """A campaign of networks that has ended, and what its fits were asked for."""
    needs("ani")
    file, events, fits = write_campaign(tmp_path_factory.mktemp("ani"), SMALL_NETWORKS), [], Fits()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(best_fit, "fit", fits)
        result = run(file, events.append)
    return Run(file, result, tuple(events)), fits


def test_it_ends_with_an_ensemble_that_no_longer_disagrees(campaign: tuple[Run, Fits]) -> None:
    done, _ = campaign
    assert done.result.status == "finished"
    assert [path.name for path in done.result.potential] == [
        f"potential.{member}.ani.safetensors" for member in range(3)
    ]
    rows = summarize(done.folder).iterations
    assert rows[1]["n_breaks"] == 2
    assert rows[-1]["is_clean"]
    assert rows[-1]["max_grade"] < 1.5
    assert rows[-1]["validation"]["force_rmse"] < 0.5 * rows[0]["validation"]["force_rmse"]
    # The grades are those of the committee, whose units are the spread on the training set.
    settings = read_settings(done.file).stages[0]
    files = done.folder.iteration(len(rows) - 2).potential_files(settings.potential)
    calculator = calculator_of(files, settings.selection)
    committee = maxvolt.Committee.from_dataset(
        maxvolt.load(files), maxvolt.read(done.result.training)
    )
    atoms = bulk("Al", cubic=True, a=4.2)
    atoms.calc = calculator
    atoms.get_potential_energy()
    assert calculator.results["grade"] == pytest.approx(committee.grade(atoms)[0], rel=1e-9)


def test_each_member_goes_on_from_its_predecessor(campaign: tuple[Run, Fits]) -> None:
    done, fits = campaign
    starts = [fits.starts[first : first + 3] for first in range(0, len(fits.starts), 3)]
    assert len(starts) >= 3
    assert not any(one.is_trained for one in starts[0])
    seeds = [settings.seed for settings in fits.settings]
    assert len(set(seeds)) == len(seeds)  # thus other random weights
    section = read_settings(done.file).stages[0].potential
    for number, members in enumerate(starts[1:]):
        files = done.folder.iteration(number).potential_files(section)
        assert [one.digest for one in members] == [maxvolt.load(path).digest for path in files]
    # All hold the same structures out, of the same data, whatever the iteration.
    assert len({settings.network.split_seed for settings in fits.settings}) == 1
    assert {settings.resampling_used for settings in fits.settings} == {"none"}
    assert {settings.network.epochs for settings in fits.settings} == {30}


def test_status_and_report_know_it(
    campaign: tuple[Run, Fits], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done, _ = campaign
    assert main(["status", str(done.file)]) == 0
    assert "spread of 3 potentials" in capsys.readouterr().out
    write_campaign_page(done.folder, tmp_path / "page.html")
    assert "potential.2.ani.safetensors" in (tmp_path / "page.html").read_text()


def test_interruptions_after_every_step_change_nothing(
    campaign: tuple[Run, Fits], tmp_path: Path
) -> None:
    done, _ = campaign
    result, runs = run_with_interruptions(write_campaign(tmp_path, SMALL_NETWORKS))
    assert result.status == "finished"
    assert runs > 10
    assert products(tmp_path) == products(done.file.parent)


def test_relaxations_drive_it(tmp_path: Path) -> None:
    needs("ani")
    crystal = bulk("Al", cubic=True, a=4.05) * (2, 1, 1)
    candidates = [strain(crystal, 0.03, seed=seed)[0] for seed in range(3)]
    maxvolt.write(tmp_path / "candidates.xyz", maxvolt.Dataset.from_atoms(candidates))
    begin, end = (SMALL_NETWORKS.index(mark) for mark in ("[[scenario]]", "[reference]"))
    text = SMALL_NETWORKS[:begin] + RELAXATION + SMALL_NETWORKS[end:]
    result = run(write_campaign(tmp_path, text, max_iterations="2"))
    rows = summarize(CampaignFolder(result.folder)).iterations
    assert rows[1]["total_steps"] == 3
    assert rows[1]["n_labelled"] > 0
    assert rows[1]["max_grade"] >= 1.5


def settings_with(folder: Path, old: str, new: str) -> Settings:
    assert SMALL_NETWORKS.count(old) == 1
    return read_settings(write_campaign(folder, SMALL_NETWORKS.replace(old, new))).stages[0]


def test_settings_are_those_of_training_on_the_command_line(tmp_path: Path) -> None:
    section = settings_with(tmp_path, "batch_size = 4", 'precision = "single"').potential
    assert isinstance(section, NeuralNetworkSection)
    form = section.form()
    assert (form.radial_cutoff, form.radial_functions, form.angular_cutoff) == (4.5, 6, 3.6)
    assert (form.angular_shells, form.angular_sections, form.layers) == (2, 2, (8, 8))
    plain = NeuralNetworkSection(species=("Al",))
    assert (plain.form(), plain.members) == (maxvolt.ANISettings(), 8)
    assert NetworkSection().settings() == NetworkSettings()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "layers = [8, 8]",
            "level = 8",
            r"\[potential\] level: unknown key; it goes with family = 'mtp', not with 'ani'",
        ),
        (
            'family = "ani"\n',
            "",
            r"\[potential\] layers: unknown key; it goes with family = 'ani', not with 'mtp'",
        ),
        ("layers = [8, 8]", "layer = [8, 8]", r"did you mean 'layers'"),
        ("layers = [8, 8]", "layers = [0]", r"\[potential\].*layers must lie between 1 and 4096"),
        ("angular_cutoff = 3.6", "angular_cutoff = 4.6", "angular_cutoff must be at most"),
        (
            "[fit.network]",
            "[fit]\nmax_iterations = 5\n[fit.network]",
            r"\[fit\] max_iterations: is not for ANI neural network potentials \(family = 'ani'\) "
            "but for family = 'mtp'; remove it",
        ),
        ("epochs = 30", "epochs = 0", r"\[fit\] network.epochs: expected a number of at least 1"),
        ("epochs = 30", "epoch = 30", r"\[fit\] network.epoch: unknown key; did you mean 'epochs'"),
        (
            'strategy = "committee"',
            'mode = "neighborhood"',
            'ANI neural network potentials .*have no active set.*write strategy = "committee"',
        ),
        ("members = 3", "members = 1", 'strategy = "committee" needs several potentials'),
        (
            'kind = "md"',
            'kind = "lammps"\ntemplate = "in.md"',
            "runs in LAMMPS, which grades by an active set only",
        ),
        (
            "limit = 3",
            'limit = 3\n\n[[stage]]\nname = "a"\nsparsify = true',
            "sparsify chooses by an active set",
        ),
        (
            "limit = 3",
            'limit = 3\n[[stage]]\nname = "a"\n[[stage]]\nname = "b"\nmelting.structure = "fcc"',
            "LAMMPS does not read ANI",
        ),
    ],
)
def test_what_networks_do_not_have_is_told(
    old: str, new: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError, match=message):
        settings_with(tmp_path, old, new)


def test_settings_of_networks_are_not_for_others(tmp_path: Path) -> None:
    text = SMALL_NETWORKS[: SMALL_NETWORKS.index("[potential]")]
    text += '[potential]\nspecies = ["Al"]\n'
    text += SMALL_NETWORKS[SMALL_NETWORKS.index("[fit.network]") :]
    message = r"\[fit\] network: is not for moment tensor potentials .* but for family = 'ani'"
    with pytest.raises(SettingsError, match=message):
        read_settings(write_campaign(tmp_path, text))


def test_without_the_libraries_it_is_refused_before_it_begins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torchani", None)
    campaign = Campaign(write_campaign(tmp_path, SMALL_NETWORKS))
    with pytest.raises(SettingsError, match=r"\[potential\]: ANI potentials need torch"):
        campaign.check()


def test_campaigns_of_others_do_without_them(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "class Missing:\n"
        "    def find_spec(self, name, path, target=None):\n"
        "        if name in ('torch', 'torchani', 'safetensors'):\n"
        "            raise ImportError(name)\n"
        "sys.meta_path.insert(0, Missing())\n"
        "import maxvolt.report.campaign_page\n"
        "from maxvolt.campaign import Campaign\n"
        "Campaign(sys.argv[1]).check()\n"
    )
    command = [sys.executable, "-c", code, str(write_campaign(tmp_path))]
    subprocess.run(command, check=True, timeout=120)
