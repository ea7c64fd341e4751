"""Conductivity from the heat flux of simulations in LAMMPS."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones

import maxvolt
from maxvolt.errors import DataError, FileFormatError, MaxvoltError, SettingsError
from maxvolt.properties import Keeping, compute_property
from maxvolt.properties.conductivity.green_kubo_conductivity import (
    GreenKuboSettings,
    green_kubo_conductivity,
)
from maxvolt.properties.conductivity.heat_flux import FluxPlan, simulate_flux
from maxvolt.properties.melting import Interaction
from maxvolt.sampling.lammps.program import find_program
from promises import needs

sys.path.insert(0, str(Path(__file__).parents[1] / "potentials"))
from make_potentials import copper

NAME = "conductivity-green-kubo"
SHORT = {
    "temperature": 300.0,
    "atoms": 108,
    "equilibration_time": 1.0,
    "production_time": 2.0,
    "segment_time": 1.0,
    "runs": 2,
}


def argon() -> tuple[LennardJones, Interaction]:
    """The same potential twice; both are 0 at the cutoff nearly, where no neighbours are."""
    calculator = LennardJones(sigma=3.4, epsilon=0.0104, rc=4.6)
    return calculator, Interaction.of_pair_style("lj/cut 4.6", ["1 1 0.0104 3.4"])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    needs("lammps")
    return tmp_path_factory.mktemp("flux")


def test_a_crystal_of_a_potential_is_simulated_and_goes_on_from_what_is_kept(folder: Path):
    told: list[tuple[str, int, int]] = []
    keeping = Keeping(folder, progress=lambda *what: told.append(what))
    found = compute_property(NAME, copper(), bulk("Cu"), SHORT, keeping=keeping)
    assert found.values["thermal conductivity"].unit == "W/m/K"
    assert found["temperature"] == pytest.approx(300, rel=0.15)
    for axis in "xyz":
        flux = found.values[f"mean heat flux {axis}"]
        assert abs(flux.value) < 4 * flux.statistical_error
    assert abs(found["energy drift"]) < 5.0
    assert {name for name, _, _ in told} >= {"heat flux, seed 1", "heat flux, seed 2"}
    segments = sorted(folder.glob("heat-flux-*.npz"))
    assert len(segments) == 4
    # As after a kill: the last segment of a run is missing, and is made again from the one before.
    segments[1].unlink()
    again = compute_property(NAME, copper(), bulk("Cu"), SHORT, keeping=Keeping(folder))
    assert again["thermal conductivity"] == pytest.approx(found["thermal conductivity"], rel=1e-6)
    longer = {**SHORT, "production_time": 3.0}
    compute_property(NAME, copper(), bulk("Cu"), longer, keeping=Keeping(folder))
    assert len(list(folder.glob("heat-flux-*.npz"))) == 6
    segments[0].write_bytes(b"damaged")
    with pytest.raises(FileFormatError, match="is no segment of a heat flux"):
        compute_property(NAME, copper(), bulk("Cu"), SHORT, keeping=Keeping(folder))


def test_segments_are_one_simulation(folder: Path):
    """Two segments are what one of twice the length is, in spite of the restart between them."""
    atoms = bulk("Cu", cubic=True, a=3.6) * (3, 3, 3)
    path = folder / "copper.mtp"
    copper().write(path)
    held = Interaction.of_potential(path, "Cu")
    runs = [
        simulate_flux(
            atoms, FluxPlan(held, 300.0, 2.0, 100, segments, steps, 5), 3, Keeping(),
            find_program(1, None), "a test",
        )
        for segments, steps in ((2, 50), (1, 100))
    ]  # fmt: skip
    assert runs[0].fluxes.shape == (20, 3)
    scale = abs(runs[1].fluxes).max()
    np.testing.assert_allclose(runs[0].fluxes, runs[1].fluxes, rtol=0, atol=1e-6 * scale)
    np.testing.assert_allclose(runs[0].energies, runs[1].energies, rtol=0, atol=1e-7)
    asked = runs[0].ends[-1].copy()
    asked.calc = maxvolt.Calculator(copper())
    assert asked.get_potential_energy() == pytest.approx(runs[0].end_energies[-1], abs=1e-7)


def test_grades_of_the_ends_are_told(folder: Path):
    potential = copper()
    frames = [bulk("Cu", cubic=True, a=a) * 2 for a in (3.55, 3.6, 3.65)]
    for k, frame in enumerate(frames):
        frame.rattle(0.05, seed=k)
    active = maxvolt.ActiveSet.from_dataset(potential, maxvolt.Dataset.from_atoms(frames))
    found = compute_property(NAME, potential, bulk("Cu"), SHORT, query=active)
    assert found.largest_grade is not None
    assert found.largest_grade > 0


def test_members_are_compared_on_the_ends_of_one_of_them(folder: Path):
    members = maxvolt.Ensemble([copper(), copper()])
    settings = {**SHORT, "members": "frames", "volume": 11.7, "runs": 1}
    found = compute_property(NAME, members, bulk("Cu"), settings)
    assert found["two sigma of forces on frames"] == pytest.approx(0.0, abs=1e-9)
    assert any("compared on 2 frames" in note for note in found.notes)


def test_a_pair_style_is_simulated_and_compared(folder: Path):
    calculator, style = argon()
    settings = GreenKuboSettings(
        **{**SHORT, "temperature": 40.0, "volume": 37.0, "timestep": 4.0, "cutoff_time": 0.5}
    )
    found = green_kubo_conductivity(calculator, bulk("Ar", a=5.2), settings, interaction=style)
    assert found["volume"] == pytest.approx(37.0)
    assert found["cutoff time"] == pytest.approx(0.5)
    other = Interaction.of_pair_style("lj/cut 4.6", ["1 1 0.012 3.4"])
    with pytest.raises(DataError, match="LAMMPS and the calculator disagree"):
        green_kubo_conductivity(calculator, bulk("Ar", a=5.2), settings, interaction=other)


def test_a_calculator_without_a_potential_for_the_plugin_is_refused(tmp_path: Path):
    with pytest.raises(DataError, match="for another one, call"):
        compute_property(NAME, EMT(), bulk("Cu"), SHORT, keeping=Keeping(tmp_path))
    assert not list(tmp_path.iterdir())  # nothing was simulated before


def test_a_pair_style_without_centroid_virials_is_refused_by_lammps(folder: Path):
    calculator, _ = argon()
    style = Interaction.of_pair_style("sw", ["* * Si.sw Si"])
    settings = GreenKuboSettings(**{**SHORT, "volume": 20.0})
    with pytest.raises(MaxvoltError, match="does not support compute centroid/stress/atom"):
        green_kubo_conductivity(calculator, bulk("Si", "fcc", a=5.2), settings, interaction=style)


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"runs": 0}, "runs must be"),
        ({"production_time": -1.0}, "production_time must be"),
        ({"production_time": 5.0}, "segment_time"),
        ({"cutoff_time": 30.0}, "a quarter of production_time"),
        ({"temperature": 0.0}, "above 0 K"),
    ],
)
def test_settings_out_of_range_are_refused(settings, complaint):
    with pytest.raises(SettingsError, match=complaint):
        GreenKuboSettings(**settings)
