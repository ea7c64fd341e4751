"""Neighbour shells that cross the cutoff, where second derivatives jump."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from cutoff_pair import CutoffPair
from strained_toy import StrainedToy, cubic_stiffness

import maxvolt
from maxvolt.errors import DataError
from maxvolt.properties import (
    elastic_constants,
    equation_of_state,
    interaction_cutoff,
    lattice_constant,
    nearest_shell,
)
from maxvolt.properties.deformation import strain_tensor
from maxvolt.properties.shells import changed_shell, largest_clear_strain
from maxvolt.units import GPA_PER_EV_A3

FOURTH = 3.16 * np.sqrt(11) / 2


@pytest.fixture
def crystal():
    return bulk("Mo", a=3.16)


def c11_from_second_derivatives(atoms, cutoff=5.2, a=3.16):
    """Sum over neighbours of phi'' x^4 / r^2 / V (the crystal is in equilibrium), in GPa."""
    steepness = CutoffPair(cutoff).steepness
    total = 0.0
    for vector in a * (np.mgrid[-4:5, -4:5, -4:5].reshape(3, -1).T / 2):
        # bcc: all coordinates integral, or all of them half integral.
        doubled = np.round(2 * vector / a).astype(int)
        r = np.linalg.norm(vector)
        if len({coordinate % 2 for coordinate in doubled}) > 1 or not 0 < r < cutoff:
            continue
        x = cutoff - r
        first = 2 * x - 3 * steepness * x**2
        second = -2 + 6 * steepness * x
        total += (second - first / r) * vector[0] ** 4 / r**2 / 2
    # The stress of the same pairs vanishes, so it adds nothing.
    return total / atoms.get_volume() * GPA_PER_EV_A3


def test_strain_is_chosen_so_that_no_shell_crosses(crystal):
    constants = elastic_constants(CutoffPair(), crystal)
    # Along x the fourth shell comes to 5.2 A at strain 0.00943.
    assert constants.strain == 0.0092
    c11 = c11_from_second_derivatives(crystal)
    assert abs(constants.C11 - c11) < 2e-3 * c11
    assert constants.warnings == ()
    assert constants.notes == ()
    assert constants.crossing is None
    assert constants.cutoff == 5.2


def test_strain_that_brings_a_shell_to_the_cutoff_is_refused_and_the_shell_named(crystal):
    with pytest.raises(
        DataError,
        match=r"the Mo-Mo shell at 5\.2403 A \(cutoff 5\.2 A\) crosses .* of 0\.02.* at most 0\.0",
    ):
        elastic_constants(CutoffPair(), crystal, strain=0.02)
    assert elastic_constants(CutoffPair(), crystal, strain=0.009).warnings == ()


def test_calculator_that_does_not_say_its_cutoff_is_not_checked_and_it_says_so(crystal):
    constants = elastic_constants(CutoffPair(says_cutoff=False), crystal, strain=0.02)
    assert constants.C11 < 0  # the wrong number that the check is there to prevent
    assert "does not say its cutoff" in constants.notes[0]
    assert repr(constants).splitlines()[-1] == f"note: {constants.notes[0]}"
    assert constants.to_dict()["notes"] == list(constants.notes)


def test_shell_at_the_cutoff_itself_is_named_with_what_it_does(crystal):
    constants = elastic_constants(CutoffPair(FOURTH), crystal)
    warning = constants.warnings[0]
    assert "the Mo-Mo shell at 5.2403 A (cutoff 5.24027 A) crosses" in warning
    assert "no strain down to 0.0001" in warning
    assert constants.to_dict()["warnings"][0] == warning
    # Then no smaller strain would help, so one that is given is not refused.
    assert elastic_constants(CutoffPair(FOURTH), crystal, strain=0.005).crossing is not None


def test_limit_of_the_strain_is_where_the_first_pair_crosses():
    rng = np.random.default_rng(5)
    atoms = bulk("NaCl", "rocksalt", a=5.64) * (2, 1, 1)
    atoms.positions += rng.normal(scale=0.05, size=atoms.positions.shape)
    strains = np.stack([strain_tensor(component, 1.0) for component in range(6)])
    limit, shell = largest_clear_strain(atoms, 5.0, strains, 0.2)

    def crossed(amount):
        copies = []
        for strain in [*strains, *-strains]:
            copies.append(atoms.copy())
            copies[-1].set_cell(atoms.cell @ (np.eye(3) + amount * strain), scale_atoms=True)
        return any(changed_shell(atoms, copy, 5.0) for copy in copies)

    assert 0 < limit < 0.2
    assert not crossed(limit)
    assert crossed(limit / 0.97)
    assert set(shell.species) <= {"Na", "Cl"}
    assert largest_clear_strain(atoms, 5.0, strains, limit / 2) == (limit / 2, None)


def test_nearest_shell_limits_displacements(crystal):
    shell = nearest_shell(crystal, 5.2)
    assert shell.distance == pytest.approx(FOURTH)
    assert shell.gap == pytest.approx(FOURTH - 5.2)
    assert nearest_shell(Atoms("Mo", cell=[40, 40, 40], pbc=True), 5.2) is None


def test_cutoff_is_that_of_the_potential():
    potential = maxvolt.MTP(level=2, species=["Mo"], cutoff=4.5, min_dist=1.0)
    calculator = maxvolt.Calculator(potential)
    assert interaction_cutoff(calculator) == 4.5
    ensemble = maxvolt.Calculator(maxvolt.Ensemble((potential, potential)))
    assert interaction_cutoff(ensemble) == 4.5
    assert interaction_cutoff(EMT()) is None


def test_equation_of_state_is_fitted_between_the_crossings(crystal):
    curve = equation_of_state(CutoffPair(), crystal)
    # B = (C11 + 2 C12) / 3.
    bulk_modulus = elastic_constants(CutoffPair(), crystal).bulk_modulus
    assert curve.bulk_modulus == pytest.approx(bulk_modulus, rel=2e-3)
    assert curve.warnings == ()
    assert len(curve.volumes) == 13
    assert "fitted to the 9 volumes from 15.46" in curve.notes[0]
    assert "the Mo-Mo shell at 5.2403 A (cutoff 5.2 A) crosses it at 15.42" in curve.notes[0]
    assert len(curve.to_dict()["fitted_volumes_A3_per_atom"]) == 9
    blind = equation_of_state(CutoffPair(says_cutoff=False), crystal)
    assert blind.bulk_modulus < 0.9 * bulk_modulus


def test_crossing_that_cannot_be_left_out_is_named(crystal):
    curve = equation_of_state(CutoffPair(), crystal, points=5)
    assert curve.fitted is None
    assert "(the Mo-Mo shell at 5.2403 A (cutoff 5.2 A) crosses it at 15.42" in curve.warnings[0]


def test_lattice_constant_does_not_feel_the_jump():
    """The pressure is continuous where a shell crosses."""
    found = lattice_constant(CutoffPair(), bulk("Mo", a=3.13), tolerance=1e-10)
    assert found.value == pytest.approx(3.16, abs=1e-7)


def test_crystal_under_stress_is_named_with_the_remedy():
    atoms = bulk("Mo", cubic=True)
    toy = StrainedToy(atoms, cubic_stiffness(350.0, 160.0, 100.0))
    squeezed = atoms.copy()
    squeezed.set_cell(0.99 * atoms.cell.array, scale_atoms=True)
    (warning,) = elastic_constants(toy, squeezed).warnings
    assert "a stress of 6.7 GPa is left" in warning
    assert "lattice_constant" in warning
    assert "FrechetCellFilter" in warning


def test_clamped_atoms_with_forces_are_named(crystal):
    atoms = bulk("Cu", cubic=True)
    atoms.positions[0, 0] += 0.02
    constants = elastic_constants(EMT(), atoms, relaxation=None)
    assert any("a force of" in warning for warning in constants.warnings)
    assert elastic_constants(EMT(), atoms).largest_force < 1e-3
