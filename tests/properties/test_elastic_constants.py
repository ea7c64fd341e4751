import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones
from matplotlib.figure import Figure
from scipy.spatial.transform import Rotation
from strained_toy import StrainedToy, cubic_stiffness

from maxvolt.errors import DataError, MaxvoltError
from maxvolt.properties import (
    InternalRelaxation,
    elastic_constants,
    equation_of_state,
    lattice_constant,
)
from maxvolt.properties.deformation import strain_tensor
from maxvolt.units import GPA_PER_EV_A3, VOIGT


@pytest.fixture(scope="module")
def copper():
    return lattice_constant(EMT(), bulk("Cu"), tolerance=1e-10).atoms


def energy_second_difference(atoms, strain):
    """Elastic constant along `strain` from energies alone: (E+ - 2 E0 + E-) / (V h^2), in GPa."""
    energies = []
    for sign in (-1, 0, 1):
        copy = atoms.copy()
        copy.set_cell(atoms.cell.array @ (np.eye(3) + sign * strain), scale_atoms=True)
        copy.calc = EMT()
        energies.append(copy.get_potential_energy())
    curvature = (energies[0] - 2 * energies[1] + energies[2]) / atoms.get_volume()
    return curvature * GPA_PER_EV_A3


@pytest.mark.parametrize(("component", "name"), [(0, "C11"), (3, "C44"), (5, "C44")])
def test_copper_agrees_with_second_differences_of_the_energy(copper, component, name):
    amount = 2e-3
    from_energy = energy_second_difference(copper, strain_tensor(component, amount)) / amount**2
    constants = elastic_constants(EMT(), copper, strain=1e-3)
    assert getattr(constants, name) == pytest.approx(from_energy, rel=2e-3)


def test_c12_agrees_with_second_differences_of_the_energy(copper):
    amount = 2e-3
    strain = strain_tensor(0, amount) + strain_tensor(1, amount)
    # Biaxial strain costs (C11 + C11 + 2 C12) h^2 / 2.
    from_energy = energy_second_difference(copper, strain) / amount**2
    constants = elastic_constants(EMT(), copper, strain=1e-3)
    from_stress = 2 * (constants.C11 + constants.C12)
    assert from_stress == pytest.approx(from_energy, rel=2e-3)


def test_copper_is_cubic_symmetric_stable_and_has_the_bulk_modulus_of_its_energy_curve(copper):
    constants = elastic_constants(EMT(), copper)
    assert constants.strain == 0.01
    assert constants.cubic_deviation < 0.05
    assert constants.asymmetry < 2.0
    assert constants.is_stable
    assert np.abs(constants.reference_stress).max() < 1e-5
    curve = equation_of_state(EMT(), copper, volume_range=0.03)
    assert constants.bulk_modulus == pytest.approx(curve.bulk_modulus, rel=0.01)
    cubic_bulk_modulus = (constants.C11 + 2 * constants.C12) / 3
    assert cubic_bulk_modulus == pytest.approx(constants.bulk_modulus)


def rotated_stiffness(matrix, rotation):
    """Rotate a 6x6 stiffness through the tensor of fourth rank."""
    tensor = np.zeros((3, 3, 3, 3))
    for p, (a, b) in enumerate(VOIGT):
        for q, (c, d) in enumerate(VOIGT):
            for i, j in {(a, b), (b, a)}:
                for k, m in {(c, d), (d, c)}:
                    tensor[i, j, k, m] = matrix[p, q]
    turned = np.einsum("ia,jb,kc,ld,abcd->ijkl", *[rotation] * 4, tensor, optimize=True)
    return np.array([[turned[a, b, c, d] for c, d in VOIGT] for a, b in VOIGT])


def test_full_matrix_turns_with_the_crystal(copper):
    rotation = Rotation.from_euler("xyz", [0.3, -0.5, 0.8]).as_matrix()
    turned = copper.copy()
    turned.set_cell(copper.cell.array @ rotation.T, scale_atoms=True)
    straight = elastic_constants(EMT(), copper, strain=1e-4)
    tilted = elastic_constants(EMT(), turned, strain=1e-4)
    expected = rotated_stiffness(straight.matrix, rotation)
    assert tilted.matrix == pytest.approx(expected, abs=0.05)
    assert tilted.cubic_deviation > 10.0
    assert np.linalg.eigvalsh(expected)[0] > 0


@pytest.fixture(scope="module")
def hexagonal():
    calculator = LennardJones(sigma=1.0, epsilon=1.0, rc=3.0, smooth=True)
    return bulk("Ar", "hcp", a=1.10, c=1.10 * np.sqrt(8 / 3)), calculator


def test_internal_relaxation_lowers_the_basal_shear_constant_of_hcp(hexagonal):
    atoms, calculator = hexagonal
    tight = InternalRelaxation(force_tolerance=1e-6)
    relaxed = elastic_constants(calculator, atoms, strain=1e-3, relaxation=tight).matrix
    clamped = elastic_constants(calculator, atoms, strain=1e-3, relaxation=None).matrix
    # Under basal shear the two sublattices of hcp slide against each other.
    assert relaxed[5, 5] < 0.97 * clamped[5, 5]
    # Isotropy in the basal plane holds in both.
    assert relaxed[5, 5] == pytest.approx((relaxed[0, 0] - relaxed[0, 1]) / 2, rel=1e-3)
    assert clamped[5, 5] == pytest.approx((clamped[0, 0] - clamped[0, 1]) / 2, rel=1e-3)


def test_relaxation_that_does_not_converge_is_an_error(hexagonal):
    atoms, calculator = hexagonal
    hopeless = InternalRelaxation(force_tolerance=1e-9, max_steps=1)
    with pytest.raises(MaxvoltError, match="after 1 steps a force of"):
        elastic_constants(calculator, atoms, relaxation=hopeless)


