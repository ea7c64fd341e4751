"""Labels of a part of the structures that the others contradict are found, named and explained."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.tersoff import Tersoff, TersoffParameters
from hypothesis import given, settings
from hypothesis import strategies as st
from training_data import emt_dataset, relabelled

from maxvolt.dataset import Dataset
from maxvolt.errors import FitError
from maxvolt.fitting import FitSettings, fit
from maxvolt.fitting.data_check import check_data
from maxvolt.fitting.objective import Objective
from maxvolt.fitting.screening.contrary_labels import Misfits, other_units
from maxvolt.fitting.screening.examination import examine
from maxvolt.fitting.screening.findings import Finding
from maxvolt.fitting.settings import Weights
from maxvolt.fitting.training_set import prepare
from maxvolt.fitting.variable_projection.quick_fit import QuickFit
from maxvolt.potentials import MTP
from maxvolt.units import GPA_PER_EV_A3

CUTOFF = 4.5


def findings(dataset: Dataset) -> list[Finding]:
    objective = Objective(dataset, Weights(), "vibrations")
    prepared = prepare(objective, dataset.species, CUTOFF, 30)
    return examine(objective, prepared, dataset.species, CUTOFF, threads=1)


@pytest.fixture(scope="module")
def copper() -> Dataset:
    return emt_dataset(["Cu"], 60)


@pytest.fixture(scope="module")
def alloy() -> Dataset:
    return emt_dataset(["Cu", "Au"], 80, seed=2)


def changed(dataset: Dataset, label: str, structures: Any, change: Any) -> Dataset:
    """The same with some labels of some structures changed."""
    values = getattr(dataset, label).copy()
    for s in structures:
        where = dataset.atoms_of(s) if label in ("forces", "positions") else s
        values[where] = change(values[where], s)
    return relabelled(dataset, **{label: values})


def test_right_labels_are_not_found(copper: Dataset, alloy: Dataset) -> None:
    assert findings(copper) == []
    assert findings(alloy) == []


UNITS = [
    ("stresses", GPA_PER_EV_A3, "stress", "the stresses are in GPa: divide them by 160.2177"),
    ("stresses", 10 * GPA_PER_EV_A3, "stress", "are in kbar: divide them by 1602.177"),
    ("stresses", -10 * GPA_PER_EV_A3, "stress", "divide them by -1602.177"),
    ("stresses", -1.0, "stress", "the stresses have the opposite sign"),
    ("forces", -1.0, "force", "the forces have the opposite sign"),
    ("forces", 1 / 25.7110, "force", "the forces are in Ry/Bohr: multiply them by 25.7110"),
    ("forces", 1 / 51.4221, "force", "the forces are in Ha/Bohr: multiply them by 51.4221"),
]


@pytest.mark.parametrize(("label", "factor", "kind", "remedy"), UNITS)
@pytest.mark.parametrize("bad", [(4, 11), tuple(range(3, 21))], ids=["few", "third"])
def test_other_units_of_a_part(
    copper: Dataset, label: str, factor: float, kind: str, remedy: str, bad: tuple[int, ...]
) -> None:
    wrong = changed(copper, label, bad, lambda value, _: factor * value)
    (found,) = findings(wrong)
    assert found.kind == kind
    assert set(found.structures) <= set(bad)
    assert len(found.structures) >= 0.8 * len(bad)
    assert remedy in found.remedy
    assert found.certain


@pytest.mark.parametrize("unit", [13.605693, 27.211386])
def test_energies_in_rydberg_or_hartree(alloy: Dataset, unit: float) -> None:
    wrong = changed(alloy, "energies", (4, 11), lambda value, _: (value - 900.0) / unit)
    others = [s for s in range(len(alloy)) if s not in (4, 11)]
    wrong = changed(wrong, "energies", others, lambda value, _: value - 900.0)
    (found,) = findings(wrong)
    assert found.structures == (4, 11)
    assert f"multiply it by {unit:g}" in found.remedy


@pytest.mark.parametrize("part", [4, 20, 36])
def test_energies_of_another_functional(alloy: Dataset, part: int) -> None:
    bad = tuple(range(1, 2 * part, 2))
    gold = np.bincount(alloy.structure_of_atom, alloy.numbers == 79)
    wrong = changed(alloy, "energies", bad, lambda value, s: value + 8 * 1.5 - 0.7 * gold[s])
    (found,) = findings(wrong)
    assert (found.kind, found.structures) == ("energy", bad)
    assert "another functional" in found.remedy
    shifts = [float(word) for word in re.findall(r"([+-][\d.]+) eV for each", found.expected)]
    np.testing.assert_allclose(shifts, [1.5, 0.8], atol=0.1)


@given(st.integers(0, 59), st.integers(0, 7), st.sampled_from([-5000.0, 1000.0]))
@settings(max_examples=10, deadline=None)
def test_a_force_that_no_atom_exerts(structure: int, atom: int, size: float) -> None:
    data = emt_dataset(["Cu"], 60)
    forces = data.forces.copy()
    forces[data.offsets[structure] + atom, 1] = size
    found = findings(relabelled(data, forces=forces))[0]
    assert (found.kind, found.structures, found.certain) == ("force", (structure,), True)
    assert f"a force of {abs(size):.3g} eV/A" in found.found


def test_several_large_forces_are_named_at_once(copper: Dataset) -> None:
    forces = copper.forces.copy()
    forces[copper.offsets[[5, 9, 30]]] = [0.0, 5000.0, 0.0]
    message = r"structure 5 .*\(and 2 more: 9, 30\) has a force of 5e\+03"
    with pytest.raises(FitError, match=message):
        run(relabelled(copper, forces=forces))


def test_swapped_elements(alloy: Dataset) -> None:
    for s in range(len(alloy)):
        own = alloy.numbers[alloy.atoms_of(s)]
        if len(set(own.tolist())) == 2:
            break
    numbers = alloy.numbers.copy()
    first = int(alloy.offsets[s])
    a, b = first + int(np.flatnonzero(own == 29)[0]), first + int(np.flatnonzero(own == 79)[0])
    numbers[[a, b]] = numbers[[b, a]]
    found = findings(relabelled(alloy, numbers=numbers))
    assert [(one.kind, one.structures) for one in found] == [("species", (s,))]
    assert "are swapped" in found[0].remedy


def test_positions_in_bohr_of_one_structure(copper: Dataset) -> None:
    positions, cells = copper.positions.copy(), copper.cells.copy()
    positions[copper.atoms_of(7)] /= 0.529177
    cells[7] /= 0.529177
    wrong = relabelled(copper, positions=positions, cells=cells)
    found = [one for one in findings(wrong) if one.kind == "positions"]
    assert [one.structures for one in found] == [(7,)]
    assert "multiply positions and cell by 0.529177" in found[0].remedy


def test_a_mixture_of_faults(copper: Dataset) -> None:
    wrong = changed(copper, "stresses", (2, 3), lambda value, _: 160.2177 * value)
    wrong = changed(wrong, "energies", (20, 30, 40), lambda value, _: value + 8 * 2.0)
    wrong = changed(wrong, "forces", (50, 51), lambda value, _: -value)
    found = {one.structures: one.kind for one in findings(wrong)}
    assert found == {(2, 3): "stress", (20, 30, 40): "energy", (50, 51): "force"}
    with pytest.raises(FitError, match=r"in GPa.*; .*opposite sign|opposite sign.*; .*GPa"):
        run(wrong)


def run(data: Dataset, **options: Any) -> Any:
    quick = FitSettings(max_iterations=3, starts=1, start_iterations=2)
    return fit(MTP(6, data.species, CUTOFF, 1.8, 4), data, quick, threads=1, **options)


def test_a_robust_fit_goes_on_and_says_so(copper: Dataset) -> None:
    wrong = changed(copper, "forces", (5, 9), lambda value, _: -value)
    with pytest.raises(FitError, match="opposite sign"):
        run(wrong)
    result = run(wrong, robust=True)
    assert any("opposite sign" in warning for warning in result.warnings)
    assert {one.structure for one in result.robust.structures[:2]} == {5, 9}


# --------------------------------------------------------------------- honest extremes


def test_compressed_cells_dimers_and_atoms_are_left_alone() -> None:
    """What is far from all others, and right."""
    found = emt_dataset(["Cu"], 40).to_atoms()
    for a in np.linspace(2.4, 3.4, 8):
        atoms = bulk("Cu", a=a)
        atoms.calc = EMT()
        found.append(atoms)
    for distance in np.linspace(1.3, 6.0, 12):
        atoms = bulk("Cu", cubic=True)[:2]
        atoms.pbc, atoms.cell = False, None
        atoms.positions = [[0, 0, 0], [0, 0, distance]]
        atoms.calc = EMT()
        found.append(atoms)
    generator = np.random.default_rng(0)
    for _ in range(6):
        atoms = bulk("Cu", cubic=True, a=4.2) * (2, 1, 1)
        atoms.positions += 0.5 * generator.normal(size=(8, 3))
        atoms.calc = EMT()
        found.append(atoms)
    for atoms in found:
        if atoms.pbc.all():
            atoms.get_stress()
        atoms.get_forces()
    assert findings(Dataset.from_atoms(found)) == []


def test_a_fit_that_runs_away_names_no_unit(copper: Dataset) -> None:
    # Aluminium at three quarters of its volume: 12 eV/A, where a fit of the others said 605 eV/A.
    largest = int(np.argmax(np.abs(copper.forces))) // 3
    worst = int(copper.structure_of_atom[largest])
    of_worst = copper.structure_of_atom == worst
    predicted = np.where(of_worst[:, None], 50.0 * copper.forces, copper.forces)
    none = np.zeros(len(copper))
    fitted = QuickFit(
        MTP(2, ["Cu"], 5.0, 1.8), copper.energies, predicted,
        copper.stresses * copper.volumes[:, None], none.astype(np.int64),
    )  # fmt: skip
    misfits = Misfits(none, np.where(np.arange(len(copper)) == worst, 100.0, 0.0), none, none)
    assert other_units(copper, fitted, misfits) == []
    labels = np.where(of_worst[:, None], copper.forces / 51.4221, copper.forces)
    (found,) = other_units(
        relabelled(copper, forces=labels), replace(fitted, forces=copper.forces), misfits
    )
    assert found.structures == (worst,)
    assert "Ha/Bohr" in found.remedy


def test_a_few_structures_of_another_phase_refuse_no_fit() -> None:
    """Diamond and simple cubic silicon by one calculator: the small potential cannot tell them."""
    of_si = TersoffParameters(
        *(3.0, 1.0, 1.3258, 4.8381, 2.0417, 0.0, 22.956, 0.33675),
        *(1.3258, 95.373, 3.0, 0.2, 3.2394, 3264.7),
    )
    generator = np.random.default_rng(0)
    found = []
    for seed in range(40):
        a = 5.43 * (1 + generator.uniform(-0.06, 0.06))
        found.append(bulk("Si", "diamond", a=a, cubic=True))
        found[-1].rattle(0.08, seed=seed)
    for seed, volume in enumerate(np.linspace(16.5, 21.0, 14)):
        found.append(bulk("Si", "sc", a=volume ** (1 / 3)) * 2)
        found[-1].rattle(0.03, seed=seed)
    for atoms in found:
        atoms.calc = Tersoff({("Si", "Si", "Si"): of_si})
        atoms.get_stress()
        atoms.get_forces()
    checked = check_data(Dataset.from_atoms(found), threads=1)
    assert not any(finding.certain for finding in checked.findings)
