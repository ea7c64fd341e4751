"""What users of ASE find without importing maxvolt: the calculator by name, MLIP's format."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import ase.io
import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.calculator import get_calculator_class
from test_copies import crystal, random_potential

import maxvolt
from maxvolt.ase_registration import plugins as registered
from maxvolt.calculators import MaxvoltCalculator


def test_the_calculator_is_found_by_name() -> None:
    assert get_calculator_class("maxvolt") is MaxvoltCalculator


def test_it_is_among_the_plugins() -> None:
    if find_spec("ase._4") is None:  # older ASE has no plugins, nor asks for them
        assert registered.__ase_plugins__ == set()
        return
    plugins = import_module("ase._4.plugins").plugins
    found = {plugin.name: plugin for plugin in plugins.calculators}
    assert found["maxvolt"]() is MaxvoltCalculator
    assert "mlip-cfg" in {plugin.name for plugin in plugins.io_formats}


def test_ase_io_does_not_import_the_package() -> None:
    code = "import sys, ase.io; print(*[m for m in sys.modules if m.startswith('maxvolt')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert sorted(done.stdout.split()) == [
        "maxvolt",
        "maxvolt.ase_registration",
        "maxvolt.ase_registration.formats",
        "maxvolt.lazy_names",
    ]


def test_ase_run_computes(tmp_path: Path) -> None:
    potential, atoms = random_potential(1), crystal()
    potential.write(tmp_path / "pot.mtp")
    ase.io.write(tmp_path / "crystal.cfg", atoms, format="mlip-cfg")
    command = [sys.executable, "-m", "ase", "run", "maxvolt", "crystal.cfg"]
    command += ["-p", "potential=pot.mtp", "-o", "out.xyz"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found, expected = ase.io.read(tmp_path / "out.xyz"), potential.evaluate(atoms)
    assert found.get_potential_energy() == pytest.approx(expected.energy, rel=1e-12)
    np.testing.assert_allclose(found.get_forces(), expected.forces, atol=1e-7)  # eight digits


def test_cfg_files_go_through_ase(tmp_path: Path) -> None:
    path = tmp_path / "train.cfg"
    first, second = crystal(), bulk("Au", cubic=True)
    first.calc = MaxvoltCalculator(random_potential(1))
    first.get_forces()
    ase.io.write(path, [first, second], format="mlip-cfg")
    ase.io.write(path, first, format="mlip-cfg", append=True)
    found = ase.io.read(path, ":")  # recognised by how it begins, in spite of AtomEye's .cfg
    assert [len(atoms) for atoms in found] == [len(first), len(second), len(first)]
    assert found[0].get_potential_energy() == first.get_potential_energy()
    np.testing.assert_array_equal(found[2].get_forces(), first.get_forces())
    np.testing.assert_array_equal(ase.io.read(path, 1).positions, second.positions)
    assert len(ase.io.read(f"{path}@1:")) == 2
    assert len(maxvolt.read(path)) == 3


def test_types_without_elements_need_species(tmp_path: Path) -> None:
    path = tmp_path / "typed.cfg"
    ase.io.write(path, [crystal()], format="mlip-cfg", species=["Au", "Cu"])
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(line for line in lines if "species" not in line), encoding="utf-8")
    with pytest.raises(maxvolt.SpeciesError, match="species"):
        ase.io.read(path)
    atoms = ase.io.read(path, species=["Au", "Cu"])
    assert atoms.symbols.get_chemical_formula() == crystal().symbols.get_chemical_formula()
