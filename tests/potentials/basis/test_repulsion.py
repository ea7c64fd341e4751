from __future__ import annotations

import numpy as np
import pytest

from maxvolt.errors import MaxvoltError
from maxvolt.potentials.mtp.basis.repulsion import ZBL

Z_I, Z_J = np.array([6, 14, 42, 1]), np.array([8, 42, 42, 92])


def test_derivative_agrees_with_finite_differences() -> None:
    zbl = ZBL(1.0, 2.2)
    r = np.linspace(0.2, 2.4, 61)[:, None]
    step = 1e-6
    derivative = zbl.evaluate(Z_I, Z_J, r)[1]
    assert derivative.shape == (61, 4)
    numeric = zbl.evaluate(Z_I, Z_J, r + step)[0] - zbl.evaluate(Z_I, Z_J, r - step)[0]
    np.testing.assert_allclose(derivative, numeric / (2 * step), rtol=1e-7, atol=1e-6)


def test_second_derivative_is_continuous_at_both_radii() -> None:
    zbl = ZBL(1.0, 2.2)
    step = 1e-5
    for radius in (zbl.inner, zbl.outer):
        left, middle, right = (
            zbl.evaluate(Z_I, Z_J, radius + shift)[1] for shift in (-step, 0.0, step)
        )
        curvature = np.array([(middle - left) / step, (right - middle) / step])
        third = 1e5  # bound of the third derivative here, eV/A^4
        np.testing.assert_allclose(curvature[0], curvature[1], rtol=0, atol=third * step)


def test_it_is_complete_inside_and_zero_outside() -> None:
    energy = ZBL(1.0, 2.2).evaluate(14, 14, [0.5, 1.0, 2.2, 3.0])[0]
    wide = ZBL(4.0, 5.0).evaluate(14, 14, [0.5, 1.0])[0]
    np.testing.assert_array_equal(energy, [*wide, 0.0, 0.0])
    assert ZBL(1.0, 2.2).evaluate(14, 14, 2.5)[1] == 0.0


def test_value_by_hand() -> None:
    # Two silicon atoms 1 A apart: a = 0.8854 * 0.5291772 / (2 * 14^0.23) = 0.127674 A, so that the
    # screening is 0.18175 exp(-25.062) + 0.50986 exp(-7.38046) + 0.28022 exp(-3.15570)
    # + 0.02817 exp(-1.57918) = 0.0180646, and 14.39964 eV A * 14^2 / 1 A times that is 50.984 eV.
    assert ZBL(2.0, 3.0).evaluate(14, 14, 1.0)[0] == pytest.approx(50.984, rel=1e-4)


def test_close_nuclei_repel_as_bare_charges() -> None:
    energy = ZBL(1.0, 2.0).evaluate(42, 42, 1e-6)[0]
    assert energy == pytest.approx(14.3996454 * 42**2 / 1e-6, rel=1e-3)


def test_pairs_are_symmetric() -> None:
    r = np.linspace(0.3, 2.0, 4)
    np.testing.assert_array_equal(
        ZBL(1.0, 2.2).evaluate(Z_I, Z_J, r), ZBL(1.0, 2.2).evaluate(Z_J, Z_I, r)
    )


@pytest.mark.parametrize("radii", [(2.0, 2.0), (-0.1, 2.0), (1.0, np.inf), (np.nan, 2.0)])
def test_wrong_radii_are_refused(radii: tuple[float, float]) -> None:
    with pytest.raises(MaxvoltError, match="inner < outer"):
        ZBL(*radii)


@pytest.mark.parametrize("pair", [(0, 1, 1.0), (1, 1, 0.0), (1, 1, np.nan)])
def test_wrong_pairs_are_refused(pair: tuple[int, int, float]) -> None:
    with pytest.raises(MaxvoltError, match="above 0"):
        ZBL(1.0, 2.0).evaluate(*pair)
