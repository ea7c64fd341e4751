"""Free energies in LAMMPS of systems whose free energy is known otherwise."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ase import units
from ase.build import bulk
from ase.calculators.calculator import Calculator, all_changes
from ase.io import write
from ase.neighborlist import neighbor_list

from embedded_atoms import Analytic
from maxvolt.cli import main
from maxvolt.errors import DataError, FileFormatError, MaxvoltError
from maxvolt.properties.free_energy import (
    FreeEnergies,
    FreeEnergy,
    FreeEnergySettings,
    Interaction,
    corrected,
    free_energies,
    free_energy_correction,
    of_reference,
)
from maxvolt.properties.free_energy.analytic import (
    einstein_crystal,
    ideal_gas,
    reference_liquid,
)
from maxvolt.properties.free_energy.inputs import Inputs
from maxvolt.properties.free_energy.simulations import Simulations
from maxvolt.properties.lammps_stages import LammpsStages
from maxvolt.sampling.lammps.program import find_program
from promises import needs

SMALL = FreeEnergySettings(
    temperatures=(300.0,),
    atoms=32,
    seeds=(1, 2),
    equilibration_time=0.5,
    averaging_time=1.0,
    switching_time=2.0,
    settling_time=1.5,
    harmonic=False,
)


def springs(constant: float) -> Interaction:
    """An Einstein crystal in the place of a potential."""
    lines = ("pair_style zero 3.0", "pair_coeff * *", f"fix own all spring/self {constant}")
    return Interaction("springs", (*lines, "fix_modify own energy yes"), f"springs {constant}")


def argon(pressure: float = 0.0) -> Interaction:
    return Interaction.of_pair_style("lj/cut 8.0", ["* * 0.0103 3.4"])


@pytest.fixture(autouse=True)
def lammps() -> None:
    needs("lammps")


def test_springs_have_the_free_energy_of_an_einstein_crystal(tmp_path) -> None:
    found = free_energies(springs(3.0), bulk("Al", cubic=True), SMALL, tmp_path)
    (state,) = found.states
    masses = np.full(state.atoms, bulk("Al").get_masses()[0])
    frequency = float(np.sqrt(3.0 / masses[0]))
    exact = einstein_crystal(300.0, masses, frequency, state.volume * state.atoms) / state.atoms
    assert state.error < 5e-4
    of_these = state.value - state.finite_size
    assert abs(of_these - exact) < 5 * state.error + 1e-5
    assert state.finite_size == pytest.approx(units.kB * 300.0 * np.log(32) / 64)
    # Three degrees of freedom of a potential energy, three of a kinetic one.
    assert state.energy == pytest.approx(3 * units.kB * 300.0, rel=0.1)


def test_springs_become_stiffer_springs(tmp_path) -> None:
    """kT ln 1.3 for each of 3 N - 3 oscillators."""
    settings = replace(SMALL, switching_time=6.0)
    inputs = Inputs(settings, springs(3.0), ("Al",))
    stages = LammpsStages("free energy", tmp_path, find_program(1, None))
    simulations = Simulations(inputs, stages)
    state = simulations.crystal(bulk("Al", cubic=True) * 2, 300.0)
    frequency = 1.3 * float(np.sqrt(3.0 / state.atoms.get_masses()[0]))
    found = simulations.to_einstein(state, 300.0, frequency, 1)
    exact = -3 * (len(state.atoms) - 1) * units.kB * 300.0 * np.log(1.3)
    assert found.difference == pytest.approx(exact, rel=0.05)
    assert abs(found.dissipation) < 0.1 * abs(exact)


def test_each_temperature_and_seed_has_random_numbers_of_its_own() -> None:
    inputs = Inputs(SMALL, springs(3.0), ("Al",))
    drawn = [
        tuple(
            line
            for line in inputs.to_einstein(t, 0.3, seed)[0].splitlines()
            if " langevin " in line
        )
        for t, seed in ((300.0, 1), (301.0, 1), (300.0, 2))
    ]
    numbers = [one[0].split()[-3] for one in drawn]
    assert len(set(numbers)) == 3
    assert drawn[0] == tuple(
        line for line in inputs.to_einstein(300.0, 0.3, 1)[0].splitlines() if " langevin " in line
    )


def test_two_elements_on_springs_of_one_frequency(tmp_path) -> None:
    """The springs go with the masses, so that the centre of mass stays at rest, as in a crystal."""
    crystal = bulk("AlCu", "rocksalt", a=5.0, cubic=True)
    frequency = 0.25
    constants = frequency**2 * np.array([bulk(one).get_masses()[0] for one in ("Al", "Cu")])
    lines = ["pair_style zero 3.0", "pair_coeff * *"]
    for k, constant in enumerate(constants, start=1):
        lines += [f"group own{k} type {k}", f"fix own{k} own{k} spring/self {constant:.15g}"]
        lines += [f"fix_modify own{k} energy yes"]
    interaction = Interaction("springs", tuple(lines), "springs of two elements")
    (state,) = free_energies(interaction, crystal, replace(SMALL, atoms=64), tmp_path).states
    masses = np.tile(crystal.get_masses(), state.atoms // len(crystal))
    exact = einstein_crystal(300.0, masses, frequency, state.volume * state.atoms) / state.atoms
    assert abs(state.value - state.finite_size - exact) < 5 * state.error + 1e-5


def test_a_cold_crystal_is_harmonic(tmp_path) -> None:
    settings = replace(
        SMALL,
        temperatures=(2.0,),
        atoms=108,
        harmonic=True,
        timestep=4.0,
        equilibration_time=4.0,
        averaging_time=10.0,
        settling_time=4.0,
        switching_time=20.0,
    )
    (state,) = free_energies(argon(), bulk("Ar", cubic=True, a=5.26), settings, tmp_path).states
    assert state.harmonic is not None
    # A hundredth of kT: what is not harmonic falls with the square of the temperature.
    assert state.value == pytest.approx(state.harmonic.free_energy, abs=0.02 * units.kB * 2.0)
    assert state.entropy == pytest.approx(state.harmonic.entropy, abs=0.1 * units.kB)
    assert state.harmonic.quantum > 0


def test_a_liquid_whose_free_energy_is_tabulated(tmp_path) -> None:
    """The same kind of liquid at half of the strength, as a table of LAMMPS."""
    needs("free-energy")
    temperature, length, strength = 900.0, 2.0, 25
    r = np.linspace(0.2, 10.0, 3000)
    weight = np.exp(-((r / length) ** 2))
    energy = -strength * units.kB * temperature * np.log1p(-weight)
    force = strength * units.kB * temperature * 2 * r / length**2 * weight / (1 - weight)
    rows = "\n".join(
        f"{k + 1} {a} {b} {c}" for k, (a, b, c) in enumerate(zip(r, energy, force, strict=True))
    )
    table = tmp_path / "weaker.table"
    table.write_text(f"WEAKER\nN {len(r)} R {r[0]} {r[-1]}\n\n{rows}\n")
    interaction = Interaction.of_pair_style("table linear 3000", [f"* * {table} WEAKER"])
    settings = replace(
        SMALL, temperatures=(temperature,), phase="liquid", pressure=1.0, atoms=108,
        equilibration_time=2.0, averaging_time=2.0, switching_time=5.0,
    )  # fmt: skip
    (state,) = free_energies(
        interaction, bulk("Al", cubic=True), settings, tmp_path / "runs"
    ).states
    density = 1 / state.volume
    scaled = 0.5 * (np.pi * length**2) ** 1.5 * density
    mass = float(bulk("Al").get_masses()[0])
    exact = ideal_gas(temperature, mass, density)
    exact += reference_liquid(temperature, scaled, strength)
    assert abs(state.value - exact) < 5 * state.error + 0.02 * units.kB * temperature
    assert abs(state.reference - exact) > 0.1 * units.kB * temperature


def test_it_goes_on_from_what_is_kept(tmp_path) -> None:
    ran: list[str] = []

    def tell(stage: str, done: int, steps: int) -> None:
        ran.append(stage)

    crystal = bulk("Al", cubic=True)
    first = free_energies(springs(3.0), crystal, SMALL, tmp_path, progress=tell)
    assert {"cell-300K", "crystal-300K", "switching1-300K", "switching2-300K"} == set(ran)
    ran.clear()
    again = free_energies(springs(3.0), crystal, SMALL, tmp_path, progress=tell)
    assert again.to_dict() == first.to_dict()
    assert not ran
    more = free_energies(
        springs(3.0), crystal, replace(SMALL, seeds=(1, 2, 3)), tmp_path, progress=tell
    )
    assert set(ran) == {"switching3-300K"}
    assert [s.difference for s in more.states[0].switchings][:2] == [
        s.difference for s in first.states[0].switchings
    ]
    kept = next(tmp_path.glob("switching1-*.json"))
    kept.write_text("{")
    with pytest.raises(FileFormatError, match="remove it"):
        free_energies(springs(3.0), crystal, SMALL, tmp_path)


def test_a_crystal_that_melts_says_so(tmp_path) -> None:
    settings = replace(SMALL, temperatures=(900.0,), atoms=108, averaging_time=4.0)
    with pytest.raises(MaxvoltError, match=r"melted|exploded|evaporated"):
        free_energies(argon(), bulk("Ar", cubic=True), settings, tmp_path)


def test_a_melt_that_evaporates_is_an_error(tmp_path) -> None:
    settings = replace(SMALL, temperatures=(400.0,), phase="liquid", equilibration_time=3.0)
    with pytest.raises(MaxvoltError, match="evaporated"):
        free_energies(argon(), bulk("Ar", cubic=True), settings, tmp_path)


def test_a_melt_does_not_evaporate_while_it_is_made(tmp_path) -> None:
    """At 2.5 times 85 K and no pressure argon is a gas."""
    needs("free-energy")
    settings = replace(
        SMALL, temperatures=(85.0,), phase="liquid", atoms=108, seeds=(1,),
        equilibration_time=5.0, averaging_time=10.0, switching_time=1.0,
    )  # fmt: skip
    crystal = bulk("Ar", cubic=True)
    (state,) = free_energies(argon(), crystal, settings, tmp_path).states
    assert 1.05 < state.volume / crystal.get_volume() * len(crystal) < 1.8


def test_snapshots_correct_to_a_reference(tmp_path) -> None:
    """From one Lennard-Jones solid to a slightly stronger one, and by switching of that one."""
    settings = replace(
        SMALL, temperatures=(10.0,), snapshots=40, averaging_time=20.0, switching_time=4.0
    )
    crystal = bulk("Ar", cubic=True, a=5.4)
    (state,) = free_energies(argon(), crystal, settings, tmp_path).states
    assert len(state.snapshots) == 40
    energy = 1.002
    differences = [(energy - 1) * one.get_potential_energy() for one in state.snapshots]
    found = free_energy_correction(differences, 10.0, state.atoms)
    # Energies are those of the snapshots: first order is the mean energy of the state.
    mean = (energy - 1) * (state.energy - 1.5 * units.kB * 10.0)
    assert found.value == pytest.approx(mean, abs=2e-6)
    assert found.error < 2e-6


def test_the_command_prints_both_phases_and_where_they_cross(tmp_path, capsys, monkeypatch) -> None:
    words = ["free-energy", "--pair-style", "lj/cut 8.0", "--pair-coeff", "* * 0.0103 3.4"]
    words += ["--structure", "fcc:Ar:5.3", "--temperatures", "20", "30", "--atoms", "32"]
    words += ["--equilibration-time", "0.5", "--averaging-time", "1", "--switching-time", "1"]
    words += ["--settling-time", "0.2", "--seeds", "1", "-o", str(tmp_path)]
    assert main(words) == 0
    printed = capsys.readouterr()
    assert "solid" in printed.out
    assert "of one seed there is no statistical error" in " ".join(printed.err.split())
    document = json.loads(Path(tmp_path, "free_energy.json").read_text())
    assert [one["temperature_K"] for one in document["phases"][0]["states"]] == [20, 30]
    assert Path(tmp_path, "free_energy.png").stat().st_size > 1000


def test_what_has_no_meaning_is_refused(tmp_path) -> None:
    with pytest.raises(DataError, match="one element"):
        free_energies(
            springs(1.0),
            bulk("AlCu", "rocksalt", a=5.0),
            replace(SMALL, phase="liquid"),
            tmp_path,
        )
    loose = bulk("Al")
    loose.pbc = False
    with pytest.raises(DataError, match="periodic"):
        free_energies(springs(1.0), loose, SMALL, tmp_path)


def test_a_skewed_cell_is_that_of_the_same_crystal(tmp_path) -> None:
    """LAMMPS would flip so skewed a cell when it renews neighbours, here in each step."""
    settings = replace(SMALL, temperatures=(20.0,), averaging_time=2.0)
    stages = LammpsStages("free energy", tmp_path, find_program(1, None))
    acts = argon()
    acts = replace(acts, lines=(*acts.lines, "neigh_modify every 1 delay 0 check no"))
    simulations = Simulations(Inputs(settings, acts, ("Ar",)), stages)
    crystal = bulk("Ar", cubic=True, a=5.3) * 2
    skewed = crystal.copy()
    skewed.set_cell(np.array([[1, 0, 0], [1, 1, 0], [0, 0, 1]]) @ crystal.cell.array)
    one, other = (simulations.crystal(each, 20.0) for each in (crystal, skewed))
    assert other.energy.mean == pytest.approx(one.energy.mean, rel=0.01)
    assert other.atoms.get_volume() == pytest.approx(one.atoms.get_volume(), rel=0.02)
    assert other.atoms.cell.angles()[2] == pytest.approx(45.0, abs=2.0)


def test_a_tilted_crystal_has_the_free_energy_of_the_same_crystal(tmp_path) -> None:
    settings = replace(SMALL, temperatures=(20.0,), seeds=(1, 2, 3), atoms=32)
    crystal = bulk("Ar", cubic=True, a=5.3) * 2
    tilted = crystal.copy()
    # The same lattice: by one cell of four atoms along the first axis.
    tilted.set_cell(np.array([[1, 0, 0], [0.5, 1, 0], [0, 0, 1]]) @ crystal.cell.array)
    one, other = (
        free_energies(argon(), each, settings, tmp_path / name).states[0]
        for name, each in (("straight", crystal), ("tilted", tilted))
    )
    assert other.value == pytest.approx(one.value, abs=5 * (one.error + other.error) + 1e-4)


def test_snapshots_of_a_melt_have_the_energies_that_are_told(tmp_path) -> None:
    """Also where the structure that was given does not lie along the axes of LAMMPS."""
    settings = replace(SMALL, temperatures=(120.0,), phase="liquid", pressure=0.1, snapshots=3)
    stages = LammpsStages("free energy", tmp_path, find_program(1, None))
    turned = bulk("Ar", cubic=True, a=5.6) * 2
    turned.rotate(40, (1, 2, 3), rotate_cell=True)
    state = Simulations(Inputs(settings, argon(0.1), ("Ar",)), stages).liquid(turned, 120.0)
    assert len(state.snapshots) == 3
    for one in state.snapshots:
        sixth = (3.4 / neighbor_list("d", one, 8.0)) ** 6
        energy = 2 * 0.0103 * float((sixth**2 - sixth).sum())
        assert one.get_potential_energy() == pytest.approx(energy, abs=1e-4)


def test_an_alloy_from_the_command_line(tmp_path, capsys) -> None:
    """Elements that one file has; a liquid of them is refused before anything runs."""
    file = Analytic(("Al", "Ni")).write(tmp_path / "AlNi.eam.alloy", 501, 501)
    write(tmp_path / "alloy.xyz", bulk("NiAl", "cesiumchloride", a=3.0))
    words = ["free-energy", str(file), "--structure", str(tmp_path / "alloy.xyz")]
    words += ["--temperatures", "50", "--atoms", "32", "--no-harmonic", "--seeds", "1"]
    words += ["--equilibration-time", "0.5", "--averaging-time", "1", "--switching-time", "1"]
    words += ["--settling-time", "0.2", "-o", str(tmp_path / "kept"), "--json"]
    assert main([*words, "--phases", "solid", "liquid"]) == 2
    assert "one element; got Ni, Al" in capsys.readouterr().err
    assert not (tmp_path / "kept").exists()
    assert main(words) == 0
    (state,) = json.loads(capsys.readouterr().out)["phases"][0]["states"]
    assert state["atoms"] >= 16


def test_the_order_of_elements_is_that_of_the_interaction(tmp_path) -> None:
    """In another order than that of the structure the alloy is the same one."""
    file = Analytic(("Al", "Ni")).write(tmp_path / "AlNi.eam.alloy", 501, 501)
    alloy = bulk("NiAl", "cesiumchloride", a=3.0)
    settings = replace(SMALL, temperatures=(50.0,), atoms=16)
    found = [
        free_energies(Interaction.of_potential(file, order), alloy, settings, tmp_path / order[:2])
        for order in ("Ni Al", "Al Ni")
    ]
    one, other = (each.states[0] for each in found)
    assert other.value == pytest.approx(one.value, abs=5 * (one.error + other.error) + 1e-4)
    with pytest.raises(DataError, match="the interaction is that of Al, the crystal has Ni, Al"):
        free_energies(Interaction.of_potential(file, "Al"), alloy, settings, tmp_path)


class Shifted(Calculator):
    """The potential of `argon` with more energy per atom: its free energy is higher by as much."""

    implemented_properties = ("energy", "forces")

    def __init__(self, shift: float) -> None:
        Calculator.__init__(self)
        self.shift, self.asked = shift, 0

    def calculate(self, atoms=None, properties=("energy",), system_changes=all_changes) -> None:
        Calculator.calculate(self, atoms, properties, system_changes)
        self.asked += 1
        sixth = (3.4 / neighbor_list("d", atoms, 8.0)) ** 6
        energy = 2 * 0.0103 * float((sixth**2 - sixth).sum()) + self.shift * len(atoms)
        self.results = {"energy": energy, "forces": np.zeros((len(atoms), 3))}


def test_a_reference_corrects_all_states(tmp_path) -> None:
    settings = replace(SMALL, temperatures=(10.0, 20.0), snapshots=5, harmonic=False)
    phase = free_energies(argon(), bulk("Ar", cubic=True, a=5.4), settings, tmp_path)
    reference = Shifted(0.01)
    told: list[int] = []
    progress = lambda name, done, total: told.append(done)  # noqa: E731
    found = corrected(phase, reference, tmp_path, progress)
    assert told == [*range(10), 10]
    for one in found.states:
        assert one.correction is not None
        assert one.correction.value == pytest.approx(0.01, abs=1e-6)
        assert one.to_dict()["correction_snapshots"] == 5
    assert reference.asked == 10
    corrected(phase, reference, tmp_path)
    assert reference.asked == 10  # what it said is kept
    other = of_reference(found)
    assert other.column("gibbs") - phase.column("gibbs") == pytest.approx(0.01, abs=1e-6)
    assert np.isnan(other.column("entropy")).all()  # not that of the potential, less the correction
    with pytest.raises(DataError, match="has no correction"):
        of_reference(phase)
    with pytest.raises(DataError, match="4 snapshots"):
        corrected(replace(phase, states=(replace(phase.states[0], snapshots=()),)), reference)


def test_a_reference_on_the_command_line(tmp_path, capsys) -> None:
    """A potential is its own reference: nothing is corrected."""
    file = Analytic(("Al", "Ni")).write(tmp_path / "AlNi.eam.alloy", 2001, 2001)
    write(tmp_path / "alloy.xyz", bulk("NiAl", "cesiumchloride", a=3.0))
    words = ["free-energy", str(file), "--structure", str(tmp_path / "alloy.xyz")]
    words += ["--temperatures", "50", "--atoms", "32", "--no-harmonic", "--seeds", "1", "2"]
    words += ["--equilibration-time", "0.5", "--averaging-time", "1", "--switching-time", "1"]
    words += ["--settling-time", "0.2", "-o", str(tmp_path / "kept"), "--snapshots", "4"]
    assert main(words) == 2
    assert "--snapshots are for a --reference" in capsys.readouterr().err
    words += ["--reference", str(file)]
    assert main([*words, "--snapshots", "3"]) == 2
    assert "--snapshots must be 4 at least; got 3" in capsys.readouterr().err
    assert not (tmp_path / "kept").exists()  # nothing was simulated before
    assert main(words) == 0
    assert "to reference" in capsys.readouterr().out
    assert main([*words, "--json"]) == 0
    (state,) = json.loads(capsys.readouterr().out)["phases"][0]["states"]
    assert abs(state["correction_eV_per_atom"]) < 1e-5
    assert state["correction_snapshots"] == 4


def test_phases_that_do_not_cross_are_told_nevertheless(tmp_path, capsys, monkeypatch) -> None:
    def found(interaction, crystal, settings, *rest, **more) -> FreeEnergies:
        gibbs = -1.0 if settings.phase == "solid" else -0.5
        states = tuple(
            FreeEnergy(t, 0.0, 32, 37.0, gibbs, 1e-4, gibbs, 0.0, 0.0, 0.0, 0.0, None, ())
            for t in settings.temperatures
        )
        return FreeEnergies(settings.phase, "made up", states)

    monkeypatch.setattr("maxvolt.properties.free_energy.free_energies", found)
    monkeypatch.setattr(
        "maxvolt.properties.free_energy.thermodynamic_integration.check_system", lambda *_: None
    )
    words = ["free-energy", "--pair-style", "lj/cut 8.0", "--pair-coeff", "* * 0.0103 3.4"]
    words += ["--structure", "fcc:Ar:5.3", "--temperatures", "20", "30"]
    assert main([*words, "--phases", "solid", "liquid", "-o", str(tmp_path)]) == 0
    printed = capsys.readouterr()
    assert "liquid" in printed.out
    assert "do not cross between 20 and 30 K" in " ".join(printed.err.split())
    assert "crossing_K" not in json.loads(Path(tmp_path, "free_energy.json").read_text())


def test_one_atom_is_refused(tmp_path) -> None:
    alone = bulk("Po", "sc", a=3.3)
    with pytest.raises(DataError, match="one atom cannot move"):
        free_energies(springs(1.0), alone, replace(SMALL, atoms=1), tmp_path)


def test_an_unstable_crystal_has_no_harmonic_one_beside_it(tmp_path) -> None:
    """Simple cubic argon: cold, it has no time to fall into something else."""
    settings = replace(SMALL, temperatures=(2.0,), harmonic=True, pressure=-0.02, atoms=32)
    found = free_energies(argon(), bulk("Ar", "sc", a=3.7), settings, tmp_path)
    (state,) = found.states
    assert state.harmonic is None
    assert any("imaginary" in text for text in found.warnings)


def test_one_temperature_that_melts_does_not_hide_the_others(tmp_path) -> None:
    settings = replace(
        SMALL, temperatures=(20.0, 900.0), atoms=108, averaging_time=4.0, switching_time=1.0
    )
    found = free_energies(argon(), bulk("Ar", cubic=True), settings, tmp_path)
    assert [one.temperature for one in found.states] == [20.0]
    assert len(found.failures) == 1
    assert found.failures[0] in found.warnings
