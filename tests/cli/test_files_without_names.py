"""Commands on .cfg and .mtp files that name no elements: types are enough."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import maxvolt
from maxvolt import MTP
from maxvolt.cli import main
from maxvolt.dataset import Dataset
from maxvolt.io.cfg import read_cfg, write_cfg
from maxvolt.io.cfg_dataset import cfg_from_dataset
from maxvolt.io.cfg_record import CfgConfiguration
from maxvolt.unnamed_types import STAND_INS, are_stand_ins, shown, stand_ins

SPECIES = ("Ti", "Al")


def named(seed: int = 0) -> MTP:
    rng = np.random.default_rng(seed)
    new = MTP(4, SPECIES, cutoff=4.0, min_dist=2.0, radial_basis_size=3)
    return new.with_coefficients(
        rng.normal(size=new.model.radial_coeffs.shape),
        rng.normal(size=2),
        0.05 * rng.normal(size=2),
        scaling=0.1,
    )


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """pot.mtp and in.cfg without names; named.mtp and named.cfg, the same with names."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(1)
    potential, records = named(), []
    potential.write("named.mtp")
    Path("pot.mtp").write_text(Path("named.mtp").read_text().replace("species: Ti Al", ""))
    for _ in range(8):
        types = rng.integers(2, size=4).astype(np.int32)
        positions = rng.normal(scale=0.2, size=(4, 3)) + 2.6 * np.eye(4)[:, :3]
        records.append(CfgConfiguration(types, positions, 5.2 * np.eye(3)))
    write_cfg("bare.cfg", records)
    assert main(["evaluate", "named.mtp", "bare.cfg", "-o", "named.cfg"]) == 0
    plain = re.sub(r" Feature   species\t.*\n", "", Path("named.cfg").read_text())
    Path("in.cfg").write_text(plain)
    return tmp_path


def without_names(path: str) -> str:
    return re.sub(r" Feature   species\t.*\n", "", Path(path).read_text())


