"""Files that the commands of `mlp` are tried on, in the current folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from mlip_files import configurations, labelled, random_potential

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
