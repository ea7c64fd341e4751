"""Conductivity by the Boltzmann equation, of crystals whose force constants are known."""

from __future__ import annotations

import builtins

import numpy as np
import pytest
from ase.build import bulk
from nearest_bonds import NearestBonds

from maxvolt.errors import MaxvoltError, SettingsError
from maxvolt.properties import compute_property
from maxvolt.properties.conductivity.boltzmann_conductivity import BoltzmannSettings
from maxvolt.properties.conductivity.third_order import third_order_of
from promises import needs

NAME = "conductivity-boltzmann"
LENGTH, STIFFNESS = 2.5, 3.0
SMALL = {"size": 8.0, "mesh": 6, "displacement": 0.01}


def crystal():
    return bulk("Cu", a=LENGTH * np.sqrt(2))


def test_third_derivatives_are_those_of_the_bonds():
    needs("phono3py")
    phonons, warnings, _ = third_order_of(
        NearestBonds(LENGTH, stiffness=STIFFNESS),
        crystal(),
        size=8.0,
        displacement=0.005,
        pair_cutoff=None,
        purpose="a test",
    )
    assert warnings == ()
    cell = phonons.supercell
    apart = np.asarray(cell.scaled_positions) - cell.scaled_positions[0]
    apart = (apart - np.round(apart)) @ np.asarray(cell.cell)
    neighbour = int(np.flatnonzero(np.isclose(np.linalg.norm(apart, axis=1), LENGTH))[0])
    n, one = apart[neighbour] / LENGTH, np.eye(3)
    # Of a bond at its length: stiffness / length times what its turning does.
    mixed = sum(
        np.einsum(f"{a},{b}->ijk", one, n) for a, b in (("ij", "k"), ("ik", "j"), ("jk", "i"))
    )
    expected = STIFFNESS / LENGTH * (mixed - 3 * np.einsum("i,j,k->ijk", n, n, n))
    # Each derivative by the near atom, of which there is one, changes the sign.
    found = np.asarray(phonons.fc3)[0, neighbour, neighbour]
    np.testing.assert_allclose(found, -expected, atol=0.02 * abs(expected).max())


def test_the_conductivity_scales_as_the_energy_of_classical_atoms_does():
    """Bonds four times as stiff: twice the frequencies; all of it together is a power of 3/2."""
    needs("phono3py")
    soft, stiff = (
        compute_property(NAME, NearestBonds(LENGTH, stiffness=k), crystal(), SMALL)
        for k in (STIFFNESS, 4 * STIFFNESS)
    )
    name = "thermal conductivity, classical"
    assert stiff[name] == pytest.approx(8 * soft[name], rel=1e-4)
    assert stiff["thermal conductivity"] != pytest.approx(
        8 * soft["thermal conductivity"], rel=0.01
    )


def test_hot_atoms_are_classical_and_cold_ones_are_not():
    needs("phono3py")
    hot, warm = (
        compute_property(NAME, NearestBonds(), crystal(), {**SMALL, "temperature": t})
        for t in (5000.0, 100.0)
    )
    name = "thermal conductivity"
    assert hot[name] == pytest.approx(hot[f"{name}, classical"], rel=1e-3)
    assert warm[name] != pytest.approx(warm[f"{name}, classical"], rel=0.05)
    # Classical conductivities are inverse to temperature.
    ratio = warm[f"{name}, classical"] / hot[f"{name}, classical"]
    assert ratio == pytest.approx(50, rel=1e-6)
    summed = next(one for one in warm.curves if one.name.startswith("up to a frequency"))
    assert summed.y[-1] == pytest.approx(warm[name], rel=1e-6)


def test_isotopes_and_the_linearized_equation_change_it_as_they_must():
    needs("phono3py")
    pure, mixed, whole = (
        compute_property(NAME, NearestBonds(), crystal(), {**SMALL, **more})
        for more in ({}, {"isotopes": True}, {"solution": "linearized"})
    )
    name = "thermal conductivity"
    assert mixed[name] < 0.999 * pure[name]
    assert f"{name}, classical" not in mixed.values
    # Normal processes do not stop the heat: all of it is at least the relaxation time's.
    assert whole[name] > pure[name]


def test_what_is_too_small_is_said():
    needs("phono3py")
    settings = {**SMALL, "mesh": 4, "pair_cutoff": 3.0, "size": 4.0, "volume": 11.3}
    found = compute_property(NAME, NearestBonds(), crystal(), settings)
    said = " ".join(found.warnings)
    assert "raise mesh" in said
    assert "pairs farther apart than pair_cutoff, 3 A" in said
    assert "atoms feel their images" in said
    assert found["volume"] == pytest.approx(11.3)


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"mesh": 2}, "mesh must be"),
        ({"temperature": 0.0}, "temperature must be 1 K or more"),
        ({"volume": -1.0}, "volume must be a number above 0"),
        ({"displacement": 0.7}, "displacement must lie between"),
    ],
)
def test_settings_out_of_range_are_refused(settings, complaint):
    with pytest.raises(SettingsError, match=complaint):
        BoltzmannSettings(**settings)


def test_without_phono3py_the_message_says_how_to_get_it(monkeypatch):
    real = builtins.__import__

    def importing(name, *args, **kwargs):
        if name.startswith("phono3py"):
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", importing)
    with pytest.raises(MaxvoltError, match=r"pip install maxvolt\[phono3py\]"):
        compute_property(NAME, NearestBonds(), crystal(), SMALL)
