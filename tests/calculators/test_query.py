"""Grades among the results of the calculator."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import ase.io
import numpy as np
import pytest
from ase import Atoms, units
from ase.build import bulk
from ase.calculators.calculator import PropertyNotImplementedError
from ase.md.verlet import VelocityVerlet

import maxvolt
from maxvolt import MTP, ActiveSet, Calculator, Committee, DataError, Dataset, Ensemble
from maxvolt.potentials.results import Energies


def potential(species: tuple[str, ...] = ("Cu", "Au"), seed: int = 0) -> MTP:
    untrained = MTP(6, species, 4.5, 1.9, 4)
    generator = np.random.default_rng(seed)
    model = untrained.model
    return untrained.with_coefficients(
        0.1 * generator.normal(size=model.radial_coeffs.shape),
        generator.normal(size=model.species_coeffs.shape),
        0.1 * generator.normal(size=model.moment_coeffs.shape),
    )


def crystal(seed: int, spread: float = 0.1) -> Atoms:
    atoms = bulk("Cu", cubic=True)
    generator = np.random.default_rng(seed)
    atoms.symbols[generator.random(4) < 0.5] = "Au"
    atoms.rattle(spread, seed=seed)
    return atoms


@pytest.fixture(scope="module")
def training() -> Dataset:
    return Dataset.from_atoms([crystal(seed) for seed in range(60)])


@pytest.mark.parametrize("mode", ["configuration", "neighborhood"])
@pytest.mark.parametrize("skin", [0.0, 0.5])
def test_grades_come_with_energies(mode: str, skin: float, training: Dataset) -> None:
    active = ActiveSet.from_dataset(potential(), training, mode=mode)  # type: ignore[arg-type]
    atoms = crystal(100, 0.2)
    plain = Calculator(active.potential, skin=skin)
    atoms.calc = Calculator(active.potential, query=active, skin=skin)
    for step in range(3):
        atoms.positions += 0.05 * np.sin(np.arange(12.0) + step).reshape(4, 3)
        energy = atoms.get_potential_energy()
        bare = atoms.copy()
        bare.calc = plain
        assert energy == pytest.approx(bare.get_potential_energy(), abs=1e-12)
        assert atoms.calc.results["grade"] == pytest.approx(active.grade(bare)[0], rel=1e-6)
        if mode == "neighborhood":
            np.testing.assert_allclose(
                atoms.calc.results["grades"], active.site_grades(bare), rtol=1e-6
            )
            assert atoms.calc.results["grade"] == atoms.calc.results["grades"].max()
        else:
            assert "grades" not in atoms.calc.results


def test_another_order_of_species(training: Dataset) -> None:
    active = ActiveSet.from_dataset(potential(("Au", "Cu")), training)
    atoms = crystal(5)
    atoms.calc = Calculator(potential(("Cu", "Au")), query=active)
    assert atoms.calc.get_property("grade", atoms) == pytest.approx(active.grade(atoms)[0])


class Counting(MTP):
    """A potential that counts how often it is evaluated."""

    __slots__ = ()
    calls = 0

    def evaluate_neighborhoods(self, *args: object, **kwargs: object) -> Energies:
        type(self).calls += 1
        return super().evaluate_neighborhoods(*args, **kwargs)  # type: ignore[arg-type]


def test_a_committee_uses_what_the_ensemble_has_computed(training: Dataset) -> None:
    members = tuple(
        Counting.from_model(potential(seed=seed).model, ("Cu", "Au")) for seed in range(3)
    )
    ensemble = Ensemble(members)
    committee = Committee.from_dataset(ensemble, training)
    atoms = crystal(7, 0.3)
    atoms.calc = Calculator(ensemble, query=committee)
    Counting.calls = 0
    atoms.get_forces()
    assert Counting.calls == 3
    assert atoms.calc.results["grade"] == pytest.approx(committee.grade(atoms)[0])
    np.testing.assert_allclose(atoms.calc.results["grades"], committee.site_grades(atoms))
    atoms.calc = Calculator(members[0], query=committee)
    Counting.calls = 0
    atoms.get_forces()
    assert Counting.calls == 1 + 3


def test_a_path_as_query(training: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "pot.almtp"
    active = ActiveSet.from_dataset(potential(), training)
    active.write(path)
    atoms = crystal(3)
    atoms.calc = Calculator(path, query=path)
    assert atoms.calc.get_property("grade", atoms) == pytest.approx(active.grade(atoms)[0])


def test_without_a_query_there_is_no_grade() -> None:
    atoms = crystal(0)
    atoms.calc = Calculator(potential())
    atoms.get_potential_energy()
    assert "grade" not in atoms.calc.results
    with pytest.raises(PropertyNotImplementedError, match="needs a query"):
        atoms.calc.get_property("grade", atoms)


def test_grades_of_atoms_need_neighborhood_mode(training: Dataset) -> None:
    atoms = crystal(0)
    atoms.calc = Calculator(potential(), query=ActiveSet.from_dataset(potential(), training))
    with pytest.raises(PropertyNotImplementedError, match="extrapolation grade of structures"):
        atoms.calc.get_property("grades", atoms)


def test_what_is_no_query_is_refused() -> None:
    with pytest.raises(DataError, match="not int"):
        Calculator(potential(), query=3)  # type: ignore[arg-type]


def test_grades_along_a_trajectory(training: Dataset) -> None:
    active = ActiveSet.from_dataset(potential(), training)
    atoms = crystal(1)
    atoms.calc = Calculator(potential(), query=active)
    grades: list[float] = []
    dynamics = VelocityVerlet(atoms, 2 * units.fs)
    dynamics.attach(lambda: grades.append(atoms.calc.results["grade"]))
    dynamics.run(5)
    assert len(grades) == 6
    assert grades[-1] == pytest.approx(active.grade(atoms)[0], rel=1e-6)


@pytest.mark.parametrize(
    ("writer", "name"),
    [
        *product(["ase", "maxvolt"], ["a.traj", "a.db", "a.json"]),
        ("maxvolt", "a.xyz"),
        ("maxvolt", "a.cfg"),
    ],
)
def test_grades_survive_in_files(writer: str, name: str, training: Dataset, tmp_path: Path) -> None:
    """ASE's own writer of extended XYZ has no place for them, and .cfg is not ASE's."""
    active = ActiveSet.from_dataset(potential(), training, mode="neighborhood")
    atoms = crystal(100, 0.2)
    atoms.calc = Calculator(active.potential, query=active)
    atoms.get_potential_energy()
    grade, grades = atoms.calc.results["grade"], atoms.calc.results["grades"]
    if writer == "ase":
        ase.io.write(tmp_path / name, atoms)
    else:
        maxvolt.write(tmp_path / name, Dataset.from_atoms([atoms]))
    (info,) = maxvolt.read(tmp_path / name).infos
    assert info["grade"] == grade
    arrays = info["arrays"]
    np.testing.assert_array_equal(arrays["nbh_grades" if name == "a.cfg" else "grades"], grades)
    # Grades of other positions are none of these.
    if writer == "ase":
        atoms.positions[0, 0] += 0.1
        ase.io.write(tmp_path / name, atoms)
        assert "grade" not in maxvolt.read(tmp_path / name).infos[-1]
