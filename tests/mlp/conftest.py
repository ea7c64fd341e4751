"""A folder to work in, with the files that lines of `mlp` need."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from mlp_cases import Files, make_files


@pytest.fixture(scope="session")
def made_files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    return make_files(tmp_path_factory.mktemp("mlp"))


@pytest.fixture
def files(made_files: Files, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Files:
    """Files of a pair potential, in the folder in which the test runs."""
    shutil.copytree(made_files.folder, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    return Files(tmp_path, made_files.potential, made_files.active_set)
