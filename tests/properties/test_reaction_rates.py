"""Rates: an Eckart barrier, H + H2 on a LEPS surface, quadratures, what is kept and refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms, units
from ase.calculators.calculator import Calculator, all_changes
from numpy.typing import NDArray

import maxvolt
from maxvolt.errors import (
    DataError,
    EvaluationError,
    FileFormatError,
    MaxvoltError,
    SettingsError,
)
from maxvolt.properties.reaction_rates import (
    LEPS,
    Bimolecular,
    EckartBarrier,
    Keeping,
    Line,
    Particles,
    PotentialSurface,
    RateSettings,
    change_of_surface,
    classical_exchange_rate,
    labelled_structures,
    reaction_rate,
    surface_of,
)
from maxvolt.properties.reaction_rates.ring_polymers import HBAR

Array = NDArray[np.float64]

MASS = 1061 * units._me / units._amu
BARRIER = EckartBarrier(0.425, 0.734 * units.Bohr)
ON_LINE = Particles(np.zeros((1, 1)), np.array([MASS]))
TO_M_PER_S = units.fs * 1e5

EXCHANGE = Bimolecular((0,), (1, 2), (((1, 2), (0, 1)), ((1, 2), (0, 2))), 4.5)
H3 = Atoms("H3", positions=[[0, 0, 0], [0.93, 0, 0], [1.86, 0, 0]])
HYDROGEN = 1.008

SHORT = RateSettings(
    temperature=500.0,
    beads=2,
    timestep=0.4,
    width=0.03,
    far_width=0.06,
    replicas=4,
    equilibration_time=40.0,
    sampling_time=100.0,
    parents=4,
    branchings=2,
    decorrelation_time=4.0,
    recrossing_time=8.0,
    transition=1.0,
)


def numerical_forces(surface: LEPS, x: Array) -> Array:
    found = np.zeros_like(x)
    for atom in range(x.shape[1]):
        for axis in range(x.shape[2]):
            step = np.zeros_like(x)
            step[:, atom, axis] = 1e-5
            found[:, atom, axis] = -(surface(x + step)[0] - surface(x - step)[0]) / 2e-5
    return found


# ------------------------------------------------------------------ surfaces and coordinates


def test_leps_has_the_slopes_of_its_energies() -> None:
    x = np.random.default_rng(0).normal(size=(20, 3, 3))
    np.testing.assert_allclose(LEPS()(x)[1], numerical_forces(LEPS(), x), atol=2e-7)


def test_leps_is_a_morse_curve_where_one_atom_is_far() -> None:
    surface = LEPS()
    r = np.linspace(0.4, 3.0, 7)
    x = np.zeros((7, 3, 3))
    x[:, 1, 0], x[:, 2, 1] = r, 100.0
    decay = np.exp(-surface.decay * (r - surface.distance))
    np.testing.assert_allclose(surface(x)[0], surface.depth * (decay**2 - 2 * decay), atol=1e-12)


def test_leps_has_its_stated_barrier() -> None:
    r = np.linspace(0.85, 1.0, 301)
    x = np.zeros((len(r), 3, 3))
    x[:, 1, 0], x[:, 2, 0] = r, 2 * r
    barrier = LEPS()(x)[0].min() + LEPS().depth
    assert barrier == pytest.approx(0.366, abs=5e-4)


@pytest.mark.parametrize(
    "coordinate", [EXCHANGE, Bimolecular((0, 1), (2,), (((0, 1), (1, 2)),), 5.0, 0.3)]
)
def test_gradients_of_the_coordinate(coordinate: Bimolecular) -> None:
    masses = np.array([1.0, 2.0, 3.0])
    x = H3.positions + 0.3 * np.random.default_rng(1).normal(size=(20, 3, 3))
    _, gradients = coordinate.evaluate(x, masses)
    for atom in range(3):
        for axis in range(3):
            step = np.zeros_like(x)
            step[:, atom, axis] = 1e-6
            above, below = (coordinate.evaluate(x + s, masses)[0] for s in (step, -step))
            np.testing.assert_allclose(
                gradients[:, atom, axis], (above - below) / 2e-6, rtol=1e-5, atol=1e-7
            )


def test_separate_products_are_across() -> None:
    away = np.array([[[0.0, 0, 0], [0.74, 0, 0], [x, 0, 0]] for x in (1.4, 3.0, 6.0, 20.0)])
    assert EXCHANGE.is_across(away, np.ones(3), 1.0).tolist() == [False, True, True, True]
    reactants = away[:, ::-1]
    assert not EXCHANGE.is_across(reactants - reactants[:, :1], np.ones(3), 1.0)[1:].any()


def potential() -> maxvolt.MTP:
    random = np.random.default_rng(4)
    start = maxvolt.MTP(6, ["H"], cutoff=3.0, min_dist=0.4, radial_basis_size=5)
    shapes = start.model
    return start.with_coefficients(
        0.1 * random.normal(size=shapes.radial_coeffs.shape),
        random.normal(size=shapes.species_coeffs.shape),
        0.1 * random.normal(size=shapes.moment_coeffs.shape),
    )


def test_a_potential_in_one_call_is_the_potential_of_each_structure() -> None:
    model = potential()
    x = H3.positions + 0.5 * np.random.default_rng(5).normal(size=(7, 3, 3))
    x[0, 0] += 10.0  # farther than the cutoff
    surface = surface_of(model, H3)
    assert isinstance(surface, PotentialSurface)
    energies, forces = surface(x)
    by_calculator = surface_of(maxvolt.Calculator(model), H3)(x)
    by_ase = [model.evaluate(Atoms("H3", positions=one)) for one in x]
    np.testing.assert_allclose(energies, [one.energy for one in by_ase], atol=1e-10)
    np.testing.assert_allclose(forces, [one.forces for one in by_ase], atol=1e-9)
    np.testing.assert_array_equal(by_calculator[0], energies)


class OneByOne(Calculator):  # type: ignore[misc]
    """LEPS as an ASE calculator."""

    implemented_properties = ("energy", "forces")

    def calculate(
        self, atoms: Atoms = None, properties: object = None, system_changes: object = all_changes
    ) -> None:
        super().calculate(atoms, properties, system_changes)
        energies, forces = LEPS()(atoms.positions[None])
        self.results = {"energy": float(energies[0]), "forces": forces[0]}


def test_any_calculator_is_a_surface() -> None:
    x = H3.positions + 0.1 * np.random.default_rng(6).normal(size=(3, 3, 3))
    for found, expected in zip(surface_of(OneByOne(), H3)(x), LEPS()(x), strict=True):
        np.testing.assert_allclose(found, expected)
    labelled = labelled_structures(LEPS(), x, ["H"] * 3)
    np.testing.assert_allclose(labelled[1].get_forces(), LEPS()(x)[1][1])


# ------------------------------------------------------------------ exact answers


def test_the_exact_eckart_rate_tends_to_wigners() -> None:
    temperature = 3000.0
    curvature = 2 * BARRIER.height / BARRIER.width**2
    u = HBAR * np.sqrt(curvature / MASS) / (units.kB * temperature)
    ratio = BARRIER.exact_rate(MASS, temperature) / BARRIER.classical_rate(MASS, temperature)
    # E. Wigner, Z. Phys. Chem. B 19, 203 (1932), with the anharmonicity of this barrier
    wigner = u**2 / 24 * (1 + units.kB * temperature / BARRIER.height)
    assert ratio - 1 == pytest.approx(wigner, rel=0.01)


def test_the_exact_eckart_rate_at_low_temperature_is_tunnelling() -> None:
    ratio = BARRIER.exact_rate(MASS, 300.0) / BARRIER.classical_rate(MASS, 300.0)
    assert 15 < ratio < 30  # Craig and Manolopoulos 2005, figure of this barrier: about 20


def test_quadrature_tends_to_the_harmonic_rate() -> None:
    """Classical partition functions at low temperature: rotors and harmonic vibrations."""
    surface, temperature = LEPS(), 40.0
    kt = units.kB * temperature
    r = np.linspace(0.9, 0.95, 5001)
    x = np.zeros((len(r), 3, 3))
    x[:, 1, 0], x[:, 2, 0] = r, 2 * r
    energies = surface(x)[0]
    saddle, bond = x[energies.argmin()], r[energies.argmin()]
    squared = _squared_frequencies(surface, saddle)
    stable = np.sqrt(squared[-3:])  # bends and symmetric stretch, above translation and rotation
    assert squared[0] < 0 < squared[-4] + 1e-3 < 2e-3
    stretch = surface.decay * np.sqrt(2 * surface.depth / (0.5 * HYDROGEN))
    inertias = (HYDROGEN * 2 * bond**2) / (0.5 * HYDROGEN * surface.distance**2)
    # k T / h and partition functions of translation, rotors, vibrations: Planck's constant cancels
    vibrations = kt**3 / stable.prod() / (kt / stretch)
    translation = (2 * np.pi * (2 / 3) * HYDROGEN * kt) ** 1.5
    prefactor = kt * (2 * np.pi) ** 2 * inertias * vibrations / translation
    rate = 2 * prefactor * np.exp(-(energies.min() + surface.depth) / kt)
    found = classical_exchange_rate(surface, HYDROGEN, temperature)
    assert found / (rate * units.fs * 1e-9) == pytest.approx(1.0, abs=0.05)


def _squared_frequencies(surface: LEPS, x: Array) -> Array:
    hessian = np.zeros((9, 9))
    for k in range(9):
        step = np.zeros(9)
        step[k] = 1e-4
        ahead, behind = (surface((x.ravel() + s).reshape(1, 3, 3))[1] for s in (step, -step))
        hessian[k] = -(ahead - behind).ravel() / 2e-4
    return np.asarray(np.linalg.eigvalsh((hessian + hessian.T) / 2 / HYDROGEN))


# ------------------------------------------------------------------ sampling against them

ECKART = replace(
    SHORT, replicas=32, sampling_time=800.0, equilibration_time=100.0, parents=64,
    recrossing_time=30.0,
)  # fmt: skip


def test_the_classical_rate_of_an_eckart_barrier() -> None:
    found = reaction_rate(BARRIER, ON_LINE, Line(-1.8), replace(ECKART, beads=1))
    exact = BARRIER.classical_rate(MASS, 500.0) * TO_M_PER_S
    assert found.error < 0.1 * exact
    assert found.value == pytest.approx(exact, abs=3.5 * found.error)
    np.testing.assert_allclose(found.transmission.values, 1.0)  # at the top nothing recrosses


def test_the_quantum_rate_of_an_eckart_barrier() -> None:
    settings = replace(ECKART, beads=16, timestep=0.25, replicas=16)
    found = reaction_rate(BARRIER, ON_LINE, Line(-1.8), settings)
    exact = BARRIER.exact_rate(MASS, 500.0) * TO_M_PER_S
    classical = BARRIER.classical_rate(MASS, 500.0) * TO_M_PER_S
    assert exact > 2.7 * classical
    assert found.error < 0.15 * exact
    # the theory itself is some 10 per cent low here: docs/properties/reaction_rates.md
    assert found.value == pytest.approx(0.9 * exact, abs=3.5 * found.error)
    assert found.value - 3.5 * found.error > classical


class Trapped:
    """The barrier in a harmonic trap, so that centroids have a density in all space."""

    stiffness = units.kB * 500.0 / 0.6**2

    def __call__(self, x: Array) -> tuple[Array, Array]:
        energies, forces = BARRIER(x)
        return energies + 0.5 * self.stiffness * x[:, 0, 0] ** 2, forces - self.stiffness * x


def centroid_free_energy(beads: int, places: Array) -> Array:
    """Of ring polymers in the trap, by multiplication of matrices on a grid, eV, but a constant.

    A factor exp(i k x / n) of each bead makes the trace the Fourier transform of the density of
    centroids.
    """
    kt = units.kB * 500.0
    x = np.arange(-5.0, 5.0, 0.05)
    spring = MASS * beads * kt / (2 * HBAR**2)
    free = np.exp(-spring * (x[:, None] - x) ** 2)
    energies = Trapped()(x[:, None, None])[0]
    density = np.zeros(len(places))
    for wave in np.arange(0.0, 40.0, 0.3):
        factor = np.exp((-energies / kt + 1j * wave * x) / (2 * beads))
        one = factor[:, None] * free * factor
        trace = np.trace(np.linalg.matrix_power(one / np.abs(one).max(), beads))
        term = (np.exp(-1j * wave * places) * trace).real
        density += term if wave == 0 else 2 * term
    return np.asarray(-kt * np.log(density))


def test_the_free_energy_of_centroids_is_that_of_matrices() -> None:
    settings = replace(ECKART, beads=8, timestep=0.25, replicas=16, parents=2, branchings=1)
    found = reaction_rate(Trapped(), ON_LINE, Line(-1.5), settings).free_energy
    at_reactants, halfway, at_barrier = centroid_free_energy(8, np.array([-1.5, -0.45, 0.0]))
    for xi, exact in ((0.7, halfway - at_reactants), (1.0, at_barrier - at_reactants)):
        value, error = found.at(xi)
        assert error < 0.006
        assert value == pytest.approx(exact, abs=3.5 * error)
    assert at_barrier - at_reactants == pytest.approx(0.2514, abs=5e-4)


def test_recrossing_makes_up_for_a_misplaced_surface() -> None:
    settings = replace(ECKART, beads=1, transition=0.95, recrossing_time=60.0, timestep=0.5)
    found = reaction_rate(BARRIER, ON_LINE, Line(-1.8), settings)
    exact = BARRIER.classical_rate(MASS, 500.0) * TO_M_PER_S
    assert found.transmission.values[-1] < 0.85
    assert found.value == pytest.approx(exact, abs=3.5 * found.error)


def test_the_classical_rate_of_hydrogen_exchange() -> None:
    settings = replace(ECKART, beads=1, width=0.02, far_width=0.04, replicas=16)
    found = reaction_rate(LEPS(), H3, EXCHANGE, settings)
    exact = classical_exchange_rate(LEPS(), HYDROGEN, 500.0)
    assert found.transition_state_error < 0.15 * exact
    assert found.transition_state_rate == pytest.approx(
        exact, abs=3.5 * found.transition_state_error
    )
    assert 0.9 < found.transmission.values[-1] <= 1.0


def test_a_hole_in_a_surface_is_told() -> None:
    def hollow(x: Array) -> tuple[Array, Array]:
        energies, forces = LEPS()(x)
        near = np.sqrt(((x[:, 1] - x[:, 0]) ** 2).sum(axis=1)) < 0.6
        bound = np.abs(x[:, 2]).max(axis=1) < 10.0
        return np.where(near & bound, -20.0, energies), forces

    with pytest.raises(DataError, match=r"hole: bonds of 0\.5"):
        classical_exchange_rate(hollow, HYDROGEN, 300.0)


def test_another_surface_changes_the_rate_as_quadrature_says() -> None:
    other = LEPS(sato=0.15)
    settings = replace(SHORT, beads=1, temperature=300.0, parents=32, branchings=20)
    found = change_of_surface(LEPS(), other, H3, EXCHANGE, settings)
    rates = [classical_exchange_rate(one, HYDROGEN, 300.0) for one in (LEPS(), other)]
    assert found.error < 0.01
    assert found.factor == pytest.approx(rates[1] / rates[0], abs=3.5 * found.error)


# ------------------------------------------------------------------ kept, refused


class KilledError(Exception):
    pass


def test_a_killed_sampling_goes_on_to_the_same_numbers(tmp_path: Path) -> None:
    calls: list[tuple[str, int, int]] = []
    deaths = [("umbrella", 50), ("umbrella", 200), ("transmission", 2)]

    def kill(name: str, done: int, total: int) -> None:
        calls.append((name, done, total))
        if deaths and (name, done) == deaths[0]:
            deaths.pop(0)
            raise KilledError

    whole = reaction_rate(LEPS(), H3, EXCHANGE, SHORT)
    keeping = Keeping(tmp_path, kill, seconds=0.0)
    while deaths:
        with pytest.raises(KilledError):
            reaction_rate(LEPS(), H3, EXCHANGE, SHORT, keeping)
    found = reaction_rate(LEPS(), H3, EXCHANGE, SHORT, keeping)
    done_twice = [done for name, done, _ in calls if name == "umbrella"]
    assert done_twice.count(40) == 1  # kept before the first death
    assert found.value == whole.value
    assert found.error == whole.error
    assert {name for name, _, _ in calls} == {"umbrella", "transmission"}
    before = len(calls)
    longer = replace(SHORT, sampling_time=2 * SHORT.sampling_time)
    reaction_rate(LEPS(), H3, EXCHANGE, longer, keeping)
    added = [done for name, done, _ in calls[before:] if name == "umbrella"]
    assert min(added) > SHORT.steps(SHORT.sampling_time)


def test_damage_is_told(tmp_path: Path) -> None:
    reaction_rate(LEPS(), H3, EXCHANGE, SHORT, Keeping(tmp_path))
    for path in tmp_path.glob("umbrella-*.npz"):
        path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(FileFormatError, match="remove it and it is made again"):
        reaction_rate(LEPS(), H3, EXCHANGE, SHORT, Keeping(tmp_path))


def test_a_rate_says_itself(tmp_path: Path) -> None:
    found = reaction_rate(LEPS(), H3, EXCHANGE, SHORT)
    told = found.to_dict()
    assert told["rate_cm3_per_s"] == found.value
    assert told["settings"]["beads"] == 2
    assert len(told["free_energy_eV"]) == len(told["coordinate"])
    figure = found.plot()
    assert len(figure.axes) == 2
    figure.savefig(tmp_path / "rate.png")


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(DataError, match="each of the 3 atoms"):
        reaction_rate(LEPS(), H3, replace(EXCHANGE, second=(1,)), SHORT)
    with pytest.raises(DataError, match="pair of different atoms"):
        reaction_rate(LEPS(), H3, replace(EXCHANGE, channels=(((1, 1), (0, 1)),)), SHORT)
    with pytest.raises(DataError, match="forming bond between both"):  # the wrong way round
        reaction_rate(LEPS(), H3, replace(EXCHANGE, channels=(((0, 1), (1, 2)),)), SHORT)
    with pytest.raises(DataError, match="give at least one channel"):
        reaction_rate(LEPS(), H3, replace(EXCHANGE, channels=()), SHORT)
    with pytest.raises(DataError, match="infinity must be"):
        reaction_rate(LEPS(), H3, replace(EXCHANGE, infinity=float("nan")), SHORT)
    with pytest.raises(DataError, match="difference must be"):
        reaction_rate(LEPS(), H3, replace(EXCHANGE, difference=float("inf")), SHORT)
    with pytest.raises(DataError, match="different places"):
        reaction_rate(BARRIER, ON_LINE, Line(0.0), SHORT)
    with pytest.raises(DataError, match="one particle"):
        reaction_rate(LEPS(), H3, Line(-1.0), SHORT)
    with pytest.raises(DataError, match="not periodic"):
        reaction_rate(potential(), Atoms("H3", H3.positions, cell=[9] * 3, pbc=True), EXCHANGE)
    with pytest.raises(DataError, match="potential needs elements"):
        reaction_rate(potential(), ON_LINE, Line(-1.0))
    with pytest.raises(DataError, match="a function of positions"):
        reaction_rate("leps", H3, EXCHANGE)
    with pytest.raises(SettingsError, match="beads"):
        RateSettings(beads=0)
    for transition in (0.0, 1.05, float("nan")):
        with pytest.raises(SettingsError, match=r"transition: expected a number above 0 and up to"):
            RateSettings(transition=transition)
    with pytest.raises(SettingsError, match="overlap"):
        RateSettings(overlap=0.2)
    with pytest.raises(DataError, match="N masses"):
        Particles(np.zeros((2, 1)), np.ones(3))


def test_a_start_far_from_the_transition_state_is_refused() -> None:
    products = Atoms("H3", positions=[[0, 0, 0], [0.74, 0, 0], [4.0, 0, 0]])
    for start, value in ((products, "-5.46"), (products[[2, 1, 0]], "0.2")):
        with pytest.raises(DataError, match=f"of this one it is {value}"):
            reaction_rate(LEPS(), start, EXCHANGE, SHORT)
    with pytest.raises(DataError, match="at one place"):
        reaction_rate(LEPS(), Atoms("H3", [[0, 0, 0], [0, 0, 0], [1, 0, 0]]), EXCHANGE, SHORT)
    with pytest.raises(DataError, match="near the transition state"):
        change_of_surface(LEPS(), LEPS(), products, EXCHANGE, SHORT)


def test_a_quadrature_of_what_is_not_finite_is_refused() -> None:
    def broken(x: Array) -> tuple[Array, Array]:
        energies, forces = LEPS()(x)
        return np.where(np.abs(x).max(axis=(1, 2)) < 0.6, np.nan, energies), forces

    with pytest.raises(EvaluationError, match="not finite where bonds are between"):
        classical_exchange_rate(broken, HYDROGEN, 300.0)


def test_a_gap_between_windows_is_told() -> None:
    sparse = replace(SHORT, replicas=2, sampling_time=1.0)
    with pytest.raises(MaxvoltError, match="no samples where the coordinate is"):
        reaction_rate(LEPS(), H3, EXCHANGE, sparse)
