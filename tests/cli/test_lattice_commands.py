"""`maxvolt lattice-fit`, `sqs`, `enumerate --lattice FILE`, and `info` of what is written."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import read, write
from scipy.spatial.transform import Rotation

from maxvolt.cli import main
from maxvolt.potentials.lattice import (
    LowRankPotential,
    ParentLattice,
    Supercell,
    TensorTrain,
    environments_of,
    write_low_rank,
)
from maxvolt.potentials.lattice.files import read_low_rank_ensemble
from promises import needs

PARENT = ParentLattice.of(bulk("Mo", "bcc", a=3.2), ["Mo", "W"])
SALT = bulk("MgO", "rocksalt", a=4.2)


def bonds(atoms: Atoms, structure: np.ndarray) -> float:
    """Energy: 10 meV for each neighbour of the other species, eV."""
    distances = atoms.get_all_distances(mic=True)
    near = (distances > 0.1) & (distances < 3.0)
    return float(0.005 * (near & (structure[:, None] != structure)).sum() - 2.0 * structure.sum())


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty turned structures with energies, and an fcc one."""
    generator, structures = np.random.default_rng(4), []
    for number in range(30):
        supercell = Supercell.of(3 * np.eye(3, dtype=int))
        occupation = generator.integers(0, 2, 27)
        atoms = PARENT.atoms(supercell, occupation)
        of_atoms = np.array([symbol == "W" for symbol in atoms.get_chemical_symbols()], int)
        energy = bonds(atoms, of_atoms)
        turn = Rotation.random(random_state=number).as_matrix()
        atoms.set_cell(atoms.cell.array @ turn, scale_atoms=True)
        atoms.calc = SinglePointCalculator(atoms, energy=energy)
        atoms.info["mean"] = energy / 27
        structures.append(atoms)
    wrong = bulk("W", "fcc", a=4.0) * (2, 2, 2)
    wrong.calc = SinglePointCalculator(wrong, energy=0.0)
    path = tmp_path_factory.mktemp("lattice") / "data.xyz"
    write(path, [*structures, wrong])
    return path


FAST = ("--lattice", "bcc:3.2", "--no-symmetry", "--starts", "1", "--ridge", "1e-4")


def test_a_fit_writes_an_ensemble_and_tells_errors(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "pot.lattice.npz"
    given = [str(data), *FAST, "-o", str(output), "--folds", "3", "--ensemble", "2"]
    assert main(["lattice-fit", *given, "--json"]) == 0
    told = capsys.readouterr()
    assert f"left out: {data}, structure 30: the structure is of another lattice" in told.err
    document = json.loads(told.out)
    assert (document["structures"], document["on_lattice"], document["members"]) == (31, 30, 2)
    assert document["training_eV_per_site"] < 1e-3
    compared = document["cross_validation"]["recommended"]
    assert document["training_eV_per_site"] < compared["cross_validation_eV_per_site"] < 0.02
    ensemble = read_low_rank_ensemble(output)
    assert len(ensemble.members) == 2
    assert ensemble.species == ("Mo", "W")
    assert main(["info", str(output)]) == 0
    assert "low-rank potential on a lattice" in capsys.readouterr().out
    assert main(["info", str(output), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["parameters"] == document["parameters"]
    check_energies(data, output, document, capsys)
    assert main(["grade", str(output), str(data)]) == 2
    assert "is a potential on a lattice" in capsys.readouterr().err


def check_energies(
    data: Path, potential: Path, fitted: dict, capsys: pytest.CaptureFixture[str]
) -> None:
    """`maxvolt errors` and `evaluate` agree with the fit and with each other."""
    figure, output = potential.parent / "parity.png", potential.parent / "out.xyz"
    assert main(["errors", str(potential), str(data), "--json", "--plot", str(figure)]) == 0
    told = capsys.readouterr()
    assert f"left out: {data}, structure 30: the structure is of another lattice" in told.err
    assert "30 of 31 structures on the lattice" in told.err
    errors = json.loads(told.out)
    assert figure.stat().st_size > 1000
    total = errors["total"]["energy_per_site_eV"]
    assert total["rmse"] == pytest.approx(fitted["training_eV_per_site"], rel=0.5)
    assert errors["spread_eV_per_site"] == pytest.approx(fitted["spread_eV_per_site"], rel=0.5)
    assert (total["count"], len(errors["members"]), errors["on_lattice"]) == (30, 2, 30)
    assert [one["structure"] for one in errors["left_out"]] == [30]
    words = ["evaluate", str(potential), str(data), "-o", str(output), "--json"]
    assert main(words) == 0
    rows = json.loads(capsys.readouterr().out)
    labels = [atoms.get_potential_energy() for atoms in read(data, ":")]
    assert [row["structure"] for row in rows] == list(range(31))
    assert "another lattice" in rows.pop()["left_out"]
    away = np.array([row["energy_eV"] - label for row, label in zip(rows, labels, strict=False)])
    assert np.sqrt(np.mean((away / 27) ** 2)) == pytest.approx(total["rmse"])
    assert all(row["spread_eV"] > 0 and row["displacement_A"] < 0.01 for row in rows)
    written = read(output, ":")
    assert [atoms.get_potential_energy() for atoms in written] == pytest.approx(
        [row["energy_eV"] for row in rows]
    )
    assert "forces" not in written[0].calc.results
    for command in (["errors"], ["evaluate"]):
        assert main([*command, str(potential), str(data)]) == 0
        assert "meV per site" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["errors", "POT", "DATA", "--mlip"], "is a potential on a lattice, which MLIP does not"),
        (["errors", "POT", "DATA", "--all"], "structure 30: the structure is of another lattice"),
        (["errors", "POT", "DATA", "--energy-per-atom", "no"], "no structure has a number of the"),
        (["evaluate", "POT", "DATA", "--all"], "1 of 31 structures cannot be used"),
        (["evaluate", "POT", "WRONG"], "structure 0: the structure is of another lattice"),
        (["errors", "POT", "BARE"], "no structure on the lattice has an energy to compare with"),
        (["errors", "MTP", "DATA", "--all"], "--all is for potentials on a lattice"),
        (["evaluate", "MTP", "DATA", "--largest-strain", "1"], "--largest-strain is for"),
    ],
)
def test_energies_that_do_not_exist_are_told(
    data: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    message: str,
) -> None:
    (kind,) = environments_of(PARENT, 1)
    train = TensorTrain.random(kind.length, 2, 1, np.random.default_rng(0))
    write_low_rank(
        LowRankPotential(PARENT, 1, False, np.zeros((1, 2)), (train,)), tmp_path / "p.lattice.npz"
    )
    structures = read(data, ":")
    write(tmp_path / "wrong.xyz", structures[30])
    structures[0].calc = None
    write(tmp_path / "bare.xyz", structures[0])
    paths = {"POT": "p.lattice.npz", "WRONG": "wrong.xyz", "BARE": "bare.xyz", "MTP": "p.mtp"}
    given = [str(data) if word == "DATA" else str(tmp_path / paths[word]) if word in paths else word
             for word in words]  # fmt: skip
    assert main(given) == 2
    assert message in capsys.readouterr().err


