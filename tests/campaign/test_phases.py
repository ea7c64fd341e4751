"""Phases of what was labelled: by file and by iteration, and the structure in which each begins."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from campaign_files import Run

from maxvolt import Dataset
from maxvolt.campaign import CampaignFolder
from maxvolt.cli import main
from maxvolt.errors import DataError
from maxvolt.io import read, write
from maxvolt.report.phase_record import batches_of_campaign, phase_record

FCC = bulk("Al", cubic=True) * 3
BCC = bulk("Al", "bcc", a=3.2, cubic=True) * 4


def gas() -> Atoms:
    places = np.random.default_rng(2).random((50, 3)) * 10
    return Atoms("Al" * 50, places, cell=[10] * 3, pbc=True)


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    first, second = tmp_path / "first.xyz", tmp_path / "second.xyz"
    write(first, Dataset.from_atoms([gas(), bulk("Al")]))
    write(second, Dataset.from_atoms([gas(), FCC, BCC]))
    return str(first), str(second)


def test_the_first_structure_of_each_phase_is_found(
    files: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["phases", *files, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    fcc = {"batch": "second.xyz", "structure": 4, "atoms": 108, "cluster": 108}
    assert found["first"]["fcc"] == fcc
    assert found["first"]["bcc"]["structure"] == 5
    assert found["first"]["hcp"] is None
    assert found["not_analysed"] == 1
    first, second = found["batches"]
    assert first["share"]["fcc"] == 0.0
    assert second["share"]["fcc"] == pytest.approx(108 / (108 + 128 + 50))
    assert second["with_crystal"] == {"fcc": 1, "hcp": 0, "bcc": 1}
    assert found["largest_cluster"]["fcc"] == [0, -1, 0, 108, 0]
    picture = tmp_path / "phases.png"
    assert main(["phases", *files, "--cluster", "109", "--plot", str(picture)]) == 0
    said = capsys.readouterr()
    assert "fcc: no structure has a piece of 109 atoms" in said.out
    assert "bcc: first in file second.xyz, structure 5 of all: a piece of 128 of 128" in said.out
    assert "1 structure was left out" in said.err
    assert picture.stat().st_size > 5000


def test_what_could_not_be_analysed_has_no_share(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    small = tmp_path / "small.xyz"
    write(small, Dataset.from_atoms([bulk("Al"), bulk("Al", cubic=True)]))
    assert main(["phases", str(small)]) == 0
    said = capsys.readouterr()
    assert "2 structures were left out" in said.err
    assert "nan" not in said.out
    (row,) = (line for line in said.out.splitlines() if "small.xyz" in line)
    assert row.split() == ["small.xyz", "2", "-", "-", "-", "0", "0", "0"]
    assert main(["phases", str(small), "--json"]) == 0
    (batch,) = json.loads(capsys.readouterr().out)["batches"]
    assert batch["share"]["fcc"] is None


def test_iterations_of_a_campaign_are_batches(
    finished: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = CampaignFolder.find(finished.file)
    batches = batches_of_campaign(folder)
    training = read(finished.result.training)
    rows = [one.outcome() for one in folder.iterations()]
    assert sum(len(dataset) for _, dataset in batches) == len(training)
    labelled = [(f"{k}", row["n_labelled"]) for k, row in enumerate(rows) if row["n_labelled"]]
    assert [(name, len(dataset)) for name, dataset in batches] == labelled
    digests = [digest for _, dataset in batches for digest in dataset.digests]
    assert sorted(digests) == sorted(training.digests)
    assert main(["phases", str(finished.file), "--cluster", "1000", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in document["batches"]] == [name for name, _ in batches]
    assert document["structures"] == len(training)


def test_what_is_refused(
    files: tuple[str, str], finished: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["phases", str(finished.file), files[0]]) == 2
    assert "a campaign is given alone" in capsys.readouterr().err
    with pytest.raises(DataError, match="no structure"):
        phase_record([], 13)
