"""Heating and cooling: where a crystal is lost, and frames against a reference."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from nearest_bonds import NearestBonds

from lennard_jones import write_table
from maxvolt.errors import DataError, MaxvoltError, SettingsError
from maxvolt.properties import Keeping, compute_property
from maxvolt.properties.dynamic.frame_check import check_frames
from maxvolt.properties.dynamic.heating_cooling import (
    HeatingSettings,
    _crossing,
    _Leg,
    _release_temperature,
    _warnings,
)
from maxvolt.properties.dynamic.held_slab import at_their_places, held_slab
from maxvolt.properties.dynamic.preparation import Prepared, _unknown_crystal
from maxvolt.properties.dynamic.simulation import Plan, simulate

SHORT = {
    "atoms": 32,
    "temperature": 50.0,
    "highest": 100.0,
    "equilibration_time": 0.6,
    "heating_time": 1.0,
    "cooling_time": 1.0,
    "held_share": 0.0,
    "checked_frames": 3,
}

ARGON = {
    "atoms": 100,
    "temperature": 30.0,
    "highest": 180.0,
    "pressure": 0.1,
    "timestep": 8.0,
    "equilibration_time": 3.0,
    "heating_time": 4.0,
    "cooling_time": 8.0,
}
"""Under pressure, where the melt does not boil."""


def leg(shares: list[float]) -> _Leg:
    each = [{"fcc": share, "other": 1 - share, "icosahedral": 0.0} for share in shares]
    return _Leg("heating", None, 100.0 * np.arange(1, len(shares) + 1), each)


def test_the_crystal_is_lost_where_it_does_not_come_back():
    assert _crossing(leg([1.0, 0.4, 0.9, 0.3, 0.0]), below=True) == 350.0
    assert np.isnan(_crossing(leg([1.0, 0.9, 0.8]), below=True))
    assert _crossing(leg([0.0, 0.6, 0.1, 0.7, 0.9]), below=False) == 350.0
    assert np.isnan(_crossing(leg([0.0, 0.1]), below=False))
    assert np.isnan(_crossing(leg([0.9, 0.9]), below=False))  # it was never lost


def test_the_slab_is_released_below_the_melting_point():
    assert _release_temperature(HeatingSettings(), 1170.0) == 819.0
    assert _release_temperature(HeatingSettings(), 350.0) == 300.0  # no lower than cooling goes
    assert _release_temperature(HeatingSettings(release_temperature=900.0), 1170.0) == 900.0
    assert _release_temperature(HeatingSettings(held_share=0.0), 1170.0) is None
    assert _release_temperature(HeatingSettings(), float("nan")) is None


def test_a_crystal_that_does_not_melt_is_said_to_be_one():
    found = compute_property("heating-cooling", NearestBonds(), bulk("Cu", a=3.5), SHORT)
    assert found["fcc before"] == found["fcc after"] == 1.0
    assert np.isnan(found["crystal lost at"])
    assert any("did not melt below 100 K" in text for text in found.warnings)
    labels = {curve.y_label for curve in found.curves}
    assert labels == {
        "crystalline share", "share of a phase", "volume (Å³/atom)", "energy (eV/atom)"
    }  # fmt: skip
    phases = [curve.name for curve in found.curves if curve.y_label == "share of a phase"]
    assert phases == ["fcc, heating", "fcc, cooling"]
    heating = next(curve for curve in found.curves if curve.y_label.startswith("energy"))
    slope = np.polyfit(heating.x, heating.y, 1)[0]
    assert slope == pytest.approx(3 * 8.617e-5, rel=0.5)  # Dulong and Petit, in 32 atoms


def test_argon_melts_and_freezes_from_a_slab(tmp_path):
    keeping = Keeping(tmp_path / "kept")
    table = write_table(tmp_path)
    found = compute_property("heating-cooling", table, bulk("Ar"), ARGON, keeping=keeping)
    assert found.warnings == ()
    assert 90 < found["crystal lost at"] < 175  # it melts at some 105 K there
    assert found["slab released at"] == round(0.7 * found["crystal lost at"])
    assert 50 < found["crystal regained at"] < found["crystal lost at"]
    assert found["fcc before"] == 1.0
    assert found["fcc after"] > 0.9
    volumes = [one for one in found.curves if one.y_label.startswith("volume")]
    heating, cooling = (dict(zip(one.x, one.y, strict=True)) for one in volumes)
    cold = min(heating), min(cooling)
    assert cooling[cold[1]] == pytest.approx(heating[cold[0]], rel=0.02)  # the same crystal
    assert max(heating.values()) > 1.15 * heating[cold[0]]
    without = {**ARGON, "held_share": 0.0}
    alone = compute_property("heating-cooling", table, bulk("Ar"), without, keeping=keeping)
    assert not alone["crystal regained at"] > found["crystal regained at"] - 20  # or not at all
    assert "slab released at" not in alone.values
    names = {path.name.rpartition("-")[0] for path in (tmp_path / "kept").iterdir()}
    assert names == {"equilibration", "heating", "melting-held", "cooling-held", "cooling"}


def test_a_slab_around_which_nothing_melts_is_an_error(tmp_path):
    thick = {**ARGON, "held_share": 0.9}
    with pytest.raises(MaxvoltError, match=r"crystalline after 3 ps at 180 K; raise highest"):
        compute_property("heating-cooling", write_table(tmp_path), bulk("Ar"), thick)


def test_a_melt_that_does_not_freeze_is_told_what_helps():
    hot, cold = leg([1.0, 0.0]), leg([0.0, 0.0])
    (said,) = _warnings((hot, cold), 150.0, float("nan"), HeatingSettings())
    assert said.endswith("raise cooling_time, or hold the slab longer (release_temperature)")
    alone = HeatingSettings(held_share=0.0)
    (said,) = _warnings((hot, cold), 150.0, float("nan"), alone)
    assert said.endswith("or hold a slab of the crystal from which it can (held_share)")
    assert _warnings((hot, leg([0.0, 1.0])), 150.0, 150.0, alone) == ()


def crystal_at_rest(atoms: Atoms) -> Prepared:
    return Prepared(atoms, 2.0, 80.0, False, (), (), atoms.get_scaled_positions())


def test_a_slab_has_whole_layers_of_the_crystal():
    begin = crystal_at_rest(bulk("Cu", cubic=True) * (2, 2, 5))
    held = held_slab(begin, 0.2, "a test")
    assert set(np.round(begin.places[held, 2], 9)) == {0.0, 0.1}
    assert held.sum() == 16
    assert held_slab(begin, 0.01, "a test").sum() == 8
    assert held_slab(begin, 0.99, "a test").sum() == 72
    assert not held_slab(begin, 0.0, "a test").any()
    zinc = crystal_at_rest(bulk("Zn", orthorhombic=True) * (2, 2, 3))
    zinc.atoms.positions += 1e-9  # places just below and just above the border of the cell
    zinc = crystal_at_rest(zinc.atoms)
    assert held_slab(zinc, 0.34, "a test").sum() == len(zinc.atoms) // 3
    with pytest.raises(DataError, match="one layer of atoms"):
        held_slab(crystal_at_rest(bulk("Cu") * (3, 3, 1)), 0.2, "a test")


def test_held_atoms_are_put_where_they_are_at_rest_in_a_crystal_that_drifts():
    crystal = bulk("Cu", cubic=True) * (2, 2, 5)
    begin = crystal_at_rest(crystal)
    held = held_slab(begin, 0.2, "a test")
    begin.atoms.rattle(0.1, seed=1)
    begin.atoms.positions += 0.7 * crystal.cell[0] + 0.4
    begin.atoms.set_cell(1.01 * crystal.cell.array, scale_atoms=True)
    atoms = at_their_places(begin, held)
    np.testing.assert_allclose(atoms.positions[~held], begin.atoms.positions[~held], atol=1e-12)
    moved = atoms.get_scaled_positions(wrap=False)[held] - begin.places[held]
    np.testing.assert_allclose(moved, np.tile(moved[0], (16, 1)), atol=1e-12)
    drift = (begin.atoms.get_scaled_positions(wrap=False) - begin.places).mean(axis=0)
    np.testing.assert_allclose(moved[0], drift, atol=1e-12)


def test_simulations_that_follow_each_other_are_joined():
    atoms = bulk("Cu", cubic=True, a=3.5)
    plan = Plan("run", 40, 2.0, 100.0, value_every=2, frame_every=20)
    first, second = (
        simulate(NearestBonds(), atoms, replace(plan, seed=seed), Keeping(), "a test")
        for seed in (1, 2)
    )
    both = first.followed_by(second)
    assert both.steps.tolist() == list(range(2, 81, 2))
    assert both.frame_steps.tolist() == [20, 40, 60, 80]
    assert np.array_equal(both.energies[20:], second.energies)
    assert np.array_equal(both.frames[2:], second.frames)
    assert both.last is second.last


def test_what_is_no_known_crystal_is_said_to_be_none():
    crystal = bulk("CuAu", "rocksalt", a=5.0)
    found = compute_property("heating-cooling", NearestBonds(), crystal, {**SHORT, "atoms": 64})
    assert np.isnan(found["crystal lost at"])
    (warning,) = found.warnings
    assert "0% of the atoms stand in a crystal at the beginning" in warning
    (warning,) = _unknown_crystal(crystal * (3, 3, 3))
    assert "does not know this crystal" in warning
    assert _unknown_crystal(bulk("Cu") * (3, 3, 3)) == ()


def test_cells_too_small_for_phases_are_refused_at_once():
    for name, more in (("heating-cooling", SHORT), ("density", {"phase": "melt"})):
        with pytest.raises(DataError, match=r"20 atoms or more; this cell has 4: raise atoms"):
            compute_property(name, NearestBonds(), bulk("Cu", a=3.5), {**more, "atoms": 4})


def test_frames_of_a_stiffer_reference_differ_by_its_stiffness(tmp_path):
    keeping = Keeping(tmp_path)
    soft, stiff = NearestBonds(), NearestBonds(depth=0.7, stiffness=3.3)
    found = compute_property(
        "heating-cooling", soft, bulk("Cu", a=3.5), SHORT, reference=stiff, keeping=keeping
    )
    for name in ("heating", "cooling"):
        ratio = found[f"force error in {name}"] / found["size of the reference's forces"]
        assert ratio == pytest.approx(1 / 11, rel=0.3)  # of all frames together it is exact
        assert found[f"energy error in {name}"] < 5.0  # the depth makes no difference
    (forces,) = (one for one in found.curves if one.y_label.startswith("force error"))
    both = np.sqrt(np.mean(np.square(forces.y))) / found["size of the reference's forces"]
    assert both == pytest.approx(1 / 11, rel=1e-6)
    assert len(list(tmp_path.glob("frame-*.json"))) == 6

    class Broken(NearestBonds):
        def calculate(self, *arguments, **more):
            raise RuntimeError("no more licences")

    Broken.__qualname__ = "NearestBonds"  # what is kept is not asked for again
    broken = Broken(depth=0.7, stiffness=3.3)
    again = compute_property(
        "heating-cooling", soft, bulk("Cu", a=3.5), SHORT, reference=broken, keeping=keeping
    )
    assert again.curves == found.curves
    with pytest.raises(MaxvoltError, match="RuntimeError: no more licences"):
        compute_property("heating-cooling", soft, bulk("Cu", a=3.5), SHORT, reference=broken)


def test_a_damaged_frame_is_named(tmp_path):
    plan = Plan("run", 40, 2.0, 100.0, value_every=2, frame_every=20)
    atoms = bulk("Cu", cubic=True, a=3.5)
    last = simulate(NearestBonds(), atoms, plan, Keeping(), "a test").last
    check_frames(NearestBonds(), NearestBonds(), [last], Keeping(tmp_path), "a test")
    (path,) = tmp_path.iterdir()
    path.write_text("{")
    with pytest.raises(MaxvoltError, match="no kept frame"):
        check_frames(NearestBonds(), NearestBonds(), [last], Keeping(tmp_path), "a test")


def test_settings_are_checked():
    for wrong, message in (
        ({"highest": 200.0}, "above temperature"),
        ({"heating_time": 0.0}, "heating_time"),
        ({"checked_frames": 1}, "checked_frames"),
        ({"held_share": 1.0}, "held_share must be from 0 to below 1"),
        ({"release_temperature": 200.0}, "between temperature, 300 K, and highest, 1500 K"),
        ({"release_temperature": 500.0, "held_share": 0.0}, "held_share is 0"),
    ):
        with pytest.raises(SettingsError, match=message):
            HeatingSettings(**wrong)
