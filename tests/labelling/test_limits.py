"""What becomes a label, and what does not."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from maxvolt.errors import DataError
from maxvolt.labelling.limits import LabelLimits, RejectedError, labels_from_results

ATOMS = bulk("Al", cubic=True)


def results(**changes):
    good = {
        "energy": -3.0,
        "free_energy": -3.5,
        "forces": np.full((4, 3), 0.5),
        "stress": np.arange(6.0),
    }
    return {**good, **changes}


def test_the_energy_is_the_one_the_forces_belong_to():
    labels = labels_from_results(results(), ATOMS, LabelLimits())
    assert (labels.free_energy, labels.energy) == (-3.5, -3.0)
    assert labels.stress == pytest.approx(np.arange(6.0))
    only = labels_from_results(results(free_energy=None), ATOMS, LabelLimits())
    assert (only.free_energy, only.energy) == (-3.0, -3.0)


def test_a_slab_has_no_stress():
    slab = ATOMS.copy()
    slab.pbc = [True, True, False]
    assert labels_from_results(results(), slab, LabelLimits()).stress is None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"energy": None, "free_energy": None}, "no energy"),
        ({"free_energy": float("nan")}, "free_energy holds NaN"),
        ({"energy": float("inf")}, "energy holds NaN or infinity"),
        ({"forces": None}, "no forces"),
        ({"forces": np.zeros((3, 3))}, r"forces has shape \(3, 3\); expected \(4, 3\)"),
        ({"forces": np.full((4, 3), np.nan)}, "forces holds NaN"),
        ({"forces": "spoilt"}, "forces is 'spoilt'"),
        ({"stress": np.full(6, np.nan)}, "stress holds NaN"),
        ({"stress": np.zeros((3, 3))}, "stress has shape"),
        ({"stress": np.full(6, -101.0)}, r"a stress of 101 eV/A\^3 is above the limit of 100"),
        ({"energy": "1.5"}, "energy is '1.5'; expected numbers"),
        ({"forces": np.full((4, 3), 0.5j)}, r"forces is array[\s\S]*expected numbers"),
        ({"energy": -80_000.0}, r"energy is -20000 eV/atom, beyond the limit of 17624\.1 eV/atom"),
    ],
)
def test_what_is_no_label(changes, reason):
    with pytest.raises(RejectedError, match=reason):
        labels_from_results(results(**changes), ATOMS, LabelLimits())


def test_the_largest_force_is_the_length_of_a_vector():
    forces = np.zeros((4, 3))
    forces[2] = [30.0, 40.0, 0.0]
    labels_from_results(results(forces=forces), ATOMS, LabelLimits(max_force=50.0))
    with pytest.raises(RejectedError, match=r"a force of 50 eV/A is above the limit of 49\.9"):
        labels_from_results(results(forces=forces), ATOMS, LabelLimits(max_force=49.9))


@pytest.mark.parametrize(
    ("symbol", "energy"),
    [  # of atoms with all electrons in the local density approximation, uranium relativistic
        ("H", -0.4457 * 27.2114),
        ("Al", -241.3 * 27.2114),
        ("U", -28001.0 * 27.2114),
    ],
)
def test_energies_of_all_electrons_are_within_the_limit(symbol, energy):
    limit = LabelLimits().largest_energy(Atoms(symbol))
    assert abs(energy) < limit < 3 * abs(energy) + 1000.0 + 60.0


def test_a_limit_of_the_energy_is_per_atom():
    limits = LabelLimits(max_energy=1.0)
    labels_from_results(results(energy=-4.0, free_energy=-4.0), ATOMS, limits)
    with pytest.raises(RejectedError, match="beyond the limit of 1 eV/atom"):
        labels_from_results(results(energy=-4.0, free_energy=-4.1), ATOMS, limits)


def test_labels_do_not_change_with_the_array_of_the_calculator():
    given = results()
    labels = labels_from_results(given, ATOMS, LabelLimits())
    given["forces"][:] = 7.0
    assert (labels.forces == 0.5).all()


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_force": 0.0},
        {"max_force": float("nan")},
        {"max_energy": 0.0},
        {"max_stress": -1.0},
        {"timeout": 0.0},
        {"retries": -1},
    ],
)
def test_limits_that_make_no_sense(wrong):
    with pytest.raises(DataError, match=next(iter(wrong))):
        LabelLimits(**wrong)
