"""Active sets, grades and examples of MLIP-3."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import maxvolt
from maxvolt import ActiveSet
from maxvolt.cli import main
from maxvolt.dataset import ARRAYS_KEY, Dataset
from maxvolt.io.cfg import CfgConfiguration, read_cfg
from maxvolt.selection.maxvol import Basis
from maxvolt.selection.rows import Rows, iterate_rows


@pytest.fixture
def examples(shared: Path) -> Path:
    return shared / "reference" / "mlip3" / "examples"


@pytest.fixture
def molybdenum(shared: Path) -> Path:
    return shared / "reference" / "mlip3" / "active_set"


def stored_grades(active: ActiveSet, dataset: Dataset) -> np.ndarray:
    """By the matrices of the file and MLIP's definition, with nothing of the selection."""
    rows = active.potential.energy_gradients(dataset) / dataset.counts[:, None]
    return np.abs(rows @ active.inverse).max(axis=1)


@pytest.mark.parametrize("name", ["Mo_train100.cfg", "Mo_test.cfg"])
def test_grades_by_the_stored_matrices(name: str, molybdenum: Path) -> None:
    active = maxvolt.read_active_set(molybdenum / "m3_08_trained.almtp", species=["Mo"])
    dataset = maxvolt.read(molybdenum / name, species=["Mo"])
    found = active.grade(dataset)
    np.testing.assert_allclose(found, stored_grades(active, dataset), rtol=1e-9)
    np.testing.assert_allclose(active.grade(active.structures), 1.0, atol=1e-7)
    if name == "Mo_train100.cfg":
        assert found.max() <= 1.001
        assert np.sum(found > 1 - 1e-7) == len(active.structures) == 23
    else:
        assert found.max() > 1.5


def test_what_the_file_says_of_its_rows(molybdenum: Path) -> None:
    active = maxvolt.read_active_set(molybdenum / "m3_08_trained.almtp", species=["Mo"])
    assert (active.rank, active.largest_rank, active.size) == (23, 23, 26)
    assert active.is_complete
    rows = active.potential.energy_gradients(active.structures)
    rows /= active.structures.counts[:, None]
    chosen = active.origins[:, 0] >= 0
    np.testing.assert_allclose(active.matrix[chosen], rows[active.origins[chosen, 0]], rtol=1e-9)
    assert (active.origins[~chosen] == -1).all()


def test_the_same_structures_are_selected(molybdenum: Path) -> None:
    theirs = maxvolt.read_active_set(molybdenum / "m3_08_trained.almtp", species=["Mo"])
    training = maxvolt.read(molybdenum / "Mo_train100.cfg", species=["Mo"])
    ours = ActiveSet.from_dataset(theirs.potential, training)
    assert set(ours.structures.energies) == set(theirs.structures.energies)
    assert ours.grade(training).max() <= 1.001


def test_writing_gives_the_file_back(molybdenum: Path, tmp_path: Path) -> None:
    theirs = maxvolt.read_active_set(molybdenum / "m3_08_trained.almtp", species=["Mo"])
    theirs.write(tmp_path / "again.almtp")
    again = maxvolt.read_active_set(tmp_path / "again.almtp")
    np.testing.assert_array_equal(again.matrix, theirs.matrix)
    np.testing.assert_array_equal(again.inverse, theirs.inverse)
    np.testing.assert_array_equal(again.origins, theirs.origins)
    np.testing.assert_array_equal(again.structures.positions, theirs.structures.positions)
    np.testing.assert_array_equal(again.structures.energies, theirs.structures.energies)
    assert again.weights == theirs.weights


TRAINED = [
    ("active_set/m3_08_trained.almtp", "active_set/Mo_train100.cfg"),
    ("examples/01.train/sample_out/pot.almtp", "examples/01.train/train.cfg"),
    ("examples/06.select_add/pot.almtp", "examples/06.select_add/train.cfg"),
]


