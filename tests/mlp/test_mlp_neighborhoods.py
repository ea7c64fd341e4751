"""`cut_extrapolative_nbh` and `extract_nbhs`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from mlp_cases import Files, configuration, crystal, mlp


def test_the_example_of_mlip_to_the_byte(
    shared: Path, files: Files, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shared / "reference/mlip3/examples/05.cut_extrapolative_neighborhood"
    mlp("cut_extrapolative_nbh", folder / "selected.cfg", "out.cfg", "--cutoff=8")
    expected = folder / "sample_out" / "spherical.cfg"
    assert Path("out.cfg").read_bytes() == expected.read_bytes()
    assert capsys.readouterr().out.splitlines() == [
        "from cfg#1 cut nbh#207 with grade=385950 (atoms count is 163)",
        "from cfg#2 cut nbh#540 with grade=1e+06 (atoms count is 0)",
    ]


def test_types_and_radius(files: Files) -> None:
    atoms = crystal(1)
    graded = configuration(atoms, nbh_grades=np.array([0.5, 7.0, 2.0, 1.0]))
    low = configuration(atoms, nbh_grades=np.full(4, 1.05))
    files.write("graded.cfg", [low, graded])
    mlp("cut_extrapolative_nbh", "graded.cfg", "out.cfg")
    (found,) = files.read("out.cfg")
    lengths = np.linalg.norm(found.positions, axis=1)
    assert 6.0 < lengths.max() < 7.0
    assert found.types[0] == 1
    assert found.features == {"cfg#": "0", "extrapolation_grade": "7.000000", "nbh#": "1"}
    assert not found.cell.any()


def test_without_grades_nothing_is_cut(files: Files, capsys: pytest.CaptureFixture[str]) -> None:
    mlp("cut_extrapolative_nbh", "in.cfg", "out.cfg", code=2)
    assert "configuration 1 has no grades of its atoms" in capsys.readouterr().err
    mlp("cut_extrapolative_nbh", "in.cfg", "out.cfg", "--cutoff=-1", code=2)


def test_cells_around_listed_atoms(files: Files, capsys: pytest.CaptureFixture[str]) -> None:
    """A cell of the crystal's own lattice holds the crystal's own atoms."""
    atoms = crystal(2) * (3, 3, 3)
    listed = configuration(atoms, features={"nbhs_inds_to_extract": "1,6"})
    files.write("large.cfg", [listed])
    lattice = ",".join(f"{value!r}" for value in crystal(2).cell.array.ravel().tolist())
    mlp("extract_nbhs", "large.cfg", "out.cfg", f"--lattice={lattice}")
    first, second = files.read("out.cfg")
    assert len(first) == len(second) == 4
    assert sorted(second.types.tolist()) == [0, 0, 1, 1]
    assert second.types[0] == listed.types[5]
    assert not second.positions[0].any()
    assert "from configuration #1 extracted 2 configuration(s)" in capsys.readouterr().out


def test_a_cube_of_twice_the_cutoff_with_atoms_pushed_apart(
    files: Files, capsys: pytest.CaptureFixture[str]
) -> None:
    atoms = crystal(2) * (4, 4, 4)
    files.write("large.cfg", [configuration(atoms, features={"nbhs_inds_to_extract": "3"})])
    mlp("extract_nbhs", "large.cfg", "raw.cfg", "--cutoff=5.7")
    mlp("extract_nbhs", "large.cfg", "out.cfg", "--cutoff=5.7", "--mindist=1.9")
    (raw,), (pushed,) = files.read("raw.cfg"), files.read("out.cfg")
    np.testing.assert_allclose(pushed.cell, 11.4 * np.eye(3))
    inner = np.linalg.norm(raw.positions, axis=1) < 5.7
    np.testing.assert_allclose(pushed.positions[inner], raw.positions[inner], atol=1e-6)
    mlp("mindist_filter", "raw.cfg", "1.9", "kept.cfg")
    assert files.read("kept.cfg") == []
    mlp("mindist_filter", "out.cfg", "1.899", "kept.cfg")
    assert len(files.read("kept.cfg")) == 1
    mlp("extract_nbhs", "large.cfg", "out.cfg", "--cutoff=4", "--mindist=1.9")
    assert "atom 3 is left out: atoms closer than 4 A to it" in capsys.readouterr().err
    assert files.read("out.cfg") == []


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        (None, (), "nbhs_inds_to_extract"),
        ("0", (), "atom 0 of 4"),
        ("5", (), "atom 5 of 4"),
        ("1", ("--lattice=1,2,3",), "nine numbers"),
        ("1", ("--lattice=1,0,0,1,0,0,0,0,1",), "do not span a cell"),
        ("1", ("--mindist={0:1.0}",), "one distance"),
    ],
)
def test_what_cannot_be_extracted(
    text: str | None,
    options: tuple[str, ...],
    message: str,
    files: Files,
    capsys: pytest.CaptureFixture[str],
) -> None:
    one = configuration(crystal(0))
    features = {} if text is None else {"nbhs_inds_to_extract": text}
    files.write("large.cfg", [replace(one, features=features)])
    mlp("extract_nbhs", "large.cfg", "out.cfg", *options, code=2)
    assert message in capsys.readouterr().err
