"""What is read from curves of load against depth that are known."""

from __future__ import annotations

import numpy as np
import pytest

from maxvolt.properties.extremes.indentation_curve import (
    contact_area,
    find_pop_in,
    fit_hertz,
    hardness,
    hertz_load,
    load_noise,
)

RADIUS, MODULUS, CONTACT = 40.0, 0.55, 0.13
DEPTHS = np.arange(-0.5, 5.0, 0.1)
NOISE = 0.05


def noisy(seed: int) -> np.ndarray:
    loads = hertz_load(DEPTHS - CONTACT, MODULUS, RADIUS)
    generator = np.random.default_rng(seed)
    return np.where(loads > 0, loads + NOISE * generator.normal(size=len(loads)), 0.0)


def test_hertz_law_is_found_again() -> None:
    loads = hertz_load(DEPTHS - CONTACT, MODULUS, RADIUS)
    fit = fit_hertz(DEPTHS, loads, RADIUS, None)
    assert fit is not None
    assert fit.modulus == pytest.approx(MODULUS, rel=1e-6)
    assert fit.contact == pytest.approx(CONTACT, abs=1e-6)
    # A load of 4/3 E* sqrt(R) h^(3/2), in other words.
    assert hertz_load(np.array([1.0]), 3.0, 4.0)[0] == pytest.approx(8.0)


def test_what_a_slab_gives_way_is_subtracted() -> None:
    compliance = -0.01
    reach = DEPTHS - CONTACT
    loads = hertz_load(reach, MODULUS, RADIUS)
    depths = DEPTHS + compliance * loads
    fit = fit_hertz(depths, loads, RADIUS, None, compliance)
    assert fit is not None
    assert fit.modulus == pytest.approx(MODULUS, rel=1e-6)
    stiffer = fit_hertz(depths, loads, RADIUS, None)
    assert stiffer is not None
    assert stiffer.modulus > 1.1 * MODULUS


def test_errors_of_the_fit_are_those_of_many_fits() -> None:
    fits = [fit_hertz(DEPTHS, noisy(seed), RADIUS, None) for seed in range(100)]
    away = np.array([(one.modulus - MODULUS) / one.modulus_error for one in fits if one])
    assert len(away) == 100
    assert abs(away.mean()) < 4 / np.sqrt(100)
    assert 0.8 < away.std() < 1.25  # of 100 normal numbers: within 1 +- 0.21 but once in 300


def test_only_what_is_before_the_pop_in_counts() -> None:
    loads = hertz_load(DEPTHS - CONTACT, MODULUS, RADIUS)
    broken = np.where(DEPTHS > 3.0, 0.5 * loads, loads)
    index = find_pop_in(broken)
    assert index is not None
    assert DEPTHS[index] == pytest.approx(3.0)
    fit = fit_hertz(DEPTHS, broken, RADIUS, index)
    assert fit is not None
    assert fit.modulus == pytest.approx(MODULUS, rel=1e-6)


def test_noise_alone_is_no_pop_in() -> None:
    assert all(find_pop_in(noisy(seed)) is None for seed in range(200))


def test_a_fall_beyond_the_noise_is_the_first_pop_in_even_where_a_larger_one_follows() -> None:
    found = []
    for seed in range(20):
        loads = noisy(seed)
        loads[DEPTHS > 2.05] -= 2.0
        loads[DEPTHS > 4.05] -= 6.0
        found.append(find_pop_in(loads))
    assert {round(DEPTHS[one], 1) for one in found if one is not None} == {2.0}
    assert None not in found


def test_noise_is_that_about_the_curve() -> None:
    found = [load_noise(noisy(seed)[DEPTHS > 0.2]) for seed in range(50)]
    assert np.mean(found) == pytest.approx(NOISE, rel=0.1)


def test_hardness_is_the_pressure_past_the_pop_in() -> None:
    pressure = 0.05
    loads = np.nan_to_num(pressure * contact_area(DEPTHS, RADIUS))
    index = int(np.searchsorted(DEPTHS, 2.0))
    loads[:index] *= 3.0
    found = hardness(DEPTHS, loads, RADIUS, index)
    assert found is not None
    assert found.mean == pytest.approx(pressure)
    assert hardness(DEPTHS, loads, RADIUS, len(loads) - 1) is None


def test_the_area_of_a_contact_is_that_of_the_cut_of_the_sphere() -> None:
    depth = np.array([-1.0, 0.0, 2.0, 41.0])
    area = contact_area(depth, RADIUS)
    assert area[2] == pytest.approx(np.pi * (RADIUS**2 - (RADIUS - 2.0) ** 2))
    assert np.isnan(area[[0, 1, 3]]).all()


def test_too_few_loads_are_not_fitted() -> None:
    loads = hertz_load(DEPTHS - 4.5, MODULUS, RADIUS)
    assert (loads > 0).sum() < 8
    assert fit_hertz(DEPTHS, loads, RADIUS, None) is None
    assert find_pop_in(loads) is None
