"""Blocks and streams on several ranks give what one process gets, errors included."""

from __future__ import annotations

from pathlib import Path

import pytest
from mpi_runs import PROGRAMS, ended, start


@pytest.mark.parametrize("ranks", [2, 3])
def test_shared_work_is_that_of_one_process(ranks: int, tmp_path: Path) -> None:
    run = start(ranks, PROGRAMS / "sharing.py", str(ranks), folder=tmp_path)
    code, output, messages = ended(run)
    assert (code, output, messages) == (0, "as one process\n", "")
