"""`mindist`, `mindist_filter`, `fix_mindist`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mlp_cases import Files, configuration, crystal, mlp

from maxvolt.io.cfg_record import CfgConfiguration
from maxvolt.mlp.repulsion import pushed_apart
from maxvolt.mlp.type_distances import shortest, shortest_by_types


def by_hand(one: CfgConfiguration) -> dict[tuple[int, int], float]:
    """Shortest distances over 7 x 7 x 7 cells."""
    shifts = np.array(list(np.ndindex(7, 7, 7))) - 3
    found: dict[tuple[int, int], float] = {}
    for i, a in enumerate(one.types.tolist()):
        for j, b in enumerate(one.types.tolist()):
            lengths = np.linalg.norm(
                one.positions[j] + shifts @ one.cell - one.positions[i], axis=1
            )
            pair = (min(a, b), max(a, b))
            found[pair] = min(found.get(pair, np.inf), lengths[lengths > 1e-9].min())
    return found


def test_distances_are_noted_in_place(files: Files, capsys: pytest.CaptureFixture[str]) -> None:
    before = files.read("in.cfg")
    mlp("mindist", "in.cfg", "--no_types=false")
    after = files.read("in.cfg")
    expected = [by_hand(one) for one in before]
    for one, pairs in zip(after, expected, strict=True):
        text = ",".join(f"({a},{b}):{pairs[a, b]:.6f}" for a, b in sorted(pairs))
        assert one.features["mindists"] == "{" + text + "}"
    together = {pair: min(pairs[pair] for pairs in expected) for pair in expected[0]}
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"Global mindist: {min(together.values()):.6g}"
    assert lines[1:] == [f"mindist({a}, {b}) = {together[a, b]:.6g}" for a, b in sorted(together)]


def test_a_line_of_either_version_gets_both_features(files: Files) -> None:
    smallest = min(by_hand(files.read("in.cfg")[0]).values())
    mlp("mindist", "in.cfg")
    features = files.read("in.cfg")[0].features
    assert features["mindists"].startswith("{(0,0):")
    assert features["mindist"] == f"{smallest:.6f}"


@pytest.mark.parametrize("option", ["--no-overwrite", "--no_overwrite", "--no_overwrite=true"])
def test_or_only_printed(option: str, files: Files, capsys: pytest.CaptureFixture[str]) -> None:
    before = Path("in.cfg").read_bytes()
    mlp("mindist", "in.cfg", option)
    assert Path("in.cfg").read_bytes() == before
    assert capsys.readouterr().out.startswith("Global mindist: ")


def test_one_distance_for_all_types(files: Files) -> None:
    smallest = [min(by_hand(one).values()) for one in files.read("in.cfg")]
    mlp("mindist", "in.cfg", "--no_types")
    noted = [one.features["mindists"] for one in files.read("in.cfg")]
    assert noted == [f"{distance:.6f}" for distance in smallest]


def test_pairs_far_apart_and_a_lone_atom() -> None:
    far = CfgConfiguration(
        np.array([0, 1], np.int32), np.array([[0.0, 0, 0], [40.0, 0, 0]]), np.zeros((3, 3))
    )
    assert shortest_by_types(far) == {(0, 1): pytest.approx(40.0)}
    lone = CfgConfiguration(np.zeros(1, np.int32), np.zeros((1, 3)), np.zeros((3, 3)))
    assert shortest_by_types(lone) == {}
    assert shortest({}) == np.inf
    in_a_cell = CfgConfiguration(np.array([7], np.int32), np.zeros((1, 3)), np.diag([9.0, 9, 15]))
    assert shortest_by_types(in_a_cell) == {(7, 7): pytest.approx(9.0)}


def test_short_distances_are_filtered(files: Files) -> None:
    found = sorted(min(by_hand(one).values()) for one in files.read("in.cfg"))
    mlp("mindist_filter", "in.cfg", f"{(found[0] + found[1]) / 2}", "out.cfg")
    assert len(files.read("out.cfg")) == 2
    mlp("mindist_filter", "in.cfg", "9", "out.cfg")
    assert Path("out.cfg").read_bytes() == b""


def test_atoms_are_pushed_apart(files: Files, capsys: pytest.CaptureFixture[str]) -> None:
    close = crystal(3)
    close.positions[1] = close.positions[0] + [0.4, 0.1, 0.0]
    files.write("close.cfg", [configuration(close, energy=1.0), configuration(crystal(4, 0.01))])
    mlp("fix_mindist", "close.cfg", "out.cfg", "2.2")
    pushed, kept = files.read("out.cfg")
    assert min(by_hand(pushed).values()) >= 2.2 - 1e-6
    assert pushed.energy is None
    assert pushed.features["from"] == "fix_mindist_OK"
    np.testing.assert_allclose(kept.positions, crystal(4, 0.01).positions, atol=1e-6)
    mlp("fix_mindist", "close.cfg", "out.cfg", "9.0")
    assert "9 A apart" in capsys.readouterr().err
    np.testing.assert_allclose(files.read("out.cfg")[0].positions, close.positions, atol=1e-6)


def test_a_corrected_cell(files: Files, capsys: pytest.CaptureFixture[str]) -> None:
    mlp("fix_mindist", "in.cfg", "out.cfg", "1.0", "--correct_cell", "--log=log.txt")
    assert not any(np.triu(one.cell, 1).any() for one in files.read("out.cfg"))
    assert "--log makes no difference here" in capsys.readouterr().err


def test_coinciding_atoms_are_pushed_apart() -> None:
    atoms = crystal(0)
    atoms.positions[2] = atoms.positions[3]
    found = pushed_apart(configuration(atoms), 2.0)
    assert min(by_hand(found).values()) >= 2.0


def test_held_atoms_stay_where_they_are() -> None:
    atoms = crystal(0)
    atoms.positions[2] = atoms.positions[3] + [0.3, 0.0, 0.0]
    free = np.array([True, True, True, False])
    found = pushed_apart(configuration(atoms), 2.0, free)
    assert (found.positions[3] == atoms.positions[3]).all()
    assert min(by_hand(found).values()) >= 2.0


@pytest.mark.parametrize("distance", ["x", "-1", "nan"])
def test_no_distance(distance: str, files: Files, capsys: pytest.CaptureFixture[str]) -> None:
    mlp("mindist_filter", "in.cfg", distance, "out.cfg", code=2)
    assert "expected a distance in Angstrom" in capsys.readouterr().err
