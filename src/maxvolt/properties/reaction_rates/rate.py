"""Rates of reactions by ring-polymer molecular dynamics."""

from __future__ import annotations

from dataclasses import dataclass, fields
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np
from ase import Atoms, units
from numpy.typing import NDArray

from maxvolt.properties.dynamic.keeping import Keeping
from maxvolt.properties.reaction_rates.checkpoints import Checkpoint
from maxvolt.properties.reaction_rates.coordinates import ReactionCoordinate
from maxvolt.properties.reaction_rates.preparation import prepare
from maxvolt.properties.reaction_rates.ring_polymers import RingPolymers
from maxvolt.properties.reaction_rates.settings import RateSettings
from maxvolt.properties.reaction_rates.surfaces import Particles, surface_digest
from maxvolt.properties.reaction_rates.transmission import Transmission, sample_transmission
from maxvolt.properties.reaction_rates.umbrella import (
    FreeEnergy,
    Observer,
    integrate_windows,
    sample_windows,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["ReactionRate", "reaction_rate", "transmission_coefficient"]

_OF_UMBRELLA = (
    "width",
    "far_width",
    "meeting",
    "overlap",
    "replicas",
    "equilibration_time",
    "transition",
)
_LENGTHS = ("sampling_time", "branchings")
_OF_TRANSMISSION = (
    "parents",
    "decorrelation_time",
    "branchings",
    "children",
    "recrossing_time",
    "transition",
)


@dataclass(frozen=True, slots=True, eq=False)
class ReactionRate:
    """A rate and what it is made of, equation (134).

    Attributes
    ----------
    value, error
        Rate and its standard error, in `unit`.
    unit
        "cm^3/s" of two molecules, "m/s" of a particle on a line.
    transition_state_rate, transition_state_error
        The rate if nothing recrossed the dividing surface.
    transition
        Value of the coordinate there.
    free_energy
        Along the coordinate.
    transmission
        Coefficient as it settles with time.
    settings
        How it was sampled.
    """

    value: float
    error: float
    unit: str
    transition_state_rate: float
    transition_state_error: float
    transition: float
    free_energy: FreeEnergy
    transmission: Transmission
    settings: RateSettings

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers, units in the keys."""
        barrier, barrier_error = self.free_energy.at(self.transition)
        unit = self.unit.replace("^", "").replace("/", "_per_")
        settings = {one.name: getattr(self.settings, one.name) for one in fields(self.settings)}
        return {
            f"rate_{unit}": self.value,
            f"rate_error_{unit}": self.error,
            f"transition_state_rate_{unit}": self.transition_state_rate,
            f"transition_state_rate_error_{unit}": self.transition_state_error,
            "transmission": float(self.transmission.values[-1]),
            "transmission_error": float(self.transmission.errors[-1]),
            "transition": self.transition,
            "free_energy_of_transition_eV": barrier,
            "free_energy_of_transition_error_eV": barrier_error,
            "coordinate": self.free_energy.coordinate.tolist(),
            "free_energy_eV": self.free_energy.values.tolist(),
            "free_energy_error_eV": self.free_energy.errors.tolist(),
            "transmission_times_fs": self.transmission.times.tolist(),
            "transmission_of_time": self.transmission.values.tolist(),
            "settings": settings,
        }

    def plot(self) -> Figure:
        """Draw the free energy along the coordinate, and the transmission coefficient in time."""
        from maxvolt.properties.reaction_rates.figure import draw_rates

        label = f"{self.settings.beads} beads, {self.settings.temperature:g} K"
        return draw_rates({label: (self.free_energy, self.transmission)})


def reaction_rate(
    interaction: Any,
    system: Atoms | Particles,
    coordinate: ReactionCoordinate,
    settings: RateSettings | None = None,
    keeping: Keeping | None = None,
    *,
    threads: int = 1,
    observer: Observer | None = None,
) -> ReactionRate:
    """Sample the rate of a reaction of two molecules in the gas.

    The free energy of the centroids of ring polymers by umbrella sampling, then the transmission
    coefficient by trajectories from the dividing surface.

    Parameters
    ----------
    interaction
        A potential of maxvolt, any ASE calculator, or a function that gives energies, shape (m,),
        eV, and forces, shape (m, N, d), eV/Angstrom, of positions of shape (m, N, d), Angstrom.
    system
        A structure near the transition state: `ase.Atoms`, not periodic, or `Particles`.
    coordinate
        `Bimolecular`, or `Line` for a model.
    settings
        How it is sampled.
    keeping
        Where states are kept, so that the same call goes on after a kill, or goes on from a
        shorter `sampling_time` or fewer `branchings`. Without `transition` in the settings, more
        sampling may move the dividing surface, and trajectories then begin anew.
    threads
        Of the compiled core, for potentials.
    observer
        Is called after each step of umbrella sampling, and with the parents after each branching:
        an active learner looks at the beads.

    Raises
    ------
    DataError
        An interaction, system or coordinate that do not fit together.
    EvaluationError
        An energy or a force is not finite.
    MaxvoltError
        Umbrella sampling left a gap, or a constraint could not be kept.
    FileFormatError
        What is kept is damaged.
    """
    settings, keeping = settings or RateSettings(), keeping or Keeping()
    prepared = _Prepared.of(interaction, system, coordinate, settings, keeping, threads)
    windows = sample_windows(
        prepared.polymers,
        coordinate,
        prepared.start,
        settings,
        Checkpoint(keeping, "umbrella", _digest(prepared.what, settings, _OF_TRANSMISSION)),
        observer,
    )
    free_energy = integrate_windows(windows, settings.temperature)
    transition = settings.transition
    if transition is None:
        transition = float(free_energy.coordinate[free_energy.values.argmax()])
    transmission = prepared.transmission(coordinate, transition, settings, keeping, observer)
    masses = prepared.polymers.masses[:, 0]
    reactants = coordinate.rate_of_reactants(masses, settings.temperature)
    return _rate(reactants, coordinate.unit, transition, free_energy, transmission, settings)


def transmission_coefficient(
    interaction: Any,
    system: Atoms | Particles,
    coordinate: ReactionCoordinate,
    settings: RateSettings,
    keeping: Keeping | None = None,
    *,
    threads: int = 1,
) -> Transmission:
    """Sample the transmission coefficient alone; arguments and errors as of `reaction_rate`.

    The dividing surface is `settings.transition`, or where the coordinate is 1. What is kept serves
    `reaction_rate` too, and the other way round.
    """
    keeping = keeping or Keeping()
    prepared = _Prepared.of(interaction, system, coordinate, settings, keeping, threads)
    value = 1.0 if settings.transition is None else settings.transition
    return prepared.transmission(coordinate, value, settings, keeping)


@dataclass(frozen=True, slots=True, eq=False)
class _Prepared:
    """Ring polymers, a start, and a text of what they are."""

    polymers: RingPolymers
    start: NDArray[np.float64]
    what: str

    @classmethod
    def of(
        cls,
        interaction: Any,
        system: Atoms | Particles,
        coordinate: ReactionCoordinate,
        settings: RateSettings,
        keeping: Keeping,
        threads: int,
    ) -> _Prepared:
        polymers, start = prepare(interaction, system, coordinate, settings, threads)
        what = f"{coordinate!r} {polymers.masses[:, 0]} {np.round(start, 6).tolist()} "
        what += surface_digest(polymers.surface, start) if keeping.folder is not None else ""
        return cls(polymers, start, what)

    def transmission(
        self,
        coordinate: ReactionCoordinate,
        value: float,
        settings: RateSettings,
        keeping: Keeping,
        observer: Observer | None = None,
    ) -> Transmission:
        digest = _digest(f"{self.what} {value:.6f}", settings, _OF_UMBRELLA)
        checkpoint = Checkpoint(keeping, "transmission", digest)
        return sample_transmission(
            self.polymers, coordinate, self.start, value, settings, checkpoint, observer
        )


def _rate(
    reactants: float,
    unit: str,
    transition: float,
    free_energy: FreeEnergy,
    transmission: Transmission,
    settings: RateSettings,
) -> ReactionRate:
    kt = units.kB * settings.temperature
    barrier, barrier_error = free_energy.at(transition)
    crossing = reactants * np.exp(-barrier / kt)
    kept, kept_error = transmission.values[-1], transmission.errors[-1]
    value = crossing * kept
    return ReactionRate(
        value=float(value),
        error=float(np.hypot(value * barrier_error / kt, crossing * kept_error)),
        unit=unit,
        transition_state_rate=float(crossing),
        transition_state_error=float(crossing * barrier_error / kt),
        transition=transition,
        free_energy=free_energy,
        transmission=transmission,
        settings=settings,
    )


def _digest(what: str, settings: RateSettings, without: tuple[str, ...]) -> str:
    """Of all that decides about a sampling but how long it is."""
    left_out = (*without, *_LENGTHS)
    used = [
        f"{one.name}={getattr(settings, one.name)!r}"
        for one in fields(settings)
        if one.name not in left_out
    ]
    return sha256(" ".join((what, *used)).encode()).hexdigest()
