import json
from dataclasses import dataclass, replace

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from nearest_bonds import NearestBonds

import maxvolt
from maxvolt.errors import DataError, SettingsError
from maxvolt.properties import (
    Findings,
    Property,
    PropertyResult,
    Quantity,
    compute_property,
    find_property,
    register,
    registered,
)
from maxvolt.properties.reference_calculator import reference_calculator
from maxvolt.properties.registry import settings_of

CRYSTAL = bulk("Cu", a=3.6)


def test_an_ensemble_gives_its_spread_and_a_reference_its_value():
    members = [NearestBonds(length) for length in (2.48, 2.50, 2.52)]
    found = compute_property("lattice", members, CRYSTAL, reference=NearestBonds(2.6))
    assert found["a"] == pytest.approx(2.5 * np.sqrt(2), rel=1e-6)
    assert found.values["a"].two_sigma == pytest.approx(2 * 0.02 * np.sqrt(2), rel=1e-3)
    assert found.values["a"].reference == pytest.approx(2.6 * np.sqrt(2), rel=1e-6)
    assert found.members == 3
    assert found.largest_grade is None
    alone = compute_property("lattice", members[1], CRYSTAL)
    assert alone.values["a"].two_sigma is None
    assert alone.values["a"].reference is None


def test_curves_are_compared_with_those_of_the_reference():
    settings = {"structures": ["fcc"], "smallest": 0.9, "largest": 1.1, "points": 5}
    shifted = compute_property(
        "cold-curves", NearestBonds(2.5, 0.5), CRYSTAL, settings, reference=NearestBonds(2.5, 0.6)
    )
    (error,) = shifted.curve_errors.values()
    assert error == pytest.approx(6 * 0.1)  # 6 bonds an atom
    assert len(shifted.plot().axes) == 1
    again = PropertyResult.from_dict(json.loads(json.dumps(shifted.to_dict())))
    assert again.to_dict() == shifted.to_dict()
    assert again.curves == shifted.curves
    known = compute_property("cold-curves", NearestBonds(2.5, 0.5), CRYSTAL, settings)
    reused = compute_property(
        "cold-curves", NearestBonds(2.5, 0.5), CRYSTAL, settings, reference=known
    )
    assert list(reused.curve_errors.values()) == [0.0]


def test_curves_are_compared_as_far_as_both_go():
    settings = {"structures": ["fcc"], "smallest": 0.9, "largest": 1.1, "points": 5}
    known = compute_property("cold-curves", NearestBonds(2.5, 0.5), CRYSTAL, settings)
    (curve,) = known.curves

    def error(x, y):
        other = replace(known, curves=(replace(curve, x=tuple(x), y=tuple(y)),))
        found = compute_property(
            "cold-curves", NearestBonds(2.5, 0.5), CRYSTAL, settings, reference=other
        )
        return list(found.curve_errors.values())

    raised = [curve.y[0] + 0.3, curve.y[1] - 0.4]
    assert error(curve.x[:2], raised) == pytest.approx([np.sqrt(0.125)])
    assert error([*curve.x, 99.0], [*curve.y, 7.0]) == [0.0]
    assert error(np.add(curve.x, 0.1), curve.y) == []
    assert error([], []) == []


def test_the_largest_grade_is_told(tmp_path):
    crystal = bulk("Cu", cubic=True)
    generator = np.random.default_rng(3)
    training = []
    for _ in range(6):
        atoms = crystal.copy()
        atoms.positions += 0.1 * generator.normal(size=atoms.positions.shape)
        atoms.calc = EMT()
        atoms.get_stress()
        training.append(atoms)
    dataset = maxvolt.Dataset.from_atoms(training)
    start = maxvolt.MTP(4, ["Cu"], cutoff=4.5, min_dist=2.0)
    potential = maxvolt.fit(start, dataset, max_iterations=5, starts=1).potential
    active = maxvolt.ActiveSet.from_dataset(potential, dataset, mode="neighborhood")
    settings = {"structures": ["sc"], "smallest": 0.8, "largest": 2.0, "points": 5}
    found = compute_property("cold-curves", potential, CRYSTAL, settings, query=active)
    calculator = maxvolt.Calculator(potential, query=active)
    grades = []
    for volume in found.curves[0].x:
        atoms = bulk("Cu", "sc", a=volume ** (1 / 3))
        atoms.calc = calculator
        atoms.get_potential_energy()
        grades.append(calculator.results["grade"])
    assert found.largest_grade >= max(grades) - 1e-9
    assert found.largest_grade > 2
    assert "train on them" in found.warnings[-1]
    assert compute_property("cold-curves", potential, CRYSTAL, settings).largest_grade is None


@dataclass(frozen=True)
class Nothing:
    """Settings of a test.

    Parameters
    ----------
    factor
        Number that is multiplied by.
    """

    factor: float = 1.0


def test_a_property_of_somebody_else():
    def atoms_of(calculator, atoms, settings):
        return Findings("Atoms", {"atoms": Quantity(settings.factor * len(atoms))})

    one = Property("atoms-of-a-test", "Atoms", "how many atoms", Nothing, atoms_of)
    assert register(one) is one
    assert find_property("atoms-of-a-test") is one
    found = compute_property("atoms-of-a-test", EMT(), CRYSTAL, {"factor": 3})
    assert found["atoms"] == 3
    assert found.settings == {"factor": 3}
    with pytest.raises(DataError, match="already"):
        register(Property("atoms-of-a-test", "Other", "", Nothing, atoms_of))


def test_names_and_settings_are_checked():
    with pytest.raises(DataError, match="did you mean vacancies"):
        find_property("vacancys")
    vacancies = find_property("vacancies")
    with pytest.raises(SettingsError, match="did you mean size"):
        settings_of(vacancies, {"sice": 3})
    with pytest.raises(SettingsError, match="size"):
        settings_of(vacancies, {"size": "large"})
    assert settings_of(vacancies, {"size": 9}).size == 9
    for one in registered().values():
        assert one.settings() == settings_of(one, {})


def test_references_by_name(tmp_path):
    crystal = bulk("Cu", a=3.6)
    crystal.calc = EMT()
    direct = crystal.get_potential_energy(), crystal.get_stress()
    settings = tmp_path / "emt.toml"
    settings.write_text('calculator = "emt"\n')
    for given in ("emt", str(settings), "ase.calculators.emt:EMT"):
        crystal.calc = reference_calculator(given)
        assert crystal.get_potential_energy() == pytest.approx(direct[0])
        np.testing.assert_allclose(crystal.get_stress(), direct[1])
    with pytest.raises(DataError, match="no such file"):
        reference_calculator("missing.mtp")
    with pytest.raises(DataError, match="unknown calculator"):
        reference_calculator("nobody")
    with pytest.raises(DataError, match="emt: EMT has no parameters for Fe"):
        compute_property("lattice", reference_calculator("emt"), bulk("Fe"))
