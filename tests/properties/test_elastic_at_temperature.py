"""Elastic constants from dynamics: towards absolute zero they are those at rest."""

from __future__ import annotations

import numpy as np
import pytest
from ase.build import bulk
from nearest_bonds import NearestBonds

from maxvolt.errors import SettingsError
from maxvolt.properties import compute_property
from maxvolt.properties.dynamic.elastic_at_temperature import (
    ElasticTemperatureSettings,
    _cubic_constants,
    _Pair,
)
from maxvolt.properties.dynamic.recorded import Recorded
from maxvolt.units import GPA_PER_EV_A3

COLD = {
    "temperature": 0.5,
    "strain": 0.002,
    "equilibration_time": 0.4,
    "production_time": 0.6,
    "timestep": 3.0,
}


def test_bonds_of_an_fcc_crystal_have_their_constants():
    found = compute_property(
        "elastic-at-temperature", NearestBonds(), bulk("Cu", a=3.5), {**COLD, "atoms": 32}
    )
    exact = np.sqrt(2) * 3.0 / 2.5 * GPA_PER_EV_A3
    for name, share in (("C11", 1.0), ("C12", 0.5), ("C44", 0.5), ("bulk modulus", 2 / 3)):
        assert found[name] == pytest.approx(share * exact, rel=5e-3)
        assert 0 < found.values[name].statistical_error < 0.01 * exact
    assert any("only" in text for text in found.warnings)  # 0.6 ps are no time to average over
    assert found["temperature"] == pytest.approx(0.5, rel=0.3)


def test_a_hexagonal_crystal_has_those_at_rest():
    crystal = bulk("Mg", a=2.5, c=2.5 * np.sqrt(8 / 3))
    found = compute_property(
        "elastic-at-temperature", NearestBonds(), crystal, {**COLD, "atoms": 36}
    )
    rest = compute_property("elastic", NearestBonds(), crystal, {"strain": 0.002})
    for name in ("C11", "C12", "C13", "C33", "C44", "C66", "bulk modulus"):
        assert found[name] == pytest.approx(rest[name], rel=0.02)


def test_errors_of_sums_know_that_stresses_fluctuate_together():
    pressure, shear = np.random.default_rng(1).standard_normal((2, 6000, 1))
    stresses = 0.01 * (pressure * [1, 1, 1, 0, 0, 0] + 0.1 * shear * [2, -1, -1, 1, 0, 0])
    run = recorded(stresses)
    found = _cubic_constants({0: _Pair(0.01, run, run), 3: _Pair(0.01, run, run)})
    errors = {name: one.statistical_error for name, one in found.items()}
    exact = 0.01 / np.sqrt(6000) * np.sqrt(2) / 0.02 * GPA_PER_EV_A3
    assert errors["bulk modulus"] == pytest.approx(exact, rel=0.2)
    assert errors["C12"] == pytest.approx(exact, rel=0.2)
    assert errors["C44"] == pytest.approx(0.1 * exact, rel=0.2)
    assert all(one.value == 0.0 for one in found.values())


def recorded(stresses: np.ndarray) -> Recorded:
    nothing = np.zeros(0)
    return Recorded(
        200 * np.arange(1, len(stresses) + 1), *(nothing,) * 3, stresses, *(nothing,) * 5,
        timestep=1.0, last=bulk("Cu"),
    )  # fmt: skip


def test_settings_are_checked():
    with pytest.raises(SettingsError, match="strain"):
        ElasticTemperatureSettings(strain=0.2)
    with pytest.raises(SettingsError, match="production_time"):
        ElasticTemperatureSettings(production_time=-1.0)
