"""Free energies by switching to a system whose free energy is known, and back."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
from ase import Atoms, units

from maxvolt.errors import DataError, MaxvoltError
from maxvolt.properties.elemental_crystals import ElementalCrystal
from maxvolt.properties.free_energy.analytic import (
    UnstableCrystalError,
    einstein_crystal,
    harmonic_crystal,
    ideal_gas,
    quantum_correction,
    reference_liquid,
)
from maxvolt.properties.free_energy.finite_size import endless_crystal, leading_finite_size
from maxvolt.properties.free_energy.inputs import Inputs, ReferenceLiquid
from maxvolt.properties.free_energy.result import FreeEnergies, FreeEnergy, Harmonic, mean_of
from maxvolt.properties.free_energy.settings import FreeEnergySettings
from maxvolt.properties.free_energy.simulations import Simulations, State, Switching
from maxvolt.properties.lammps_stages import LammpsStages, Progress
from maxvolt.properties.melting.interaction import Interaction
from maxvolt.sampling.lammps.program import find_program
from maxvolt.units import GPA_PER_EV_A3

__all__ = ["check_system", "free_energies"]

_STRENGTH = 50
"""p of the reference liquid, in the middle of what is tabulated."""

_SCALED_DENSITY = 0.5
"""x of the reference liquid, far below that at which it would freeze."""

_MOVED = 0.3
"""Root mean square displacement over the distance of neighbours, above which a phase is liquid."""

_EVAPORATED = 3.0
"""Volume over that of the crystal, above which a melt is a gas unless pressure holds it."""

_UNSTABLE_BETWEEN = (
    "free energy: waves twice as long as the cell are imaginary, although all that fit into it are "
    "real: the crystal is not stable, or the cell too small to tell; what is added for the number "
    "of atoms is the leading term alone; use more atoms"
)


def free_energies(
    interaction: Interaction,
    crystal: Atoms,
    settings: FreeEnergySettings,
    folder: str | Path,
    *,
    ranks: int = 1,
    command: str | None = None,
    progress: Progress | None = None,
) -> FreeEnergies:
    """Integrate from a crystal or a liquid whose free energy is known, in LAMMPS.

    What is found is kept in the folder, stage by stage; called again, it goes on from there.

    Parameters
    ----------
    interaction
        `Interaction.of_potential`; or `Interaction.of_pair_style`, for which the types of atoms are
        the elements of the crystal in the order in which they first stand there.
    crystal
        Cell of the crystal; a liquid is made of it.
    settings
        Temperatures, phase and how carefully.
    folder
        Where stages are kept.
    ranks
        MPI ranks of each simulation.
    command
        Words that start LAMMPS, without arguments, instead of ``lmp`` on these ranks.
    progress
        Is told what runs, the steps done of it and the steps of all of it.

    Raises
    ------
    DataError
        The structure is no crystal, or a liquid has several elements; or those of the interaction
        are others.
    MaxvoltError
        LAMMPS, or calphy for a liquid, is not there; or at all temperatures LAMMPS fails, the
        crystal melts, or the liquid freezes. At some of them that is a warning of the result.
    """
    check_system(crystal, settings)
    species = interaction.types_of(crystal, "free energy")
    atoms = _repeated(crystal, settings.atoms)
    inputs = Inputs(settings, interaction, species)
    stages = LammpsStages("free energy", Path(folder), find_program(ranks, command), progress)
    simulations = Simulations(inputs, stages)
    of_phase = _of_crystal if settings.phase == "solid" else _of_liquid
    states: list[FreeEnergy] = []
    failures: list[MaxvoltError] = []
    for temperature in settings.temperatures:
        try:
            states.append(of_phase(simulations, atoms, temperature))
        except MaxvoltError as error:
            failures.append(error)
    if not states:
        raise failures[0]
    said = tuple(str(error) for error in failures)
    return FreeEnergies(settings.phase, interaction.name, tuple(states), said)


def check_system(crystal: Atoms, settings: FreeEnergySettings) -> None:
    """Refuse what `free_energies` cannot do, before anything runs."""
    if not crystal.pbc.all() or crystal.cell.rank < 3 or not len(crystal):
        raise DataError("free energy: expected a crystal, periodic along three cell vectors")
    if len(_repeated(crystal, settings.atoms)) < 2:
        raise DataError("free energy: one atom cannot move relative to itself; raise atoms")
    if settings.phase == "solid":
        return
    species = dict.fromkeys(crystal.symbols)
    if len(species) > 1:
        raise DataError(
            f"free energy: a liquid must have one element; got {', '.join(species)}. The free "
            "energy of mixing of a reference liquid of several elements is not implemented"
        )
    reference_liquid(settings.temperatures[0], _SCALED_DENSITY, _STRENGTH)  # calphy is needed


def _of_crystal(simulations: Simulations, atoms: Atoms, temperature: float) -> FreeEnergy:
    settings, kt = simulations.inputs.settings, units.kB * temperature
    state = simulations.crystal(atoms, temperature)
    masses = state.atoms.get_masses()
    if _is_liquid(state):
        raise MaxvoltError(
            f"free energy: the crystal has melted or its atoms diffuse at {temperature:g} K; take "
            "a lower temperature, or ask for the liquid"
        )
    frequency = float(np.sqrt(3 * kt / state.displacement))
    runs = [simulations.to_einstein(state, temperature, frequency, s) for s in settings.seeds]
    volume = float(state.atoms.get_volume())
    known = einstein_crystal(temperature, masses, frequency, volume)
    harmonic: Harmonic | None = None
    remarks: tuple[str, ...] = ()
    added = leading_finite_size(temperature, len(masses))
    if settings.harmonic:
        try:
            harmonic, added, remarks = _harmonic(simulations, state, temperature)
        except UnstableCrystalError as error:
            remarks = (str(error),)
    found = _of_state(state, temperature, known, runs, settings)
    added /= found.atoms
    return replace(
        found,
        value=found.value + added,
        gibbs=found.gibbs + added,
        finite_size=added,
        energy=found.energy + _centre_of_mass(temperature) / found.atoms,
        harmonic=harmonic,
        remarks=remarks,
    )


def _of_liquid(simulations: Simulations, atoms: Atoms, temperature: float) -> FreeEnergy:
    settings = simulations.inputs.settings
    state = simulations.liquid(atoms, temperature)
    count, volume = len(state.atoms), float(state.atoms.get_volume())
    held = settings.pressure / GPA_PER_EV_A3 * volume > count * units.kB * temperature
    if volume > _EVAPORATED * atoms.get_volume() and not held:
        raise MaxvoltError(
            f"free energy: the melt has evaporated at {temperature:g} K, its volume is "
            f"{volume / atoms.get_volume():.2g} times that of the crystal; take a lower "
            "temperature, a higher pressure, or a potential that holds liquids together"
        )
    if not _is_liquid(state):
        raise MaxvoltError(
            f"free energy: the melt does not flow at {temperature:g} K: it has frozen, has never "
            "melted, or flows too slowly to be seen in averaging_time; take a higher temperature, "
            "or longer averaging_time and equilibration_time"
        )
    density = count / volume
    length = float(np.sqrt((2 * _SCALED_DENSITY / density) ** (2 / 3) / np.pi))
    reference = ReferenceLiquid(_STRENGTH, length)
    runs = [
        simulations.to_reference_liquid(state, temperature, reference, s) for s in settings.seeds
    ]
    mass = float(state.atoms.get_masses()[0])
    known = ideal_gas(temperature, mass, density)
    known += reference_liquid(temperature, _SCALED_DENSITY, _STRENGTH)
    return _of_state(state, temperature, known * count, runs, settings)


def _of_state(
    state: State,
    temperature: float,
    known: float,
    runs: list[Switching],
    settings: FreeEnergySettings,
) -> FreeEnergy:
    count = len(state.atoms)
    volume = float(state.atoms.get_volume()) / count
    difference, error = mean_of([one.difference / count for one in runs])
    dissipation = float(np.mean([one.dissipation for one in runs])) / count
    value = known / count + difference
    return FreeEnergy(
        temperature,
        settings.pressure,
        count,
        volume,
        value,
        abs(dissipation) if np.isnan(error) else error,
        value + settings.pressure / GPA_PER_EV_A3 * volume,
        known / count,
        dissipation,
        float(state.energy.mean) / count + 1.5 * units.kB * temperature,
        float(state.energy.error) / count,
        None,
        tuple(runs),
        state.snapshots,
    )


def _harmonic(
    simulations: Simulations, state: State, temperature: float
) -> tuple[Harmonic, float, tuple[str, ...]]:
    """Return the harmonic crystal without end, what N atoms lack of it (eV), and remarks."""
    found = simulations.phonons(state, temperature)
    count, volume = len(state.atoms), float(state.atoms.get_volume())
    masses = state.atoms.get_masses()
    finite = harmonic_crystal(temperature, found.frequencies, masses, volume)
    remarks: tuple[str, ...] = ()
    if len(found.between):
        added = endless_crystal(temperature, found.frequencies, found.between, masses, volume)
    else:
        added, remarks = leading_finite_size(temperature, count), (_UNSTABLE_BETWEEN,)
    value = found.energy + finite + added
    energy = found.energy + 3 * count * units.kB * temperature
    harmonic = Harmonic(
        value / count,
        (energy - value) / temperature / count,
        quantum_correction(temperature, found.frequencies) / count,
    )
    return harmonic, added, remarks


def _centre_of_mass(temperature: float) -> float:
    """Potential energy of the three waves that N atoms do not have, eV."""
    return 1.5 * units.kB * temperature


def _is_liquid(state: State) -> bool:
    """Tell by how far atoms went beside the distance of neighbours."""
    atoms = state.atoms
    spacing = (atoms.get_volume() / len(atoms)) ** (1 / 3)
    moved = np.sqrt(state.displacement / atoms.get_masses().mean())
    return bool(moved > _MOVED * spacing)


def _repeated(crystal: Atoms, count: int) -> Atoms:
    """Repeat a cell to about so many atoms, as near to a cube as it gets.

    Crystals of one element have a cell with right angles, others the one that they come in.
    """
    if len(set(crystal.symbols)) == 1:
        with suppress(DataError):
            crystal = ElementalCrystal.of(crystal, "free energy").right_angled()
    side = (crystal.get_volume() * count / len(crystal)) ** (1 / 3)
    repeats = tuple(max(1, round(side / length)) for length in crystal.cell.lengths())
    repeated: Atoms = crystal * repeats
    return repeated
