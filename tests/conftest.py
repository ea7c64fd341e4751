"""Fixtures that all tests share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

# In CI a test fails for everybody or for nobody; elsewhere hypothesis goes on searching.
settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("ci")


@pytest.fixture(scope="session", autouse=True)
def plan_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keep evaluation plans in a folder of this run; all of its processes share it."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "plans"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MAXVOLT_CACHE", str(folder))
        yield folder


@pytest.fixture(scope="session")
def shared() -> Path:
    """Folder with data and reference output that is not part of the repository.

    It lies beside the repository, or where MAXVOLT_SHARED says.
    """
    beside = Path(__file__).resolve().parents[2] / "shared"
    folder = Path(os.environ.get("MAXVOLT_SHARED", beside))
    if not (folder / "reference").is_dir():
        pytest.skip(f"no reference data in {folder}; set MAXVOLT_SHARED to the folder that has it")
    return folder
