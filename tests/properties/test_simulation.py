"""Simulations: exact fluctuations, the same bits after an interruption, clear ends."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
from ase import units
from ase.build import bulk
from ase.calculators.emt import EMT
from nearest_bonds import NearestBonds
from springs import held_crystal

from maxvolt.errors import FileFormatError, MaxvoltError, SettingsError
from maxvolt.properties import Keeping, compute_property
from maxvolt.properties.dynamic.averages import off_pressure, off_temperature, time_mean
from maxvolt.properties.dynamic.member_spread import member_spread
from maxvolt.properties.dynamic.preparation import Prepared, lost_crystal
from maxvolt.properties.dynamic.settings import PhaseSettings
from maxvolt.properties.dynamic.simulation import Plan, simulate
from maxvolt.properties.findings import Quantity
from maxvolt.units import GPA_PER_EV_A3
from promises import needs

PLAN = Plan("springs", 4000, 2.0, 500.0, thermostat="bussi", value_every=2, frame_every=20)


def test_oscillators_have_the_energy_and_the_variance_of_their_temperature():
    atoms, springs = held_crystal(2, 4.0)
    langevin = replace(PLAN, thermostat="langevin", steps=4000)
    found = simulate(springs, atoms, langevin, Keeping(), "a test")
    freedom = 3 * len(atoms) - 3  # the centre of mass is held
    expected = freedom * units.kB * 500.0 / 2
    for series in (found.energies, found.kinetic):
        mean = time_mean(series, found.value_time)
        assert abs(mean.mean - expected) < 4 * mean.error
        assert mean.error < 0.05 * expected
    away = found.frames - springs.places
    variance = time_mean((away**2).mean(axis=(1, 2)), found.frame_time)
    exact = units.kB * 500.0 / 4.0 * freedom / (3 * len(atoms))
    assert abs(variance.mean - exact) < 4 * variance.error
    assert np.isnan(found.stresses).all()  # springs have none


class Interrupt:
    """Raise KeyboardInterrupt at a step."""

    def __init__(self, step: int) -> None:
        self.step = step

    def __call__(self, name: str, done: int, total: int) -> None:
        if done == self.step:
            raise KeyboardInterrupt


@pytest.mark.parametrize("ensemble", ["nve", "nvt", "npt"])
def test_an_interrupted_simulation_goes_on_with_the_same_bits(tmp_path, ensemble):
    thermostat = "bussi" if ensemble == "nvt" else "langevin"
    plan = Plan("run", 200, 2.0, 600.0, ensemble, thermostat, value_every=5, frame_every=10)
    atoms = bulk("Cu", cubic=True) * (2, 2, 2)
    kept_whole = Keeping(tmp_path / "whole", seconds=0.0)
    whole = simulate(NearestBonds(), atoms, plan, kept_whole, "a test")
    folder = tmp_path / "broken"
    for step in (80, 130):
        with pytest.raises(KeyboardInterrupt):
            simulate(NearestBonds(), atoms, plan, Keeping(folder, Interrupt(step), 0.0), "a test")
    kept = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert len(kept) == 2
    seen = []
    tell = Keeping(folder, lambda name, done, total: seen.append(done), 0.0)
    again = simulate(NearestBonds(), atoms, plan, tell, "a test")
    assert min(seen) == 100  # where the last kept segment ended
    assert all(path.stat().st_mtime_ns == modified for path, modified in kept.items())
    read = simulate(NearestBonds(), atoms, plan, Keeping(folder), "a test")
    for found in (again, read):
        assert np.array_equal(found.steps, np.arange(5, 201, 5))
        assert np.array_equal(found.frame_steps, np.arange(10, 201, 10))
        for name in ("energies", "stresses", "cells", "frames", "temperatures"):
            assert np.array_equal(getattr(found, name), getattr(whole, name))
        assert np.array_equal(found.last.positions, whole.last.positions)
        assert np.array_equal(found.last.get_momenta(), whole.last.get_momenta())


def test_a_mean_that_is_not_what_was_asked_for_is_said():
    assert off_temperature(Quantity(330.0, "K", 5.0), 300.0)[0].startswith(
        "temperature: the mean is 330 ± 5 K, and 300 was asked for"
    )
    assert off_temperature(Quantity(319.0, "K", 5.0), 300.0) == ()  # within four errors
    assert off_temperature(Quantity(305.0, "K", 0.1), 300.0) == ()  # within 2 %
    assert off_temperature(Quantity(330.0, "K", np.nan), 300.0) == ()
    assert "pressure: the mean is 0.5" in off_pressure(Quantity(0.5, "GPa", 0.1), 0.0)[0]
    assert off_pressure(Quantity(-0.3, "GPa", 0.1), 0.0) == ()


@pytest.mark.parametrize("name", ["density", "structure", "elastic-at-temperature"])
def test_a_crystal_that_melts_is_not_taken_for_one(name):
    hot = {"temperature": 4000.0, "atoms": 32, "equilibration_time": 0.3, "production_time": 0.1}
    found = compute_property(name, EMT(), bulk("Al", a=4.0), hot)
    assert any("the crystal has melted at 4000 K; simulate" in text for text in found.warnings)
    assert "a" not in found.values


def test_a_hot_crystal_is_one_and_others_are_named():
    crystal = bulk("Al", cubic=True) * (3, 3, 3)
    begin = Prepared(crystal, 2.0, 80.0, False, (), (), crystal.get_scaled_positions(), "fcc")
    shaken = crystal.copy()
    shaken.rattle(0.12 * 2.86 / 3**0.5, seed=1)  # as near its melting point
    assert lost_crystal(begin, shaken, 900.0) == ()
    (warning,) = lost_crystal(begin, bulk("Fe", cubic=True) * 3, 900.0)
    assert "0% of the atoms stand as in fcc at the end, 100% as in bcc" in warning
    assert lost_crystal(replace(begin, crystal=None), bulk("Fe", cubic=True) * 3, 900.0) == ()


def test_other_settings_and_other_calculators_do_not_share_segments(tmp_path):
    atoms, springs = held_crystal(1, 4.0)
    plan = replace(PLAN, steps=40)
    simulate(springs, atoms, plan, Keeping(tmp_path), "a test")
    assert len(list(tmp_path.iterdir())) == 1
    simulate(springs, atoms, replace(plan, temperature=501.0), Keeping(tmp_path), "a test")
    assert len(list(tmp_path.iterdir())) == 2
    stiffer = type(springs)(springs.places, 4.1)
    simulate(stiffer, atoms, plan, Keeping(tmp_path), "a test")
    assert len(list(tmp_path.iterdir())) == 3


def test_what_another_version_has_made_is_made_again(tmp_path, monkeypatch, caplog):
    atoms = bulk("Cu", cubic=True)
    plan = Plan("run", 100, 2.0, 300.0, value_every=10)
    first = simulate(EMT(), atoms, plan, Keeping(tmp_path, seconds=0.0), "a test")
    files = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert len(files) > 1
    simulate(EMT(), atoms, plan, Keeping(tmp_path), "a test")
    assert not caplog.messages
    versions = {"maxvolt": version("maxvolt"), "ase": "99.0"}
    monkeypatch.setattr("maxvolt.properties.dynamic.simulation.version", versions.__getitem__)
    again = simulate(EMT(), atoms, plan, Keeping(tmp_path, seconds=0.0), "a test")
    (message,) = caplog.messages
    assert f"with ase {version('ase')}, and this is maxvolt" in message
    assert "with ase 99.0: from there on the simulation is made again" in message
    assert all(path.stat().st_mtime_ns > before for path, before in files.items())
    assert np.array_equal(again.energies, first.energies)


def test_a_damaged_segment_is_named(tmp_path):
    atoms, springs = held_crystal(1, 4.0)
    plan = replace(PLAN, steps=40)
    simulate(springs, atoms, plan, Keeping(tmp_path), "a test")
    (path,) = tmp_path.iterdir()
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(FileFormatError, match="remove it and those after it"):
        simulate(springs, atoms, plan, Keeping(tmp_path), "a test")


def test_a_simulation_that_explodes_says_what_to_do(tmp_path):
    plan = Plan("hot", 200, 60.0, 5000.0, value_every=10)
    with pytest.raises(MaxvoltError, match=r"hot.* ended after .* shorter timestep"):
        simulate(NearestBonds(), bulk("Cu", cubic=True) * 2, plan, Keeping(tmp_path), "a test")
    assert not list(tmp_path.iterdir())


def test_settings_are_checked():
    for wrong, message in (
        ({"temperature": 0.0}, "above 0 K"),
        ({"temperature": -3.0}, "between"),
        ({"phase": "gas"}, "solid or melt"),
        ({"production_time": 0.0}, "production_time"),
        ({"equilibration_time": float("nan")}, "equilibration_time"),
        ({"seed": -1}, "seed"),
        ({"atoms": 0}, "atoms"),
        ({"members": "both"}, "simulate or frames"),
    ):
        with pytest.raises(SettingsError, match=message):
            PhaseSettings(**wrong)
    settings = PhaseSettings()
    assert settings.timestep_of(bulk("Al")) == 2.08
    assert settings.timestep_of(bulk("W")) == 3.0
    assert settings.steps(1.0, 2.0, 7) == 497


SETTINGS = {"atoms": 32, "equilibration_time": 0.3, "production_time": 0.6}

SCRIPT = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from pathlib import Path
from ase.build import bulk
from nearest_bonds import NearestBonds
from maxvolt.properties import Keeping, compute_property

settings = {SETTINGS!r}
found = compute_property(
    "density", NearestBonds(), bulk("Cu"), settings, keeping=Keeping(Path(sys.argv[1]), seconds=0.0)
)
print(repr(found["density"]))
"""


