"""Free energies of a phase: of each temperature, with errors, and where two phases cross."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from ase import Atoms, units
from numpy.typing import NDArray

from maxvolt.html_tables import TableOfNumbers
from maxvolt.properties.free_energy.perturbation import Correction
from maxvolt.properties.free_energy.simulations import Switching

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from maxvolt.properties.free_energy.figure import DrawnPhase

__all__ = ["FreeEnergies", "FreeEnergy", "Harmonic", "draw_free_energies", "mean_of"]

_LARGE = 1.0
"""meV/atom of dissipation, above which the mean of both ways is not sure to be right."""


@dataclass(frozen=True, slots=True)
class Harmonic:
    """The harmonic crystal without end at the same volume.

    Attributes
    ----------
    free_energy : eV/atom
        Classical, with the energy at rest, equations (145) and (162).
    entropy : eV/atom/K
        Classical.
    quantum : eV/atom
        Free energy of quantum oscillators less that of classical ones, equation (146).
    """

    free_energy: float
    entropy: float
    quantum: float


@dataclass(frozen=True, slots=True, eq=False)
class FreeEnergy:
    """Free energy of a phase without end in one state, for each atom.

    Attributes
    ----------
    temperature : K
    pressure : GPa
        Asked for.
    atoms
        That were simulated.
    volume : Angstrom^3/atom
    value : eV/atom
        Free energy of Helmholtz, classical.
    error : eV/atom
        Standard error over the seeds; of one seed the dissipation.
    gibbs : eV/atom
        With pressure times volume.
    reference : eV/atom
        Free energy of the crystal or the liquid with which it was compared.
    dissipation : eV/atom
        Mean of the work that was lost on one way.
    energy, energy_error : eV/atom
        Mean energy, potential and kinetic.
    harmonic
        The harmonic crystal; None where it was not asked for.
    switchings
        Of each seed.
    snapshots
        Structures on the way, with their potential energies.
    remarks
        What is missing, and why.
    correction
        From the potential to a reference; None where none was asked.
    finite_size : eV/atom
        Part of the free energy that so few atoms do not have, equation (161).
    """

    temperature: float
    pressure: float
    atoms: int
    volume: float
    value: float
    error: float
    gibbs: float
    reference: float
    dissipation: float
    energy: float
    energy_error: float
    harmonic: Harmonic | None
    switchings: tuple[Switching, ...]
    snapshots: tuple[Atoms, ...] = ()
    remarks: tuple[str, ...] = ()
    correction: Correction | None = None
    finite_size: float = 0.0

    @property
    def entropy(self) -> float:
        """Energy less free energy over the temperature, eV/atom/K."""
        return (self.energy - self.value) / self.temperature

    @property
    def entropy_error(self) -> float:
        """Its standard error, eV/atom/K."""
        return float(np.hypot(self.error, self.energy_error)) / self.temperature

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain numbers, units in the keys."""
        found: dict[str, Any] = {
            "temperature_K": self.temperature,
            "pressure_GPa": self.pressure,
            "atoms": self.atoms,
            "volume_A3_per_atom": self.volume,
            "free_energy_eV_per_atom": self.value,
            "error_eV_per_atom": self.error,
            "gibbs_eV_per_atom": self.gibbs,
            "finite_size_eV_per_atom": self.finite_size,
            "reference_eV_per_atom": self.reference,
            "dissipation_eV_per_atom": self.dissipation,
            "energy_eV_per_atom": self.energy,
            "energy_error_eV_per_atom": self.energy_error,
            "entropy_kB_per_atom": self.entropy / units.kB,
            "entropy_error_kB_per_atom": self.entropy_error / units.kB,
            "differences_eV_per_atom": [s.difference / self.atoms for s in self.switchings],
        }
        if self.harmonic is not None:
            found |= {
                "harmonic_free_energy_eV_per_atom": self.harmonic.free_energy,
                "harmonic_entropy_kB_per_atom": self.harmonic.entropy / units.kB,
                "quantum_correction_eV_per_atom": self.harmonic.quantum,
            }
        if self.correction is not None:
            found |= {
                "correction_eV_per_atom": self.correction.value,
                "correction_error_eV_per_atom": self.correction.error,
                "correction_second_order_eV_per_atom": self.correction.second_order,
                "correction_snapshots": self.correction.snapshots,
            }
        return found


