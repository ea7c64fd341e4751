"""Heating and cooling: where a crystal is lost, and frames against a reference."""

from __future__ import annotations

import numpy as np
import pytest
from ase.build import bulk
from nearest_bonds import NearestBonds

from maxvolt.errors import DataError, MaxvoltError, SettingsError
from maxvolt.properties import Keeping, compute_property
from maxvolt.properties.dynamic.frame_check import check_frames
from maxvolt.properties.dynamic.heating_cooling import HeatingSettings, _crossing, _Leg
from maxvolt.properties.dynamic.preparation import _unknown_crystal
from maxvolt.properties.dynamic.simulation import Plan, simulate

SHORT = {
    "atoms": 32,
    "temperature": 50.0,
    "highest": 100.0,
    "equilibration_time": 0.6,
    "heating_time": 1.0,
    "cooling_time": 1.0,
    "checked_frames": 3,
}


def leg(shares: list[float]) -> _Leg:
    each = [{"fcc": share, "other": 1 - share, "icosahedral": 0.0} for share in shares]
    return _Leg("heating", None, 100.0 * np.arange(1, len(shares) + 1), each)


def test_the_crystal_is_lost_where_it_does_not_come_back():
    assert _crossing(leg([1.0, 0.4, 0.9, 0.3, 0.0]), below=True) == 350.0
    assert np.isnan(_crossing(leg([1.0, 0.9, 0.8]), below=True))
    assert _crossing(leg([0.0, 0.6, 0.1, 0.7, 0.9]), below=False) == 350.0
    assert np.isnan(_crossing(leg([0.0, 0.1]), below=False))
    assert np.isnan(_crossing(leg([0.9, 0.9]), below=False))  # it was never lost


def test_a_crystal_that_does_not_melt_is_said_to_be_one():
    found = compute_property("heating-cooling", NearestBonds(), bulk("Cu", a=3.5), SHORT)
    assert found["fcc before"] == found["fcc after"] == 1.0
    assert np.isnan(found["crystal lost at"])
    assert any("did not melt below 100 K" in text for text in found.warnings)
    labels = {curve.y_label for curve in found.curves}
    assert labels == {"crystalline share", "volume (Å³/atom)", "energy (eV/atom)"}
    heating = next(curve for curve in found.curves if curve.y_label.startswith("energy"))
    slope = np.polyfit(heating.x, heating.y, 1)[0]
    assert slope == pytest.approx(3 * 8.617e-5, rel=0.5)  # Dulong and Petit, in 32 atoms


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
    ):
        with pytest.raises(SettingsError, match=message):
            HeatingSettings(**wrong)
