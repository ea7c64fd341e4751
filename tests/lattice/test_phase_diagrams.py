"""Phase diagrams on a lattice beside exact ones: Onsager, Yang, ideal and regular solutions."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from ase.units import kB
from onsager import onsager_free_energy, yang_concentration

from ising_model import ising_model
from maxvolt.errors import FileFormatError, SettingsError
from maxvolt.potentials.lattice import (
    LowRankPotential,
    ParentLattice,
    Supercell,
    TensorTrain,
    environments_of,
)
from maxvolt.properties.lattice import enumerated_arrangements
from maxvolt.properties.lattice.phases import (
    PhaseDiagram,
    PhaseDiagramSettings,
    consolute_temperature,
    ground_states,
    phase_diagram,
)
from maxvolt.properties.lattice.phases.ensemble import Excitations, PhaseCell
from maxvolt.properties.lattice.phases.ground_states import lower_hull
from promises import needs

CHECKERBOARD = (Supercell.of([[1, 1, 0], [1, -1, 0], [0, 0, 1]]), np.array([0, 1]))


def in_kelvin(*temperatures: float) -> tuple[float, ...]:
    """Temperatures in units of J / k_B."""
    return tuple(one / kB for one in temperatures)


def antiferromagnet() -> LowRankPotential:
    """Energy s s' of each pair of neighbours on the square lattice."""
    potential = ising_model(2)
    first, *others = potential.trains[0].cores
    return replace(potential, trains=(TensorTrain((-first, *others)),))


def ideal_solution() -> LowRankPotential:
    """Sites that do not know of each other."""
    parent = ParentLattice.of(bulk("W", "bcc", a=3.2), ["Mo", "W"])
    (kind,) = environments_of(parent, 1)
    train = TensorTrain.random(kind.length, 2, 1, np.random.default_rng(0)).without(0)
    return LowRankPotential(parent, 1, False, np.array([[0.1, -0.2]]), (train,))


@pytest.fixture(scope="module")
def gas() -> PhaseDiagram:
    """The lattice gas on the square lattice."""
    settings = PhaseDiagramSettings(
        in_kelvin(1.8, 2.0, 4.0), (32, 32, 1), points=14, lines=3, equilibration=50, production=200,
        seed=2,
    )  # fmt: skip
    return phase_diagram(ising_model(2), [], settings)


def test_coexistence_of_the_lattice_gas_is_that_of_yang(gas: PhaseDiagram) -> None:
    for one in gas.equilibria[:2]:
        (region,) = one.coexistences
        exact = yang_concentration(kB * one.temperature)
        assert region.crossing
        assert region.difference_error < 0.02
        assert abs(region.difference) < 3 * region.difference_error  # zero by symmetry
        for found, error, expected in zip(
            region.concentrations, region.errors, (exact, 1 - exact), strict=True
        ):
            assert error < 0.006
            assert abs(found - expected) < 3 * error
        assert not one.uncovered()
        assert not one.boundaries


def test_above_the_critical_temperature_there_is_one_phase(gas: PhaseDiagram) -> None:
    hot = gas.equilibria[-1]
    assert not hot.coexistences
    assert not hot.uncovered()
    mixing = gas.mixing(hot)
    assert set(mixing["phase"]) == {"solution"}
    assert min(mixing["concentration"]) < 0.01
    assert max(mixing["concentration"]) > 0.99


def test_grand_potentials_are_those_of_onsager_by_every_way(gas: PhaseDiagram) -> None:
    # From either pure element along the chemical potential, and from infinite temperature.
    seen = 0
    for one in gas.equilibria:
        exact = onsager_free_energy(kB * one.temperature)
        for sheet in one.sheets:
            if sheet.difference[0] <= 0 <= sheet.difference[-1]:
                (found,), (error,) = sheet.grand_potential([0.0])
                assert error < 0.02
                assert abs(found - exact) < 3 * error
                seen += 1
    assert seen >= 5


def test_the_regular_solution_at_high_temperature() -> None:
    # Free energy at 20 J: Bragg and Williams, and the second cumulant of pairs at random.
    settings = PhaseDiagramSettings(
        in_kelvin(20.0), (16, 16, 1), points=30, lines=3, equilibration=20, production=400
    )
    diagram = phase_diagram(ising_model(2), [], settings)
    mixing = diagram.mixing(diagram.equilibria[0])
    x = np.array(mixing["concentration"])
    m = 1 - 2 * x
    entropy = -(x * np.log(x) + (1 - x) * np.log(1 - x))
    regular = 2 * (1 - m**2) - 20.0 * entropy
    second = regular - (1 - m**2) ** 2 / 20.0
    found, error = np.array(mixing["free_energy"]), np.array(mixing["error"])
    assert error.max() < 0.1
    assert np.median(error) < 0.03
    # The third cumulant is of the order of J^3 / T^2.
    assert (np.abs(found - second) < 3 * error + 4 / 20.0**2).all()
    middle = np.abs(m) < 0.5
    assert (np.abs(found - regular)[middle] < 0.05 + 3 * error[middle]).all()
    assert (found - 2 * (1 - m**2))[middle].max() < -10  # the entropy is there


