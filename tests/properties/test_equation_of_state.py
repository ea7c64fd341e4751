import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones
from matplotlib.figure import Figure
from strained_toy import StrainedToy, cubic_stiffness

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


def test_smooth_curves_have_no_warnings_and_say_their_units():
    harmonic = StrainedToy(bulk("Mo"), cubic_stiffness(350.0, 160.0, 100.0))
    for calculator, atoms in ((EMT(), bulk("Cu", a=3.6)), (harmonic, bulk("Mo"))):
        for points in (5, 13):
            curve = equation_of_state(calculator, atoms, points=points)
            assert curve.warnings == ()
            assert curve.to_dict()["warnings"] == []
            assert curve.inner_bulk_modulus == pytest.approx(curve.bulk_modulus, rel=0.01)
    assert "bulk modulus = 224.0 GPa" in repr(curve)
    assert "eV/atom" in str(curve)
    assert "A^3/atom" in str(curve)


def test_jump_of_the_stress_inside_the_range_changes_the_bulk_modulus():
    atoms = bulk("Mo")
    toy = StrainedToy(atoms, cubic_stiffness(350.0, 160.0, 100.0), jump=8.0)
    curve = equation_of_state(toy, atoms, volume_range=0.09)
    assert curve.bulk_modulus > 1.2 * 223.3
    warning = curve.warnings[-1]
    assert f"{curve.bulk_modulus:.1f} GPa from all" in warning
    assert f"{curve.inner_bulk_modulus:.1f} GPa from the half nearest" in warning
    assert "use a smaller volume_range" in warning
    document = curve.to_dict()
    assert document["warnings"] == list(curve.warnings)
    assert document["inner_bulk_modulus_GPa"] == curve.inner_bulk_modulus
    assert repr(curve).splitlines()[-1] == f"warning: {warning}"
    assert "inner half" in curve.plot().axes[0].get_title()
    smaller = equation_of_state(toy, atoms, volume_range=0.04)
    assert smaller.warnings == ()
    assert smaller.bulk_modulus == pytest.approx(223.3, rel=0.01)


def test_scatter_that_is_large_against_the_depth_is_named():
    volumes = np.linspace(14.5, 17.0, 13)
    depth = known_curve(volumes)[-1] + 10.9
    zigzag = 0.03 * depth * (-1) ** np.arange(13)
    curve = fit_birch_murnaghan(volumes, known_curve(volumes) + zigzag)
    assert "misses the energies by" in curve.warnings[0]
    assert curve.depth == pytest.approx(depth, rel=0.1)
    quiet = fit_birch_murnaghan(volumes, known_curve(volumes) + zigzag / 30)
    assert quiet.warnings == ()


def test_inner_half_without_a_minimum_is_named():
    volumes = np.linspace(14.5, 17.0, 13)
    # Walls at both ends, and between them a hill that only falls off.
    away = volumes - 15.75
    energies = np.where(np.abs(away) < 0.7, -0.01 * away - 0.002 * away**2, 0.3 * away**2)
    curve = fit_birch_murnaghan(volumes, energies)
    assert np.isnan(curve.inner_bulk_modulus)
    assert any("no minimum of its own" in warning for warning in curve.warnings)
    assert curve.to_dict()["inner_bulk_modulus_GPa"] is None
    assert isinstance(curve.plot(), Figure)


def test_four_volumes_are_fitted_but_not_checked_and_three_are_refused():
    volumes = np.linspace(14.5, 17.0, 4)
    curve = fit_birch_murnaghan(volumes, known_curve(volumes))
    assert curve.bulk_modulus == pytest.approx(262.0, rel=1e-7)
    assert curve.inner_bulk_modulus is None
    assert curve.warnings == ()
    with pytest.raises(DataError, match="at least 4 volumes, not 3"):
        fit_birch_murnaghan(volumes[:3], known_curve(volumes[:3]))