@pytest.mark.parametrize("name", ["SIGKILL", "SIGINT"])
def test_after_a_signal_the_same_call_goes_on_to_the_same_number(tmp_path, name):
    needs("SIGKILL")
    folder = tmp_path / "kept"
    command = [sys.executable, "-c", SCRIPT, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        deadline = time.monotonic() + 60
        while len(list(folder.glob("density-*.npz"))) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(getattr(signal, name))
        process.communicate()
    assert process.returncode != 0
    kept = {path: path.stat().st_mtime_ns for path in folder.glob("*.npz")}
    assert len(kept) >= 3
    again = subprocess.run(command, capture_output=True, text=True, check=True)
    assert all(path.stat().st_mtime_ns == modified for path, modified in kept.items())
    assert not [path for path in folder.iterdir() if path.suffix != ".npz"] or name == "SIGKILL"
    whole = compute_property("density", NearestBonds(), bulk("Cu"), SETTINGS)
    assert float(again.stdout) == whole["density"]


def test_members_simulate_or_are_compared_on_frames():
    members = [NearestBonds(stiffness=stiffness) for stiffness in (2.9, 3.0, 3.1)]
    cold = {**SETTINGS, "temperature": 50.0}
    each = compute_property("density", members, bulk("Cu", a=3.5), cold)
    assert each.members == 3
    assert each.values["volume"].two_sigma > 0
    cold["members"] = "frames"
    seen = compute_property("density", members, bulk("Cu", a=3.5), cold)
    assert seen.members == 3
    assert seen.values["volume"].two_sigma is None
    alone = compute_property("density", members[0], bulk("Cu", a=3.5), cold)
    assert seen["volume"] == alone["volume"]
    assert "two sigma of the mean pressure" not in alone.values
    assert any("one of 3 members simulates" in text for text in seen.notes)


def test_the_spread_of_members_on_frames_is_that_of_their_stiffness():
    atoms = bulk("Cu", cubic=True, a=3.5) * (2, 2, 2)
    frames = [atoms.copy() for _ in range(3)]
    for seed, frame in enumerate(frames):
        frame.rattle(0.03, seed=seed)
    members = [NearestBonds(depth=k, stiffness=k) for k in (2.9, 3.0, 3.1)]
    found = member_spread(members, frames)
    forces, pressures = [], []
    for frame in frames:
        frame.calc = members[1]
        forces.append(frame.get_forces())
        pressures.append(-frame.get_stress()[:3].mean())
    size = np.sqrt(np.mean(np.square(forces)))
    assert found["two sigma of forces on frames"].value == pytest.approx(2 * size / 30 * 1e3)
    pressure = abs(np.mean(pressures)) * GPA_PER_EV_A3
    assert found["two sigma of the mean pressure"].value == pytest.approx(2 * pressure / 30)
    assert found["two sigma of energies on frames"].value > 0
