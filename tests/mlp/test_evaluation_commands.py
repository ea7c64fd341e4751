"""calc-efs and calc-errors of both versions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mlip_files import configurations, features, labelled, random_potential

from maxvolt.fitting.prediction_errors import compute_errors
from maxvolt.io.cfg import read_cfg, write_cfg
from maxvolt.io.cfg_record import CfgConfiguration
from maxvolt.io.cfg_write import text_bytes
from maxvolt.mlp import main
from maxvolt.mlp.potentials import read_typed
from maxvolt.report import format_mlip_errors


def without_labels(path: Path) -> list[CfgConfiguration]:
    """Make a file with structures only."""
    plain = [
        CfgConfiguration(one.types, one.positions, one.cell, features={"ind": "7", "A": "b c"})
        for one in read_cfg(path)
    ]
    write_cfg(path, plain)
    return plain


def assert_same_results(found: list[CfgConfiguration], expected: list[CfgConfiguration]) -> None:
    """To the digits of a .cfg as MLIP writes it."""
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one.types, other.types)
        np.testing.assert_allclose(one.positions, other.positions, atol=0.51e-6)
        assert one.energy == pytest.approx(other.energy, abs=1e-11)
        np.testing.assert_allclose(one.forces, other.forces, atol=0.51e-6)
        np.testing.assert_allclose(one.plus_stress, other.plus_stress, atol=0.51e-5)


def test_calc_efs_writes_what_the_potential_says(folder: Path) -> None:
    expected = read_cfg("in.cfg")
    without_labels(Path("in.cfg"))
    before = Path("in.cfg").read_bytes()
    assert main(["calc-efs", "pot.mtp", "in.cfg", "out.cfg"]) == 0
    assert Path("in.cfg").read_bytes() == before
    found = read_cfg("out.cfg")
    assert_same_results(found, expected)
    assert [list(one.features.items()) for one in found] == [
        [("A", "b c"), ("EFS_by", "MultiMTP"), ("ind", "7")]
    ] * 3
    ordinary = b"".join(text_bytes(one, full_precision=False) for one in found)
    assert Path("out.cfg").read_bytes() == ordinary


def test_calculate_efs_writes_back_or_elsewhere(folder: Path) -> None:
    expected = read_cfg("in.cfg")
    without_labels(Path("in.cfg"))
    before = Path("in.cfg").read_bytes()
    assert main(["calculate_efs", "pot.mtp", "in.cfg", "--output_filename=other.cfg"]) == 0
    assert Path("in.cfg").read_bytes() == before
    assert_same_results(read_cfg("other.cfg"), expected)
    assert main(["calculate_efs", "pot.mtp", "in.cfg"]) == 0
    assert Path("in.cfg").read_bytes() == Path("other.cfg").read_bytes()
    assert features(Path("in.cfg"), "EFS_by") == ["MultiMTP3"] * 3
    assert sorted(path.name for path in folder.glob("in*")) == ["in.cfg"]


def test_a_failure_leaves_the_input_as_it_was(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (first, *_) = without_labels(Path("in.cfg"))
    third = CfgConfiguration(first.types + 2, first.positions, first.cell)
    write_cfg("in.cfg", [first, third])
    before = Path("in.cfg").read_bytes()
    assert main(["calculate_efs", "pot.mtp", "in.cfg"]) == 2
    assert Path("in.cfg").read_bytes() == before
    said = capsys.readouterr().err
    assert "in.cfg: configuration 1 has atoms of type" in said
    assert "but the potential knows the types 0, 1" in said
    assert "Rf" not in said


def test_a_cluster_has_a_virial_as_in_mlip(folder: Path) -> None:
    """A cluster is the same as it is alone in a huge cell."""
    positions = np.array([[0.0, 0, 0], [2.4, 0.2, 0], [0.3, 2.5, 0.6]])
    types = np.array([0, 1, 1], np.int32)
    alone = CfgConfiguration(types, positions, np.zeros((3, 3)))
    in_a_cell = CfgConfiguration(types, positions, 40 * np.eye(3))
    write_cfg("in.cfg", [alone, in_a_cell])
    assert main(["calc-efs", "pot.mtp", "in.cfg", "out.cfg"]) == 0
    cluster, periodic = read_cfg("out.cfg")
    assert cluster.plus_stress is not None
    assert np.abs(cluster.plus_stress).max() > 0.01
    np.testing.assert_array_equal(cluster.plus_stress, periodic.plus_stress)
    assert cluster.energy == periodic.energy


def test_labels_of_mlip_3_are_atomic_numbers(folder: Path) -> None:
    """A potential whose species are called 13 and 28, and a .cfg with these types."""
    text = Path("pot.mtp").read_text()
    for index, label in ((0, 13), (1, 28)):
        text = text.replace(f"\t\t{index}-", f"\t\t{label}-").replace(f"-{index}\n", f"-{label}\n")
    Path("numbered.almtp").write_text(text)
    expected = read_cfg("in.cfg")
    names = np.array([13, 28], np.int32)
    numbered = [CfgConfiguration(names[one.types], one.positions, one.cell) for one in expected]
    write_cfg("numbered.cfg", numbered)
    assert main(["calculate_efs", "numbered.almtp", "numbered.cfg"]) == 0
    found = read_cfg("numbered.cfg")
    assert {int(t) for one in found for t in one.types} == {13, 28}
    for one, other in zip(found, expected, strict=True):
        assert one.energy == pytest.approx(other.energy, abs=1e-11)
        np.testing.assert_array_equal(one.types, names[other.types])


def test_names_count_where_both_files_have_them(folder: Path) -> None:
    named = Path("pot.mtp").read_text().replace("potential_tag =", "potential_tag = species: Ti Al")
    Path("named.mtp").write_text(named)
    expected = read_cfg("in.cfg")
    turned = [
        CfgConfiguration(1 - one.types, one.positions, one.cell, features={"species": "Al Ti"})
        for one in expected
    ]
    write_cfg("turned.cfg", turned)
    assert main(["calc-efs", "named.mtp", "turned.cfg", "out.cfg"]) == 0
    for one, other in zip(read_cfg("out.cfg"), expected, strict=True):
        assert one.energy == pytest.approx(other.energy, abs=1e-11)
        np.testing.assert_array_equal(one.types, 1 - other.types)
        assert one.features["species"] == "Al Ti"


@pytest.mark.parametrize(("name", "vectors"), [("calc-errors", False), ("check_errors", True)])
def test_errors_are_reported_as_the_version_does(
    name: str, vectors: bool, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = random_potential(folder / "other.mtp", seed=5)
    capsys.readouterr()
    assert main([name, "other.mtp", "in.cfg"]) == 0
    said = capsys.readouterr().out
    errors = compute_errors(other.potential, other.dataset(read_cfg("in.cfg"), "in.cfg"))
    assert said == format_mlip_errors(errors, force_vectors=vectors) + "\n"
    forces = errors.total.force_vectors if vectors else errors.total.force_components
    assert f"RMS     absolute difference = {forces.rmse:g}\n\tMax(ForceDiff)" in said
    ratio = errors.total.force_vectors.rmse / errors.total.force_components.rmse
    assert ratio == pytest.approx(np.sqrt(3))


def test_a_report_goes_to_a_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check_errors", "pot.mtp", "in.cfg"]) == 0
    said = capsys.readouterr().out
    assert main(["check_errors", "pot.mtp", "in.cfg", "--report_to=errors.txt"]) == 0
    assert capsys.readouterr().out == ""
    assert Path("errors.txt").read_text() == said
    assert main(["check_errors", "pot.mtp", "in.cfg", "--report_to=pot.mtp"]) == 2
    assert "the output would overwrite the input pot.mtp" in capsys.readouterr().err


def test_labels_are_needed_for_errors(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    without_labels(Path("in.cfg"))
    assert main(["calc-errors", "pot.mtp", "in.cfg"]) == 2
    assert "holds no energy, force or stress to compare with" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["calc-errors", "check_errors"])
def test_untrained_potentials_are_refused(
    name: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["untrained", "4", "-o", "new.mtp"]) == 0
    assert main([name, "new.mtp", "in.cfg"]) == 2
    assert "new.mtp: this potential is untrained; train it first, with mlp train" in (
        capsys.readouterr().err
    )


def test_many_pieces_come_in_order(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from maxvolt.mlp import evaluation

    truth = read_typed("pot.mtp")
    expected = labelled(folder / "many.cfg", truth, configurations(9, seed=3))
    monkeypatch.setattr(evaluation, "ATOMS_AT_ONCE", 8)
    assert main(["calc-efs", "pot.mtp", "many.cfg", "out.cfg"]) == 0
    assert_same_results(read_cfg("out.cfg"), expected)
