"""`maxvolt hull` and `maxvolt enumerate`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.singlepoint import SinglePointCalculator

import maxvolt
from maxvolt.cli import main
from maxvolt.uncertainty import PosteriorMeasure
from promises import needs

sys.path.insert(0, str(Path(__file__).parents[1] / "potentials"))
from make_potentials import copper


def structures(path: Path, *given: tuple[str, float, str]) -> Path:
    """Write structures with formation energies per atom; pure elements have 0 eV."""
    made = []
    for formula, energy, lattice in given:
        atoms = Atoms(formula, cell=[6, 6, 6], pbc=True)
        atoms.positions[:, 0] = 2.5 * np.arange(len(atoms))
        if lattice:
            atoms.info["parent_lattice"] = lattice
        atoms.calc = SinglePointCalculator(atoms, energy=energy * len(atoms))
        made.append(atoms)
    maxvolt.write(path, maxvolt.Dataset.from_atoms(made))
    return path


@pytest.fixture
def alloy(tmp_path: Path) -> Path:
    return structures(
        tmp_path / "alloy.xyz",
        ("Ag", 0.0, "fcc"),
        ("Pd", 0.0, "fcc"),
        ("AgPd", -0.05, "bcc"),
        ("AgPd", -0.03, ""),
        ("Ag2Pd", 0.02, "fcc"),
    )


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert main(["hull", *words]) == 2
    return capsys.readouterr().err


def test_tables(alloy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    near = alloy.with_name("near.xyz")
    given = ["hull", str(alloy), "--error", "0.01", "--sigmas", "4", "--save-near", str(near)]
    assert main([*given, "--show", "5"]) == 0
    out = capsys.readouterr().out
    assert "Ground states of Pd-Ag, of 5 structures" in out
    assert "AgPd (bcc)" in out
    assert "4 of 5 structures are within 4 errors of the hull" in out
    assert "-50.00" in out
    assert "20.00" in out  # below the others
    assert [len(atoms) for atoms in maxvolt.read(near)] == [1, 1, 2, 2]
    assert maxvolt.read(near).energies[2] == pytest.approx(-0.1)


def test_columns_have_units(alloy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["hull", str(alloy), "--error", "0.01", "--show", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    heads = [k for k, line in enumerate(lines) if "structure" in line and "number" in line]
    assert len(heads) == 2
    units = [lines[head].count("meV/atom") + lines[head + 1].count("meV/atom") for head in heads]
    assert units == [2, 3]


def test_each_crystal_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    near = tmp_path / "near.xyz"
    made = []
    for atoms, energy in ((bulk("Ag"), 0.0), (bulk("Ag") * (2, 1, 1), 1e-6), (bulk("Pd"), 0.0)):
        atoms.calc = SinglePointCalculator(atoms, energy=energy * len(atoms))
        made.append(atoms)
    maxvolt.write(tmp_path / "all.xyz", made)
    given = ["hull", str(tmp_path / "all.xyz"), "--within", "0.01"]
    assert "--distinct" in refused(capsys, *given[1:], "--distinct")
    assert main([*given, "--save-near", str(near)]) == 0
    assert len(maxvolt.read(near)) == 3
    assert main([*given, "--save-near", str(near), "--distinct"]) == 0
    assert "2 structures, of 3 near the hull" in capsys.readouterr().err
    assert [len(atoms) for atoms in maxvolt.read(near)] == [1, 1]


def test_json_and_both_hulls(alloy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    reference = structures(
        alloy.with_name("reference.xyz"), ("Ag", 0.0, ""), ("Pd", 0.0, ""), ("Ag3Pd", -0.04, "")
    )
    picture = alloy.with_name("hull.png")
    given = ["hull", str(alloy), "--reference", str(reference), "--plot", str(picture)]
    assert main([*given, "--within", "0.001", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["elements"] == ["Pd", "Ag"]
    assert found["ground_states"] == [0, 2, 1]
    assert found["names"] == ["Ag (fcc)", "AgPd (bcc)", "Pd (fcc)"]
    assert found["near"] == [0, 1, 2]
    np.testing.assert_allclose(
        found["distances_eV_per_atom"], [0, 0, 0, 0.02, 0.02 + 0.05 * 2 / 3], atol=1e-7
    )
    assert found["errors_eV_per_atom"] == [None] * 5
    assert found["reference"]["names"] == ["Ag", "Ag3Pd", "Pd"]
    assert picture.stat().st_size > 1000
    assert main(given) == 0
    assert "Ground states by the reference, of 3 structures" in capsys.readouterr().out


def test_errors_of_an_ensemble(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    potential = copper()
    single = tmp_path / "cu.mtp"
    potential.write(single)
    crystals = structures(tmp_path / "cu.xyz", ("Cu", 0.0, ""), ("Cu2", 0.1, ""))
    assert "a spread needs an ensemble" in refused(capsys, str(crystals), "--ensemble", str(single))
    maxvolt.Ensemble((potential, potential)).write(tmp_path / "two.mtp")
    assert main(["hull", str(crystals), "--ensemble", str(tmp_path / "two.mtp"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["errors_eV_per_atom"] == [0.0, 0.0]


def test_what_is_refused(alloy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    one = str(alloy)
    assert "--sigmas: needs errors" in refused(capsys, one, "--sigmas", "4")
    both = (one, "--error", "1", "--sigmas", "4", "--within", "1")
    assert "not both" in refused(capsys, *both)
    near = alloy.with_name("near.xyz")
    assert "say what is near" in refused(capsys, one, "--save-near", str(near))
    assert not near.exists()
    assert "overwrite" in refused(capsys, one, "--within", "1", "--save-near", one)
    bare = alloy.with_name("bare.xyz")
    maxvolt.write(bare, [Atoms("Ag", cell=[4, 4, 4], pbc=True)])
    assert "has no energy" in refused(capsys, str(bare))
    lone = structures(alloy.with_name("lone.xyz"), ("AgPd", 0.0, ""))
    assert "no structure of pure Pd" in refused(capsys, str(lone))
    single = structures(alloy.with_name("single.xyz"), ("Ag", 0.0, ""))
    message = refused(capsys, str(single), "--plot", str(alloy.with_name("one.png")))
    assert "only hulls of two or three" in message


@pytest.mark.filterwarnings("ignore:Set OLD_ERROR_HANDLING:DeprecationWarning")
def test_enumerate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    needs("enumeration")
    out = tmp_path / "candidates.xyz"
    given = ["enumerate", "Ag,Pd", "--atoms", "4", "-o", str(out)]
    assert main([*given, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["structures"] == 71
    assert found["counts"]["fcc"] == {"1": 2, "2": 2, "3": 6, "4": 19}
    assert found["counts"]["hcp"] == {"2": 3, "4": 10}
    structures = maxvolt.read(out)
    assert len(structures) == 71
    assert structures.infos[0]["parent_lattice"] == "fcc"
    few = ["--lattice", "fcc", "--concentration", "Ag=0.5:0.5", "--lattice-constant", "fcc:Ag=5"]
    assert main([*given, *few, "--fewest", "2"]) == 0
    assert capsys.readouterr().out.split("all")[1].split()[0] == "7"  # 2 of 2 atoms, 5 of 4
    assert maxvolt.read(out).infos[0]["lattice_constant"] == pytest.approx((5 + 3.89) / 2)


@pytest.mark.filterwarnings("ignore:Set OLD_ERROR_HANDLING:DeprecationWarning")
def test_structures_are_written_as_they_come(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    needs("enumeration")
    for name in ("one.xyz", "one.bin.cfg", "one.traj"):
        given = ["enumerate", "Ag,Pd", "--atoms", "4", "-o", str(tmp_path / name)]
        assert main(given) == 0
        at_once = maxvolt.read(tmp_path / name)
        with monkeypatch.context() as patch:
            patch.setattr("maxvolt.cli.enumerate_structures._ATOMS_AT_ONCE", 10)
            assert main(given) == 0
        assert maxvolt.read(tmp_path / name).digest == at_once.digest
    nothing = ["--concentration", "Ag=0.45:0.46"]
    assert (
        main(["enumerate", "Ag,Pd", "--atoms", "3", "-o", str(tmp_path / "none.xyz"), *nothing])
        == 0
    )
    assert len(maxvolt.read(tmp_path / "none.xyz")) == 0
    capsys.readouterr()


def test_what_is_interrupted_leaves_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(wanted: object) -> Iterator[Atoms]:
        for _ in range(30):
            atoms = bulk("Ag")
            atoms.info["parent_lattice"] = "fcc"
            yield atoms
        raise KeyboardInterrupt

    monkeypatch.setattr("maxvolt.sampling.enumeration.enumerated_structures", broken)
    monkeypatch.setattr("maxvolt.cli.enumerate_structures._ATOMS_AT_ONCE", 10)
    out = tmp_path / "candidates.xyz"
    with pytest.raises((KeyboardInterrupt, SystemExit)):
        raise SystemExit(main(["enumerate", "Ag,Pd", "--atoms", "4", "-o", str(out)]))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["Ag", "--atoms", "4"], "at least two elements"),
        (["Ag,Pd", "--atoms", "4", "--concentration", "Ag=half"], "least and largest share"),
        (["Ag,Pd", "--atoms", "4", "--concentration", "Cu=0:1"], "expected one of Ag, Pd"),
        (["Ag,Pd", "--atoms", "4", "--lattice-constant", "Ag=4"], "lattice, element and length"),
        (["Ag,Pd", "--atoms", "2", "--fewest", "3"], "1 <= least <= most"),
    ],
)
def test_enumerations_that_are_refused(
    words: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "candidates.xyz"
    try:
        code = main(["enumerate", *words, "-o", str(out)])
    except SystemExit as end:
        code = int(str(end.code))
    assert code == 2
    assert message in " ".join(capsys.readouterr().err.split())
    assert not out.exists()


class Expecting:
    """Stands for a calibration that expects the same error of all energies."""

    species = ("Pd", "Ag")

    def __init__(self, magnitude: float, measures: tuple[object, ...] = ()) -> None:
        self.magnitude = magnitude
        self.measures = measures

    def of(self, structures: maxvolt.Dataset, threads: int | None) -> SimpleNamespace:
        return SimpleNamespace(energies=np.full(len(structures), self.magnitude))


def test_expected_magnitudes_become_deviations(
    alloy: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def errors(*words: str) -> list[float]:
        assert main(["hull", str(alloy), "--json", *words]) == 0
        return list(json.loads(capsys.readouterr().out)["errors_eV_per_atom"])

    rng = np.random.default_rng(0)
    magnitude = float(np.abs(rng.normal(scale=0.01, size=100_000)).mean())
    monkeypatch.setattr("maxvolt.uncertainty.read_uncertainty", lambda path: Expecting(magnitude))
    found = errors("--uncertainty", "pot.uncertainty")
    assert found == pytest.approx(errors("--error", "0.01"), rel=0.01)
    monkeypatch.setattr("maxvolt.uncertainty.read_uncertainty", lambda path: Expecting(np.nan))
    assert "says nothing of energies" in refused(
        capsys, str(alloy), "--uncertainty", "pot.uncertainty"
    )


def test_calibrated_errors_have_the_correlations_of_the_posterior(
    alloy: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """All structures err alike, by 0.02 eV/atom: no distance to the hull has an error then."""

    class Alike:
        """Stands for a posterior of one direction."""

        def energy_factor(self, structures: maxvolt.Dataset, threads: int | None) -> np.ndarray:
            return 3.0 * structures.counts[:, None].astype(float)

    measure = object.__new__(PosteriorMeasure)
    object.__setattr__(measure, "posterior", Alike())
    expecting = Expecting(0.02, (measure,))
    monkeypatch.setattr("maxvolt.uncertainty.read_uncertainty", lambda path: expecting)
    given = ["hull", str(alloy), "--json", "--uncertainty", "pot.uncertainty"]
    assert main(given) == 0
    found = json.loads(capsys.readouterr().out)["errors_eV_per_atom"]
    assert found == pytest.approx([0.0] * 5, abs=1e-12)
