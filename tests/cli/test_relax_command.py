"""`maxvolt relax`: many candidates, each with its end."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk, molecule

import maxvolt
from maxvolt.cli import main
from maxvolt.dataset import Dataset
from maxvolt.sampling import rattle, strain
from maxvolt.units import GPA_PER_EV_A3

sys.path.insert(0, str(Path(__file__).parents[1] / "potentials"))
from make_potentials import copper


@pytest.fixture
def potential(tmp_path) -> Path:
    path = tmp_path / "cu.mtp"
    copper().write(path)
    return path


@pytest.fixture
def candidates(tmp_path) -> Path:
    """Five disturbed crystals; in the third, two atoms are too close."""
    dataset = rattle(strain(bulk("Cu", a=3.62, cubic=True), 0.04, copies=5), 0.05)
    structures = dataset.to_atoms()
    structures[2].positions[1] = structures[2].positions[0] + [0.3, 0.0, 0.0]
    path = tmp_path / "candidates.xyz"
    maxvolt.write(path, Dataset.from_atoms(structures))
    return path


@pytest.mark.parametrize("workers", ["1", "2"])
def test_each_candidate_has_an_end(workers, potential, candidates, tmp_path, capsys):
    relaxed, others = tmp_path / "relaxed.xyz", tmp_path / "others.cfg"
    given = ["relax", str(potential), str(candidates), "-o", str(relaxed)]
    given += ["--save-unrelaxed", str(others), "--pressure", "3", "--workers", workers]
    assert main([*given, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["candidates"]
    assert [row["candidate"] for row in found] == [0, 1, 2, 3, 4]
    assert [row["status"] for row in found] == ["relaxed"] * 2 + ["stopped"] + ["relaxed"] * 2
    assert found[2]["reason"] == "too close"
    dataset = maxvolt.read(relaxed)
    assert [info["candidate"] for info in dataset.infos] == [0, 1, 3, 4]
    pressures = -dataset.stresses[:, :3].mean(axis=1) * GPA_PER_EV_A3
    np.testing.assert_allclose(pressures, 3.0, atol=0.01)
    energies = [row["energy_eV"] for row in found if row["status"] == "relaxed"]
    np.testing.assert_allclose(dataset.energies, energies, atol=1e-9)
    assert len(maxvolt.read(others, species=["Cu"])) == 1
    assert main(given) == 0
    assert "too close" in capsys.readouterr().out


def test_fixed_cells_and_mlip_names(potential, candidates, tmp_path, capsys):
    out = tmp_path / "out.xyz"
    given = ["relax", str(potential), str(candidates), "-o", str(out), "--fixed-cell", "--json"]
    names = ["--iteration-limit", "2", "--mindist", "0.1", "--min-step", "1e-6"]
    assert main([*given, *names]) == 0
    rows = json.loads(capsys.readouterr().out)["candidates"]
    assert {row["steps"] for row in rows} <= {1, 2}
    assert "step limit" in {row["reason"] for row in rows}
    assert main(given) == 0
    before = maxvolt.read(candidates)
    after = maxvolt.read(out)
    of = [info["candidate"] for info in after.infos]
    np.testing.assert_allclose(after.cells, before.cells[of], atol=1e-9)


def test_grades(candidates, tmp_path, capsys):
    path, kept = tmp_path / "cu.almtp", tmp_path / "kept.cfg"
    training = rattle(bulk("Cu", a=3.62, cubic=True), 0.02, copies=30)
    maxvolt.ActiveSet.from_dataset(copper(), training).write(path)
    out = tmp_path / "out.xyz"
    given = ["relax", str(path), str(candidates), "-o", str(out), "--json", "--workers", "1"]
    rule = ["--threshold-save", "1.1", "--threshold-break", "20"]
    assert main([*given, *rule, "--save-extrapolative-to", str(kept)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert "grade" in {row["reason"] for row in found["candidates"]}
    assert len(maxvolt.read(kept, species=["Cu"])) == found["kept_for_selection"] > 0


@pytest.mark.parametrize(
    ("more", "complaint"),
    [
        (["--fixed-cell", "--pressure", "1"], "pressure acts on the cell"),
        (["--break", "1"], "0 < select <= break"),
        (["--max-step", "0"], "number above 0"),
        (["--pressure", "inf"], "finite"),
        (["--min-distance", "near"], "expected a distance"),
    ],
)
def test_refusals(more, complaint, potential, candidates, tmp_path, capsys):
    given = ["relax", str(potential), str(candidates), "-o", str(tmp_path / "o.xyz"), *more]
    try:
        code = main(given)
    except SystemExit as left:
        code = left.code
    assert code == 2
    assert complaint in capsys.readouterr().err


def test_molecules_need_a_fixed_cell(tmp_path, capsys, potential):
    path = tmp_path / "free.xyz"
    dimer = molecule("H2")
    dimer.numbers[:] = 29
    maxvolt.write(path, Dataset.from_atoms([dimer]))
    given = ["relax", str(potential), str(path), "-o", str(tmp_path / "o.xyz")]
    assert main(given) == 2
    assert "not periodic" in capsys.readouterr().err
    assert main([*given, "--fixed-cell", "--min-distance", "0.3"]) == 0
