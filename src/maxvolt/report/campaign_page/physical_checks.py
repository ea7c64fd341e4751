"""The newest potential on the structure of the first scenario, beside a cheap reference.

An energy-volume curve and a radial distribution function: two things that no table of errors shows.
A reference that takes long is never started for them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ase import Atoms, units
from ase.calculators.calculator import Calculator
from ase.calculators.emt import EMT
from ase.md.langevin import Langevin
from numpy.typing import NDArray

from maxvolt.calculators import MaxvoltCalculator
from maxvolt.campaign import Settings
from maxvolt.campaign.settings.drawn_sections import TemperaturesSection
from maxvolt.campaign.steps.structures import Structures
from maxvolt.cells import cell_volumes
from maxvolt.dataset import Dataset
from maxvolt.errors import MaxvoltError
from maxvolt.neighbors import build_neighbors, minimum_distances
from maxvolt.potentials import load
from maxvolt.sampling import parse_schedule
from maxvolt.sampling.integrators import draw_velocities

__all__ = ["EnergyVolume", "PhysicalChecks", "RadialDistribution", "physical_checks"]

_CHEAP = ("emt", "ase.calculators.emt:EMT")
_VOLUMES = np.linspace(0.85, 1.15, 13)
_MOST_ATOMS = 400
_SMALLEST_HEIGHT = 8.0  # Angstrom, of the cell of the dynamics
_LARGEST_DISTANCE = 6.0  # Angstrom
_BINS = 90
_EQUILIBRATION, _STEPS, _EVERY = 150, 400, 10
_USUAL_TEMPERATURE = 300.0  # K, where no scenario is molecular dynamics


@dataclass(frozen=True, slots=True, eq=False)
class EnergyVolume:
    """Energy of a structure whose cell is scaled, its atoms scaled with it.

    Attributes
    ----------
    volumes : shape (n,), Angstrom^3/atom
    potential : shape (n,), eV/atom
    reference : shape (n,), eV/atom, or None
        None where the reference is too costly.
    training : shape (2,), Angstrom^3/atom, or None
        Smallest and largest volume in the training set, of structures with a volume.
    """

    volumes: NDArray[np.float64]
    potential: NDArray[np.float64]
    reference: NDArray[np.float64] | None
    training: NDArray[np.float64] | None


@dataclass(frozen=True, slots=True, eq=False)
class RadialDistribution:
    """Radial distribution function of all pairs in short molecular dynamics.

    Attributes
    ----------
    temperature : K
    n_atoms
    distances : shape (n,), Angstrom
        Middles of the bins.
    potential : shape (n,)
    reference : shape (n,) or None
        The same with the reference; None where that is too costly.
    training : Angstrom or None
        Shortest distance in the training set.
    """

    temperature: float
    n_atoms: int
    distances: NDArray[np.float64]
    potential: NDArray[np.float64]
    reference: NDArray[np.float64] | None
    training: float | None


@dataclass(frozen=True, slots=True, eq=False)
class PhysicalChecks:
    """Both checks, where they could be made.

    Attributes
    ----------
    structure
        Name of the structure in the campaign file.
    reference
        Name of the calculator of the reference.
    energy_volume
    distribution
    left_out
        Why one of them, or a reference, is missing.
    """

    structure: str
    reference: str
    energy_volume: EnergyVolume | None
    distribution: RadialDistribution | None
    left_out: tuple[str, ...]


def physical_checks(
    potential: tuple[Path, ...], settings: Settings, training: Dataset, root: Path
) -> PhysicalChecks:
    """Make the checks with the structure of the first active scenario, or the first of the file.

    Parameters
    ----------
    potential
        Its files.
    settings
        Of the newest stage.
    training
        The newest training set.
    root
        Folder that names of files in the settings are relative to.
    """
    scenarios = settings.active_scenarios or settings.scenario
    name = next((one.structure for one in scenarios if one.structure is not None), None)
    calculator_name = settings.reference.calculator
    left_out = []
    if name is None:
        left_out.append("no scenario starts from a structure that the file names")
        return PhysicalChecks("", calculator_name, None, None, tuple(left_out))
    energy_volume, distribution = None, None
    reference = _cheap_reference(settings)
    if reference is None:
        left_out.append(f"{calculator_name} is not started for this page, so its curves are absent")
    try:
        atoms = Structures.of(settings, root).named(name).to_atoms()[0]
        calculator = MaxvoltCalculator(load(potential))
        if not atoms.pbc.all():
            raise MaxvoltError("it is not periodic in three directions")
        energy_volume = _energy_volume(atoms, calculator, reference, training)
        distribution = _distribution(atoms, calculator, reference, training, settings)
    except (MaxvoltError, OSError) as error:
        left_out.append(f"structure {name}: {error}")
    return PhysicalChecks(name, calculator_name, energy_volume, distribution, tuple(left_out))


def _cheap_reference(settings: Settings) -> Calculator | None:
    reference = settings.reference.reference()
    if reference.calculator not in _CHEAP:
        return None
    return EMT(**reference.complete_settings)


def _energy_volume(
    atoms: Atoms, calculator: Calculator, reference: Calculator | None, training: Dataset
) -> EnergyVolume:
    periodic = training.pbc.all(axis=1)
    volumes = cell_volumes(training.cells)[periodic] / training.counts[periodic]
    return EnergyVolume(
        volumes=_VOLUMES * atoms.get_volume() / len(atoms),
        potential=_energies(atoms, calculator),
        reference=None if reference is None else _energies(atoms, reference),
        training=np.array([volumes.min(), volumes.max()]) if len(volumes) else None,
    )


def _energies(atoms: Atoms, calculator: Calculator) -> NDArray[np.float64]:
    """Energies in eV/atom at all volumes."""
    found = []
    for ratio in _VOLUMES:
        copy = atoms.copy()
        copy.set_cell(ratio ** (1 / 3) * atoms.cell.array, scale_atoms=True)
        copy.calc = calculator
        found.append(copy.get_potential_energy() / len(copy))
    return np.array(found)


def _distribution(
    atoms: Atoms,
    calculator: Calculator,
    reference: Calculator | None,
    training: Dataset,
    settings: Settings,
) -> RadialDistribution:
    heights = 1 / np.linalg.norm(np.linalg.inv(atoms.cell.array), axis=0)
    large = atoms * np.ceil(_SMALLEST_HEIGHT / heights - 1e-9).astype(int)
    if len(large) > _MOST_ATOMS:
        raise MaxvoltError(
            f"its cell of {len(large)} atoms is too large for molecular dynamics on this page "
            f"(at most {_MOST_ATOMS})"
        )
    temperature, timestep = _conditions(settings)
    edges = np.linspace(0, _LARGEST_DISTANCE, _BINS + 1)
    shortest = minimum_distances(training).overall
    return RadialDistribution(
        temperature=temperature,
        n_atoms=len(large),
        distances=(edges[1:] + edges[:-1]) / 2,
        potential=_sampled(large, calculator, temperature, timestep, edges),
        reference=None
        if reference is None
        else _sampled(large, reference, temperature, timestep, edges),
        training=float(shortest) if np.isfinite(shortest) else None,
    )


def _conditions(settings: Settings) -> tuple[float, float]:
    """Temperature (K) at which the first dynamics ends, and its time step (fs)."""
    for scenario in settings.active_scenarios or settings.scenario:
        if scenario.kind == "md":
            temperature = scenario.temperature
            if isinstance(temperature, str):
                schedule = parse_schedule(temperature)
                temperature = schedule.value(schedule.steps)
            elif isinstance(temperature, TemperaturesSection):
                temperature = max(np.ravel(temperature.end).tolist())
            return float(temperature), scenario.timestep_fs
    return _USUAL_TEMPERATURE, 1.0


def _sampled(
    atoms: Atoms,
    calculator: Calculator,
    temperature: float,
    timestep: float,
    edges: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Radial distribution function in the bins; the molecular dynamics are always the same."""
    moving = atoms.copy()
    moving.calc = calculator
    rng = np.random.default_rng(0)
    draw_velocities(moving, temperature, rng)
    dynamics = Langevin(
        moving,
        timestep * units.fs,
        temperature_K=temperature,
        friction=0.02 / units.fs,
        fixcm=False,
        rng=rng,
    )
    counts = np.zeros(len(edges) - 1)
    frames = 0
    for step, _ in enumerate(dynamics.irun(_STEPS)):
        if step < _EQUILIBRATION or step % _EVERY:
            continue
        frames += 1
        pairs = build_neighbors(moving.positions, moving.cell.array, moving.pbc, edges[-1])
        vectors = moving.positions[pairs.neighbors] - moving.positions[pairs.owners]
        distances = np.linalg.norm(vectors + pairs.shifts @ moving.cell.array, axis=1)
        counts += np.histogram(distances, edges)[0]
    shells = 4 / 3 * np.pi * np.diff(edges**3)
    density = len(moving) / moving.get_volume()
    return np.asarray(2 * counts / (frames * len(moving) * density * shells))