def test_strain_must_be_small_and_positive(copper):
    with pytest.raises(DataError, match="strain must lie between"):
        elastic_constants(EMT(), copper, strain=-0.01)


def test_result_can_be_plotted_and_written(copper):
    constants = elastic_constants(EMT(), copper)
    figure = constants.plot()
    assert isinstance(figure, Figure)
    assert len(figure.axes[0].texts) == 36
    document = constants.to_dict()
    assert np.shape(document["matrix_GPa"]) == (6, 6)
    assert document["C44_GPa"] == constants.C44


def test_harmonic_crystal_has_no_nonlinearity_and_no_warnings():
    atoms = bulk("Mo", cubic=True)
    stiffness = cubic_stiffness(350.0, 160.0, 100.0)
    constants = elastic_constants(StrainedToy(atoms, stiffness), atoms)
    assert constants.matrix == pytest.approx(stiffness, abs=1e-9)
    assert constants.nonlinearity == pytest.approx(np.zeros((6, 6)), abs=1e-9)
    assert constants.largest_relative_nonlinearity == pytest.approx(0.0, abs=1e-10)
    assert constants.warnings == ()
    assert constants.to_dict()["warnings"] == []


def test_jump_of_the_stress_is_named_with_both_values_and_the_remedy():
    atoms = bulk("Mo", cubic=True)
    toy = StrainedToy(atoms, cubic_stiffness(350.0, 160.0, 100.0), jump=4.0)
    constants = elastic_constants(toy, atoms, strain=0.02)
    # 4 GPa more at strain 0.02 on either side: 200 GPa on C11, and nothing at strain 0.01.
    assert constants.matrix[0, 0] == pytest.approx(550.0)
    assert np.diag(constants.nonlinearity) == pytest.approx([200.0] * 3 + [0.0] * 3, abs=1e-9)
    assert constants.largest_relative_nonlinearity == pytest.approx(200 / 350)
    (warning,) = constants.warnings
    assert "C11 (550.0 GPa at strain 0.02, 350.0 GPa at half of it: 57%)" in warning
    assert "use a smaller strain" in warning
    assert "C12" not in warning
    assert "C44" not in warning
    document = constants.to_dict()
    assert document["warnings"] == [warning]
    assert document["largest_relative_nonlinearity"] == constants.largest_relative_nonlinearity
    assert document["nonlinearity_GPa"][0][0] == pytest.approx(200.0)
    axes = constants.plot().axes[0]
    assert axes.get_title() == "change from half the strain: up to 57.1%"
    assert axes.texts[0].get_text() == "550\n± 200"
    assert axes.texts[1].get_text() == "160"
    assert elastic_constants(toy, atoms, strain=0.01).warnings == ()


@pytest.mark.parametrize(("jump", "warned"), [(0.34, False), (0.36, True)])
def test_the_limit_is_five_percent(jump, warned):
    atoms = bulk("Mo", cubic=True)
    toy = StrainedToy(atoms, cubic_stiffness(350.0, 160.0, 100.0), jump=jump)
    assert bool(elastic_constants(toy, atoms, strain=0.02).warnings) is warned


def test_elements_of_a_matrix_that_is_not_cubic_are_judged_one_by_one():
    atoms = bulk("Ti")
    stiffness = cubic_stiffness(160.0, 90.0, 50.0)
    stiffness[2, 2] = 400.0
    constants = elastic_constants(StrainedToy(atoms, stiffness, jump=0.3), atoms, strain=0.02)
    assert not constants.is_cubic
    (warning,) = constants.warnings
    # 15 GPa is 9 % of 160 but 4 % of 400; the mean would hide it.
    assert "C11 (175.0 GPa" in warning
    assert "C22 (175.0 GPa" in warning
    assert "C33" not in warning
    assert "matrix in GPa" in repr(constants)


def test_noise_at_a_tiny_strain_is_not_answered_with_a_smaller_one(copper):
    class Noisy(EMT):
        def calculate(self, *arguments, **options):
            super().calculate(*arguments, **options)
            strain = self.atoms.cell.volume / copper.cell.volume - 1
            self.results["stress"] = self.results["stress"] + 1e-3 * np.sign(strain)

    (warning,) = elastic_constants(Noisy(), copper, strain=1e-3).warnings
    assert "use a larger strain" in warning


def test_smooth_copper_has_no_warnings_and_says_its_units(copper):
    constants = elastic_constants(EMT(), copper, strain=0.02)
    assert constants.warnings == ()
    assert 0 < constants.largest_relative_nonlinearity < 0.01
    finer = elastic_constants(EMT(), copper, strain=0.001)
    error = np.abs(constants.matrix - finer.matrix).max()
    assert error == pytest.approx(np.abs(constants.nonlinearity).max() * 4 / 3, rel=0.1)
    assert "C11 = 172.4 GPa" in repr(constants)
    assert "warning" not in str(constants)


def test_repr_shows_the_warnings():
    atoms = bulk("Mo", cubic=True)
    toy = StrainedToy(atoms, cubic_stiffness(350.0, 160.0, 100.0), jump=4.0)
    constants = elastic_constants(toy, atoms, strain=0.02)
    assert repr(constants).splitlines()[1] == f"warning: {constants.warnings[0]}"


def test_crystal_without_stress_has_no_change():
    atoms = bulk("Mo")
    constants = elastic_constants(StrainedToy(atoms, np.zeros((6, 6))), atoms)
    assert constants.largest_relative_nonlinearity == 0.0
    assert constants.warnings == ()
