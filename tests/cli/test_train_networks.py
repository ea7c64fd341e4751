"""`maxvolt train --model ani`, and other commands with what it writes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ase.build import bulk
from ase.calculators.emt import EMT

import maxvolt
from maxvolt.cli import main
from promises import needs

FORM = ["--cutoff", "4.0", "--angular-cutoff", "3.0", "--radial-functions", "3"]
FORM += ["--angular-functions", "2", "2", "--layers", "5", "4"]
TRAINING = ["--epochs", "3", "--batch-size", "2", "--learning-rate", "0.01", "--threads", "1"]


@pytest.fixture(autouse=True, scope="module")
def _libraries() -> None:
    needs("ani")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of six crystals of copper with the labels of EMT."""
    path, frames = tmp_path_factory.mktemp("data") / "train.xyz", []
    for seed in range(6):
        atoms = bulk("Cu", cubic=True)
        atoms.rattle(0.1, seed=seed)
        atoms.calc = EMT()
        atoms.get_stress()
        frames.append(atoms)
    maxvolt.write(path, frames)
    return path


def test_an_ensemble_is_trained_and_used(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output, model = tmp_path / "pot.ani.safetensors", ["--model", "ani"]
    train = ["train", str(data), "-o", str(output), *model, *FORM, *TRAINING]
    assert main([*train, "--ensemble", "2", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [len(one["losses"]) for one in document["potentials"]] == [4, 4]
    members = maxvolt.load(output)
    assert isinstance(members, maxvolt.Ensemble)
    assert len(members.members) == 2
    first = members.members[0]
    assert isinstance(first, maxvolt.ANI)
    form = first.settings
    assert (form.radial_cutoff, form.angular_cutoff, form.radial_functions) == (4.0, 3.0, 3)
    assert (form.angular_shells, form.angular_sections, form.layers) == (2, 2, (5, 4))

    assert main(["errors", str(output), str(data), "--json"]) == 0
    assert main(["evaluate", str(output), str(data), "-o", str(tmp_path / "out.xyz")]) == 0
    (again, *_) = maxvolt.read(tmp_path / "out.xyz")
    expected = members.evaluate(next(iter(maxvolt.read(data)))).energy
    assert again.get_potential_energy() == pytest.approx(expected, abs=1e-6)
    run = ["md", str(output), str(data), "--steps", "2", "--temperature", "100", "--json"]
    assert main(run) == 0
    relaxed = tmp_path / "relaxed.xyz"
    assert main(["relax", str(output), str(data), "-o", str(relaxed), "--json"]) == 0


def test_a_fit_goes_on_from_its_checkpoint_and_from_a_potential(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, parts, warm = (tmp_path / f"{name}.ani.safetensors" for name in ("a", "b", "c"))
    new = ["train", str(data), "--model", "ani", *FORM, *TRAINING[2:]]
    assert main([*new, "-o", str(whole), "--epochs", "4"]) == 0
    kept = ["--checkpoint", str(tmp_path / "fit.ckpt")]
    assert main([*new, "-o", str(parts), "--epochs", "2", *kept]) == 0
    assert main([*new, "-o", str(parts), "--epochs", "4", *kept, "--restart"]) == 0
    assert parts.read_bytes() == whole.read_bytes()
    assert main(["train", str(data), "-o", str(warm), "--init", str(whole), "--epochs", "1"]) == 0
    assert maxvolt.load(warm).cutoff == 4.0
    capsys.readouterr()


def test_an_ensemble_goes_on_member_by_member(
    data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second, third = (tmp_path / f"{name}.ani.safetensors" for name in ("a", "b", "c"))
    train, more = ["train", str(data), *TRAINING, "--json"], ["--ensemble", "2"]
    assert main([*train, "-o", str(first), "--model", "ani", *FORM, *more]) == 0
    before = [one["losses"] for one in json.loads(capsys.readouterr().out)["potentials"]]
    assert main([*train, "-o", str(second), "--init", str(first), *more]) == 0
    printed = capsys.readouterr()
    assert "at random" not in printed.err
    after = [one["losses"][0] for one in json.loads(printed.out)["potentials"]]
    assert after == pytest.approx([min(losses) for losses in before], rel=1e-9)
    one = tmp_path / "a.0.ani.safetensors"
    assert main([*train, "-o", str(third), "--init", str(one), *more]) == 0
    printed = capsys.readouterr()
    assert f"potential 0 goes on from {one}, the other 1 of the ensemble begin" in printed.err
    losses = [one["losses"][0] for one in json.loads(printed.out)["potentials"]]
    assert losses == pytest.approx([after[0], before[1][0]], rel=1e-9)
    assert main([*train, "-o", str(third), "--init", str(first)]) == 2
    assert "names an ensemble of 2 potentials, and --ensemble 1" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "ani", "-o", "pot.mtp"], "of the kind ani with .ani.safetensors"),
        (["-o", "pot.ani.safetensors"], "of the kind mtp with .mtp or .almtp"),
        (["--model", "ani", "-o", "p.ani.safetensors", "--level", "8"], "--level is not for"),
        (["-o", "pot.mtp", "--layers", "3"], "--layers is not for potentials of the kind mtp"),
        (["-o", "pot.mtp", "--epochs", "3"], "--epochs is not for potentials of the kind mtp"),
        (["--model", "ani", "-o", "p.ani.safetensors", "--starts", "2"], "starts: is not avail"),
    ],
)
def test_options_of_the_other_model_are_refused(
    arguments: list[str],
    message: str,
    data: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["train", str(data), *arguments]) == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.glob("*"))
