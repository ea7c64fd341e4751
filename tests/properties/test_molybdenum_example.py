"""The molybdenum example, run small on labels of a Morse potential for molybdenum."""

import json
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.morse import MorsePotential
from strained_toy import StrainedToy, cubic_stiffness

import maxvolt
from example_modules import importable
from maxvolt.properties import (
    elastic_constants,
    ensemble_statistics,
    equation_of_state,
    lattice_constant,
)

EXAMPLE = Path(__file__).parents[2] / "examples" / "molybdenum"


def morse():
    """Morse potential of Girifalco and Weizer (1959), cut off inside the example's 5.2 A."""
    return MorsePotential(epsilon=0.8032, r0=2.976, rho0=1.5079 * 2.976, rcut1=1.4, rcut2=1.7)


def labelled(seed, count):
    random = np.random.default_rng(seed)
    structures = []
    for _ in range(count):
        atoms = bulk("Mo", a=3.1, cubic=True) * (1, 1, 2)
        strain = np.eye(3) + 0.04 * random.normal(size=(3, 3))
        atoms.set_cell(atoms.cell.array @ strain, scale_atoms=True)
        atoms.positions += 0.08 * random.normal(size=atoms.positions.shape)
        atoms.calc = morse()
        atoms.get_stress()
        structures.append(atoms)
    return structures


@pytest.fixture
def run_example(monkeypatch):
    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["run.py", *map(str, arguments)])
        with importable(EXAMPLE):
            runpy.run_path(str(EXAMPLE / "run.py"), run_name="__main__")

    return run


def test_example_trains_computes_prints_and_draws(run_example, tmp_path, capsys):
    close = bulk("Mo", a=2.0, cubic=True)
    close.calc = morse()
    close.get_stress()
    maxvolt.write(tmp_path / "train.xyz", maxvolt.Dataset.from_atoms([*labelled(0, 30), close]))
    maxvolt.write(tmp_path / "test.xyz", maxvolt.Dataset.from_atoms(labelled(1, 12)))
    output = tmp_path / "output"
    run_example(
        tmp_path / "train.xyz",
        *("--validation", tmp_path / "test.xyz"),
        *("--level", 8, "--ensemble", 2, "--threads", 1, "--output", output),
    )
    text = capsys.readouterr().out
    assert "train.xyz: 31 structures, 1 dropped with a distance below 1.9 A" in text
    assert "test.xyz: 12 structures, 0 dropped" in text
    assert "466 +- 22" in text
    assert {path.name for path in output.iterdir()} == {
        "pot.0.mtp",
        "pot.1.mtp",
        "errors.json",
        "properties.json",
        "energy_volume.png",
        "elastic_constants.png",
        "reliability.png",
    }
    properties = json.loads((output / "properties.json").read_text())
    expected = lattice_constant(morse(), bulk("Mo")).value
    assert properties["lattice_constant_A"]["mean"] == pytest.approx(expected, abs=0.02)
    assert len(properties["members"]) == 2
    expected_warnings = [
        f"warning: potential {number}: {warning}"
        for number, member in enumerate(properties["members"], start=1)
        for part in ("elastic", "curve")
        for warning in member[part]["warnings"]
    ]
    printed = [line for line in text.splitlines() if line.startswith("warning: potential")]
    assert printed == expected_warnings
    # Two members of a low level agree more than they are right, which the example must not hide.
    assert "warning: the members of the ensemble differ in " in text
    assert "validation, forces" in text
    assert "inside bounds that state 90 %; rank correlation of spread and force error" in text
    errors = json.loads((output / "errors.json").read_text())
    assert errors["datasets"]["training"]["total"]["structures"] == 30
    assert errors["datasets"]["validation"]["total"]["structures"] == 12


def test_doubtful_properties_are_named_with_their_potential():
    with importable(EXAMPLE):
        example = runpy.run_path(str(EXAMPLE / "run.py"), run_name="example")
        crystal_module = sys.modules["crystal"]
    equilibrium = lattice_constant(morse(), bulk("Mo")).atoms
    stiffness = cubic_stiffness(350.0, 160.0, 100.0)
    toys = [StrainedToy(equilibrium, stiffness), StrainedToy(equilibrium, stiffness, jump=8.0)]
    crystal = crystal_module.CrystalProperties(
        lattice=ensemble_statistics(lambda calc: lattice_constant(calc, equilibrium), toys),
        elastic=ensemble_statistics(
            lambda calc: elastic_constants(calc, equilibrium, strain=0.02), toys
        ),
        curve=ensemble_statistics(
            lambda calc: equation_of_state(calc, equilibrium, volume_range=0.09), toys
        ),
    )
    warnings = example["property_warnings"](crystal)
    assert len(warnings) >= 2
    assert all(warning.startswith("potential 2: ") for warning in warnings)
    assert "C11 (750.0 GPa at strain 0.02" in warnings[0]
    assert "the bulk modulus changes by" in warnings[-1]


def test_missing_data_is_a_clear_error(run_example, tmp_path, capsys):
    with pytest.raises(SystemExit):
        run_example(tmp_path / "absent.xyz", "--output", tmp_path / "output")
    assert "no such file" in capsys.readouterr().err


def test_errors_of_the_package_are_one_line(run_example, tmp_path):
    broken = tmp_path / "broken.cfg"
    broken.write_text("BEGIN_CFG\n Size\n  2\n")
    with pytest.raises(SystemExit, match=r"error: .*broken\.cfg"):
        run_example(broken, "--output", tmp_path / "output")
