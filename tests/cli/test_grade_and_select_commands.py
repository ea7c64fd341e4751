"""`maxvolt grade`, `maxvolt select` and `maxvolt cut-neighborhood`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms

import maxvolt
from maxvolt import RowWeights
from maxvolt.cli import main
from maxvolt.dataset import ARRAYS_KEY, Dataset

CONTRADICTION = ("--mode", "configuration", "--site-energy-weight", "1")


def dimers(lengths: list[float]) -> Dataset:
    return Dataset.from_atoms(
        [
            Atoms(symbols, [[0, 0, 0], [length, 0, 0]])
            for length in lengths
            for symbols in ("Ti2", "TiAl", "Al2")
        ]
    )


@pytest.fixture
def train(tmp_path: Path) -> Path:
    path = tmp_path / "train.xyz"
    maxvolt.write(path, dimers(np.linspace(2.2, 4.5, 10).tolist()))
    return path


@pytest.fixture
def candidates(tmp_path: Path) -> Path:
    path = tmp_path / "candidates.xyz"
    maxvolt.write(path, dimers([3.0, 2.0, 4.9]))
    return path


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


def test_grades_of_a_set_made_of_a_training_set(trained, train, candidates, capsys) -> None:
    assert run("grade", trained, candidates, "--train", train, "--json") == 0
    said = capsys.readouterr()
    document = json.loads(said.out)
    active = maxvolt.ActiveSet.from_dataset(maxvolt.read_potential(trained), maxvolt.read(train))
    expected = active.grade(maxvolt.read(candidates))
    above = [int((expected > limit).sum()) for limit in (2, 10)]
    assert f"of 9 structures: {above[0]} above 2, {above[1]} above 10" in said.err
    found = [row["grade"] for row in document["structures"]]
    assert found == pytest.approx(expected.tolist(), rel=1e-6)
    assert document["active_set"]["rank"] == active.rank
    assert document["active_set"]["mode"] == "configuration"
    assert expected[:3].max() < 1.1 < expected[3:].max()


def test_grades_of_atoms(trained, train, candidates, tmp_path, capsys) -> None:
    out = tmp_path / "graded.xyz"
    arguments = ("grade", trained, candidates, "--train", train, "--mode", "neighborhood")
    assert run(*arguments, "-o", out) == 0
    assert "neighborhood mode" in capsys.readouterr().err
    graded = maxvolt.read(out)
    for info in graded.infos:
        assert info["MV_grade"] == pytest.approx(info[ARRAYS_KEY]["nbh_grades"].max(), rel=1e-6)
    assert run(*arguments) == 0
    assert "largest grade" in capsys.readouterr().out  # of which atom


def test_the_active_set_is_saved_and_used(trained, train, candidates, tmp_path, capsys) -> None:
    for name in ("pot.almtp", "pot.als"):
        saved = tmp_path / name
        assert run("grade", trained, candidates, "--train", train, "--save-active-set", saved,
                   "--json") == 0  # fmt: skip
        first = json.loads(capsys.readouterr().out)
        assert run("grade", saved, candidates, "--json") == 0
        again = json.loads(capsys.readouterr().out)
        assert again["active_set"] == first["active_set"]
        grades = [[row["grade"] for row in d["structures"]] for d in (first, again)]
        assert grades[0] == pytest.approx(grades[1], rel=1e-9)


def test_selection(trained, train, candidates, tmp_path, capsys) -> None:
    out, saved = tmp_path / "selected.xyz", tmp_path / "pot.almtp"
    arguments = ("select", trained, train, candidates, "-o", out, "--save-active-set", saved)
    assert run(*arguments, "--json") == 0
    document = json.loads(capsys.readouterr().out)
    selected = maxvolt.read(out)
    assert len(selected) == len(document["selected"]) > 0
    given = maxvolt.read(candidates)
    np.testing.assert_array_equal(selected.positions, given.select(document["selected"]).positions)
    assert maxvolt.read_active_set(saved).grade(given).max() <= 1.001
    assert run(*arguments, "--limit", 1) == 0
    assert len(maxvolt.read(out)) == 1


def test_several_files_of_candidates(trained, train, candidates, tmp_path, capsys) -> None:
    more, out = tmp_path / "more.xyz", tmp_path / "selected.xyz"
    maxvolt.write(more, dimers([1.8]))
    assert run("select", trained, train, candidates, more, "-o", out, "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert len(document["grades_before"]) == 12
    assert max(document["selected"]) >= 9


def test_without_candidates_the_training_set_is_cut_down(trained, train, tmp_path) -> None:
    out = tmp_path / "sparse.xyz"
    assert run("select", trained, train, "-o", out) == 0
    sparse, whole = maxvolt.read(out), maxvolt.read(train)
    assert 0 < len(sparse) < len(whole)
    active = maxvolt.ActiveSet.from_dataset(maxvolt.read_potential(trained), sparse)
    assert active.grade(whole).max() <= 1.001


def test_an_incomplete_set_is_pointed_out(trained, candidates, tmp_path, capsys) -> None:
    few = tmp_path / "few.xyz"
    maxvolt.write(few, dimers([2.5]))
    assert run("grade", trained, candidates, "--train", few) == 0
    assert "rank 3 of 16 (15 possible), incomplete" in capsys.readouterr().err


def test_weights_of_rows(trained, train, candidates, tmp_path) -> None:
    """The same set as from Python, and kept with the potential."""
    saved = tmp_path / "pot.almtp"
    weights = ("--force-weight", 0.1, "--stress-weight", 0.01, "--weight-scaling", 1)
    arguments = ("select", trained, train, "--save-active-set", saved)
    assert run(*arguments, *weights) == 0
    found = maxvolt.read_active_set(saved)
    expected = RowWeights(energy=1.0, force=0.1, stress=0.01, scaling=1)
    assert found.weights == expected
    again = maxvolt.ActiveSet.from_dataset(
        maxvolt.read_potential(trained), maxvolt.read(train), weights=expected
    )
    np.testing.assert_allclose(found.matrix, again.matrix, rtol=1e-12)
    assert run(*arguments, "--mode", "neighborhood", "--energy-weight", 1) == 0
    assert maxvolt.read_active_set(saved).weights == RowWeights(energy=1.0, site_energy=1.0)
    assert run("grade", trained, candidates, "--force-weight", 1) == 2


def test_clusters(trained, train, tmp_path, capsys) -> None:
    graded, out = tmp_path / "graded.xyz", tmp_path / "clusters.xyz"
    far = tmp_path / "far.xyz"
    maxvolt.write(far, Dataset.from_atoms([Atoms("TiAlAl", [[0, 0, 0], [2, 0, 0], [30, 0, 0]])]))
    arguments = ("grade", trained, far, "--train", train, "--mode", "neighborhood", "-o", graded)
    assert run(*arguments) == 0
    assert run("cut-neighborhood", graded, "-o", out) == 0
    (cluster,) = maxvolt.read(out)
    assert len(cluster) == 2
    assert run("cut-neighborhood", graded, "-o", out, "--lowest-grade", 1e9) == 2
    assert "nothing to cut out" in capsys.readouterr().err
    assert run("cut-neighborhood", train, "-o", out) == 2
    assert "no grades of its atoms" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("grade", "{trained}", "{train}"), "has no active set"),
        (("grade", "{trained}", "{train}", "--mode", "neighborhood"), "--train"),
        (
            ("select", "{trained}", "{train}", "-o", "x.xyz", *CONTRADICTION),
            "give only one of them",
        ),
        (("grade", "{untrained}", "{train}", "--species", "Ti,Al"), "untrained"),
        (("grade", "{train}", "{trained}"), "the potential comes first"),
        (("select", "{trained}", "{train}"), "what should be written?"),
        (
            ("select", "{trained}", "{train}", "--save-active-set", "{trained}"),
            "end the name with .almtp",
        ),
        (
            ("select", "{trained}", "{train}", "-o", "{train}"),
            "the output would overwrite the input",
        ),
        (("select", "{trained}", "{train}", "{trained}", "-o", "x.xyz"), "this is a potential"),
    ],
)
def test_wrong_use(arguments, complaint, trained, untrained, train, capsys) -> None:
    names = {"trained": trained, "untrained": untrained, "train": train}
    assert run(*(argument.format(**names) for argument in arguments)) == 2
    assert complaint in capsys.readouterr().err
