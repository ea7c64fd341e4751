"""Files that the commands of `mlp` are tried on, in the current folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from mlip_files import configurations, labelled, random_potential
from mlp_cases import Files, make_files

from maxvolt.mlp.versions import VARIABLE


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with pot.mtp (level 4, two types), train.cfg and in.cfg."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(VARIABLE, raising=False)
    truth = random_potential(tmp_path / "pot.mtp")
    labelled(tmp_path / "train.cfg", truth, configurations(12))
    labelled(tmp_path / "in.cfg", truth, configurations(3, seed=1, size=4.3))
    return tmp_path


@pytest.fixture(scope="session")
def made_files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return make_files(tmp_path_factory.mktemp("mlp"))


@pytest.fixture
def files(made_files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Files:
    """Files of a pair potential that holds crystals together, in the current folder."""
    shutil.copytree(made_files.folder, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(VARIABLE, raising=False)
    return Files(tmp_path, made_files.potential, made_files.active_set)
