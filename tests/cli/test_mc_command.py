"""`maxvolt mc`: Monte Carlo on a lattice from the command line."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from ase.io import read, write

from maxvolt.cli import main
from maxvolt.potentials.lattice import (
    LowRankPotential,
    ParentLattice,
    TensorTrain,
    environments_of,
    write_low_rank,
)


@pytest.fixture(scope="module")
def potential(tmp_path_factory: pytest.TempPathFactory) -> Path:
    parent = ParentLattice.of(bulk("W", "bcc", a=3.2), ["Mo", "W"])
    (kind,) = environments_of(parent, 1)
    train = TensorTrain.random(kind.length, 2, 2, np.random.default_rng(0)).scaled_to(0.02)
    path = tmp_path_factory.mktemp("mc") / "pot.lattice.npz"
    write_low_rank(LowRankPotential(parent, 1, False, np.zeros((1, 2)), (train,)), path)
    return path


SHORT = ("--equilibration", "5", "--production", "50", "--shells", "1")


def test_table_structure_and_figure(
    potential: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [str(potential), "4x4x4", "--composition", "Mo=1,W=3", "--temperatures", "900:300:-300"]
    kept = ["--keep", str(tmp_path / "kept")]
    figure, last = tmp_path / "mc.png", tmp_path / "last.xyz"
    assert main(["mc", *given, *SHORT, *kept, "--plot", str(figure), "-o", str(last)]) == 0
    told = capsys.readouterr().out
    assert all(f"\n {kelvin} " in told for kelvin in (900, 600, 300))
    assert figure.stat().st_size > 1000
    atoms = read(last)
    assert sorted(atoms.get_chemical_symbols()).count("Mo") == 16
    assert len(list((tmp_path / "kept").iterdir())) == 3
    assert main(["mc", *given, *SHORT, *kept, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["species"] == ["Mo", "W"]
    assert [one["temperature"] for one in document["temperatures"]] == [900, 600, 300]
    assert np.array(document["temperatures"][0]["order"]).shape == (1, 2, 2)
    # A structure goes on where it was, and species replace each other where that is asked for.
    given = [str(potential), str(last), "--temperatures", "300", "--chemical-potentials"]
    assert main(["mc", *given, "Mo=5,W=0", *SHORT, "--json"]) == 0
    (one,) = json.loads(capsys.readouterr().out)["temperatures"]
    assert one["concentrations"][0] > 0.95


def antiferromagnet(folder: Path) -> Path:
    """Neighbours of body-centred cubic sites prefer to differ, by 20 meV."""
    parent = ParentLattice.of(bulk("W", "bcc", a=3.2), ["Mo", "Ta"])
    (kind,) = environments_of(parent, 1)
    centre = np.zeros((2, 1, 2))
    centre[:, 0, 1] = [1.0, -1.0]
    neighbor = np.array([[[1.0, 0.0], [0.01 * spin, 1.0]] for spin in (1.0, -1.0)])
    cores = [centre, *[neighbor] * (kind.length - 2), neighbor[:, :, :1]]
    train = TensorTrain(tuple(np.ascontiguousarray(core) for core in cores))
    path = folder / "order.lattice.npz"
    write_low_rank(LowRankPotential(parent, 1, False, np.zeros((1, 2)), (train,)), path)
    return path


def test_orders_have_names_and_chains_agree(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [str(antiferromagnet(tmp_path)), "6x6x6", "--composition", "Mo=1,Ta=1"]
    words = [*given, "--temperatures", "3000:200:-400", "--chains", "2", *SHORT]
    assert main(["mc", *words]) == 0
    rows = [row.split() for row in capsys.readouterr().out.splitlines()]
    named = {row[0]: row[1:] for row in rows if row}
    assert named["3000"][0] == "disordered"
    assert named["200"][:2] == ["B2(Mo;", "Ta)"]
    assert 0.95 < float(named["200"][2]) <= 1
    assert main(["mc", *words, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["method"], document["chains"]) == ("anneal", 2)
    last = document["temperatures"][-1]
    assert last["state"]["structures"] == ["B2"]
    peaks = {one["star"]: one for one in last["state"]["peaks"]}
    assert peaks["(1 0 0)"]["shares"] == pytest.approx([1, 1], abs=0.05)
    assert peaks["(1 0 0)"]["cumulant"] == pytest.approx(2 / 3, abs=1e-3)


def test_replica_exchange_and_its_figure(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [str(antiferromagnet(tmp_path)), "4x4x4", "--composition", "Mo=1,Ta=1"]
    words = [*given, "--method", "replica-exchange", "--temperatures", "1600:1000:-200"]
    words += ["--exchange-every", "1", "--keep", str(tmp_path / "kept"), *SHORT]
    figure, last = tmp_path / "mc.svg", tmp_path / "last.xyz"
    assert main(["mc", *words, "--plot", str(figure), "-o", str(last)]) == 0
    told = capsys.readouterr()
    assert "exchanged with" in told.out
    assert "ways of replicas" in told.err
    assert figure.stat().st_size > 1000
    assert len(read(last)) == 64
    kept = {one: one.read_bytes() for one in (tmp_path / "kept").iterdir()}
    assert len(kept) == 55
    assert main(["mc", *words, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert len(document["exchanged"]) == 3
    assert all(0 < one <= 1 for one in document["exchanged"])
    assert kept == {one: one.read_bytes() for one in (tmp_path / "kept").iterdir()}


def test_densities_of_states(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = [str(antiferromagnet(tmp_path)), "2x2x3", "--composition", "Mo=1,Ta=1"]
    words = [*given, "--method", "wang-landau", "--temperatures", "900,300", "--chains", "2"]
    words += ["--final-step", "1e-4", "--bins", "50"]
    figure = tmp_path / "density.png"
    assert main(["mc", *words, "--plot", str(figure)]) == 0
    assert "entropy" in capsys.readouterr().out
    assert figure.stat().st_size > 1000
    assert main(["mc", *words, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert len(document["densities"]) == 2
    hot, cold = document["temperatures"]
    assert hot["entropy"] > cold["entropy"] > 0
    for one in document["densities"]:
        assert np.exp(one["logarithms"]).sum() == pytest.approx(924)  # 6 of 12 sites


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--method", "wang-landau", "--production", "50"], "--production belongs to"),
        (["--method", "wang-landau", "--chemical-potentials", "Mo=0,W=0"],
         "--chemical-potentials belongs to"),
        (["--method", "wang-landau", "-o", "last.xyz"], "--output belongs to"),
        (["--bins", "50"], "--bins belongs to --method wang-landau, not to anneal"),
        (["--method", "replica-exchange", "--chains", "2"], "a chain at each temperature"),
        (["--method", "replica-exchange"], "two temperatures"),
        (["--method", "wang-landau", "--composition", "W=1"], "the same energy"),
        (["--method", "tempering"], "invalid choice"),
    ],
)  # fmt: skip
def test_options_of_other_methods(
    potential: Path, words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = ["mc", str(potential), "2x2x2", "--temperatures", "300", "--composition", "Mo=1,W=1"]
    try:
        code = main([*given, *words])
    except SystemExit as stopped:
        code = stopped.code  # type: ignore[assignment]
    assert code == 2
    told = capsys.readouterr()
    assert message in told.err
    assert "Traceback" not in told.err
    assert not told.out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["4x4x4", "--temperatures", "300"], "--composition is needed"),
        (["4x4x4", "--temperatures", "300", "--composition", "Mo=1,Nb=1"], "composition"),
        (["4x4x4", "--temperatures", "300", "--composition", "Mo=much"], "--composition"),
        (["4x4x4", "--temperatures", "300:200:10", "--composition", "Mo=1"], "leads away"),
        (["4x4x4", "--temperatures", "warm", "--composition", "Mo=1"], "temperatures"),
        (["4x4x4", "--temperatures", "-5", "--composition", "Mo=1"], "positive"),
        (["nowhere.xyz", "--temperatures", "300"], "there is no nowhere.xyz"),
        (["4x4x4", "--temperatures", "300", "--composition", "Mo=1", "--chemical-potentials",
          "Mo=0"], "--chemical-potentials"),
        (["0x4x4", "--temperatures", "300", "--composition", "Mo=1"], "there is no 0x4x4"),
        (["4x4x4", "--temperatures", "300,200", "--composition", "Mo=1", "--method",
          "replica-exchange"], "50 snapshots times the 10 sweeps between exchanges, got 50"),
        (["4x4x4", "--temperatures", "300", "--composition", "Mo=1", "--production", "70"],
         "multiple of the 50 snapshots, got 70"),
    ],
)  # fmt: skip
def test_arguments_that_make_no_sense(
    potential: Path, words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["mc", str(potential), *SHORT, *words]) == 2
    told = capsys.readouterr()
    assert message in told.err
    assert "Traceback" not in told.err
    assert not told.out


def test_a_file_that_is_no_potential(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bad = tmp_path / "pot.npz"
    bad.write_text("MTP")
    words = ["4x4x4", "--temperatures", "300", "--composition", "Mo=1"]
    assert main(["mc", str(bad), *words]) == 2
    assert "pot.npz: is no low-rank potential" in capsys.readouterr().err
    assert main(["mc", str(tmp_path / "none.npz"), *words]) == 2
    assert "none.npz: no such file; check the path" in capsys.readouterr().err


def test_a_structure_of_another_lattice_is_named(
    potential: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "fcc.xyz"
    write(path, bulk("W", "fcc", a=4.0) * (2, 2, 2))
    assert main(["mc", str(potential), str(path), "--temperatures", "300"]) == 2
    assert f"{path}, structure 0: the structure is of another lattice" in capsys.readouterr().err


def test_help_starts_without_numpy() -> None:
    import subprocess

    words = "import sys; from maxvolt.cli import mc; assert 'numpy' not in sys.modules"
    subprocess.run([sys.executable, "-c", words], check=True)
