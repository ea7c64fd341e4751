"""Free energy and entropy of a crystal, as a property of a calculator."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ase import Atoms, units

from maxvolt.properties.arguments import Calculating, system_of
from maxvolt.properties.curves import Curve
from maxvolt.properties.dynamic.keeping import Keeping
from maxvolt.properties.dynamic.settings import SimulationSettings
from maxvolt.properties.findings import Findings, Quantity
from maxvolt.properties.free_energy.result import FreeEnergy
from maxvolt.properties.free_energy.settings import FreeEnergySettings
from maxvolt.properties.free_energy.thermodynamic_integration import free_energies
from maxvolt.properties.grade_recorder import meet_frames
from maxvolt.properties.melting.interaction import Interaction
from maxvolt.properties.same_potential import require_same_energies
from maxvolt.properties.static.resting_cells import resting_cell
from maxvolt.properties.written_potentials import held_interaction, require_written

__all__ = ["CrystalFreeEnergySettings", "crystal_free_energy"]

_FRAMES = 10
"""Of the state, that are graded and compared with the calculator."""

_MEV = 1e3


@dataclass(frozen=True, slots=True, kw_only=True)
class CrystalFreeEnergySettings(SimulationSettings):
    """Settings of `crystal_free_energy`.

    Parameters
    ----------
    temperature, pressure, atoms, timestep, equilibration_time, seed, members
        As of `SimulationSettings`.
    runs
        How often it is switched both ways, each time with other random numbers.
    averaging_time : ps
        Over which the cell, and then energies and displacements, are averaged.
    switching_time : ps
        From the potential to the Einstein crystal, and back.
    settling_time : ps
        Before each switching.
    harmonic
        Whether the harmonic crystal at the same volume is calculated too.
    command
        Command that starts LAMMPS, such as "mpiexec -n 2 lmp"; None: lmp, on one rank.
    """

    atoms: int = 500
    runs: int = 3
    averaging_time: float = 20.0
    switching_time: float = 25.0
    settling_time: float = 2.0
    harmonic: bool = True
    command: str | None = None

    def __post_init__(self) -> None:
        SimulationSettings.__post_init__(self)
        if not 1 <= self.runs <= 1000:
            self._refuse(f"runs must be a whole number from 1 to 1000; got {self.runs!r}")
        for name in ("averaging_time", "switching_time", "settling_time"):
            self._check_time(name)

    def of_state(self, atoms: Atoms) -> FreeEnergySettings:
        """Settings of `free_energies` for the atoms of a structure."""
        return FreeEnergySettings(
            temperatures=(self.temperature,),
            pressure=self.pressure,
            atoms=self.atoms,
            seeds=tuple(range(self.seed, self.seed + self.runs)),
            timestep=self.timestep_of(atoms),
            equilibration_time=self.equilibration_time,
            averaging_time=self.averaging_time,
            switching_time=self.switching_time,
            settling_time=self.settling_time,
            harmonic=self.harmonic,
            snapshots=_FRAMES,
        )


def crystal_free_energy(
    calculator: Calculating,
    atoms: Atoms | None = None,
    settings: CrystalFreeEnergySettings = CrystalFreeEnergySettings(),
    *,
    keeping: Keeping = Keeping(),  # noqa: B008 (immutable)
    interaction: Interaction | None = None,
) -> Findings:
    """Compute free energy and entropy of a crystal by switching to an Einstein crystal, and back.

    Equations (145) to (149), (161) and (162), in LAMMPS. For liquids, several temperatures, and
    where phases cross, see `free_energies`.

    Parameters
    ----------
    calculator
        Of a moment tensor potential or of embedded atoms; any other one needs `interaction`.
    atoms
        Crystal near equilibrium.
    settings
        Temperature, pressure, size, times.
    keeping
        Where stages are kept.
    interaction
        The same potential as a pair style of LAMMPS; energies are compared. None: the potential of
        the calculator, with the plugin.

    Raises
    ------
    DataError
        The structure is not periodic, or LAMMPS does not know the potential of the calculator, and
        no interaction was given.
    MaxvoltError
        LAMMPS is missing or fails, its energies are others than those of the calculator, or the
        crystal melts.
    """
    purpose = "free energy"
    calculator, atoms = system_of(calculator, atoms, purpose)
    if interaction is None:
        require_written(calculator, purpose, "crystal_free_energy")
    cell = resting_cell(calculator, atoms, purpose)
    with held_interaction(interaction, calculator, cell) as held, keeping.somewhere() as folder:
        found = free_energies(
            held,
            cell,
            settings.of_state(cell),
            folder,
            command=settings.command,
            progress=keeping.progress,
        )
    (state,) = found.states
    energies = [float(one.get_potential_energy()) for one in state.snapshots]
    require_same_energies(calculator, state.snapshots, energies, float(np.std(energies)), purpose)
    meet_frames(calculator, list(state.snapshots))
    note = f"{state.atoms} atoms, timestep {settings.timestep_of(cell):g} fs; nuclei are classical"
    return Findings("Free energy", _quantities(state), _curves(state), found.warnings, (note,))


def _quantities(state: FreeEnergy) -> dict[str, Quantity]:
    found = {
        "free energy": Quantity(state.value, "eV/atom", state.error),
        "entropy": Quantity(state.entropy / units.kB, "k_B/atom", state.entropy_error / units.kB),
        "volume": Quantity(state.volume, "Å³/atom"),
        "energy": Quantity(state.energy, "eV/atom", state.energy_error),
        "added for the number of atoms": Quantity(_MEV * state.finite_size, "meV/atom"),
        "work lost on one way": Quantity(_MEV * state.dissipation, "meV/atom"),
    }
    harmonic = state.harmonic
    if harmonic is not None:
        beyond = _MEV * (state.value - harmonic.free_energy)
        found |= {
            "anharmonic free energy": Quantity(beyond, "meV/atom", _MEV * state.error),
            "harmonic entropy": Quantity(harmonic.entropy / units.kB, "k_B/atom"),
            "quantum correction": Quantity(_MEV * harmonic.quantum, "meV/atom"),
        }
    return found


def _curves(state: FreeEnergy) -> tuple[Curve, ...]:
    """Derivative of the energy by the share of the Einstein crystal, of the first switching."""
    labels = ("share of the Einstein crystal", "derivative (eV/atom)")
    first = state.switchings[0]
    return tuple(
        Curve.of(name, first.shares, values / state.atoms, labels)
        for name, values in (("there", first.there), ("back", first.back))
    )
