"""Where fits begin."""

from __future__ import annotations

import numpy as np
import pytest
from ase.build import bulk

from maxvolt.campaign.fit_start import start_of_fit
from maxvolt.campaign.settings.sections import PotentialSection
from maxvolt.dataset import Dataset
from maxvolt.neighbors import minimum_distances
from maxvolt.potentials import MTP


def crystal(a: float, seed: int = 0) -> Dataset:
    atoms = bulk("Al", cubic=True, a=a) * 2
    atoms.rattle(0.05, seed=seed)
    return Dataset.from_atoms([atoms])


def trained(potential: MTP) -> MTP:
    generator = np.random.default_rng(0)
    model = potential.model
    return potential.with_coefficients(
        generator.normal(size=model.radial_coeffs.shape),
        generator.normal(size=model.species_coeffs.shape),
        generator.normal(size=model.moment_coeffs.shape),
        scaling=0.1,
    )


def section(**values: object) -> PotentialSection:
    return PotentialSection.model_validate(
        {"species": ("Al",), "level": 6, "cutoff": 6.0, "radial_basis_size": 6, **values}
    )


def test_min_dist_lies_below_the_shortest_distance() -> None:
    data = crystal(4.05)
    start = start_of_fit(section(), data, None)
    assert not start.is_trained
    assert start.min_dist == pytest.approx(0.95 * minimum_distances(data).overall)
    assert start_of_fit(section(cutoff=4.0), data, None).min_dist == 2.0


def test_min_dist_given() -> None:
    assert start_of_fit(section(min_dist=1.5), crystal(4.05), None).min_dist == 1.5


def test_the_same_form_goes_on_with_its_coefficients() -> None:
    data = crystal(4.05)
    before = trained(start_of_fit(section(), data, None))
    after = start_of_fit(section(), crystal(4.3), before)
    assert after.min_dist == before.min_dist
    np.testing.assert_array_equal(after.model.parameters, before.model.parameters)


def test_a_shorter_distance_keeps_the_radial_functions() -> None:
    before = trained(start_of_fit(section(), crystal(4.05), None))
    closer = crystal(3.6)
    after = start_of_fit(section(), closer, before)
    assert after.is_trained
    assert after.min_dist < before.min_dist
    energies = [p.evaluate_dataset(closer).site_energies for p in (before, after)]
    np.testing.assert_allclose(energies[1], energies[0], rtol=1e-10)


@pytest.mark.parametrize(
    "changed", [{"level": 8}, {"cutoff": 5.5}, {"radial_basis_size": 7}, {"zbl": (1.0, 2.0)}]
)
def test_another_form_begins_anew(changed: dict[str, object]) -> None:
    before = trained(start_of_fit(section(), crystal(4.05), None))
    assert not start_of_fit(section(**changed), crystal(4.05), before).is_trained


def test_other_bases_begin_anew_where_min_dist_shrinks() -> None:
    wanted = section(radial_basis="RBShapeev")
    before = trained(start_of_fit(wanted, crystal(4.05), None))
    assert start_of_fit(wanted, crystal(4.05), before).is_trained
    assert not start_of_fit(wanted, crystal(3.6), before).is_trained
