"""Every static property says how far a potential extrapolated, and how far members differ."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from nearest_bonds import NearestBonds

import maxvolt
from maxvolt.properties import compute_property, interaction_cutoff
from maxvolt.properties.grade_recorder import GradeRecorder
from maxvolt.properties.static.all_properties import STATIC
from promises import needs

sys.path.insert(0, str(Path(__file__).parents[1] / "potentials"))
from make_potentials import copper

SMALL: dict[str, dict[str, Any]] = {
    "cold-curves": {"structures": ["fcc", "sc"], "smallest": 0.9, "largest": 1.3, "points": 5},
    "paths": {"points": 5},
    "stacking-faults": {"points": 5, "height": 8.0},
    "vacancies": {"size": 7.0},
    "vacancy-migration": {"size": 7.0, "images": 1, "band_tolerance": 0.1},
    "interstitials": {"size": 7.0},
    "surfaces": {"surfaces": ["100"], "thickness": 7.0},
    "grain-boundaries": {
        "boundaries": ["Σ5(210)"], "thickness": 5.0, "shifts": [1, 1], "overlaps": [0.7],
        "force_tolerance": 0.05,
    },
    "phonons": {"size": 6.0, "mesh": 4},
    "quasi-harmonic": {"size": 4.0, "mesh": 4, "volumes": 5},
}  # fmt: skip
ALONE = {"phonons", "quasi-harmonic"}
"""Properties that need phonopy."""


@pytest.fixture(scope="module")
def active() -> maxvolt.ActiveSet:
    """Crystals near equilibrium alone are known."""
    generator = np.random.default_rng(4)
    training = []
    for _ in range(8):
        atoms = bulk("Cu", a=3.6, cubic=True)
        atoms.set_cell(atoms.cell * generator.uniform(0.99, 1.01), scale_atoms=True)
        atoms.positions += 0.03 * generator.normal(size=atoms.positions.shape)
        training.append(atoms)
    return maxvolt.ActiveSet.from_dataset(
        copper(), maxvolt.Dataset.from_atoms(training), mode="neighborhood"
    )


def other() -> maxvolt.MTP:
    """A potential with slightly deeper bonds."""
    model = copper().model
    deeper = 1.02 * model.moment_coeffs
    return copper().with_coefficients(model.radial_coeffs, model.species_coeffs, deeper)


@pytest.mark.parametrize("name", [one.name for one in STATIC])
def test_each_property_has_a_grade_and_a_spread(name: str, active: maxvolt.ActiveSet) -> None:
    if name in ALONE:
        needs("phonopy")
    members = [copper(), other()]
    found = compute_property(name, members, bulk("Cu", a=3.6), SMALL.get(name, {}), query=active)
    assert found.members == 2
    assert found.largest_grade is not None
    assert found.largest_grade > 0
    defects = {"vacancies", "vacancy-migration", "interstitials", "surfaces", "grain-boundaries"}
    if name in defects:  # what the active set does not know
        assert found.largest_grade > 2
        assert any("extrapolates" in text for text in found.warnings)
    spreads = [value.two_sigma for value in found.values.values()]
    assert all(spread is not None for spread in spreads)
    assert np.nanmax(np.array(spreads, float)) > 0


def test_the_cutoff_of_a_plain_calculator_is_passed_on() -> None:
    bonds = NearestBonds()
    assert interaction_cutoff(GradeRecorder(bonds)) == bonds.cutoff == 3.0
    assert interaction_cutoff(GradeRecorder(EMT())) is None
    found = compute_property("vacancies", bonds, bulk("Cu", a=3.5), {"size": 7.0})
    assert not any("does not say its cutoff" in text for text in found.notes)
