"""calc-grade, select-add and their like, of both versions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from mlip_files import configurations, features, labelled

import maxvolt
from maxvolt.io.cfg import read_cfg, write_cfg
from maxvolt.io.cfg_record import CfgConfiguration
from maxvolt.mlp import main
from maxvolt.mlp.potentials import TypedPotential, read_typed
from maxvolt.potentials.mtp.files.access import read_potential_file
from maxvolt.selection import ActiveSet, RowWeights
from maxvolt.unnamed_types import stand_ins

NEIGHBORHOODS = RowWeights(energy=0.0, site_energy=1.0)


def grades_of(potential: TypedPotential, name: str, active_set: ActiveSet) -> list[str]:
    dataset = potential.dataset(read_cfg(name), name)
    return [f"{grade:.6f}" for grade in active_set.grade(dataset)]


def active_set_of(
    potential: TypedPotential, name: str, weights: RowWeights | None = None, start: float = 1e-5
) -> ActiveSet:
    empty = ActiveSet.empty(potential.potential, weights=weights, initial_value=start)
    dataset = potential.dataset(read_cfg(name), name)
    return empty.select(dataset, threshold=1.0000001, entry=1.1, algorithm="mlip").active_set


def test_calc_grade_makes_and_saves_an_active_set(folder: Path) -> None:
    assert main(["calc-grade", "pot.mtp", "train.cfg", "in.cfg", "out.cfg"]) == 0
    potential = read_typed("pot.mtp")
    active_set = active_set_of(potential, "train.cfg")
    assert features(Path("out.cfg"), "MV_grade") == grades_of(potential, "in.cfg", active_set)
    saved = maxvolt.read_active_set("state.als", stand_ins(2))
    np.testing.assert_array_equal(saved.matrix, active_set.matrix)
    assert saved.weights == RowWeights()
    file = read_potential_file("state.als")
    assert file.active_set is not None
    assert file.active_set.dialect == "MLIP-2"
    assert file.species is None
    found, given = read_cfg("out.cfg"), read_cfg("in.cfg")
    for one, other in zip(found, given, strict=True):
        assert one.nbh_grades is None
        assert one.energy == pytest.approx(other.energy, abs=1e-11)
        assert set(one.features) == {"EFS_by", "MV_grade"}
        np.testing.assert_allclose(one.forces, other.forces, atol=0.51e-6)


def test_options_of_calc_grade(folder: Path) -> None:
    options = ["--nbh-weight=1", "--energy-weight=0", "--init-threshold=1e-3"]
    line = ["calc-grade", "pot.mtp", "train.cfg", "in.cfg", "out.cfg", *options]
    assert main([*line, "--als-filename=other.als"]) == 0
    assert not Path("state.als").exists()
    potential = read_typed("pot.mtp")
    expected = active_set_of(potential, "train.cfg", NEIGHBORHOODS, 1e-3)
    saved = maxvolt.read_active_set("other.als", stand_ins(2))
    assert saved.mode == "neighborhood"
    np.testing.assert_array_equal(saved.matrix, expected.matrix)
    for one in read_cfg("out.cfg"):
        assert one.nbh_grades is not None
        assert float(one.features["MV_grade"]) == pytest.approx(one.nbh_grades.max(), abs=1e-5)
    assert main([*line, "--force-weight=1", "--stress-weight=1", "--select-threshold=5"]) == 0
    saved = maxvolt.read_active_set("state.als", stand_ins(2))
    assert (saved.weights.force, saved.weights.stress) == (1.0, 1.0)


def test_thresholds_of_mlip_2(folder: Path) -> None:
    """A configuration below the threshold of selection does not enter; swaps go on below it."""
    high = "--select-threshold=1e9"
    assert main(["calc-grade", "pot.mtp", "train.cfg", "in.cfg", "out.cfg", high]) == 0
    saved = maxvolt.read_active_set("state.als", stand_ins(2))
    assert saved.rank == 0
    assert main(["calc-grade", "pot.mtp", "train.cfg", "in.cfg", "out.cfg"]) == 0
    low = maxvolt.read_active_set("state.als", stand_ins(2))
    potential = read_typed("pot.mtp")
    grades = low.grade(potential.dataset(read_cfg("train.cfg"), "train.cfg"))
    assert 1.0 < grades.max() <= 1.1
    of_swaps = ["--select-threshold=1", "--swap-threshold=1.0000001"]
    assert main(["calc-grade", "pot.mtp", "train.cfg", "in.cfg", "out.cfg", *of_swaps]) == 0
    swapped = maxvolt.read_active_set("state.als", stand_ins(2))
    assert swapped.grade(potential.dataset(read_cfg("train.cfg"), "train.cfg")).max() < 1.000001


def with_active_set(name: str, weights: RowWeights | None = None) -> ActiveSet:
    potential = read_typed("pot.mtp")
    dataset = potential.dataset(read_cfg("train.cfg"), "train.cfg")
    active_set = ActiveSet.from_dataset(
        potential.potential, dataset, weights=weights, algorithm="mlip"
    )
    active_set.write(name)
    return active_set


@pytest.mark.parametrize("weights", [None, NEIGHBORHOODS])
def test_calculate_grade_uses_the_active_set_of_the_file(
    weights: RowWeights | None, folder: Path
) -> None:
    active_set = with_active_set("pot.almtp", weights)
    assert main(["calculate_grade", "pot.almtp", "in.cfg", "out.cfg", "--log=none"]) == 0
    expected = grades_of(read_typed("pot.mtp"), "in.cfg", active_set)
    assert features(Path("out.cfg"), "MV_grade") == expected
    assert features(Path("out.cfg"), "ID") == ["0", "1", "2"]
    assert all((one.nbh_grades is not None) == bool(weights) for one in read_cfg("out.cfg"))


def test_calculate_grade_needs_an_active_set(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["calculate_grade", "pot.mtp", "in.cfg", "out.cfg"]) == 2
    assert "pot.mtp: the potential has no active set" in capsys.readouterr().err
    assert not Path("out.cfg").exists()


def candidates(folder: Path) -> list[CfgConfiguration]:
    """Some that are new, and some of the training set."""
    new = configurations(6, seed=9, size=4.5)
    labelled(folder / "new.cfg", read_typed("pot.mtp"), new)
    both = [*read_cfg("train.cfg")[:3], *read_cfg("new.cfg")]
    write_cfg("candidates.cfg", both)
    return both


def test_select_add_of_mlip_2_writes_its_four_files(folder: Path) -> None:
    given = candidates(folder)
    assert main(["select-add", "pot.mtp", "train.cfg", "candidates.cfg", "diff.cfg"]) == 0
    chosen = [positions_of(one) for one in read_cfg("diff.cfg")]
    assert 0 < len(chosen) <= len(given) - 3
    assert not {positions_of(one) for one in given[:3]} & set(chosen)
    assert set(chosen) <= {positions_of(one) for one in given}
    assert all(features(Path("diff.cfg"), "selected_eqn_inds"))
    saved = maxvolt.read_active_set("state.als", stand_ins(2))
    every = [positions_of(one) for one in read_cfg("selected.cfg")]
    assert len(every) == len(saved.structures)
    assert set(chosen) <= set(every)
    known = {positions_of(one) for one in [*read_cfg("train.cfg"), *given]}
    assert set(every) <= known
    potential = read_typed("pot.mtp")
    for name in ("train.cfg", "candidates.cfg"):
        assert saved.grade(potential.dataset(read_cfg(name), name)).max() <= 1.1


def positions_of(one: CfgConfiguration) -> tuple[float, ...]:
    return tuple(np.round(one.positions, 6).ravel().tolist())


def test_options_of_select_add_of_mlip_2(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    candidates(folder)
    line = ["select-add", "pot.mtp", "train.cfg", "candidates.cfg", "diff.cfg"]
    names = ["--als-filename=a.als", "--selected-filename=s.cfg"]
    assert main([*line, *names, "--selection-limit=2"]) == 0
    assert len(read_cfg("diff.cfg")) == 2
    assert sorted(path.name for path in folder.glob("s*.cfg")) == ["s.cfg"]
    assert Path("a.als").exists()
    assert main([*line, "--weighting=molecules"]) == 2
    assert "give --als-filename=state.almtp" in capsys.readouterr().err
    assert main([*line, "--weighting=molecules", "--als-filename=m.almtp"]) == 0
    assert maxvolt.read_active_set("m.almtp", stand_ins(2)).weights.scaling == 0
    assert main([*line, "--weighting=atoms"]) == 2
    assert "expected vibrations, structures, molecules, got 'atoms'" in capsys.readouterr().err
    assert main([*line, "--selection-limit=-1"]) == 2
    assert "--selection-limit: expected 0 (no limit) or more, got -1" in capsys.readouterr().err
    assert main([*line, "--selected-filename=diff.cfg"]) == 2
    assert "two outputs would go to this file" in capsys.readouterr().err
    assert main([*line[:3], "train.cfg", "diff.cfg"]) == 2
    assert "train.cfg: is the training set" in capsys.readouterr().err


def test_select_add_of_mlip_3(folder: Path) -> None:
    candidates(folder)
    active_set = with_active_set("pot.almtp")
    before = Path("pot.almtp").read_bytes()
    line = ["select_add", "pot.almtp", "train.cfg", "candidates.cfg", "diff.cfg"]
    assert main(line) == 0
    assert Path("pot.almtp").read_bytes() == before
    assert not Path("selected.cfg").exists()
    potential = read_typed("pot.mtp")
    found = active_set.select(
        potential.dataset(read_cfg("candidates.cfg"), "candidates.cfg"),
        training=potential.dataset(read_cfg("train.cfg"), "train.cfg"),
        algorithm="mlip",
    )
    given = read_cfg("candidates.cfg")
    chosen = read_cfg("diff.cfg")
    assert len(chosen) > 0
    assert [positions_of(one) for one in chosen] == [
        positions_of(given[index]) for index in found.indices
    ]
    options = ["--save_to=new.almtp", "--save_selected_to=s.cfg"]
    assert main([*line, *options]) == 0
    saved = maxvolt.read_active_set("new.almtp", stand_ins(2))
    np.testing.assert_array_equal(saved.matrix, found.active_set.matrix)
    assert len(read_cfg("s.cfg")) == len(saved.structures)


def test_options_of_select_add_of_mlip_3(folder: Path) -> None:
    candidates(folder)
    with_active_set("pot.almtp")
    line = ["select_add", "pot.almtp", "train.cfg", "candidates.cfg", "diff.cfg"]
    weights = ["--energy_weight=0", "--site_en_weight=1", "--weight_scaling=1"]
    others = ["--init_value=1e-4", "--threshold=1.5", "--batch_size=10", "--log=none"]
    assert main([*line, *weights, *others, "--save_to=n.almtp"]) == 0
    saved = maxvolt.read_active_set("n.almtp", stand_ins(2))
    assert saved.weights == RowWeights(energy=0.0, site_energy=1.0, scaling=1)
    assert main([*line, "--force_weight=1", "--stress_weight=1", "--save_to=n.almtp"]) == 0
    saved = maxvolt.read_active_set("n.almtp", stand_ins(2))
    assert (saved.weights.energy, saved.weights.force, saved.weights.stress) == (1.0, 1.0, 1.0)
    assert main([*line, "--swap_limit=1"]) == 0
    assert len(read_cfg("diff.cfg")) == 1


def test_no_candidates_give_an_empty_file(folder: Path) -> None:
    Path("none.cfg").write_text("")
    assert main(["select-add", "pot.mtp", "train.cfg", "none.cfg", "diff.cfg"]) == 0
    assert Path("diff.cfg").read_text() == ""
    assert len(read_cfg("selected.cfg")) > 0


def test_select_chooses_what_the_rest_is_interpolated_from(folder: Path) -> None:
    labelled(folder / "train.cfg", read_typed("pot.mtp"), configurations(30))
    assert main(["select", "pot.mtp", "train.cfg", "few.cfg", "--save_to=few.almtp"]) == 0
    saved = maxvolt.read_active_set("few.almtp", stand_ins(2))
    few = read_cfg("few.cfg")
    assert len(few) == len(saved.structures) < 30
    potential = read_typed("pot.mtp")
    assert saved.grade(potential.dataset(read_cfg("train.cfg"), "train.cfg")).max() <= 1.001


def test_active_sets_keep_the_types_of_numbered_species(folder: Path) -> None:
    """Types 13 and 28 stand in the structures of the active set, too."""
    text = Path("pot.mtp").read_text()
    for index, label in ((0, 13), (1, 28)):
        text = text.replace(f"\t\t{index}-", f"\t\t{label}-").replace(f"-{index}\n", f"-{label}\n")
    Path("n.almtp").write_text(text)
    names = np.array([13, 28], np.int32)
    for name in ("train.cfg", "in.cfg"):
        numbered = [
            CfgConfiguration(names[one.types], one.positions, one.cell) for one in read_cfg(name)
        ]
        write_cfg(f"n_{name}", numbered)
    line = ["select", "n.almtp", "n_train.cfg", "few.cfg", "--save_to=n.almtp"]
    assert main(line) == 0
    assert {int(t) for one in read_cfg("few.cfg") for t in one.types} == {13, 28}
    record = read_potential_file("n.almtp").active_set
    assert record is not None
    held = record.configurations("n.almtp")
    assert {int(t) for one in held for t in one.types} == {13, 28}
    assert main(["calculate_grade", "n.almtp", "n_in.cfg", "out.cfg"]) == 0
    assert main(["select", "pot.mtp", "train.cfg", "few.cfg", "--save_to=p.almtp"]) == 0
    assert main(["calculate_grade", "p.almtp", "in.cfg", "same.cfg"]) == 0
    assert features(Path("out.cfg"), "MV_grade") == features(Path("same.cfg"), "MV_grade")
