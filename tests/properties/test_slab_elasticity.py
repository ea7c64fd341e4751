"""Surfaces of elastic half spaces and slabs, against closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from maxvolt.errors import DataError
from maxvolt.properties.extremes.slab_elasticity import indentation_modulus, slab_compliance

YOUNG, POISSON = 70.0, 0.35
REDUCED = YOUNG / (1 - POISSON**2)


def isotropic() -> np.ndarray:
    first = YOUNG * POISSON / ((1 + POISSON) * (1 - 2 * POISSON))
    shear = YOUNG / (2 * (1 + POISSON))
    matrix = np.zeros((6, 6))
    matrix[:3, :3] = first
    return matrix + np.diag(3 * [2 * shear] + 3 * [shear])


def hexagonal() -> np.ndarray:
    """Titanium, GPa, with its axis across the surface."""
    c11, c12, c13, c33, c44 = 160.0, 90.0, 66.0, 181.0, 46.5
    matrix = np.diag([c11, c11, c33, c44, c44, (c11 - c12) / 2])
    for row, column, value in ((0, 1, c12), (0, 2, c13), (1, 2, c13)):
        matrix[row, column] = matrix[column, row] = value
    return matrix


def test_an_isotropic_half_space_has_the_modulus_of_hertz():
    assert indentation_modulus(isotropic()) == pytest.approx(REDUCED, rel=1e-6)


def test_a_half_space_with_an_axis_has_the_modulus_in_closed_form():
    """A. Delafargue, F.-J. Ulm, Int. J. Solids Struct. 41, 7351 (2004), equation for M3."""
    matrix = hexagonal()
    c11, c13, c33, c44 = matrix[0, 0], matrix[0, 2], matrix[2, 2], matrix[3, 3]
    stretched = (c11 * c33 - c13**2) / c11
    sheared = 1 / c44 + 2 / (c13 + np.sqrt(c11 * c33))
    assert indentation_modulus(matrix) == pytest.approx(2 * np.sqrt(stretched / sheared), rel=1e-6)


def test_images_of_a_load_are_those_of_charges_in_a_plane():
    """The sum of 1/r over a square lattice less its background is -3.9002649 over the width."""
    width, deep = 2.0, 100.0
    uniform = deep / isotropic()[2, 2] / width**2
    images = slab_compliance(isotropic(), width * np.eye(2), deep) - uniform
    assert images == pytest.approx(-3.9002649 / (np.pi * REDUCED * width), rel=5e-4)


def test_a_wide_slab_on_its_ground_is_that_of_dimitriadis():
    """E. K. Dimitriadis et al., Biophys. J. 82, 2798 (2002), their fit for a bonded layer."""
    height = 3.0
    found = slab_compliance(isotropic(), 10 * height * np.eye(2), height)
    first = (1.2876 - 1.4678 * POISSON + 1.3442 * POISSON**2) / (1 - POISSON)
    expected = -first / (np.pi * REDUCED * height)
    assert found == pytest.approx(expected, rel=5e-3)  # so far their fit is good


def test_the_shape_of_the_cell_does_not_matter_where_it_is_the_same_lattice():
    square = slab_compliance(hexagonal(), 30 * np.eye(2), 20.0)
    skew = slab_compliance(hexagonal(), np.array([[30.0, 0], [30.0, 30.0]]), 20.0)
    assert skew == pytest.approx(square, rel=1e-5)


def test_a_crystal_that_is_not_stable_is_refused():
    with pytest.raises(DataError, match="no stable crystal"):
        indentation_modulus(np.diag([1.0, 1.0, 1.0, -1.0, 1.0, 1.0]))
