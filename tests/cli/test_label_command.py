"""`maxvolt label`."""

from __future__ import annotations

import json
import subprocess

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.io import write

import maxvolt
from maxvolt.cli import application, main
from maxvolt.errors import MaxvoltError


@pytest.fixture
def aluminium(tmp_path):
    path = tmp_path / "new.xyz"
    structures = []
    for seed in range(3):
        atoms = bulk("Al", cubic=True)
        atoms.rattle(0.1, seed=seed)
        atoms.info["config_type"] = f"seed {seed}"
        structures.append(atoms)
    write(path, structures, format="extxyz")
    return path


def test_labels(aluminium, tmp_path, capsys):
    out = tmp_path / "train.xyz"
    assert main(["label", str(aluminium), "-o", str(out), "--calculator", "emt"]) == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert "labelling 3 structures with emt: 0 known, 3 to calculate" in said.err
    labelled = maxvolt.read(out)
    assert labelled.groups == ("seed 0", "seed 1", "seed 2")
    for index, atoms in enumerate(maxvolt.read(aluminium)):
        atoms.calc = EMT()
        assert labelled.energies[index] == atoms.get_potential_energy()
        np.testing.assert_array_equal(labelled[index].get_forces(), atoms.get_forces())
    arguments = ["label", str(aluminium), "-o", str(out), "--calculator", "emt", "--json"]
    assert main(arguments) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["labelled"], document["calculated"], document["known"]) == (3, 0, 3)
    assert (tmp_path / "labels.db").exists()


def test_quarantined_structures_are_listed(aluminium, tmp_path, capsys):
    shifted = maxvolt.read(aluminium).to_atoms()
    shifted[1].positions[0] = shifted[1].positions[1] + [0.5, 0, 0]
    write(aluminium, shifted, format="extxyz")
    out = tmp_path / "train.xyz"
    arguments = ["label", str(aluminium), "-o", str(out), "--calculator", "emt"]
    assert main([*arguments, "--max-force", "5"]) == 0
    said = capsys.readouterr()
    assert "above the limit of 5 eV/A" in said.out
    assert maxvolt.read(out).groups == ("seed 0", "seed 2")
    assert main([*arguments, "--max-force", "1e6", "--retry-quarantined"]) == 0
    assert len(maxvolt.read(out)) == 3


def test_nothing_is_written_without_labels(aluminium, tmp_path, capsys):
    out = tmp_path / "train.xyz"
    arguments = ["label", str(aluminium), "-o", str(out), "--calculator", "emt"]
    assert main([*arguments, "--max-force", "1e-9"]) == 2
    assert "no structure has labels" in capsys.readouterr().err
    assert not out.exists()


def test_manual_and_collect(aluminium, tmp_path, capsys):
    settings = tmp_path / "emt.toml"
    settings.write_text('calculator = "emt"\n')
    out, jobs = tmp_path / "train.xyz", tmp_path / "jobs"
    common = ["label", str(aluminium), "-o", str(out), "--settings", str(settings)]
    assert main([*common, "--manual", str(jobs)]) == 0
    assert "3 new folders" in capsys.readouterr().err
    assert not out.exists()
    first, second, _ = sorted(jobs.iterdir())
    subprocess.run([first / "run.sh"], check=True, stdout=subprocess.DEVNULL)
    subprocess.run([second / "run.sh"], check=True, stdout=subprocess.DEVNULL)
    assert main([*common, "--collect", str(jobs)]) == 0
    said = capsys.readouterr()
    assert "2 new labels" in said.err
    assert "run.sh has not finished" in said.out
    assert maxvolt.read(out).groups == ("seed 0", "seed 1")
    store = str(tmp_path / "labels.db")
    assert main(["label", "--collect", str(jobs), "--store", store, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert len(document["known"]) == 2
    alone = tmp_path / "alone.xyz"  # the folders say all that is needed
    assert main(["label", "-o", str(alone), "--collect", str(jobs)]) == 0
    assert "2 labelled structures" in capsys.readouterr().err
    np.testing.assert_allclose(maxvolt.read(alone).energies, maxvolt.read(out).energies)
    assert len(document["unfinished"]) == 1
    assert main([*common, "--manual", str(jobs)]) == 0
    assert "0 new folders, each with a run.sh; 2 known already, 1 with a" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["IN", "-o", "out.xyz"], "which calculator?"),
        (["IN", "-o", "out.xyz", "--calculator", "nonsense"], "unknown calculator 'nonsense'"),
        (["IN", "-o", "out.xyz", "--settings", "missing.toml"], "no such file"),
        (["IN", "-o", "IN", "--calculator", "emt"], "would overwrite the input"),
        (["--collect", ".", "--store", "labels.db"], "holds no folder"),
    ],
)
def test_complaints(arguments, complaint, aluminium, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["label", *(str(aluminium) if word == "IN" else word for word in arguments)]) == 2
    assert complaint in capsys.readouterr().err


@pytest.mark.parametrize(("given", "expected"), [("none", None), ("90", 90.0)])
def test_the_time_limit_can_be_lifted(given, expected, aluminium, tmp_path, monkeypatch):
    import maxvolt.labelling

    def label(*_, limits, **__):
        raise MaxvoltError(repr(limits.timeout))

    monkeypatch.setattr(maxvolt.labelling, "label", label)
    arguments = ["label", str(aluminium), "-o", str(tmp_path / "x.xyz"), "--calculator", "emt"]
    options = application._parsed([*arguments, "--timeout", given])
    with pytest.raises(MaxvoltError, match=f"^{expected}$"):
        options.run(options)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ([], "IN"),
        (["IN", "-o", "x.xyz", "--timeout", "never"], "expected a number"),
        (["IN"], "-o/--output"),
        (["IN", "-o", "x.xyz", "--manual", "a", "--collect", "b"], "not allowed with"),
        (["IN", "-o", "x.xyz", "--retries", "-1"], "at least 0"),
    ],
)
def test_usage(arguments, complaint, capsys):
    with pytest.raises(SystemExit) as caught:
        main(["label", *arguments])
    assert caught.value.code == 2
    assert complaint in capsys.readouterr().err
