"""Kills at random instants, a few; tools/campaigns/kills.py does fifty."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

TOOLS = Path(__file__).parents[2] / "tools" / "campaigns"


def test_kills_at_random_instants(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(TOOLS))
    import kills

    undisturbed = kills.run_to_the_end(tmp_path / "undisturbed")
    done = kills.run_with_kills(tmp_path / "killed", 3, 4.0, random.Random(5), longest=1.0)
    assert done > 0
    assert not kills.compare(undisturbed, tmp_path / "killed" / "small")
    assert not kills.check_calculations(tmp_path / "killed" / "log")


def test_the_check_of_calculations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(TOOLS))
    import kills

    log = tmp_path / "log"
    log.write_text("1.0 begin a\n1.1 end a\n2.0 begin a\n2.1 begin b\n2.2 end b\n")
    assert not kills.check_calculations(log)
    log.write_text(log.read_text() + "3.0 end a\n")
    assert kills.check_calculations(log) == ["a was calculated 2 times"]
