"""`fix-lattice`, `replicate-cell`, `make-cell-square`: the same crystal with another cell."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from mlp_cases import Files, crystal, labelled, mlp

import maxvolt
from maxvolt.io.cfg_record import CfgConfiguration
from maxvolt.mlp.geometry import renumbered
from maxvolt.mlp.lattice import repeated, squarest, with_fixed_lattice
from maxvolt.unnamed_types import stand_ins


def evaluated(potential: maxvolt.MTP, one: CfgConfiguration) -> CfgConfiguration:
    symbols = [stand_ins(2)[kind] for kind in one.types]
    return labelled(Atoms(symbols, one.positions, cell=one.cell, pbc=True), potential)


def same_labels(one: CfgConfiguration, again: CfgConfiguration) -> None:
    assert one.energy == pytest.approx(again.energy, rel=1e-9)
    np.testing.assert_allclose(one.forces, again.forces, atol=1e-8)
    np.testing.assert_allclose(one.plus_stress, again.plus_stress, atol=1e-8)


@pytest.mark.parametrize(
    "turns", [((1, 0, 0), (3, 1, 0), (-2, 2, 1)), ((0, 1, 0), (1, 0, 0), (2, 0, 1))]
)
def test_a_fixed_lattice_is_the_same_crystal(
    turns: tuple[tuple[int, ...], ...], made_files: Files
) -> None:
    """Labels turned with the axes are those that the potential gives there."""
    atoms = crystal(5)
    rotated = atoms.copy()
    rotated.rotate(37, (1, 2, 3), rotate_cell=True)
    rotated.positions += 7.0
    rotated.set_cell(np.array(turns) @ rotated.cell.array, scale_atoms=False)
    start = labelled(rotated, made_files.potential)
    fixed = with_fixed_lattice(start)
    same_labels(fixed, evaluated(made_files.potential, fixed))
    assert not np.triu(fixed.cell, 1).any()
    assert (np.diag(fixed.cell) > 0).all()
    assert np.linalg.norm(fixed.cell, axis=1).max() < 1.1 * atoms.cell.lengths().max()
    scaled = np.linalg.solve(fixed.cell.T, fixed.positions.T)
    assert scaled.min() >= 0
    assert scaled.max() < 1 + 1e-8


def test_a_cluster_stays_as_it_is() -> None:
    cluster = CfgConfiguration(np.zeros(1, np.int32), np.full((1, 3), 9.0), np.zeros((3, 3)))
    assert with_fixed_lattice(cluster) is cluster


@pytest.mark.parametrize(
    "matrix", [np.diag([2, 1, 3]), np.array([[1, 1, 0], [-1, 1, 0], [0, 1, 2]])]
)
def test_a_repeated_cell_has_repeated_labels(matrix: np.ndarray, made_files: Files) -> None:
    start = labelled(crystal(6), made_files.potential)
    found = repeated(start, matrix)
    assert len(found) == 4 * round(abs(np.linalg.det(matrix)))
    same_labels(found, evaluated(made_files.potential, found))


def test_the_squarest_cell_is_the_best_of_all() -> None:
    """All matrices with entries up to 1 are among those that are searched."""
    cell = np.array([[0.0, 2.0, 2.1], [2.0, 0.0, 1.9], [2.0, 2.2, 0.0]])

    def score(matrix: np.ndarray) -> float:
        metric = matrix @ cell @ cell.T @ matrix.T
        return float(((metric - np.trace(metric) / 3 * np.eye(3)) ** 2).sum())

    rows = list(product((-1, 0, 1), repeat=3))
    found = squarest(cell, 4, 4)
    assert np.linalg.det(found) == pytest.approx(4)
    small = [np.array(m) for m in product(rows, repeat=3) if round(abs(np.linalg.det(m))) == 4]
    assert score(found) <= min(map(score, small)) + 1e-9
    assert score(found) == pytest.approx(score(np.array([[-1, 1, 1], [1, -1, 1], [1, 1, -1]])))


def test_cells_of_files(files: Files, capsys: pytest.CaptureFixture[str]) -> None:
    mlp("replicate-cell", "in.cfg", "out.cfg", "2", "1", "1")
    assert [len(one) for one in files.read("out.cfg")] == [8, 8, 8]
    mlp("replicate_cell", "in.cfg", "out.cfg", *"110010003")
    assert [len(one) for one in files.read("out.cfg")] == [12, 12, 12]
    mlp("make-cell-square", "in.cfg", "out.cfg")
    assert all(32 <= len(one) <= 64 for one in files.read("out.cfg"))
    mlp("make_cell_square", "in.cfg", "out.cfg", "--min_atoms=8", "--max_atoms=8")
    assert [len(one) for one in files.read("out.cfg")] == [8, 8, 8]
    assert capsys.readouterr().out.splitlines()[-1] == "2"
    mlp("fix-lattice", "in.cfg", "out.cfg")
    assert not any(np.triu(one.cell, 1).any() for one in files.read("out.cfg"))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("replicate-cell", "in.cfg", "out.cfg", "2", "1"), "nx ny nz"),
        (("replicate-cell", "in.cfg", "out.cfg", "2", "1", "x"), "'x': expected a whole number"),
        (("replicate-cell", "in.cfg", "out.cfg", "0", "1", "1"), "determinant 0"),
        (
            ("make_cell_square", "in.cfg", "out.cfg", "--min_atoms=5", "--max_atoms=7"),
            "no supercell",
        ),
        (("make_cell_square", "in.cfg", "out.cfg", "--min_atoms=99"), "0 < 99 <= 64"),
    ],
)
def test_what_makes_no_cell(
    words: tuple[str, ...], message: str, files: Files, capsys: pytest.CaptureFixture[str]
) -> None:
    mlp(*words, code=2)
    assert message in capsys.readouterr().err
    assert not Path("out.cfg").exists()


def test_names_of_elements_go_when_types_change() -> None:
    one = CfgConfiguration(
        np.array([0, 1], np.int32), np.eye(3)[:2], np.eye(3), features={"species": "Ti Al"}
    )
    assert renumbered(one, [1, 0]).features == {}
