"""The example of two screens, run at its smallest, and once more over its own results."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import maxvolt
from promises import needs

SCRIPT = Path(__file__).parents[2] / "examples/agpd_emt/run.py"


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), str(folder), "--workers", "1", *words]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def test_two_screens_find_the_hull_of_the_reference(tmp_path: Path) -> None:
    needs("enumeration")
    given = ("--elements", "Cu,Pd", "--atoms", "3", "--level", "6", "--check")
    done = run(tmp_path, *given)
    assert done.returncode == 0, done.stderr
    numbers = json.loads((tmp_path / "numbers.json").read_text())
    assert numbers["candidates"]["structures"] == 23
    assert numbers["recall"]["found"] == numbers["recall"]["of"] >= 3
    assert numbers["near1"]["structures"] < 23
    assert numbers["held_out1"]["sigma_meV_per_atom"] > 0
    final = maxvolt.read(tmp_path / "final.xyz")
    assert len(final) == numbers["final"]["structures"]
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.xyz")}
    (tmp_path / "final.xyz").unlink()
    del numbers["final"], numbers["recall"]
    (tmp_path / "numbers.json").write_text(json.dumps(numbers))
    again = run(tmp_path, *given)  # as after a kill
    assert again.returncode == 0, again.stderr
    assert again.stdout.count(" ...") == 2
    after = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.xyz")}
    assert [path.name for path in before if before[path] != after[path]] == ["final.xyz"]
    assert maxvolt.read(tmp_path / "final.xyz").digest == final.digest
    other = run(tmp_path, "--atoms", "4")
    assert other.returncode != 0
    assert "has results of other options" in other.stderr