def test_the_ideal_solution_is_exact() -> None:
    potential = ideal_solution()
    kelvin = 900.0
    settings = PhaseDiagramSettings(
        (kelvin,), (8, 8, 8), points=30, lines=3, equilibration=10, production=200
    )
    diagram = phase_diagram(potential, [], settings)
    (one,) = diagram.equilibria
    assert not one.coexistences
    thermal = kB * kelvin
    for sheet in one.sheets:
        exact = -thermal * np.logaddexp(-0.1 / thermal, (0.2 + sheet.difference) / thermal)
        off = np.abs(sheet.potential - exact)
        assert (off < 4 * sheet.potential_error + 1e-9).all()
        assert sheet.potential_error.max() < 0.01 * thermal
    mixing = diagram.mixing(one)
    x = np.clip(mixing["concentration"], 1e-12, 1 - 1e-12)
    expected = thermal * (x * np.log(x) + (1 - x) * np.log(1 - x))
    assert np.abs(np.array(mixing["free_energy"]) - expected).max() < 0.01 * thermal


def test_an_ordering_alloy_has_a_symmetric_diagram() -> None:
    settings = PhaseDiagramSettings(
        in_kelvin(1.5, 3.0), (24, 24, 1), points=24, lines=5, equilibration=60, production=240
    )
    diagram = phase_diagram(antiferromagnet(), [CHECKERBOARD], settings)
    assert [one.name for one in diagram.states] == ["Co", "CoFe", "Fe"]
    assert [one.energy for one in diagram.states] == pytest.approx([2.0, -2.0, 2.0])
    cold, hot = diagram.equilibria
    assert not hot.boundaries
    assert not hot.coexistences
    # One ordered phase in the middle, without two-phase regions: its transition is continuous.
    assert not cold.coexistences
    assert not cold.uncovered()
    left, right = cold.boundaries
    assert (diagram.name(left.left), diagram.name(left.right)) == ("solution", "CoFe")
    assert (diagram.name(right.left), diagram.name(right.right)) == ("CoFe", "solution")
    assert left.difference == pytest.approx(-right.difference, abs=0.7)
    assert left.concentration == pytest.approx(1 - right.concentration, abs=0.04)
    # E. Mueller-Hartmann and J. Zittartz, Z. Phys. B 27, 261 (1977): cosh(H/T) = sinh(2/T)^2. Order
    # of 24 x 24 sites goes on a little longer than that of infinitely many.
    line = 2 * 1.5 * np.arccosh(np.sinh(2 / 1.5) ** 2)
    assert right.difference == pytest.approx(line, rel=0.12)
    # All ways agree on the grand potential at equal numbers, which is that of Onsager.
    exact = onsager_free_energy(1.5)
    for sheet in cold.sheets:
        if sheet.difference[0] <= 0 <= sheet.difference[-1]:
            (found,), (error,) = sheet.grand_potential([0.0])
            assert abs(found - exact) < 3 * error + 0.01 * 1.5
    mixing = diagram.mixing(cold)
    free = np.array(mixing["free_energy"])
    assert np.abs(np.interp(
        1 - np.array(mixing["concentration"]), mixing["concentration"], free
    ) - free).max() < 0.05  # fmt: skip


def test_single_excitations_are_the_limit_of_low_temperatures() -> None:
    potential = antiferromagnet()
    states = ground_states(potential, [CHECKERBOARD])
    excitations = Excitations.of(PhaseCell.of(potential, states[1], (8, 8, 1)))
    assert excitations.energies == pytest.approx([8.0, 8.0])
    assert sorted(excitations.steps) == [-1.0, 1.0]
    assert excitations.costs(2.0) == pytest.approx(8.0 - excitations.steps * 2.0)
    beta = excitations.hottest(1.0, 1e-3)
    assert excitations.excited(beta, 1.0) == pytest.approx(1e-3, rel=1e-6)
    assert excitations.hottest(9.0, 1e-3) == np.inf
    # Of the exact grand potential at equal numbers, where pairs of excitations are left out.
    for temperature in (0.8, 1.0):
        exact = onsager_free_energy(temperature)
        share = excitations.excited(1 / temperature, 0.0)
        off = abs(excitations.grand_potential(1 / temperature, 0.0) - exact)
        assert off < 4 * share**1.5 * temperature
    step = 1e-4
    around = [excitations.grand_potential(1.0, 0.5 + sign * step) for sign in (1, -1)]
    slope = (around[0] - around[1]) / (2 * step)
    assert excitations.moments(1.0, 0.5).concentration == pytest.approx(-slope, rel=1e-6)
    around = [beta * excitations.grand_potential(beta, 0.5) for beta in (1.0 + step, 1.0 - step)]
    slope = (around[0] - around[1]) / (2 * step)
    assert excitations.moments(1.0, 0.5).energy == pytest.approx(slope, rel=1e-6)


