"""Neighbour shells near the cutoff, where the second derivatives of a potential jump.

The envelope (R - r)^2 of the radial functions is only once differentiable at the cutoff R: energy,
forces and stress are continuous when a neighbour shell passes it, elastic constants and force
constants are not. Finite differences must keep every pair of atoms on its side of the cutoff.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator
from numpy.typing import NDArray

from maxvolt.neighbors import NeighborList, build_neighbors

__all__ = [
    "Shell",
    "changed_shell",
    "crossing_volumes",
    "interaction_cutoff",
    "largest_clear_strain",
    "nearest_shell",
]

_ROUNDING = 0.98
"""Part of the strain that would bring a shell to the cutoff: kept clear of rounding."""


@dataclass(frozen=True, slots=True)
class Shell:
    """Neighbours at one distance.

    Attributes
    ----------
    species
        Symbols of the two atoms.
    distance : Angstrom
    cutoff : Angstrom
        Of the potential.
    """

    species: tuple[str, str]
    distance: float
    cutoff: float

    @property
    def gap(self) -> float:
        """Distance of the shell from the cutoff in Angstrom.

        A displacement of one atom by less keeps the shell on its side.
        """
        return abs(self.distance - self.cutoff)

    def __str__(self) -> str:
        """Species, distance and cutoff."""
        pair = "-".join(self.species)
        return f"the {pair} shell at {self.distance:.4f} A (cutoff {self.cutoff:g} A)"


@dataclass(frozen=True, slots=True)
class _Pairs:
    """Pairs of atoms with the vectors between them, shapes (P, 2) and (P, 3)."""

    atoms: NDArray[np.int32]
    vectors: NDArray[np.float64]

    @property
    def distances(self) -> NDArray[np.float64]:
        return np.asarray(np.linalg.norm(self.vectors, axis=1))


def interaction_cutoff(calculator: Calculator) -> float | None:
    """Largest distance of interacting atoms in Angstrom; None where a calculator does not say it.

    It is the attribute ``cutoff`` of the calculator or of its ``potential``, as potentials of this
    package have it.
    """
    for holder in (calculator, getattr(calculator, "potential", None)):
        found = getattr(holder, "cutoff", None)
        if isinstance(found, int | float) and 0 < found < np.inf:
            return float(found)
    return None


def nearest_shell(atoms: Atoms, cutoff: float) -> Shell | None:
    """Neighbour shell nearest to the cutoff, inside or outside; None where no two atoms are near.

    Its `Shell.gap` limits the displacements from which force constants may be computed.
    """
    pairs = _pairs(atoms, 1.5 * cutoff)
    if not len(pairs.atoms):
        return None
    return _shell(atoms, pairs, int(np.abs(pairs.distances - cutoff).argmin()), cutoff)


def largest_clear_strain(
    atoms: Atoms, cutoff: float, strains: NDArray[np.float64], most: float
) -> tuple[float, Shell | None]:
    """Largest amount of given strains, on either side, at which no shell crosses the cutoff.

    Parameters
    ----------
    atoms
        Periodic structure, strained homogeneously.
    cutoff : Angstrom
    strains : shape (n, 3, 3)
        Symmetric strain tensors of unit amount.
    most
        Amounts beyond this do not matter.

    Returns
    -------
    amount
        At most `most`; 0 where a shell lies at the cutoff itself.
    shell
        The shell that limits it; None where none does.
    """
    longest = float(np.abs(np.linalg.eigvalsh(strains)).max())
    pairs = _pairs(atoms, cutoff / max(1 - most * longest, 0.1))
    if not len(pairs.atoms):
        return most, None
    # |r (1 + t e)|^2 = R^2 is quadratic in t: a t^2 + 2 b t + c = 0.
    mapped = np.einsum("pi,nij->npj", pairs.vectors, strains)
    a = (mapped**2).sum(axis=-1)
    b = (mapped * pairs.vectors).sum(axis=-1)
    c = np.broadcast_to((pairs.vectors**2).sum(axis=-1) - cutoff**2, a.shape)
    root = np.sqrt(np.maximum(b**2 - a * c, 0.0))
    # Without cancellation the root nearest to 0 is -c / (b + sign(b) root).
    with np.errstate(divide="ignore", invalid="ignore"):
        amounts = np.abs(c) / (np.abs(b) + root)
    # A pair at the cutoff whose length does not change in first order leaves it all the same.
    amounts = np.where(np.isnan(amounts) & (a > 0), 0.0, amounts)
    amounts = np.where((b**2 < a * c) | np.isnan(amounts), np.inf, amounts)
    where = np.unravel_index(int(amounts.argmin()), amounts.shape)
    limit = _ROUNDING * float(amounts[where])
    if limit >= most:
        return most, None
    return limit, _shell(atoms, pairs, int(where[1]), cutoff)


def crossing_volumes(
    atoms: Atoms, cutoff: float, low: float, high: float
) -> list[tuple[float, Shell]]:
    """Volumes at which shells cross the cutoff while the structure is scaled, increasing.

    Parameters
    ----------
    atoms
        Periodic structure, scaled homogeneously.
    cutoff : Angstrom
    low, high
        Smallest and largest volume that matter, relative to that of `atoms`.

    Returns
    -------
    crossings
        Volumes relative to that of `atoms`, each with one shell that crosses there; its distance
        is that in `atoms`.
    """
    pairs = _pairs(atoms, cutoff / low ** (1 / 3))
    if not len(pairs.atoms):
        return []
    volumes = (cutoff / pairs.distances) ** 3
    within = np.flatnonzero((volumes > low) & (volumes < high))
    _, first = np.unique(volumes[within].round(6), return_index=True)
    return [
        (float(volumes[index]), _shell(atoms, pairs, int(index), cutoff)) for index in within[first]
    ]


def changed_shell(reference: Atoms, strained: Atoms, cutoff: float) -> Shell | None:
    """First pair of atoms that is inside the cutoff in one structure and outside in the other.

    Both hold the same atoms, none of them wrapped into the cell on the way. The shell is told with
    its distance in `reference`.
    """
    before, after = (_inside(atoms, cutoff) for atoms in (reference, strained))
    changed = before ^ after
    if not changed:
        return None
    i, j, *shift = min(changed)
    vector = reference.positions[j] + shift @ reference.cell.array - reference.positions[i]
    symbols = reference.get_chemical_symbols()
    return Shell((symbols[i], symbols[j]), float(np.linalg.norm(vector)), cutoff)


def _neighbors(atoms: Atoms, radius: float) -> NeighborList:
    return build_neighbors(atoms.positions, atoms.cell.array, atoms.pbc, radius)


def _pairs(atoms: Atoms, radius: float) -> _Pairs:
    found = _neighbors(atoms, radius)
    cell = np.where(atoms.pbc[:, None], atoms.cell.array, 0.0)
    return _Pairs(found.pairs, found.vectors(atoms.positions, cell))


def _inside(atoms: Atoms, cutoff: float) -> set[tuple[int, ...]]:
    """Pairs inside the cutoff, each in one of its two directions, always the same."""
    found = _neighbors(atoms, cutoff)
    one = np.hstack([found.pairs, found.shifts]).tolist()
    other = np.hstack([found.pairs[:, ::-1], -found.shifts]).tolist()
    return {min(tuple(a), tuple(b)) for a, b in zip(one, other, strict=True)}


def _shell(atoms: Atoms, pairs: _Pairs, index: int, cutoff: float) -> Shell:
    symbols = atoms.get_chemical_symbols()
    first, second = (symbols[atom] for atom in pairs.atoms[index])
    return Shell((first, second), float(pairs.distances[index]), cutoff)
