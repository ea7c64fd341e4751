"""Files of a campaign that are missing or damaged: made again, or an error that names them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from campaign_files import InThisProcess, Run, products, run, write_campaign

from maxvolt.campaign import CampaignFolder, summarize
from maxvolt.campaign.record.storage import (
    DamagedError,
    StepResult,
    is_sound,
    read_document,
    read_result,
    write_document,
    write_result,
)
from maxvolt.campaign.steps.sampling import Part, run_parts
from maxvolt.errors import CampaignError, MaxvoltError, SettingsError
from maxvolt.sampling.processes import WorkerPool


@pytest.fixture
def copied(finished: Run, tmp_path: Path) -> Path:
    """Campaign file of a copy of a finished campaign."""
    shutil.copytree(finished.folder.path, tmp_path / "small")
    return write_campaign(tmp_path)


def damage(path: Path, how: str) -> None:
    content = bytearray(path.read_bytes())
    if how == "removed":
        path.unlink()
        return
    if how == "flipped":
        content[len(content) // 2] ^= 4
    kept = {"emptied": 0, "cut short": len(content) // 2}.get(how, len(content))
    path.write_bytes(bytes(content[:kept]))


@pytest.mark.parametrize("how", ["removed", "emptied", "cut short", "flipped"])
def test_every_file_of_an_iteration_is_made_again(finished: Run, copied: Path, how: str) -> None:
    """All files of an opening and of a sampling iteration at once, one of each iteration."""
    folder = CampaignFolder(copied.parent / "small")
    rows = summarize(folder).iterations
    for iteration in folder.iterations()[:2]:
        for path in sorted(iteration.path.rglob("*")):
            if path.is_file() and path != iteration.settings_file:
                damage(path, how)
    assert run(copied).status == "finished"
    assert products(folder.path) == products(finished.folder.path)
    after = summarize(folder).iterations
    times = {"seconds": None}
    assert [row | times | _less(row) for row in after] == [row | times | _less(row) for row in rows]
    assert any(line["event"] == "damaged" for line in folder.journal())


def _less(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row's parts without times."""
    parts = row.get("scenarios")
    return {} if parts is None else {"scenarios": [part | {"seconds": None} for part in parts]}


def test_settings_are_taken_from_the_outcome(finished: Run, copied: Path) -> None:
    folder = CampaignFolder(copied.parent / "small")
    path = folder.iteration(1).settings_file
    before = path.read_bytes()
    damage(path, "flipped")
    assert run(copied).status == "finished"
    assert path.read_bytes() == before


def test_an_empty_potential_is_neither_used_nor_published(finished: Run, copied: Path) -> None:
    """As a power cut left it: the fit beside it is whole."""
    folder = CampaignFolder(copied.parent / "small")
    fitted = folder.iteration(folder.iterations()[-1].outcome()["files"]["potential"])
    section = fitted.settings().potential
    (potential,) = fitted.potential_files(section)
    potential.write_bytes(b"")
    (published,) = folder.potential_files(section)
    published.write_bytes(b"")
    assert run(copied).status == "finished"
    assert products(folder.path) == products(finished.folder.path)


def test_a_potential_that_comes_out_different_is_an_error(copied: Path) -> None:
    folder = CampaignFolder(copied.parent / "small")
    fit = folder.iteration(0).step_file("fit")
    result = read_result(fit)
    record = {**result.record, "files": {"potential.almtp": "0" * 64}}
    write_result(fit, StepResult(record, result.datasets, result.arrays))
    for _ in range(2):  # not only the first time
        with pytest.raises(CampaignError, match=r"potential\.almtp: was damaged.*remove fit\.npz"):
            run(copied)
    fit.unlink()
    assert run(copied).status == "finished"


def test_without_digests_a_campaign_goes_on(finished: Run, copied: Path) -> None:
    """As versions wrote it that kept none."""
    folder = CampaignFolder(copied.parent / "small")
    for iteration in folder.iterations():
        for path in (iteration.settings_file, iteration.outcome_file):
            content = read_document(path)
            content.pop("settings", None)
            write_document(path, content)
            remove_digest(path)
        fit = iteration.step_file("fit")
        if fit.exists():
            result = read_result(fit)
            record = {k: v for k, v in result.record.items() if k != "files"}
            write_result(fit, StepResult(record, result.datasets, result.arrays))
        for path in iteration.path.rglob("*.npz"):
            path.write_bytes(path.read_bytes().replace(b"sha256:", b"nodigs:"))
            assert is_sound(path)
    outcome = folder.iterations()[-1].outcome_file
    outcome.unlink()
    assert run(copied).status == "finished"
    assert products_read(folder) == products_read(finished.folder)


def remove_digest(path: Path) -> None:
    content = json.loads(path.read_bytes())
    del content["digest"]
    path.write_text(json.dumps(content))


def products_read(folder: CampaignFolder) -> tuple[bytes, bytes]:
    (potential,) = folder.potential_files(folder.iterations()[-1].settings().potential)
    return potential.read_bytes(), folder.training_file.read_bytes()


def test_lost_settings_of_an_older_version_are_an_error(copied: Path) -> None:
    iteration = CampaignFolder(copied.parent / "small").iteration(1)
    content = read_document(iteration.outcome_file)
    content.pop("settings")
    write_document(iteration.outcome_file, content)
    iteration.settings_file.unlink()
    with pytest.raises(CampaignError, match=r"0001/settings\.json: damaged.*restore it"):
        run(copied)


def test_an_iteration_that_is_gone_is_named(copied: Path) -> None:
    shutil.rmtree(copied.parent / "small" / "iterations" / "0000")
    with pytest.raises(CampaignError, match=r"iterations/0000: missing, while later ones exist"):
        run(copied)


def test_a_potential_that_cannot_be_read_is_no_break(finished: Run, tmp_path: Path) -> None:
    (tmp_path / "potential.almtp").write_bytes(b"")
    selection = finished.folder.iterations()[-1].settings().selection
    scenario: Any = SimpleNamespace(name="a", part=0, total_steps=1)
    files = (tmp_path / "potential.almtp",)
    part = Part(scenario, 0, "x", tmp_path / "a.npz")
    with pytest.raises(MaxvoltError, match=r"potential\.almtp"):
        run_parts([part], files, selection, WorkerPool(InThisProcess()), print)
    assert not (tmp_path / "a.npz").exists()


def test_a_run_that_failed_validation_is_no_start(tmp_path: Path) -> None:
    file = write_campaign(tmp_path)
    file.write_text(file.read_text().replace('species = ["Al"]', 'species = ["Cu"]'))
    with pytest.raises(SettingsError):
        run(file)
    assert not list(CampaignFolder(tmp_path / "small").journal())


@pytest.mark.parametrize("position", [0, 30, 0.5, -200, -100, -1])
def test_a_changed_byte_is_found(tmp_path: Path, position: float) -> None:
    path = tmp_path / "a.npz"
    write_result(path, StepResult({"x": 1}))
    assert is_sound(path)
    content = bytearray(path.read_bytes())
    content[int(position * len(content)) if position == 0.5 else int(position)] ^= 1
    path.write_bytes(bytes(content))
    assert not is_sound(path)
    with pytest.raises(DamagedError, match=r"a\.npz: damaged"):
        read_result(path)
