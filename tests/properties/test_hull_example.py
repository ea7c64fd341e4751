"""The example of two screens, run at its smallest, and once more over its own results."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT

import maxvolt
from example_modules import importable
from promises import needs

SCRIPT = Path(__file__).parents[2] / "examples/agpd_emt/run.py"


def test_the_tables_are_those_of_emt(tmp_path: Path) -> None:
    with importable(SCRIPT.parent):
        from emt_tables import write_tables

        write_tables(tmp_path / "emt.eam.alloy", ["Cu", "Pd"])
    tables = maxvolt.load(tmp_path / "emt.eam.alloy")
    for seed, scale in enumerate((0.9, 1.0, 1.2)):
        atoms = bulk("Cu", cubic=True, a=3.75 * scale) * (2, 1, 1)
        atoms.symbols[[0, 3, 4]] = "Pd"
        atoms.rattle(0.1, seed=seed)
        found = tables.evaluate(atoms)
        atoms.calc = EMT()
        assert found.energy == pytest.approx(atoms.get_potential_energy(), abs=1e-6 * len(atoms))
        np.testing.assert_allclose(found.forces, atoms.get_forces(), atol=1e-5)
        np.testing.assert_allclose(found.stress, atoms.get_stress(), atol=1e-6)


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
    apart = numbers["recall"]["relaxed_energies"]
    assert apart["of"] == 23
    assert 0 < apart["median_meV_per_atom"] <= apart["largest_meV_per_atom"]
    everything, relaxed = (maxvolt.read(tmp_path / f"{name}.xyz") for name in ("all", "relaxed1"))
    energies = [one.energies / one.counts for one in (everything, relaxed)]
    largest = 1000 * np.abs(energies[0] - energies[1]).max()
    assert apart["largest_meV_per_atom"] == pytest.approx(largest)
    assert numbers["near1"]["structures"] < 23
    assert numbers["held_out1"]["sigma_meV_per_atom"] > 0
    final = maxvolt.read(tmp_path / "final.xyz")
    assert len(final) == numbers["final"]["structures"]
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.xyz")}
    (tmp_path / "final.xyz").unlink()
    del numbers["final"], numbers["recall"]
    parts = {path: path.stat().st_mtime_ns for path in tmp_path.glob("final/*")}
    assert parts
    (tmp_path / "numbers.json").write_text(json.dumps(numbers))
    again = run(tmp_path, *given)  # as after a kill
    assert again.returncode == 0, again.stderr
    assert again.stdout.count(" ...") == 2
    after = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*.xyz")}
    assert [path.name for path in before if before[path] != after[path]] == ["final.xyz"]
    assert maxvolt.read(tmp_path / "final.xyz").digest == final.digest
    assert {path: path.stat().st_mtime_ns for path in parts} == parts  # not relaxed again
    other = run(tmp_path, "--atoms", "4")
    assert other.returncode != 0
    assert "has results of other options" in other.stderr
