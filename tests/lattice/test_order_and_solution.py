"""Two-phase regions of an ordered phase and a solution, beside exact ones by transfer matrices."""

from __future__ import annotations

import numpy as np
import pytest
from ase.build import bulk
from ase.units import kB

from ising_model import pairs_of_spins, square_or_cube
from lattice_ordering import CHECKERBOARD, COUPLINGS
from maxvolt.potentials.lattice import Supercell
from maxvolt.properties.lattice.phases import PhaseDiagramSettings, ground_states, phase_diagram
from maxvolt.properties.lattice.phases.variants import Orders
from transfer_matrix import exact_coexistence

CUBE = Supercell.of([[-1, 1, 1], [1, -1, 1], [1, 1, -1]])
CORNER = np.array([1, 0, 0, 0])
"""Of the four sites of a cube; L1_2."""


def test_order_and_solution_coexist_where_transfer_matrices_say() -> None:
    temperatures = (1.5, 1.7)
    settings = PhaseDiagramSettings(
        tuple(one / kB for one in temperatures), (32, 32, 1), points=20, lines=5, equilibration=40,
        production=200,
    )  # fmt: skip
    diagram = phase_diagram(pairs_of_spins(square_or_cube(2), COUPLINGS), [CHECKERBOARD], settings)
    for one, temperature in zip(diagram.equilibria, temperatures, strict=True):
        exact = exact_coexistence(temperature, COUPLINGS, 8)
        assert not one.uncovered()
        assert not one.boundaries
        left, right = one.coexistences
        assert (diagram.name(left.left), diagram.name(left.right)) == ("solution", "CoFe")
        assert (diagram.name(right.left), diagram.name(right.right)) == ("CoFe", "solution")
        # The strip of eight sites is not more than this away from the plane.
        width = 1e-3
        for region, sign in ((left, 1), (right, -1)):
            assert region.crossing
            assert region.difference_error < 0.02
            assert abs(region.difference - sign * exact.difference) < (
                3 * region.difference_error + width
            )
            expected = (exact.solution, exact.ordered)
            shares = region.concentrations
            if sign < 0:
                expected = (1 - exact.ordered, 1 - exact.solution)
            for found, error, share in zip(shares, region.errors, expected, strict=True):
                assert error < 0.002
                assert abs(found - share) < 3 * error + width / 10


def test_transfer_matrices_have_the_right_limit_at_low_temperatures() -> None:
    # Neighbours and sites across a square balance in the solution: a spin costs the difference of
    # chemical potentials alone, 8 J, and a second one across a square 4 J. In the checkerboard, on
    # one of its two sublattices, a missing one costs the same.
    temperature = 0.7
    alone, beside = np.exp(-8 / temperature), np.exp(-4 / temperature)
    exact = exact_coexistence(temperature, COUPLINGS, 8)
    assert exact.difference == pytest.approx(-8.0, abs=20 * alone)
    expected = alone * (1 + 4 * beside)
    assert exact.solution == pytest.approx(expected, rel=beside)
    assert 0.5 - exact.ordered == pytest.approx(0.5 * expected, rel=beside)
    assert exact.potential == pytest.approx(-temperature * alone * (1 + 2 * beside), rel=beside)


@pytest.mark.parametrize("turned", range(3))
def test_order_is_seen_in_every_variant(turned: int) -> None:
    potential = pairs_of_spins(bulk("Cu", "fcc", a=3.8), (1.0,), ("Au", "Cu"))
    places = np.rint(2 * CUBE.offsets() @ potential.parent.cell / 3.8).astype(np.int64)
    plane = (CUBE, places[:, 0] % 2)
    states = ground_states(potential, [plane, (CUBE, CORNER), (CUBE, 1 - CORNER)])
    assert [one.concentration for one in states] == [0, 0.25, 0.5, 0.75, 1]
    large = Supercell.of([8, 8, 8])
    orders = Orders(potential.parent, large, states)
    of_planes = Orders(potential.parent, large, states[2:3])
    of_corners = Orders(potential.parent, large, states[1:2])
    heights = np.rint(2 * large.offsets() @ potential.parent.cell / 3.8).astype(np.int64)
    for shift in (0, 1):
        layers = (heights[:, turned] + shift) % 2
        corners = (heights[:, turned] + shift) % 2 * ((heights[:, turned - 1] + shift) % 2)
        assert of_planes.largest(layers) == pytest.approx(1.0)
        assert of_corners.largest(corners) == pytest.approx(1.0)
        # The wave of the planes is one of the three of the corners, and all of it.
        assert orders.largest(layers) == pytest.approx(of_corners.largest(layers))
        assert orders.largest(layers) == pytest.approx(2 / 3**0.5)
        noise = np.random.default_rng(turned).random(len(layers)) < 0.1
        assert of_planes.largest(layers ^ noise) == pytest.approx(0.8, abs=0.1)
    atoms = np.random.default_rng(turned).random(len(heights)) < 0.5
    assert orders.largest(atoms.astype(np.int64)) < 0.2
    assert Orders(potential.parent, large, [states[0], states[-1]]).largest(layers) == 0
    # Planes of L1_0 do not fit into seven cells in each direction.
    odd = Supercell.of([7, 7, 7])
    assert Orders(potential.parent, odd, states).largest(np.arange(343) % 2) == 0
