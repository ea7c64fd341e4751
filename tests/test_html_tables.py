"""What notebooks show of results."""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones

import maxvolt
from maxvolt.dataset import Dataset
from maxvolt.html_tables import html_table
from maxvolt.properties import elastic_constants, equation_of_state, lattice_constant
from maxvolt.properties.ensemble import MeanSpread, ensemble_statistics
from maxvolt.selection import Grades


def cells(result: object) -> list[list[str]]:
    """Texts of all rows of all tables, which must be well formed."""
    root = ElementTree.fromstring(f"<div>{result._repr_html_()}</div>")  # type: ignore[attr-defined]
    return [["".join(cell.itertext()) for cell in row] for row in root.iter("tr")]


def facts(result: object) -> dict[str, str]:
    return {row[0]: row[1] for row in cells(result) if len(row) == 2}


def labelled(count: int = 8) -> Dataset:
    structures = []
    for seed in range(count):
        atoms = bulk("Cu", cubic=True)
        atoms.rattle(0.15, seed=seed)
        atoms.calc = EMT()
        atoms.get_forces()
        atoms.get_stress()
        atoms.info["config_type"] = "even" if seed % 2 == 0 else "<odd>"
        structures.append(atoms)
    return Dataset.from_atoms(structures)


@pytest.fixture(scope="module")
def result() -> maxvolt.FitResult:
    start = maxvolt.MTP(4, ["Cu"], cutoff=4.5, min_dist=1.8, radial_basis_size=4)
    data = labelled()
    return maxvolt.fit(start, data, validation=data, max_iterations=2, starts=1, threads=1)


def test_cells_are_escaped_and_of_one_row_each() -> None:
    table = html_table("a < b", ("x", "y"), [("<i>", "1"), ("&", "2")], remarks=["p > q"])
    assert "&lt;i&gt;" in table
    assert "a &lt; b" in table
    assert "<p>p &gt; q</p>" in table
    assert table.count("<tr>") == 3


def test_a_dataset() -> None:
    found = facts(labelled())
    assert found["structures"] == "8"
    assert found["atoms of a structure"] == "4 to 4"
    assert found["groups"] == "even <odd>"
    assert facts(Dataset.from_atoms([]))["atoms of a structure"] == "-"


def test_a_potential_and_an_ensemble(result: maxvolt.FitResult) -> None:
    potential = result.potential
    found = facts(potential)
    assert found["level"] == "4"
    assert found["cutoff (A)"] == "4.5"
    assert found["trained"] == "yes"
    assert int(found["parameters"]) == potential.n_parameters  # type: ignore[attr-defined]
    assert facts(maxvolt.Ensemble((potential, potential)))["members"] == "2"


def test_a_fit_with_its_errors(result: maxvolt.FitResult) -> None:
    rows = cells(result)
    assert rows[0][0] == "fit"
    assert "in 2 iterations" in rows[0][1]
    energy = result.training_errors.groups[0].energy_per_atom
    row = next(row for row in rows if row[0] == "training even: energy (meV/atom)")
    assert row[1] == "4 structures"
    assert float(row[2]) == pytest.approx(1000 * energy.rmse, rel=1e-3, abs=1e-6)
    assert float(row[4]) == pytest.approx(1000 * energy.mae, rel=1e-3, abs=1e-6)
    assert any(row[0].startswith("validation <odd>: stress") for row in rows)
    assert len(cells(result.training_errors)) == 1 + 3 * 5
    if result.warnings:
        assert "Warning: " in result._repr_html_()


def test_grades() -> None:
    grades = Grades(np.array([0.5, 3.0, 1.5]), np.array([0.5, 0.1, 3.0, 0.2, 1.5]))
    assert cells(grades)[1] == ["structures", "3", "2", "1.5", "3", "1"]
    assert cells(grades)[2] == ["atoms", "5", "2", "0.5", "3", "2"]
    assert len(cells(Grades(np.array([]), None))) == 1


def test_properties() -> None:
    crystal = bulk("Ar", cubic=True, a=1.56)
    calculator = LennardJones(rc=2.5, smooth=True)
    found = lattice_constant(calculator, crystal)
    assert float(facts(found)["lattice_constant_A"]) == pytest.approx(found.value, rel=1e-5)
    relaxed = found.atoms
    curve = equation_of_state(calculator, relaxed)
    assert float(facts(curve)["bulk_modulus_GPa"]) == pytest.approx(curve.bulk_modulus, rel=1e-5)
    constants = elastic_constants(calculator, relaxed)
    assert float(facts(constants)["C11_GPa"]) == pytest.approx(constants.C11, rel=1e-5)
    assert facts(constants)["matrix_GPa"].count(";") == 5


def test_spreads() -> None:
    found = facts(MeanSpread.of([1.0, 2.0, 3.0]))
    assert found["mean"] == "2"
    assert found["two standard deviations"] == "2"
    crystal = bulk("Ar", cubic=True, a=1.56)
    both = ensemble_statistics(
        lambda calculator: lattice_constant(calculator, crystal),
        [LennardJones(rc=2.5, smooth=True), LennardJones(rc=2.5, smooth=True, sigma=1.01)],
    )
    mean = both.of(lambda result: result.value)
    assert facts(both)["lattice_constant_A"] == f"{mean:.6g}"
