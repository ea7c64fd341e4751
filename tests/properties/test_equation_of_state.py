import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones
from matplotlib.figure import Figure

from maxvolt.errors import DataError, MaxvoltError
from maxvolt.properties import (
    EquationOfState,
    equation_of_state,
    fit_birch_murnaghan,
    lattice_constant,
)


def known_curve(volumes):
    return EquationOfState(
        volumes=volumes,
        energies=np.zeros_like(volumes),
        volume=15.8,
        energy=-10.9,
        bulk_modulus=262.0,
        bulk_modulus_derivative=4.3,
        residual=0.0,
    ).energy_at(volumes)


def test_fit_recovers_the_parameters_of_a_birch_murnaghan_curve():
    volumes = np.linspace(14.5, 17.0, 9)
    fitted = fit_birch_murnaghan(volumes, known_curve(volumes))
    assert fitted.volume == pytest.approx(15.8, rel=1e-9)
    assert fitted.energy == pytest.approx(-10.9, rel=1e-12)
    assert fitted.bulk_modulus == pytest.approx(262.0, rel=1e-8)
    assert fitted.bulk_modulus_derivative == pytest.approx(4.3, rel=1e-6)
    assert fitted.residual < 1e-10


def test_energy_at_has_the_stated_bulk_modulus():
    # B = V d2E/dV2, by finite differences of the closed form.
    step = 1e-3
    low, middle, high = known_curve(np.array([15.8 - step, 15.8, 15.8 + step]))
    from_curve = 15.8 * (low - 2 * middle + high) / step**2 * 160.2176634
    assert from_curve == pytest.approx(262.0, rel=1e-5)


def test_order_of_the_volumes_does_not_matter():
    volumes = np.linspace(14.5, 17.0, 9)
    shuffled = volumes[[3, 1, 8, 0, 2, 7, 5, 4, 6]]
    fitted = fit_birch_murnaghan(shuffled, known_curve(shuffled))
    assert fitted.volume == pytest.approx(15.8, rel=1e-9)
    assert (np.diff(fitted.volumes) > 0).all()


def test_copper_minimum_agrees_with_vanishing_pressure_and_is_per_atom():
    atoms = bulk("Cu", a=3.6)
    curve = equation_of_state(EMT(), atoms)
    constant = lattice_constant(EMT(), atoms)
    assert (4 * curve.volume) ** (1 / 3) == pytest.approx(constant.value, rel=2e-4)
    larger = equation_of_state(EMT(), atoms * (2, 1, 1))
    assert larger.volume == pytest.approx(curve.volume, rel=1e-9)
    assert larger.bulk_modulus == pytest.approx(curve.bulk_modulus, rel=1e-7)


def test_atoms_and_calculator_of_the_caller_stay_as_they_are():
    atoms = bulk("Cu", a=3.6)
    before = atoms.copy()
    equation_of_state(EMT(), atoms)
    assert atoms == before
    assert atoms.calc is None


def test_no_minimum_in_the_range_is_an_error_with_the_remedy():
    with pytest.raises(MaxvoltError, match=r"no minimum between .* widen volume_range"):
        equation_of_state(EMT(), bulk("Cu", a=4.1), volume_range=0.03)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [({"points": 4}, "points must be at least 5"), ({"volume_range": 1.5}, "between 0 and 1")],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(DataError, match=message):
        equation_of_state(EMT(), bulk("Cu"), **arguments)


def test_molecules_are_refused():
    with pytest.raises(DataError, match="periodic in three directions"):
        equation_of_state(LennardJones(), Atoms("Ar2", [[0, 0, 0], [0, 0, 1.1]]))


def test_result_can_be_plotted_and_written():
    curve = equation_of_state(EMT(), bulk("Cu", a=3.6), points=5)
    figure = curve.plot()
    assert isinstance(figure, Figure)
    assert len(figure.axes[0].lines) == 2
    document = curve.to_dict()
    assert document["bulk_modulus_GPa"] == curve.bulk_modulus
    assert len(document["energies_eV_per_atom"]) == 5
