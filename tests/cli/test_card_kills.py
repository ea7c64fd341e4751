"""A card that is killed or interrupted: the same command goes on and ends with the same card."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from embedded_atoms import Analytic

NAMES = ("lattice", "elastic", "cold-curves", "paths", "surfaces", "interstitials")


@pytest.fixture
def potential(tmp_path: Path) -> Path:
    return Analytic(("Al",)).write(tmp_path / "Al.eam.alloy", 301, 301)


def begin(potential: Path, page: Path) -> subprocess.Popen[str]:
    words = ["card", str(potential), "--species", "Al", "-o", str(page), "--json", "--only"]
    words += [*NAMES, "--set", "interstitials.size=9", "--workers", "2"]
    return subprocess.Popen(
        [sys.executable, "-m", "maxvolt", *words],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip


def whole(process: subprocess.Popen[str]) -> dict[str, Any]:
    """The card that a command ends with, without times."""
    out, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    card: dict[str, Any] = json.loads(out)
    for by_label in card["properties"].values():
        for result in by_label.values():
            assert result.pop("seconds") >= 0
    return card


def wait_for(results: int, folder: Path, process: subprocess.Popen[str]) -> None:
    while process.poll() is None and len(list(folder.glob("[!.]*.json"))) < results:
        time.sleep(0.005)
    assert process.poll() is None, process.communicate()[1]


def test_a_killed_card_goes_on(potential: Path) -> None:
    undisturbed = whole(begin(potential, potential.with_name("undisturbed.html")))
    page = potential.with_name("card.html")
    folder = potential.with_name("card_results")
    kept: dict[Path, float] = {}
    for results in (0, 2):
        process = begin(potential, page)
        wait_for(results, folder, process)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        for file, written in kept.items():  # what was kept is not computed again
            assert file.stat().st_mtime == written
        files = list(folder.glob("[!.]*.json")) if folder.exists() else []
        assert len(files) >= results
        for file in files:
            json.loads(file.read_text(encoding="utf-8"))
            kept[file] = file.stat().st_mtime
        assert not page.exists()
    assert whole(begin(potential, page)) == undisturbed
    assert all(file.stat().st_mtime == written for file, written in kept.items())
    assert len(list(folder.glob("[!.]*.json"))) == len(NAMES)
    assert page.stat().st_size > 10_000


def test_an_interrupted_card_says_how_it_goes_on(potential: Path) -> None:
    page = potential.with_name("card.html")
    process = begin(potential, page)
    wait_for(1, potential.with_name("card_results"), process)
    os.kill(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGINT
    assert "the same command goes on from there" in errors
    assert errors.splitlines()[-1] == "maxvolt card: interrupted"
    assert "Traceback" not in errors
    assert not page.exists()
    assert len(whole(begin(potential, page))["properties"]) == len(NAMES)
