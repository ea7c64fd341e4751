"""`maxvolt prune` and `maxvolt tune`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import read, write

from maxvolt import read_potential
from maxvolt.cli import main


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rattled copper with labels of ASE's effective medium theory."""
    generator, structures = np.random.default_rng(0), []
    for _ in range(20):
        atoms = bulk("Cu", cubic=True, a=generator.uniform(3.5, 3.8)) * (2, 1, 1)
        atoms.positions += 0.1 * generator.normal(size=(len(atoms), 3))
        atoms.calc = EMT()
        atoms.get_stress()
        structures.append(atoms)
    path = tmp_path_factory.mktemp("copper") / "copper.xyz"
    write(path, structures)
    return path


@pytest.fixture(scope="module")
def fitted(data: Path) -> Path:
    path = data.with_name("copper.mtp")
    words = ["--level", "10", "--cutoff", "4.5", "--starts", "1", "--max-iterations", "5"]
    assert main(["train", str(data), "-o", str(path), *words]) == 0
    return path


def test_pruning_writes_a_smaller_potential_and_tells_all_stages(
    data: Path, fitted: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output, figure = tmp_path / "fast.mtp", tmp_path / "front.svg"
    given = [str(fitted), str(data), "-o", str(output), "--validation", str(data)]
    target = ["--cost", "60%", "--max-iterations", "3"]
    more = ["--plot", str(figure), "--stages", str(tmp_path / "stages")]
    assert main(["prune", *given, *target, *more, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    first, chosen = found["stages"][0], found["chosen"]
    assert chosen["scalars"] < first["scalars"] == 16
    assert chosen["operations"] <= 0.6 * first["operations"]
    for quantity in ("force_eV_per_A", "energy_eV_per_atom"):
        training = chosen[f"training_{quantity}"]  # the same structures here
        assert chosen[f"validation_{quantity}"] == pytest.approx(training, rel=1e-6)
    assert len(read_potential(output).model.moment_coeffs) == chosen["scalars"]
    assert "svg" in figure.read_text()[:200]
    assert len(list((tmp_path / "stages").glob("*.mtp"))) == len(found["stages"])
    assert main(["prune", *given, *target, *more]) == 0  # from what was kept
    table = capsys.readouterr().out
    assert "written" in table
    assert "validation" in table
    assert main(["info", str(output)]) == 0


def test_a_search_writes_the_recommended_potential(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output, figure = tmp_path / "copper.mtp", tmp_path / "front.png"
    given = ["tune", str(data), "-o", str(output), "--levels", "4,8", "--cutoffs", "4,4.5"]
    given += ["--radial-basis-sizes", "6", "--force-weights", "0.01", "--no-pruning"]
    given += ["--starts", "1", "--max-iterations", "3"]
    assert main([*given, "--json", "--plot", str(figure)]) == 0
    captured = capsys.readouterr()
    found = json.loads(captured.out)
    assert captured.err.count("us/atom") == len(found["tried"]) == 3
    best = found["recommended"]
    assert read_potential(output).cutoff == best["cutoff_A"]
    assert len(read_potential(output).model.moment_coeffs) == best["scalars"]
    assert figure.stat().st_size > 0
    assert main(given) == 0
    captured = capsys.readouterr()
    assert "recommended" in captured.out
    assert "us/atom, errors" not in captured.err  # nothing was tried again


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--cost", "120%"], "between 0 and 1"),
        (["--scalars", "40"], "ask for fewer"),
        (["--plot", "front.nothing"], "format"),
        (["-o", "fast.almtp"], ".mtp"),
    ],
)
def test_prunings_that_cannot_end_well_are_refused(
    data: Path, fitted: Path, tmp_path: Path, words: list[str], message: str,
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert main(["prune", str(fitted), str(data), "-o", "fast.mtp", *words]) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_the_order_of_potential_and_data_is_told(
    data: Path, fitted: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["prune", str(data), str(fitted), "-o", str(tmp_path / "a.mtp")]) == 2
    assert "the potential comes first" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--levels", "7"], "level must be even"),
        (["--held-out", "100%"], "held_out"),
        (["--energy-share", "2"], "between 0 and 1"),
        (["--us-per-atom", "1e-9"], "us/atom or less"),
        (["--validation", "copper.xyz"], "copper.xyz (and 19 more of 20) is also among"),
    ],
)
def test_searches_that_cannot_end_well_are_refused(
    data: Path, tmp_path: Path, words: list[str], message: str,
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(data.parent)
    output = tmp_path / "copper.mtp"
    fast = ["--levels", "4", "--cutoffs", "4", "--radial-basis-sizes", "4", "--starts", "1"]
    fast += ["--force-weights", "0.01", "--max-iterations", "2", "--no-pruning"]
    assert main(["tune", str(data), "-o", str(output), *fast, *words]) == 2
    assert message in capsys.readouterr().err
    assert not output.exists()


def test_energies_alone_are_enough(
    data: Path, fitted: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    energies, figure = tmp_path / "energies.xyz", tmp_path / "front.png"
    structures = read(data, ":")
    for atoms in structures:
        atoms.calc = SinglePointCalculator(atoms, energy=atoms.get_potential_energy())
    write(energies, structures)
    given = [str(energies), "-o", str(tmp_path / "new.mtp"), "--plot", str(figure)]
    few = ["--max-iterations", "2"]
    assert main(["prune", str(fitted), *given, "--scalars", "12", *few]) == 0
    few += ["--levels", "4", "--cutoffs", "4", "--radial-basis-sizes", "4", "--starts", "1"]
    assert main(["tune", *given, "--force-weights", "0.01", "--no-pruning", *few]) == 0
    captured = capsys.readouterr()
    assert captured.out.count("none") >= 3
    assert "nan" not in captured.out + captured.err
    assert figure.stat().st_size > 0


def test_a_search_tries_one_candidate_however_short_the_time(data: Path, tmp_path: Path) -> None:
    output = tmp_path / "new.mtp"
    few = ["--levels", "4,8", "--cutoffs", "4", "--radial-basis-sizes", "4", "--starts", "1"]
    few += ["--force-weights", "0.01", "--max-iterations", "2", "--minutes", "1e-9"]
    assert main(["tune", str(data), "-o", str(output), *few]) == 0
    assert len(list(output.with_suffix(".tuning").glob("*.mtp"))) == 1