def test_evaluate(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", "pot.mtp", "bare.cfg", "-o", "out.cfg"]) == 0
    assert Path("out.cfg").read_text() == without_names("named.cfg")
    assert "species" not in Path("out.cfg").read_text()
    assert main(["evaluate", "named.mtp", "in.cfg"]) == 0
    capsys.readouterr()
    assert main(["evaluate", "named.mtp", "named.cfg"]) == 0
    expected = capsys.readouterr().out
    for potential, data in (("pot.mtp", "in.cfg"), ("pot.mtp", "named.cfg")):
        assert main(["evaluate", potential, data]) == 0
        assert capsys.readouterr().out == expected


def test_names_of_the_input_are_kept(folder: Path) -> None:
    assert main(["evaluate", "pot.mtp", "named.cfg", "-o", "out.cfg"]) == 0
    assert [one.features["species"] for one in read_cfg("out.cfg")] == ["Ti Al"] * 8


def test_names_are_needed_where_elements_are(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", "pot.mtp", "in.cfg", "-o", "out.xyz"]) == 2
    assert "out.xyz: the format extxyz names elements, and neither the potential nor" in (
        capsys.readouterr().err
    )
    assert not Path("out.xyz").exists()
    assert main(["evaluate", "pot.mtp", "in.cfg", "-o", "out.xyz", "--species", "Ti,Al"]) == 0
    capsys.readouterr()
    assert main(["evaluate", "pot.mtp", "out.xyz"]) == 2
    assert "does not name its 2 species" in capsys.readouterr().err


def test_errors(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    named(3).write("other.mtp")
    Path("bare.mtp").write_text(Path("other.mtp").read_text().replace("species: Ti Al", ""))
    capsys.readouterr()
    assert main(["errors", "other.mtp", "named.cfg", "--json"]) == 0
    expected = capsys.readouterr().out.replace("named.cfg", "in.cfg")
    assert main(["errors", "bare.mtp", "in.cfg", "--json"]) == 0
    assert capsys.readouterr().out == expected


def test_unknown_types_are_called_by_their_number(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (first, *_) = read_cfg("in.cfg")
    write_cfg("more.cfg", [CfgConfiguration(first.types + 2, first.positions, first.cell)])
    assert main(["errors", "pot.mtp", "more.cfg"]) == 2
    said = capsys.readouterr().err
    assert "more.cfg" in said
    assert "has atoms of type" in said
    assert not any(symbol in said for symbol in STAND_INS)


@pytest.mark.parametrize("mode", ["configuration", "neighborhood"])
def test_grade_and_select(mode: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    end = ["--mode", mode]
    line = ["grade", "named.mtp", "named.cfg", "--train", "named.cfg", "-o", "g_named.cfg"]
    assert main([*line, *end]) == 0
    line = ["grade", "pot.mtp", "in.cfg", "--train", "in.cfg", "-o", "g.cfg"]
    assert main([*line, *end, "--save-active-set", "pot.almtp"]) == 0
    assert Path("g.cfg").read_text() == without_names("g_named.cfg")
    assert b"species:" not in Path("pot.almtp").read_bytes()
    assert b"Rf" not in Path("pot.almtp").read_bytes().split(b"#MVS")[0]
    assert main(["grade", "pot.almtp", "in.cfg", "-o", "again.cfg"]) == 0
    assert Path("again.cfg").read_text() == Path("g.cfg").read_text()
    assert main(["select", "named.mtp", "named.cfg", "-o", "s_named.cfg", *end]) == 0
    assert main(["select", "pot.mtp", "in.cfg", "-o", "s.cfg", *end]) == 0
    assert Path("s.cfg").read_text() == without_names("s_named.cfg")
    if mode == "neighborhood":
        cut = ["--cutoff", "4", "--lowest-grade", "0"]
        assert main(["cut-neighborhood", "g.cfg", "-o", "c.cfg", *cut]) == 0
        assert main(["cut-neighborhood", "g_named.cfg", "-o", "c_named.cfg", *cut]) == 0
        found, expected = read_cfg("c.cfg"), read_cfg("c_named.cfg")
        assert len(found) == len(expected) == 8
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_array_equal(one.positions, other.positions)
            symbols = np.array(other.features["species"].split())
            assert list(symbols[other.types]) == [SPECIES[t] for t in one.types]
            assert "species" not in one.features
        assert main(["cut-neighborhood", "g.cfg", "-o", "c.xyz"]) == 2
        assert "names elements" in capsys.readouterr().err


def test_types_of_mlip_3_may_be_any_numbers(folder: Path) -> None:
    text = Path("pot.mtp").read_text()
    for index, label in ((0, 13), (1, 28)):
        text = text.replace(f"\t\t{index}-", f"\t\t{label}-").replace(f"-{index}\n", f"-{label}\n")
    Path("numbered.almtp").write_text(text)
    labels = np.array([13, 28], np.int32)
    records = [CfgConfiguration(labels[c.types], c.positions, c.cell) for c in read_cfg("in.cfg")]
    write_cfg("numbered.cfg", records)
    assert main(["evaluate", "numbered.almtp", "numbered.cfg", "-o", "out.cfg"]) == 0
    for one, other in zip(read_cfg("out.cfg"), read_cfg("in.cfg"), strict=True):
        assert one.energy == other.energy
        np.testing.assert_array_equal(one.types, labels[other.types])


# ------------------------------------------------------------------ stand-ins


def test_stand_ins_are_elements_without_a_radius() -> None:
    from ase.data import atomic_numbers, covalent_radii, missing

    assert [atomic_numbers[symbol] for symbol in STAND_INS] == list(range(104, 119))
    assert covalent_radii[[atomic_numbers[symbol] for symbol in STAND_INS]] == pytest.approx(
        missing
    )
    assert are_stand_ins(stand_ins(3))
    assert not are_stand_ins(())
    assert not are_stand_ins(("Ti",))
    assert not are_stand_ins(STAND_INS[1:2])
    assert shown(["Ti", *stand_ins(2)]) == "Ti, type 0, type 1"
    with pytest.raises(maxvolt.errors.SpeciesError, match="16 types without names are more than"):
        stand_ins(16)


def test_distances_of_types_without_names_are_not_judged() -> None:
    """Bonds of unknown elements have no length that a distance could be compared with."""
    from maxvolt.fitting.objective import Objective
    from maxvolt.fitting.screening.plausibility import check_contacts
    from maxvolt.fitting.settings import Weights
    from maxvolt.fitting.training_set import prepare

    records = [CfgConfiguration(np.zeros(1, np.int32), np.zeros((1, 3)), 9.0 * np.eye(3))]
    for species, doubts in (("H",), 1), (stand_ins(1), 0):
        dataset = maxvolt.io.cfg_dataset.dataset_from_cfg(records, species)
        training = prepare(Objective(dataset, Weights(), "vibrations"), species, 10.0, 5)
        assert len(check_contacts(dataset, training.contacts)) == doubts


def test_stand_ins_are_not_written() -> None:
    records = [CfgConfiguration(np.array([0, 1], np.int32), np.eye(2, 3), 9.0 * np.eye(3))]
    dataset: Dataset = maxvolt.io.cfg_dataset.dataset_from_cfg(records, stand_ins(2))
    (one,) = cfg_from_dataset(dataset, stand_ins(2))
    assert dict(one.features) == {}