@pytest.mark.filterwarnings("ignore:Set OLD_ERROR_HANDLING:DeprecationWarning")
def test_ground_states_lie_on_the_hull() -> None:
    needs("enumeration")
    potential = antiferromagnet()
    states = ground_states(potential, enumerated_arrangements(potential.parent, 4))
    assert [one.concentration for one in states] == [0.0, 0.5, 1.0]
    assert states[1].energy == pytest.approx(-2.0)
    supercell, sites = states[1].tiled(potential.parent, (7, 4, 1))
    # 7 is not a multiple of the period.
    assert supercell.triangle.diagonal()[0] in (6, 8)
    assert potential.energy(supercell, states[1].occupation[sites]) == pytest.approx(
        -2.0 * len(sites)
    )
    shares, energies = np.array([0.5, 0, 1, 0.25, 0.5]), np.array([-1.0, 0, 0, -0.5, -0.7])
    assert lower_hull(shares, energies) == [1, 0, 2]


def test_what_was_kept_is_not_made_again(tmp_path: Path) -> None:
    settings = PhaseDiagramSettings(
        in_kelvin(1.8), (8, 8, 1), points=6, lines=3, equilibration=5, production=20, runs=1
    )
    first = phase_diagram(ising_model(2), [], settings, folder=tmp_path)
    kept = {one: one.stat().st_mtime_ns for one in tmp_path.iterdir()}
    again = phase_diagram(ising_model(2), [], settings, folder=tmp_path, threads=2)
    assert again.to_dict() == first.to_dict()
    assert {one: one.stat().st_mtime_ns for one in tmp_path.iterdir()} == kept
    assert phase_diagram(ising_model(2), [], settings, threads=2).to_dict() == first.to_dict()
    damaged = next(iter(kept))
    damaged.write_bytes(b"no archive")
    with pytest.raises(FileFormatError, match="remove it, and it is made again"):
        phase_diagram(ising_model(2), [], settings, folder=tmp_path)


def test_widths_give_the_consolute_temperature() -> None:
    kelvin = np.array([380.0, 390.0, 396.0])
    widths = 0.8 * (1 - kelvin / 400.0) ** 0.3265
    found, error = consolute_temperature(kelvin.tolist(), widths, [0.01] * 3)
    assert found == pytest.approx(400.0, abs=1e-6)
    shifted = [
        consolute_temperature(kelvin.tolist(), widths + 0.01 * np.eye(3)[k], [0.01] * 3)[0]
        for k in range(3)
    ]
    by_differences = np.sqrt(((np.array(shifted) - found) ** 2).sum())
    assert error == pytest.approx(by_differences, rel=0.5)
    exact = 2 / np.log(1 + np.sqrt(2))
    two = [2.2, 2.23, 2.25]
    yang = [1 - 2 * yang_concentration(one) for one in two]
    found, _ = consolute_temperature(two, yang, [0.001] * 3, exponent=1 / 8)
    assert found == pytest.approx(exact, rel=0.002)
    with pytest.raises(SettingsError, match="two widths"):
        consolute_temperature([300.0], [0.2], [0.01])
    with pytest.raises(SettingsError, match="narrower"):
        consolute_temperature([300.0, 310.0], [0.2, 0.3], [0.01, 0.01])


def test_what_makes_no_diagram_is_refused() -> None:
    with pytest.raises(SettingsError, match="temperatures"):
        PhaseDiagramSettings((), (8, 8, 8))
    with pytest.raises(SettingsError, match="repeats"):
        PhaseDiagramSettings((300.0,), (0, 8, 8))
    with pytest.raises(SettingsError, match="points"):
        PhaseDiagramSettings((300.0,), (8, 8, 8), points=2)
    parent = ParentLattice.of(bulk("W", "bcc", a=3.2), ["Mo", "Nb", "W"])
    (kind,) = environments_of(parent, 1)
    train = TensorTrain.random(kind.length, 3, 1, np.random.default_rng(0))
    three = LowRankPotential(parent, 1, False, np.zeros((1, 3)), (train,))
    with pytest.raises(SettingsError, match="two species"):
        phase_diagram(three, [], PhaseDiagramSettings((300.0,), (4, 4, 4)))
