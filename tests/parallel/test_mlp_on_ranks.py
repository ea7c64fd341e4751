"""`mlp` started by mpiexec: the same files as on one process."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from mpi_runs import PROGRAMS, ended, start

from maxvolt import MTP
from maxvolt.io.cfg import write_cfg
from maxvolt.io.cfg_record import CfgConfiguration

LINES = (
    "untrained 6 -o 06.mtp --species-count=2 --max-dist=4 --radial-basis-size=4",
    "calc-efs dft.mtp in.cfg labelled.cfg",
    "train 06.mtp labelled.cfg --max-iter=4",
    "calc-grade Trained.mtp_ labelled.cfg in.cfg graded.cfg",
    "select-add Trained.mtp_ labelled.cfg in.cfg diff.cfg",
    "train 06.mtp labelled.cfg --save_to=pot.almtp --iteration_limit=3",
    "calculate_grade pot.almtp in.cfg graded3.cfg",
)

NAMES = {"graded3.cfg": "graded3.cfg.0"}
"""Files that carry the number of a process in MLIP-3."""


def files(folder: Path) -> None:
    """in.cfg with 30 cells of four atoms, dft.mtp."""
    rng = np.random.default_rng(0)
    cells = []
    for _ in range(30):
        cell = 4.1 * np.eye(3) + rng.normal(scale=0.1, size=(3, 3))
        fractions = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])
        positions = fractions @ cell + rng.normal(scale=0.1, size=(4, 3))
        cells.append(CfgConfiguration(np.array([0, 1, 0, 1], np.int32), positions, cell))
    write_cfg(folder / "in.cfg", cells)
    new = MTP(6, ["Ti", "Al"], 4.0, 2.0, 4)
    shape = new.model.radial_coeffs.shape
    trained = new.with_coefficients(
        rng.normal(size=shape), rng.normal(size=2), 0.05 * rng.normal(size=5), scaling=0.1
    )
    trained.write(folder / "dft.mtp")
    text = (folder / "dft.mtp").read_text().replace("species: Ti Al", "")
    (folder / "dft.mtp").write_text(text)


def run(folder: Path, ranks: int, *lines: str) -> tuple[int, str]:
    """Run lines on so many ranks; exit code and messages."""
    (folder / "lines.json").write_text(json.dumps([line.split() for line in lines]))
    code, _, said = ended(start(ranks, PROGRAMS / "mlp_lines.py", folder=folder))
    (folder / "lines.json").unlink()
    return code, said


def results(folder: Path, ranks: int) -> dict[str, bytes]:
    """Every file after all lines, by the name that it has on one process."""
    folder.mkdir()
    files(folder)
    code, said = run(folder, ranks, *LINES)
    assert code == 0, said
    back = {own: name for name, own in NAMES.items()}
    return {back.get(p.name, p.name): p.read_bytes() for p in sorted(folder.iterdir())}


def test_two_processes_write_what_one_does(tmp_path: Path) -> None:
    one, two = results(tmp_path / "one", 0), results(tmp_path / "two", 2)
    assert (tmp_path / "two" / "graded3.cfg.0").exists()
    assert sorted(one) == sorted(two)
    assert {name for name in one if one[name] != two[name]} == set()
    assert len(one) >= 9


@pytest.mark.parametrize("line", ["train nothing.mtp in.cfg", "calc-efs dft.mtp nothing.cfg o.cfg"])
def test_errors_are_said_once(line: str, tmp_path: Path) -> None:
    files(tmp_path)
    code, said = run(tmp_path, 2, line)
    assert code != 0
    assert said.count(f"mlp {line.split()[0]}: error: nothing.") == 1
