"""Ground states of a binary alloy on a lattice: arrangements on the convex hull of energies."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from ase.formula import Formula
from numpy.typing import NDArray

from maxvolt.errors import SettingsError
from maxvolt.potentials.lattice.parent import ParentLattice
from maxvolt.potentials.lattice.potential import LowRankPotential
from maxvolt.potentials.lattice.supercells import Supercell

__all__ = ["GroundState", "ground_states", "lower_hull", "pure_states"]

Array = NDArray[np.float64]
Integers = NDArray[np.int64]

_PURE = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class GroundState:
    """An arrangement that is stable at zero temperature.

    Attributes
    ----------
    name
        Its formula, and the sites of its cell where several have the formula.
    supercell, occupation
        The arrangement.
    concentration
        Share of the second species.
    energy : eV per site
    """

    name: str
    supercell: Supercell
    occupation: Integers
    concentration: float
    energy: float

    @property
    def pure(self) -> bool:
        """Whether it has one species alone."""
        return min(self.concentration, 1 - self.concentration) < _PURE

    def tiled(self, parent: ParentLattice, repeats: Iterable[int]) -> tuple[Supercell, Integers]:
        """Fill a supercell of about so many repeats of the primitive cell, which it fits into.

        Returns
        -------
        supercell
            With repeats rounded to whole periods of the arrangement.
        sites : shape (n_sites,)
            Site of the arrangement that each site repeats.
        """
        rounded = []
        for axis, wished in enumerate(repeats):
            steps = np.zeros((self.supercell.n_cells, 3), np.int64)
            steps[:, axis] = np.arange(1, self.supercell.n_cells + 1)
            period = int(np.flatnonzero(self.supercell.numbers(steps) == 0)[0]) + 1
            rounded.append(period * max(1, round(wished / period)))
        supercell = Supercell.of(rounded)
        b = len(parent.active)
        cells = self.supercell.numbers(supercell.offsets())
        return supercell, (cells[:, None] * b + np.arange(b)).ravel()


def pure_states(potential: LowRankPotential) -> tuple[GroundState, GroundState]:
    """The two arrangements of one species alone.

    Raises
    ------
    SettingsError
        The lattice has not two species, both on all its sites.
    """
    parent = potential.parent
    if len(parent.species) != 2 or not parent.may_have.all():
        raise SettingsError(
            "a phase diagram needs a potential of two species, both on all sites; this one has "
            f"{', '.join(parent.species)}"
        )
    cell = Supercell.of([1, 1, 1])
    first, second = (
        _state(potential, cell, np.full(len(parent.active), species)) for species in (0, 1)
    )
    return first, second


def ground_states(
    potential: LowRankPotential,
    arrangements: Iterable[tuple[Supercell, NDArray[np.integer[Any]]]],
) -> list[GroundState]:
    """Find which arrangements are stable at zero temperature, the pure ones among them.

    Parameters
    ----------
    potential
        Energies.
    arrangements
        Candidates; the pure ones are always among them.

    Returns
    -------
    states
        By rising share of the second species.

    Raises
    ------
    SettingsError
        The lattice has not two species, both on all its sites.
    """
    first, second = pure_states(potential)
    states = [first, *(_state(potential, *one) for one in arrangements), second]
    on_hull = lower_hull(
        np.array([one.concentration for one in states]), np.array([one.energy for one in states])
    )
    kept = [states[number] for number in on_hull]
    times = Counter(one.name for one in kept)
    return [
        one if times[one.name] == 1 else replace(one, name=f"{one.name} ({len(one.occupation)})")
        for one in kept
    ]


def lower_hull(concentrations: Array, energies: Array) -> list[int]:
    """Numbers of the points at the corners of the lower convex hull, by rising concentration."""
    order = np.lexsort((energies, concentrations))
    corners: list[int] = []
    for point in order.tolist():
        if corners and concentrations[point] - concentrations[corners[-1]] < _PURE:
            continue  # higher, at the same concentration
        while len(corners) > 1 and _above(concentrations, energies, corners[-2:], point):
            corners.pop()
        corners.append(point)
    return corners


def _above(concentrations: Array, energies: Array, last: list[int], point: int) -> bool:
    """Whether the last corner is not below the line from the one before to the point."""
    before, corner = last
    share = (concentrations[corner] - concentrations[before]) / (
        concentrations[point] - concentrations[before]
    )
    line = energies[before] + share * (energies[point] - energies[before])
    return bool(energies[corner] >= line - 1e-9)


def _state(
    potential: LowRankPotential, supercell: Supercell, occupation: NDArray[np.integer[Any]]
) -> GroundState:
    n = len(occupation)
    numbers = np.bincount(occupation, minlength=2)
    named = dict(zip(potential.species, (int(one) for one in numbers), strict=True))
    formula = Formula.from_dict({s: k for s, k in named.items() if k}).reduce()[0]
    return GroundState(
        str(formula), supercell, np.asarray(occupation, np.int64), float(numbers[1] / n),
        potential.energy(supercell, occupation) / n,
    )  # fmt: skip