@dataclass(frozen=True, slots=True, eq=False)
class FreeEnergies(TableOfNumbers):
    """Free energies of a phase at several temperatures.

    Attributes
    ----------
    phase
        "solid" or "liquid".
    potential
        Its name.
    states
        In the order of the temperatures asked for.
    failures
        Why there is no state at the others.
    """

    phase: str
    potential: str
    states: tuple[FreeEnergy, ...]
    failures: tuple[str, ...] = ()

    @property
    def warnings(self) -> tuple[str, ...]:
        """What speaks against the numbers; empty when nothing does."""
        found = [*self.failures]
        for one in self.states:
            found += [f"{one.temperature:g} K: {remark}" for remark in one.remarks]
            lost = 1e3 * one.dissipation
            has_error = len(one.switchings) > 1
            if lost > max(_LARGE, 3e3 * one.error if has_error else 0):
                found.append(
                    f"{one.temperature:g} K: {lost:.2g} meV/atom are lost on each way, perhaps not "
                    "the same on both, which the error does not show; use a longer switching_time"
                )
            if not has_error:
                found.append(
                    f"{one.temperature:g} K: of one seed there is no statistical error; its "
                    "dissipation stands in the place of it"
                )
            found += _doubts_of(one)
        return tuple(found)

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain numbers and lists, units in the keys."""
        return {
            "phase": self.phase,
            "potential": self.potential,
            "states": [one.to_dict() for one in self.states],
            "warnings": list(self.warnings),
        }

    def column(self, name: str) -> NDArray[np.float64]:
        """Return an attribute of all states."""
        return np.array([getattr(one, name) for one in self.states])

    def plot(self) -> Figure:
        """Draw free energy and entropy against temperature, and the switchings."""
        return draw_free_energies([self])


def _doubts_of(state: FreeEnergy) -> list[str]:
    """Say so where snapshots are too few for a correction, or too far from the reference."""
    added = state.correction
    if added is None:
        return []
    apart = abs(added.value - added.second_order)
    if apart <= max(3 * added.error, 1e-3 * _LARGE):
        return []
    return [
        f"{state.temperature:g} K: the correction to the reference is {1e3 * added.value:.3g} "
        f"meV/atom, and {1e3 * added.second_order:.3g} by its second order; use more snapshots, "
        "fewer atoms, or a potential nearer to the reference"
    ]


def draw_free_energies(phases: Sequence[FreeEnergies]) -> Figure:
    """Draw phases side by side: Gibbs energy, entropy, and a switching of each.

    Parameters
    ----------
    phases
        Of `free_energies`.
    """
    from maxvolt.properties.free_energy.figure import draw_phases

    return draw_phases([_drawn(one) for one in phases])


def _drawn(phase: FreeEnergies) -> DrawnPhase:
    """What a picture shows; of the switchings the first of the highest temperature."""
    from maxvolt.properties.free_energy.figure import DrawnPhase

    harmonic = [one.harmonic.entropy for one in phase.states if one.harmonic is not None]
    hottest = max(phase.states, key=lambda one: one.temperature)
    switching = None
    if hottest.switchings:
        first = hottest.switchings[0]
        name = f"{phase.phase}, {hottest.temperature:g} K"
        there, back = first.there / hottest.atoms, first.back / hottest.atoms
        switching = (name, first.shares, there, back)
    return DrawnPhase(
        phase.phase,
        phase.column("temperature"),
        phase.column("gibbs"),
        phase.column("error"),
        phase.column("entropy") / units.kB,
        phase.column("entropy_error") / units.kB,
        np.array(harmonic) / units.kB if len(harmonic) == len(phase.states) else None,
        switching,
    )


def mean_of(values: Sequence[float]) -> tuple[float, float]:
    """Mean and its standard error; NaN of a single value."""
    found = np.asarray(values, float)
    if len(found) < 2:
        return float(found.mean()), float("nan")
    return float(found.mean()), float(found.std(ddof=1) / np.sqrt(len(found)))
