"""Commands with embedded-atom potentials: what is written for one family serves any other."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.eam import EAM
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write

import maxvolt
from embedded_atoms import Analytic
from maxvolt.cli import main
from maxvolt.sampling import rattle


@pytest.fixture
def potential(tmp_path: Path) -> Path:
    return Analytic(("Al",)).write(tmp_path / "Al.eam.alloy", 501, 501)


@pytest.fixture
def ensemble(tmp_path: Path) -> Path:
    """The name of two files."""
    for member in (0, 1):
        Analytic(("Al",), seed=member).write(tmp_path / f"pair.{member}.eam.alloy", 501, 501)
    return tmp_path / "pair.eam.alloy"


def crystal() -> Atoms:
    atoms: Atoms = bulk("Al", a=4.1, cubic=True)
    return atoms


@pytest.fixture
def structures(tmp_path: Path) -> Path:
    path = tmp_path / "structures.xyz"
    maxvolt.write(path, rattle(crystal(), 0.1, copies=4))
    return path


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> object:
    assert main([*map(str, arguments), "--json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_info(potential: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "info", potential) == {
        "file": str(potential),
        "kind": "potential",
        "name": "analytic functions of a test",
        "form": "eam/alloy",
        "species": ["Al"],
        "species_count": 1,
        "cutoff_A": 5.5,
        "distance_points": 501,
        "distance_spacing_A": pytest.approx(0.011),
        "density_points": 501,
        "density_spacing": pytest.approx(0.08),
    }
    assert main(["info", str(potential)]) == 0
    printed = capsys.readouterr().out
    for text in ("embedded-atom potential, eam/alloy", "Al", "5.5 A", "501 points up to 5.5 A"):
        assert text in printed
    assert "moment" not in printed


def test_info_of_an_ensemble(ensemble: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = run(capsys, "info", ensemble)
    assert isinstance(found, dict)
    assert found["kind"] == "ensemble"
    assert [Path(name).name for name in found["members"]] == [
        "pair.0.eam.alloy",
        "pair.1.eam.alloy",
    ]


def test_evaluate(potential: Path, structures: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = run(capsys, "evaluate", potential, structures)
    assert isinstance(rows, list)
    for row, atoms in zip(rows, maxvolt.read(structures), strict=True):
        atoms.calc = EAM(potential=str(potential))
        assert row["energy_eV"] == pytest.approx(atoms.get_potential_energy(), rel=1e-10)


def test_errors(
    potential: Path, structures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    labelled = tmp_path / "labelled.xyz"
    assert main(["evaluate", str(potential), str(structures), "-o", str(labelled)]) == 0
    capsys.readouterr()
    own = _values(run(capsys, "errors", potential, labelled), "rmse")
    assert max(own) < 1e-6
    other = Analytic(("Al",), seed=1).write(tmp_path / "other.eam.alloy", 501, 501)
    assert max(_values(run(capsys, "errors", other, labelled), "rmse")) > 1e-3


def _values(document: object, key: str) -> list[float]:
    """Every number under a key, however deep."""
    if isinstance(document, dict):
        own = [
            float(value)
            for name, value in document.items()
            if key in name and isinstance(value, int | float)
        ]
        return own + [found for value in document.values() for found in _values(value, key)]
    if isinstance(document, list):
        return [found for value in document for found in _values(value, key)]
    return []


def arguments(command: str, potential: Path, input: Path, *more: object) -> list[str]:
    options = {
        "md": ["--steps", 40, "--temperature", 500, "--timestep", 2, "--record-every", 10],
        "relax": ["--workers", 1],
    }
    return [command, *map(str, (potential, input, *options[command], *more))]


def test_md(potential: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "fcc.xyz", crystal() * (2, 2, 2))
    out = tmp_path / "out.xyz"
    assert main(arguments("md", potential, tmp_path / "fcc.xyz", "-o", out)) == 0
    assert "no grades: there is no active set and no committee" in capsys.readouterr().err
    dataset = maxvolt.read(out)
    assert len(dataset) == 5
    last = dataset[4]
    again = maxvolt.load(potential).evaluate(last)
    assert last.get_potential_energy() == pytest.approx(again.energy, abs=1e-6)


def test_relax(
    potential: Path, structures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "relaxed.xyz"
    found = run(capsys, *arguments("relax", potential, structures, "-o", out))
    assert isinstance(found, dict)
    assert [end["status"] for end in found["candidates"]] == ["relaxed"] * 4
    forces = [np.linalg.norm(atoms.get_forces(), axis=1).max() for atoms in maxvolt.read(out)]
    assert max(forces) < 1e-3
    volumes = [atoms.get_volume() for atoms in maxvolt.read(out)]
    assert np.ptp(volumes) < 0.1  # all are the same crystal again


def test_md_stops_where_a_committee_disagrees(
    ensemble: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "fcc.xyz", crystal() * (2, 2, 2))
    training = tmp_path / "train.xyz"
    maxvolt.write(training, rattle(crystal(), 0.005, copies=3))
    kept = tmp_path / "kept.xyz"
    more = ("--committee", training, "--break", 3, "--save-extrapolative", kept, "--json")
    assert main(arguments("md", ensemble, tmp_path / "fcc.xyz", *more)) == 0
    printed = capsys.readouterr()
    assert "grades: spread of 2 potentials" in printed.err
    (trajectory,) = json.loads(printed.out)["trajectories"]
    assert trajectory["steps"] < 40
    assert "grade" in trajectory["message"]
    committee = maxvolt.Committee.from_dataset(maxvolt.load(ensemble), training)
    grades = trajectory["trace"]["grade"]
    assert max(grade for grade in grades if grade is not None) > 3
    assert committee.grade(maxvolt.read(kept)).min() >= 2.0


def test_md_grades_by_spreads_in_physical_units(
    ensemble: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "fcc.xyz", crystal() * (2, 2, 2))
    for given, of_energy, of_force in (
        ("energy=0.5,force=0.05", 0.5, 0.05),
        ("energy=0.02", 0.02, math.inf),
        ("force=0.05", math.inf, 0.05),
    ):
        more = ("--committee-spread", given, "--select", 1000, "--break", 2000, "--json")
        assert main(arguments("md", ensemble, tmp_path / "fcc.xyz", *more)) == 0
        trace = json.loads(capsys.readouterr().out)["trajectories"][0]["trace"]
        assert len(trace["grade"]) > 1
        energies, forces = (
            np.array(trace[name]) for name in ("energy_spread_eV", "force_spread_eV_per_A")
        )
        expected = np.maximum(energies / of_energy, forces / of_force)
        assert trace["grade"] == pytest.approx(expected.tolist())
        assert forces[-1] > 0


def test_md_grades_by_errors_on_held_out_labels(
    ensemble: Path, potential: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "fcc.xyz", crystal() * (2, 2, 2))
    frames = rattle(crystal(), 0.05, copies=4).to_atoms()
    held_out = tmp_path / "held_out.xyz"
    maxvolt.write(held_out, maxvolt.Dataset.from_atoms(frames))
    more = ("--committee-errors", held_out, "--json")
    assert main(arguments("md", ensemble, tmp_path / "fcc.xyz", *more)) == 2
    assert f"{held_out}: there is no held-out label" in capsys.readouterr().err
    one = maxvolt.load(potential)
    for atoms in frames:
        found = one.evaluate(atoms)
        atoms.calc = SinglePointCalculator(
            atoms, energy=found.energy + 0.1, forces=found.forces + 0.01
        )
    maxvolt.write(held_out, maxvolt.Dataset.from_atoms(frames))
    more = (*more, "--select", 1000, "--break", 2000)
    assert main(arguments("md", ensemble, tmp_path / "fcc.xyz", *more)) == 0
    trace = json.loads(capsys.readouterr().out)["trajectories"][0]["trace"]
    committee = maxvolt.Committee.from_errors(maxvolt.load(ensemble), held_out)
    assert committee.energy_scale is not None
    assert committee.force_scale is not None
    expected = np.maximum(
        np.array(trace["energy_spread_eV"]) / committee.energy_scale,
        np.array(trace["force_spread_eV_per_A"]) / committee.force_scale,
    )
    assert trace["grade"] == pytest.approx(expected.tolist())


@pytest.mark.parametrize("given", ["force", "force=-1", "stress=1", "energy=x", "", "energy=inf"])
def test_spreads_that_cannot_be_are_refused(
    given: str, ensemble: Path, structures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = ("--committee-spread", given)
    with pytest.raises(SystemExit) as ended:
        main(arguments("md", ensemble, structures, *more))
    assert ended.value.code == 2
    assert "expected numbers above 0 such as energy=0.02,force=0.2" in capsys.readouterr().err


def test_relax_grades_by_a_committee(
    ensemble: Path, structures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "relaxed.xyz"
    more = ("-o", out, "--committee", structures, "--select", 5, "--break", 50)
    found = run(capsys, *arguments("relax", ensemble, structures, *more))
    assert isinstance(found, dict)
    committee = maxvolt.Committee.from_dataset(maxvolt.load(ensemble), structures)
    for end, grade in zip(found["candidates"], committee.grade(maxvolt.read(out)), strict=True):
        assert end["status"] == "relaxed"
        assert 0 < end["grade"] < 5
        assert end["grade"] == pytest.approx(grade, rel=1e-4)


def test_a_committee_needs_several_potentials(
    potential: Path, structures: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in ("md", "relax"):
        more = ("-o", tmp_path / "out.xyz", "--committee", structures)
        assert main(arguments(command, potential, structures, *more)) == 2
        message = capsys.readouterr().err
        assert "--committee needs an ensemble of at least two potentials" in message
        assert "before .eam.alloy" in message
        more = ("-o", structures, "--committee", structures)
        assert main(arguments(command, potential, structures, *more)) == 2


def test_an_active_set_is_refused_and_the_family_is_named(
    potential: Path, structures: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["grade", str(potential), str(structures), "--train", str(structures)]) == 2
    message = capsys.readouterr().err
    assert "this potential (embedded-atom potential) does not have" in message
    assert "--committee" in message
