"""Evaluation piece by piece: the same numbers, and messages that count through all pieces."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from maxvolt import MTP, Dataset
from maxvolt.errors import DataError
from maxvolt.potentials.evaluation import ATOMS_AT_ONCE
from maxvolt.potentials.stepped import SteppedPotential


@pytest.fixture(scope="module")
def mtp() -> MTP:
    untrained = MTP(2, ["Cu"], 3.0, 2.0, radial_basis_size=3)
    model = untrained.model
    return untrained.with_coefficients(
        np.full(model.radial_coeffs.shape, 0.1), np.ones(1), np.ones(len(model.moment_coeffs))
    )


@pytest.fixture(scope="module")
def crystals() -> Dataset:
    """Three pieces."""
    crystal = bulk("Cu", cubic=True) * (9, 10, 11)
    crystal.rattle(0.1, seed=1)
    assert len(crystal) > ATOMS_AT_ONCE // 6
    return Dataset.from_atoms([crystal] * 12)


def test_pieces_give_what_the_whole_gives(mtp: MTP, crystals: Dataset) -> None:
    done: list[int] = []
    found = SteppedPotential(mtp, done.append).evaluate_dataset(crystals)
    expected = mtp.evaluate_dataset(crystals)
    assert len(done) > 2
    assert sum(done) == len(crystals)
    np.testing.assert_array_equal(found.energies, expected.energies)
    np.testing.assert_array_equal(found.forces, expected.forces)
    np.testing.assert_array_equal(found.stresses, expected.stresses)


def test_a_structure_has_the_same_number_in_messages(mtp: MTP, crystals: Dataset) -> None:
    twice = Atoms("Cu2", np.ones((2, 3)))
    structures = [*(crystals[k] for k in range(len(crystals))), twice]
    with pytest.raises(DataError, match="structure 12 coincides with another atom"):
        SteppedPotential(mtp).evaluate_dataset(Dataset.from_atoms(structures))
