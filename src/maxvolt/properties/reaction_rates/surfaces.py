"""Potential energy surfaces: what is evaluated at all beads of all replicas at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.data import atomic_numbers
from numpy.typing import NDArray

from maxvolt.errors import DataError
from maxvolt.neighbors import NeighborList
from maxvolt.neighbors.neighborhoods import Neighborhoods
from maxvolt.potentials import Potential
from maxvolt.species import species_types

__all__ = [
    "CalculatorSurface",
    "Particles",
    "PotentialSurface",
    "Surface",
    "labelled_structures",
    "surface_digest",
    "surface_of",
]

Surface = Callable[[NDArray[np.float64]], tuple[NDArray[np.float64], NDArray[np.float64]]]
"""Positions, shape (m, N, d), to energies, shape (m,), eV, and forces, shape (m, N, d)."""

_PROBES = 4
_PROBE_SHIFT = 0.05
"""Angstrom; structures that tell surfaces apart are moved so far from the start."""


@dataclass(frozen=True, slots=True, eq=False)
class Particles:
    """What moves, where it is not an `ase.Atoms`: N particles in d dimensions.

    Attributes
    ----------
    positions : shape (N, d), Angstrom
    masses : shape (N,), u
    """

    positions: NDArray[np.float64]
    masses: NDArray[np.float64]

    def __post_init__(self) -> None:
        positions, masses = np.asarray(self.positions, float), np.asarray(self.masses, float)
        if positions.ndim != 2 or masses.shape != positions.shape[:1]:
            raise DataError(
                "expected positions of shape (N, d) and N masses; got shapes "
                f"{positions.shape} and {masses.shape}"
            )
        if not np.isfinite(positions).all() or not (np.isfinite(masses) & (masses > 0)).all():
            raise DataError("expected finite positions and positive masses")
        object.__setattr__(self, "positions", positions)
        object.__setattr__(self, "masses", masses)


@dataclass(slots=True, eq=False)
class PotentialSurface:
    """A potential of maxvolt for molecules of given elements, in the compiled core.

    All pairs of atoms are in the list of neighbours, whatever their distances, so that one list
    serves all replicas at all times.

    Parameters
    ----------
    potential
        Any potential of maxvolt.
    symbols
        Elements of the N atoms.
    threads
        Of the core.
    """

    potential: Potential
    symbols: Sequence[str]
    threads: int = 1
    _kept: dict[int, Neighborhoods] = field(default_factory=dict, init=False, repr=False)

    def neighborhoods(self, positions: NDArray[np.float64]) -> Neighborhoods:
        """Structures of shape (m, N, 3) with all pairs of each."""
        count = len(positions)
        if count not in self._kept:
            self._kept.clear()
            self._kept[count] = self._of_count(count)
        kept = self._kept[count]
        flat = np.ascontiguousarray(positions.reshape(-1, 3))
        return kept.with_atoms(flat, kept.cells, kept.types)

    def __call__(
        self, positions: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Energies and forces."""
        found = self.potential.evaluate_neighborhoods(
            self.neighborhoods(positions), threads=self.threads
        )
        energies = found.site_energies.reshape(positions.shape[:2]).sum(axis=1)
        return energies, found.forces.reshape(positions.shape)

    def _of_count(self, count: int) -> Neighborhoods:
        n = len(self.symbols)
        numbers = np.array([atomic_numbers[symbol] for symbol in self.symbols], np.int32)
        first, second = np.triu_indices(n, 1)
        pairs = np.stack([first, second], axis=1).astype(np.int32)
        starts = (n * np.arange(count, dtype=np.int32))[:, None, None]
        pairs = (pairs[None] + starts).reshape(-1, 2)
        return Neighborhoods(
            positions=np.zeros((count * n, 3)),
            cells=np.zeros((count, 3, 3)),
            structures=np.repeat(np.arange(count, dtype=np.int32), n),
            types=np.tile(species_types(numbers, tuple(self.potential.species)), count),
            pairs=NeighborList(count * n, pairs, np.zeros((len(pairs), 3), np.int32)),
        )


@dataclass(slots=True, eq=False)
class CalculatorSurface:
    """Any ASE calculator, asked for one bead after the other.

    Parameters
    ----------
    calculator
        The calculator.
    atoms
        What it needs besides positions.
    """

    calculator: Any
    atoms: Atoms

    def __call__(
        self, positions: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Energies and forces."""
        atoms = self.atoms.copy()
        atoms.calc = self.calculator
        energies, forces = np.empty(len(positions)), np.empty(positions.shape)
        for m, x in enumerate(positions):
            atoms.positions = x
            forces[m] = atoms.get_forces()
            energies[m] = atoms.get_potential_energy()
        return energies, forces


def surface_of(interaction: Any, system: Atoms | Particles, *, threads: int = 1) -> Surface:
    """Make a surface of a function, a potential of maxvolt or an ASE calculator.

    Parameters
    ----------
    interaction
        A function of positions as `Surface`, a potential, a calculator of a potential, or any
        other ASE calculator.
    system
        What moves.
    threads
        Of the compiled core, for potentials.

    Raises
    ------
    DataError
        None of these, or a potential without `ase.Atoms`.
    """
    potential = getattr(interaction, "potential", interaction)
    if isinstance(potential, Potential):
        if not isinstance(system, Atoms):
            raise DataError("a potential needs elements: give the structure as ase.Atoms")
        if system.pbc.any():
            raise DataError(
                "a rate of reaction in the gas is for molecules: expected a structure that is not "
                "periodic; set atoms.pbc = False"
            )
        return PotentialSurface(potential, system.get_chemical_symbols(), threads)
    if hasattr(interaction, "get_potential_energy") and isinstance(system, Atoms):
        return CalculatorSurface(interaction, system)
    if callable(interaction):
        return interaction  # type: ignore[no-any-return]
    raise DataError(
        "expected a potential of maxvolt, an ASE calculator with a structure as ase.Atoms, or a "
        f"function of positions; got {type(interaction).__name__}"
    )


def surface_digest(surface: Surface, start: NDArray[np.float64]) -> str:
    """Name a surface by its potential, else by its energies of structures near the start.

    Parameters
    ----------
    surface
        The surface.
    start : shape (N, d), Angstrom
        A structure.
    """
    if isinstance(surface, PotentialSurface):
        return str(surface.potential.digest)
    shifts = np.random.default_rng(0).normal(size=(_PROBES, *start.shape))
    energies, _ = surface(start + _PROBE_SHIFT * shifts)
    return sha256((np.round(energies, 8) + 0.0).tobytes()).hexdigest()


def labelled_structures(
    surface: Surface, positions: NDArray[np.float64], symbols: Sequence[str]
) -> list[Atoms]:
    """Structures with energies and forces of a surface, for training.

    Parameters
    ----------
    surface
        The reference.
    positions : shape (m, N, 3), Angstrom
    symbols
        Elements of the N atoms.
    """
    found = []
    for x, energy, forces in zip(positions, *surface(positions), strict=True):
        atoms = Atoms(symbols=list(symbols), positions=x)
        atoms.calc = SinglePointCalculator(atoms, energy=float(energy), forces=forces)
        found.append(atoms)
    return found
