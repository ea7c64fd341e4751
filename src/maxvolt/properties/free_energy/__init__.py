"""Free energies of crystals and liquids by thermodynamic integration in LAMMPS."""

from maxvolt.properties.free_energy.corrected import corrected, of_reference
from maxvolt.properties.free_energy.crossing import Crossing, crossing
from maxvolt.properties.free_energy.perturbation import Correction, free_energy_correction
from maxvolt.properties.free_energy.result import (
    FreeEnergies,
    FreeEnergy,
    Harmonic,
    draw_free_energies,
)
from maxvolt.properties.free_energy.settings import FreeEnergySettings
from maxvolt.properties.free_energy.simulations import State, Switching
from maxvolt.properties.free_energy.thermodynamic_integration import free_energies
from maxvolt.properties.melting.interaction import Interaction

__all__ = [
    "Correction",
    "Crossing",
    "FreeEnergies",
    "FreeEnergy",
    "FreeEnergySettings",
    "Harmonic",
    "Interaction",
    "State",
    "Switching",
    "corrected",
    "crossing",
    "draw_free_energies",
    "free_energies",
    "free_energy_correction",
    "of_reference",
]