def test_comparisons_draw_and_use_energies_of_another_name(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output, figure = tmp_path / "pot.lattice.npz", tmp_path / "scan.png"
    given = [str(data), *FAST, "-o", str(output), "--folds", "2", "--rank", "1,2"]
    given += ["--energy-per-atom", "mean", "--plot", str(figure)]
    assert main(["lattice-fit", *given]) == 0
    told = capsys.readouterr()
    assert "structure 30: it has no energy" in told.err
    assert "recommended" in told.out
    assert figure.stat().st_size > 1000


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (["--all"], "structure 30: the structure is of another lattice"),
        (["--lattice", "bbc:3.2"], "there is no such file"),
        (["--lattice", "fcc:0"], "a lattice constant above 0"),
        (["--lattice", "fcc:4.0.9"], "there is no such file"),
        (["--sites", "Mo,W", "--sites", "Mo=Mo,W"], "--sites: give A,B once"),
        (["--sites", "Mo,Qq"], "different chemical symbols"),
        (["--sites", "Mo,Ta"], "the lattice has no sites for W"),
        (["--folds", "1"], "need 2 or more"),
        (["--folds", "40"], "not more than the 30"),
        (["--plot", "scan.png"], "several values"),
        (["--energy-per-atom", "nothing"], "no structure has a number"),
        (["-o", "pot.npz"], "end the name of the potential with .lattice.npz"),
    ],
)
def test_what_cannot_be_fitted_is_told(
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    change: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["lattice-fit", str(data), *FAST, "-o", "pot.lattice.npz", *change]) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_a_file_with_several_structures_is_no_lattice(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [str(data), "--lattice", str(data), "-o", str(tmp_path / "pot.lattice.npz")]
    assert main(["lattice-fit", *words]) == 2
    assert f"lattice {data}: holds 31 structures; expected the primitive" in capsys.readouterr().err


@pytest.mark.filterwarnings("ignore:Set OLD_ERROR_HANDLING:DeprecationWarning")
def test_quasirandom_structures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    needs("enumeration")
    needs("lattice")
    output = tmp_path / "sqs.xyz"
    given = ["sqs", "--lattice", "fcc:4.09", "--composition", "Ag=0.5,Pd=0.5", "-o", str(output)]
    assert main([*given, "--atoms", "8", "--steps", "2000", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert np.array(document["order"]).shape == (3, 2, 2)
    assert sorted(read(output).get_chemical_symbols()) == ["Ag"] * 4 + ["Pd"] * 4
    assert main([*given, "--atoms", "8", "--steps", "2000"]) == 0
    assert "Ag-Pd" in capsys.readouterr().out
    assert main([*given, "--atoms", "7"]) == 2
    assert "whole numbers" in capsys.readouterr().err


@pytest.mark.filterwarnings("ignore:Set OLD_ERROR_HANDLING:DeprecationWarning")
def test_orderings_of_a_lattice_in_a_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    needs("enumeration")
    cell, output = tmp_path / "salt.xyz", tmp_path / "out.xyz"
    write(cell, SALT)
    given = ["enumerate", "--atoms", "3", "-o", str(output)]
    on_sites = ["--lattice", str(cell), "--sites", "Mg=Mg,Ca"]
    assert main([*given, *on_sites, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["structures"] == 10
    assert len(read(output, ":")) == 10
    for words, message in (
        (on_sites[2:], "--sites names sites of one primitive cell"),
        ([*on_sites, "--lattice", "fcc"], "stands alone, without other lattices"),
        ([*on_sites, "--lattice-constant", "fcc:Mg=4"], "stands alone, without other lattices"),
        (on_sites[:2], "give elements, A,B,..., or --sites"),
        (["Mg,Ca", *on_sites], "give elements, A,B,..., or --sites"),
        (["Mg,Ca", "--lattice", "fcx"], "lattice fcx: there is no such file"),
    ):
        assert main([*given, *words]) == 2
        assert message in capsys.readouterr().err
    assert main([*given, "Mg,Ca", "--lattice", "fcc:5", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["counts"] == {"fcc:5": {"1": 2, "2": 2, "3": 6}}
