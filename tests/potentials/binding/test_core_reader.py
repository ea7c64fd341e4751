"""The core reads text potentials without Python, and finds their plans: the same numbers."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from make_plans import FOLDER, LEVELS, fields_of
from random_systems import SPECIES, random_model

from attacks import fuzz_core_reader
from maxvolt import MTP, Dataset, read_active_set, read_potential
from maxvolt.compiled import _core
from maxvolt.neighbors.neighborhoods import Neighborhoods
from maxvolt.potentials.mtp.basis.radial import RADIAL_BASIS_TYPES
from maxvolt.potentials.mtp.basis.repulsion import ZBL
from maxvolt.potentials.mtp.binding import kernels
from maxvolt.potentials.mtp.conversion import About

PLANS = str(FOLDER)
MEASURED = FOLDER.parents[2] / "docs" / "benchmarks" / "plan_speed.json"
ROUNDING = 1e-11
"""Of plans made on another machine: they are found by least squares."""


def assert_same_arrays(found: _core.Core, expected: _core.Core, *, named: bool = True) -> None:
    """Everything bit by bit, but for the values of plans."""
    a, b = (fields_of(core.file_bytes([])) for core in (found, expected))
    assert a.keys() == b.keys()
    for name, values in a.items():
        if name == "zbl_charges" and not named:
            assert not values.any()  # elements that the file does not name are not known
        elif name.startswith("plan.") and values.dtype == np.float64:
            scale = abs(b[name]).max(initial=0.0)
            np.testing.assert_allclose(values, b[name], rtol=0, atol=ROUNDING * scale, err_msg=name)
        else:
            assert values.tobytes() == b[name].tobytes(), name


def everything(core: _core.Core, where: Neighborhoods) -> dict[str, Any]:
    energies = kernels.evaluate(core, where, threads=1)
    return {
        "energies": energies.site_energies,
        "forces": energies.forces,
        "virials": energies.virials,
        "rows": kernels.site_gradients(core, where, threads=1),
    }


def assert_same_numbers(potential: MTP, core: _core.Core) -> None:
    """Energies, forces, virials and rows of a skewed crystal and of a molecule."""
    generator = np.random.default_rng(4)
    positions = generator.uniform(0, 4.0, size=(6, 3)) + 3.0 * np.arange(6)[:, None] % 7
    species = generator.choice(potential.species, size=6)
    crystal = Atoms(species, positions, cell=[[5.1, 0, 0], [1.0, 5.3, 0], [-0.7, 0.4, 4.9]])
    crystal.pbc = True
    molecule = Atoms(species[:3], [[0, 0, 0], [2.2, 0.3, 0], [0.5, 2.4, 0.9]])
    where = potential.neighborhoods(Dataset.from_atoms([crystal, molecule]))
    found, expected = everything(core, where), everything(potential.core, where)
    for name, values in expected.items():
        scale = abs(values).max()
        assert scale > 0
        np.testing.assert_allclose(found[name], values, rtol=0, atol=ROUNDING * scale, err_msg=name)


@pytest.mark.parametrize("level", LEVELS)
def test_potentials_of_mlip(level: int, shared: Path) -> None:
    path = shared / "reference" / "mlip3" / "cases" / f"L{level:02}_1sp.mtp"
    core, species, active_set = _core.read_potential(str(path), PLANS)
    assert core.has_plan
    assert (species, active_set) == ([], None)
    potential = MTP.read(path, ["Mo"])
    assert_same_arrays(core, potential.core, named=False)
    assert_same_numbers(potential, core)


@pytest.mark.parametrize("name", ["Mo", "Ge", "MoNbTaW", "TiAl"])
def test_trained_potentials_of_mlip_2(name: str, shared: Path) -> None:
    path = shared / "reference" / "mlip3" / "trained" / f"{name}.mtp"
    core, _, _ = _core.read_potential(str(path), PLANS)
    assert core.has_plan  # MLIP-2 has the tables of MLIP-3
    elements = {"MoNbTaW": ["Mo", "Nb", "Ta", "W"], "TiAl": ["Ti", "Al"]}.get(name, [name])
    potential = MTP.read(path, elements)
    assert_same_arrays(core, potential.core, named=False)
    assert_same_numbers(potential, core)


@pytest.mark.parametrize("level", range(2, 22, 2))
def test_potentials_of_this_package(level: int, tmp_path: Path) -> None:
    potential = MTP.from_model(random_model(level, 2), SPECIES[:2])
    path = tmp_path / "pot.mtp"
    potential.write(path)
    core, species, _ = _core.read_potential(str(path), PLANS)
    assert core.has_plan
    assert tuple(species) == potential.species
    assert_same_arrays(core, potential.core)
    assert_same_numbers(potential, core)


@pytest.mark.parametrize("kind", RADIAL_BASIS_TYPES)
@pytest.mark.parametrize("repulsion", [None, ZBL(0.7, 1.9)], ids=["bare", "ZBL"])
def test_radial_bases(kind: str, repulsion: ZBL | None, tmp_path: Path) -> None:
    model = random_model(8, 3, kind=kind, size=12, repulsion=repulsion, scaling=-0.3)
    about = About(name="name", tag="a tag", species_labels=(13, 1, 28))
    potential = MTP.from_model(model, SPECIES[:3], about)
    path = tmp_path / "pot.mtp"
    potential.write(path)
    core, species, _ = _core.read_potential(str(path), PLANS)
    assert tuple(species) == potential.species
    assert_same_arrays(core, potential.core)
    assert_same_numbers(potential, core)


def test_a_table_that_is_not_known_is_evaluated_as_it_stands(tmp_path: Path) -> None:
    potential = MTP(8, ["Mo"], 4.2, 1.8, max_vertices=3)
    model = random_model(potential.model.table, 1)
    potential = MTP.from_model(model, ["Mo"])
    path = tmp_path / "pot.mtp"
    potential.write(path)
    core, _, _ = _core.read_potential(str(path), PLANS)
    assert not core.has_plan
    assert_same_numbers(potential, core)


@pytest.mark.parametrize(
    "name", ["active_set/m3_08_trained.almtp", "examples/06.select_add/pot.almtp"]
)
def test_active_sets_of_mlip(name: str, shared: Path) -> None:
    path = shared / "reference" / "mlip3" / name
    _, _, found = _core.read_potential(str(path), PLANS)
    assert found is not None
    expected = read_active_set(path, ["Mo"])
    n = expected.size
    potential = read_potential(path, ["Mo"])
    assert isinstance(potential, MTP)
    model = potential.model
    inverse = expected.inverse.copy()  # rows of the kernels are by coefficient times scaling
    inverse[: model.n_radial] *= model.scaling
    np.testing.assert_array_equal(np.reshape(found.pop("inverse"), (n, n)), inverse)
    weights = expected.weights
    assert found == {
        "energy_weight": weights.energy,
        "force_weight": weights.force,
        "stress_weight": weights.stress,
        "site_energy_weight": weights.site_energy,
        "weight_scaling": weights.scaling,
    }


def test_untrained_potentials_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "pot.mtp"
    MTP(4, ["Mo"], 4.2, 1.8).write(path)
    with pytest.raises(RuntimeError, match=r"pot.mtp, line \d+: this potential is untrained"):
        _core.read_potential(str(path), PLANS)


def test_damaged_potentials_are_read_as_python_reads_them(tmp_path: Path) -> None:
    outcomes = [
        fuzz_core_reader.check(data, tmp_path / "pot.mtp")
        for stream in fuzz_core_reader.streams("tests")
        for data in islice(stream, 250)
    ]
    assert outcomes.count("read") > 50
    assert outcomes.count("refused") > 50


def test_how_much_slower_tables_without_a_plan_are_is_what_was_measured() -> None:
    levels = json.loads(MEASURED.read_text())["levels"]
    found = [_core.slowdown_without_plan(level["products"]) for level in levels]
    assert found == pytest.approx([max(1.0, level["ratio"]) for level in levels], abs=1e-12)
    between = _core.slowdown_without_plan(80_000)
    assert found[-2] < between < found[-1]
    assert _core.slowdown_without_plan(0) == 1.0
    assert _core.slowdown_without_plan(10**9) == found[-1]