@pytest.mark.parametrize(("potential", "training"), TRAINED)
def test_in_its_order_the_active_set_of_mlip_is_found(
    potential: str, training: str, shared: Path
) -> None:
    """Row by row, initial rows that moved included; grades to more digits than MLIP prints."""
    folder = shared / "reference" / "mlip3"
    theirs = maxvolt.read_active_set(folder / potential, species=["Mo"])
    dataset = maxvolt.read(folder / training, species=["Mo"])
    ours = ActiveSet.from_dataset(
        theirs.potential, dataset, weights=theirs.weights, algorithm="mlip"
    )
    scale = np.abs(theirs.matrix).max(axis=1, keepdims=True)
    np.testing.assert_allclose(ours.matrix / scale, theirs.matrix / scale, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(ours.origins[:, 1], theirs.origins[:, 1])
    test = maxvolt.read(folder / "active_set" / "Mo_test.cfg", species=["Mo"])
    for structures in (dataset, test):  # MLIP keeps its inverse by updates, to about eight digits
        np.testing.assert_allclose(ours.grade(structures), theirs.grade(structures), rtol=2e-8)


def test_another_order_finds_other_grades_of_what_is_new(shared: Path) -> None:
    """What docs/grades say: of structures that are not spanned, grades differ by any factor."""
    folder = shared / "reference" / "mlip3"
    example = folder / "examples" / "06.select_add"
    theirs = maxvolt.read_active_set(example / "pot.almtp", species=["Mo"])
    dataset = maxvolt.read(example / "train.cfg", species=["Mo"])
    ours = ActiveSet.from_dataset(theirs.potential, dataset, weights=theirs.weights)
    test = maxvolt.read(folder / "active_set" / "Mo_test.cfg", species=["Mo"])
    assert np.abs(ours.grade(test) / theirs.grade(test) - 1).max() > 0.1
    np.testing.assert_allclose(ours.grade(dataset), theirs.grade(dataset), rtol=2e-8)


def test_calculate_grade_prints_what_mlip_prints(shared: Path, tmp_path: Path) -> None:
    """MV_grade of an active set made here, in MLIP's order, beside that of MLIP's own."""
    folder, out = shared / "reference" / "mlip3", tmp_path / "graded.cfg"
    example = folder / "examples" / "01.train"
    pot, train = str(example / "sample_out" / "pot.almtp"), str(example / "train.cfg")
    test = str(folder / "active_set" / "Mo_test.cfg")
    printed = []
    made = ["--train", train, "--mode", "neighborhood", "--mlip-order"]
    for arguments in ([], made):
        assert main(["grade", pot, test, "-o", str(out), "--species", "Mo", *arguments]) == 0
        printed.append([f"{float(c.features['MV_grade']):.6g}" for c in read_cfg(out)])
    assert printed[0] == printed[1]
    assert max(map(float, printed[0])) > 100


def assert_same(found: CfgConfiguration, expected: CfgConfiguration) -> None:
    for name in ("types", "positions", "cell", "forces", "plus_stress", "ghost"):
        one, other = getattr(found, name), getattr(expected, name)
        assert (one is None) == (other is None), name
        if one is not None:
            np.testing.assert_allclose(one, other, atol=1e-9, err_msg=name)


def test_example_04_calculate_grade(examples: Path, tmp_path: Path) -> None:
    folder, out = examples / "04.calculate_grade", tmp_path / "graded.cfg"
    arguments = ["grade", str(folder / "pot.almtp"), str(folder / "train.cfg")]
    assert main([*arguments, "-o", str(out), "--species", "Mo"]) == 0
    expected = read_cfg(folder / "sample_out" / "graded.cfg.0")
    for found, theirs in zip(read_cfg(out), expected, strict=True):
        assert_same(found, theirs)
        assert found.nbh_grades is not None
        assert theirs.nbh_grades is not None
        np.testing.assert_allclose(found.nbh_grades, theirs.nbh_grades, rtol=0, atol=5.1e-6)
        assert float(found.features["MV_grade"]) == pytest.approx(
            float(theirs.features["MV_grade"]), abs=5.1e-7
        )


def test_example_05_cut_extrapolative_neighborhood(examples: Path, tmp_path: Path) -> None:
    folder, out = examples / "05.cut_extrapolative_neighborhood", tmp_path / "spherical.cfg"
    arguments = ["cut-neighborhood", str(folder / "selected.cfg"), "-o", str(out)]
    assert main([*arguments, "--species", "Mo"]) == 0
    expected = read_cfg(folder / "sample_out" / "spherical.cfg")
    for found, theirs in zip(read_cfg(out), expected, strict=True):
        np.testing.assert_allclose(found.positions, theirs.positions, atol=1.01e-6)
        np.testing.assert_array_equal(found.types, theirs.types)
        assert not found.cell.any()
        for name in ("cfg#", "extrapolation_grade", "nbh#"):
            assert float(found.features[name]) == float(theirs.features[name]), name


EQUATIONS = "selected_eqn_inds"


def test_example_06_select_add(examples: Path, tmp_path: Path) -> None:
    """All but the line that names the equations: see the next test."""
    folder, out = examples / "06.select_add", tmp_path / "selected.cfg"
    files = [str(folder / name) for name in ("pot.almtp", "train.cfg", "preselected.cfg")]
    assert main(["select", *files, "-o", str(out), "--species", "Mo"]) == 0
    expected = read_cfg(folder / "sample_out" / "selected.cfg")
    for found, theirs in zip(read_cfg(out), expected, strict=True):
        assert_same(found, theirs)
        np.testing.assert_array_equal(found.nbh_grades, theirs.nbh_grades)
        features = {k: v for k, v in found.features.items() if k not in (EQUATIONS, "species")}
        assert features == {k: v for k, v in theirs.features.items() if k != EQUATIONS}
        counts = [len(c.features[EQUATIONS].split(",")) for c in (found, theirs)]
        assert counts[0] == counts[1] == 4


def test_equations_of_example_06_differ_by_copies_only(examples: Path) -> None:
    """Candidates there hold exact copies of neighbourhoods: which copy is taken is rounding."""
    folder = examples / "06.select_add"
    start = maxvolt.read_active_set(folder / "pot.almtp", species=["Mo"])
    candidates = maxvolt.read(folder / "preselected.cfg", species=["Mo"])
    found = start.select(candidates).active_set
    ((_, rows),) = iterate_rows(start.potential, start.weights, candidates, threads=1)
    theirs = rows_of(rows, read_cfg(folder / "sample_out" / "selected.cfg"))
    basis = Basis(start.matrix)
    basis.offer(theirs, 1.0)
    assert found.log_determinant == pytest.approx(basis.log_determinant, abs=1e-6)
    ours = found.matrix[found.origins[:, 0] >= len(found.structures) - 2]
    assert len(ours) == len(theirs) == 8
    nearest = np.abs(ours[:, None] - theirs).max(axis=-1).min(axis=1)
    assert nearest.max() < 1e-10 * np.abs(theirs).max()


def rows_of(rows: Rows, configurations: list[CfgConfiguration]) -> np.ndarray:
    chosen = [
        np.flatnonzero((rows.structures == s) & (rows.equations == int(equation)))
        for s, configuration in enumerate(configurations)
        for equation in configuration.features[EQUATIONS].split(",")
    ]
    return rows.values[np.concatenate(chosen)]


def test_ghosts_of_example_06_have_no_grade(examples: Path) -> None:
    folder = examples / "06.select_add"
    active = maxvolt.read_active_set(folder / "pot.almtp", species=["Mo"])
    candidates = maxvolt.read(folder / "preselected.cfg", species=["Mo"])
    ghost = np.concatenate([info[ARRAYS_KEY]["ghost"] for info in candidates.infos])
    sites = active.site_grades(candidates)
    assert ghost.any()
    assert not sites[ghost].any()
    assert sites[~ghost].min() > 0
