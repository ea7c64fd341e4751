"""Symmetric tilt grain boundaries of cubic crystals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms

from maxvolt.errors import DataError, MaxvoltError
from maxvolt.properties.arguments import Calculating, require_known, system_of
from maxvolt.properties.elemental_crystals import (
    ElementalCrystal,
    has_stress,
    reach_of,
    resting_crystal,
)
from maxvolt.properties.findings import Findings, Quantity
from maxvolt.properties.static.interfaces import (
    Directions,
    chosen_interfaces,
    interface_energy,
    oriented,
)
from maxvolt.properties.static.side_by_side import relax_side_by_side

__all__ = ["GrainBoundarySettings", "grain_boundaries"]

_BOUNDARIES: dict[str, dict[str, Directions]] = {
    "fcc": {
        "Σ5(210)": ((-1, 2, 0), (0, 0, 1), (2, 1, 0)),
        "Σ5(310)": ((-1, 3, 0), (0, 0, 1), (3, 1, 0)),
        "Σ3(111)": ((1, 1, -2), (-1, 1, 0), (1, 1, 1)),
    },
    "bcc": {
        "Σ5(210)": ((-1, 2, 0), (0, 0, 1), (2, 1, 0)),
        "Σ5(310)": ((-1, 3, 0), (0, 0, 1), (3, 1, 0)),
        "Σ3(112)": ((1, 1, -1), (-1, 1, 0), (1, 1, 2)),
        "Σ3(111)": ((1, 1, -2), (-1, 1, 0), (1, 1, 1)),
    },
}
"""Crystal directions along x, y (the tilt axis) and z (across the boundary)."""

_SCREENING_TOLERANCE = 0.1
"""eV/Angstrom, of the relaxation after which the lowest go on."""

_SCREENING_STEPS = 60
_FINALISTS = 2
_TOO_CLOSE = 0.5
"""Distances of nearest neighbours below which a start is given up."""


@dataclass(frozen=True, slots=True)
class GrainBoundarySettings:
    """Settings of `grain_boundaries`.

    Parameters
    ----------
    boundaries
        Names as Σ5(210); empty: all that are known of the crystal.
    shifts
        How many shifts of one grain along x and along the tilt axis are tried.
    overlaps
        Distances, in those of nearest neighbours, below which one of two atoms of different grains
        is taken away; each is tried.
    thickness : Angstrom or None
        Of each grain at least; None: twice the cutoff.
    force_tolerance : eV/Angstrom
        Largest force left on an atom after a relaxation.
    max_steps
        Of the last relaxation.
    """

    boundaries: tuple[str, ...] = ()
    shifts: tuple[int, int] = (4, 2)
    overlaps: tuple[float, ...] = (0.6, 0.8)
    thickness: float | None = None
    force_tolerance: float = 5e-3
    max_steps: int = 500

    def __post_init__(self) -> None:
        known = sorted({name for names in _BOUNDARIES.values() for name in names})
        require_known(self.boundaries, known, "grain boundaries: unknown")
        if min(self.shifts) < 1 or not self.overlaps:
            raise DataError(
                "grain boundaries: expected at least one shift along each axis and one overlap; "
                f"got {self.shifts!r} and {self.overlaps!r}"
            )


def grain_boundaries(
    calculator: Calculating,
    atoms: Atoms | None = None,
    settings: GrainBoundarySettings = GrainBoundarySettings(),
) -> Findings:
    """Search the lowest energy of symmetric tilt grain boundaries.

    A grain and its mirror image stand on each other, with two equal boundaries in a periodic cell.
    One grain is shifted along the boundary, atoms that come too close are taken away, and each
    start is relaxed, with the height of the cell. The lowest counts; equation (84).

    Parameters
    ----------
    calculator
        Any ASE calculator; where it gives no stress, the height of the cell is held.
    atoms
        An fcc or bcc crystal near equilibrium; it is relaxed first.
    settings
        Which boundaries, and how thoroughly they are searched.

    Raises
    ------
    DataError
        The crystal is neither fcc nor bcc, or has no such boundary here.
    MaxvoltError
        No start could be relaxed. Where one of the lowest could, the others are left out, and a
        warning says so.
    """
    purpose = "grain boundaries"
    calculator, atoms = system_of(calculator, atoms, purpose)
    crystal = resting_crystal(calculator, atoms, purpose)
    if crystal.kind not in _BOUNDARIES:
        raise DataError(f"{purpose}: expected an fcc or bcc crystal; this one is {crystal.kind}")
    known = _BOUNDARIES[crystal.kind]
    chosen = chosen_interfaces(settings.boundaries, known, crystal.kind, purpose)
    reach, notes = reach_of(calculator)
    search = _Search(crystal, calculator, settings.thickness or 2 * reach, settings)
    quantities = {}
    warnings: list[str] = []
    for name in chosen:
        found = search.lowest(known[name])
        quantities[name] = Quantity(found.energy, "mJ/m²")
        notes += (f"{name}: the lowest of {found.starts} starts, in a cell of {found.atoms} atoms",)
        warnings += [
            f"{name}: one of the lowest {_FINALISTS} was left out, and its energy may be lower "
            f"still: {why}"
            for why in found.left_out
        ]
    if not search.with_height:
        notes += ("the calculator gives no stress: the height of the cell was held",)
    return Findings("Grain boundaries", quantities, warnings=tuple(warnings), notes=notes)


@dataclass(frozen=True, slots=True)
class _Lowest:
    """Energy (mJ/m^2) of a boundary, and how it was found.

    Attributes
    ----------
    starts, atoms
        How many there were.
    left_out
        Why finalists that did not come to rest did not.
    """

    energy: float
    starts: int
    atoms: int
    left_out: tuple[str, ...]


class _Search:
    """Starts of a boundary, relaxed; the lowest is kept."""

    def __init__(
        self,
        crystal: ElementalCrystal,
        calculator: Any,
        thickness: float,
        settings: GrainBoundarySettings,
    ) -> None:
        self.crystal, self.calculator = crystal, calculator
        self.thickness, self.settings = thickness, settings
        self.per_atom = crystal.energy_per_atom(calculator)
        self.with_height = has_stress(calculator, crystal.primitive())

    def lowest(self, directions: Directions) -> _Lowest:
        """Relax the starts a little, and the lowest of them to the end."""
        starts = list(self._starts(directions))
        if not starts:
            raise MaxvoltError(
                "grain boundaries: atoms come too close in all starts; allow more shifts or larger "
                "overlaps"
            )
        tried = relax_side_by_side(
            self.calculator,
            starts,
            with_height=self.with_height,
            force_tolerance=_SCREENING_TOLERANCE,
            max_steps=_SCREENING_STEPS,
        )
        screened = [one.structure for one in tried if one.is_whole]
        if not screened:
            raise MaxvoltError(
                f"grain boundaries: none of {len(starts)} starts could be relaxed; the potential "
                "is used far from what it was trained on"
            )
        screened.sort(key=self._energy)
        ended = relax_side_by_side(
            self.calculator,
            screened[:_FINALISTS],
            with_height=self.with_height,
            force_tolerance=self.settings.force_tolerance,
            max_steps=self.settings.max_steps,
        )
        resting = [one.structure for one in ended if not one.complaint]
        if not resting:
            raise MaxvoltError(f"grain boundaries: {ended[0].complaint}")
        best = min(resting, key=self._energy)
        left_out = tuple(one.complaint for one in ended if one.complaint)
        return _Lowest(self._energy(best), len(starts), len(best), left_out)

    def _energy(self, atoms: Atoms) -> float:
        return interface_energy(atoms, self.per_atom)

    def _starts(self, directions: Directions) -> Iterator[Atoms]:
        grain = oriented(self.crystal, directions, self.thickness)
        along_x, along_y = self.settings.shifts
        seen = set()
        for i in range(along_x):
            for j in range(along_y):
                shift = i / along_x * grain.cell[0] + j / along_y * grain.cell[1]
                for overlap in self.settings.overlaps:
                    start = _bicrystal(grain, shift, overlap * self.crystal.nearest)
                    if (i, j, len(start)) in seen or _shortest(start) < (
                        _TOO_CLOSE * self.crystal.nearest
                    ):
                        continue
                    seen.add((i, j, len(start)))
                    yield start


def _bicrystal(grain: Atoms, shift: Any, overlap: float) -> Atoms:
    """Put the mirror image of a grain, shifted, on top of it; both have their end layers."""
    height = float(grain.cell[2, 2])
    lower = grain.copy()
    lowest = lower[lower.positions[:, 2] < 1e-3]
    lowest.positions[:, 2] += height
    lower += lowest
    upper = lower.copy()
    upper.positions[:, 2] = 2 * height - upper.positions[:, 2]
    upper.positions += shift
    both = lower + upper
    both.set_cell([grain.cell[0], grain.cell[1], [0, 0, 2 * height]])
    both.pbc = True
    count = len(lower)
    distances = both.get_all_distances(mic=True)[count:, :count]
    keep = [*range(count), *(count + np.flatnonzero(distances.min(axis=1) > overlap)).tolist()]
    chosen: Atoms = both[keep]
    return chosen


def _shortest(atoms: Atoms) -> float:
    distances = atoms.get_all_distances(mic=True)
    np.fill_diagonal(distances, np.inf)
    return float(distances.min())
