"""Vacancies, pairs of vacancies and interstitials in crystals of one element."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atom, Atoms
from numpy.typing import NDArray

from maxvolt.errors import DataError, MaxvoltError
from maxvolt.properties.arguments import Calculating, system_of
from maxvolt.properties.elemental_crystals import (
    ElementalCrystal,
    reach_of,
    repeats,
    resting_crystal,
)
from maxvolt.properties.findings import Findings, Quantity
from maxvolt.properties.static.side_by_side import Attempt, relax_side_by_side

__all__ = ["DefectSettings", "Host", "interstitials", "vacancies"]

_BEYOND_IMAGES = 1.0
_SMALLEST_CELL = 12.0
"""Angstrom: defects repel their images by strain, however short the cutoff."""

_DUMBBELL = 0.75
"""Distance of the atoms of a dumbbell to begin with, in distances of nearest neighbours."""

Direction = tuple[float, float, float]

_DUMBBELLS: Mapping[str, Mapping[str, Direction]] = {
    "fcc": {"<100> dumbbell": (1, 0, 0)},
    "bcc": {"<110> dumbbell": (1, 1, 0), "<111> dumbbell": (1, 1, 1), "<100> dumbbell": (1, 0, 0)},
    "hcp": {"<0001> dumbbell": (0, 0, 1)},
    "diamond": {"<110> dumbbell": (1, 1, 0)},
}
"""Directions along the edges of the right-angled cell."""

_SITES: Mapping[str, Mapping[str, Direction]] = {
    "fcc": {"octahedral": (1 / 2, 0, 0), "tetrahedral": (1 / 4, 1 / 4, 1 / 4)},
    "bcc": {"octahedral": (1 / 2, 0, 0), "tetrahedral": (1 / 2, 1 / 4, 0)},
    "diamond": {"tetrahedral": (1 / 2, 1 / 2, 1 / 2)},
}
"""Places in the cubic cell, in shares of its edge; see `_octahedral_of_hcp`."""


@dataclass(frozen=True, slots=True)
class DefectSettings:
    """Settings of `vacancies` and `interstitials`.

    Parameters
    ----------
    size : Angstrom or None
        Height of the cell along each vector; None: twice the cutoff and 1 Angstrom, 12 at least.
    force_tolerance : eV/Angstrom
        Largest force left on an atom after a relaxation.
    max_steps
        Of each relaxation.
    """

    size: float | None = None
    force_tolerance: float = 2e-3
    max_steps: int = 500

    def __post_init__(self) -> None:
        if self.size is not None and not self.size > 0:
            raise DataError(f"point defects: the size must be positive; got {self.size!r}")


class Host:
    """A large cell of a perfect crystal at rest, and the energies of defects in it.

    Parameters
    ----------
    calculator
        Any ASE calculator.
    atoms
        Crystal near equilibrium.
    settings
        Size and relaxation.
    purpose
        What is computed, for messages.
    """

    def __init__(
        self, calculator: Any, atoms: Atoms, settings: DefectSettings, purpose: str
    ) -> None:
        self.calculator = calculator
        self.settings = settings
        self.crystal: ElementalCrystal = resting_crystal(calculator, atoms, purpose)
        reach, notes = reach_of(calculator)
        size = settings.size or max(2 * reach + _BEYOND_IMAGES, _SMALLEST_CELL)
        self.unit = self.crystal.right_angled()
        self.perfect = self.unit * repeats(self.unit.cell.array, size)
        self.warnings = self._own_images(reach, "an assumed cutoff" if notes else "the cutoff")
        count = len(self.perfect)
        self.notes = (*notes, f"cells of {count} atoms, with the volume of the perfect crystal")
        perfect = self.perfect.copy()
        perfect.calc = calculator
        self.energy_per_atom = float(perfect.get_potential_energy()) / count

    def _own_images(self, reach: float, cutoff: str) -> tuple[str, ...]:
        """Say so where a defect and its neighbours interact with their own images."""
        width = float((1 / np.linalg.norm(np.linalg.inv(self.perfect.cell.array), axis=0)).min())
        least = reach + self.crystal.nearest
        if width >= least:
            return ()
        return (
            f"the cell is only {width:.3g} A wide: a defect interacts with its own images; raise "
            f"size to {least:.3g} A ({cutoff} and one distance of neighbours) or more",
        )

    def relaxed(self, *defects: Atoms) -> list[Atoms]:
        """Return copies with defects, their atoms relaxed."""
        return [one.relaxed() for one in self.tried(*defects)]

    def tried(self, *defects: Atoms) -> list[Attempt]:
        """Try to relax copies with defects."""
        return relax_side_by_side(
            self.calculator,
            defects,
            force_tolerance=self.settings.force_tolerance,
            max_steps=self.settings.max_steps,
        )

    def formation(self, relaxed: Atoms) -> float:
        """Energy of a structure above as many atoms of the perfect crystal, eV; equation (82)."""
        return float(relaxed.get_potential_energy()) - len(relaxed) * self.energy_per_atom

    def middle(self) -> int:
        """Return the atom nearest to the middle of the cell."""
        from_middle = self.perfect.positions - self.perfect.cell.array.sum(axis=0) / 2
        return int(np.linalg.norm(from_middle, axis=1).argmin())

    def without(self, *indices: int) -> Atoms:
        """Return the crystal without some of its atoms."""
        kept: Atoms = self.perfect[[k for k in range(len(self.perfect)) if k not in indices]]
        return kept

    def neighbour(self, atom: int) -> int:
        """Return one of the nearest neighbours of an atom."""
        distances = self.perfect.get_distances(atom, range(len(self.perfect)), mic=True)
        distances[atom] = np.inf
        return int(distances.argmin())


def vacancies(
    calculator: Calculating,
    atoms: Atoms | None = None,
    settings: DefectSettings = DefectSettings(),
) -> Findings:
    """Compute the formation energies of a vacancy and of two neighbouring ones.

    Parameters
    ----------
    calculator
        Any ASE calculator.
    atoms
        Crystal near equilibrium; it is relaxed first.
    settings
        Size and relaxation.

    Raises
    ------
    DataError
        The structure is no fcc, bcc, sc, hcp or diamond crystal of one element.
    MaxvoltError
        A relaxation did not converge.
    """
    calculator, atoms = system_of(calculator, atoms, "vacancies")
    host = Host(calculator, atoms, settings, "vacancies")
    first = host.middle()
    bare = host.without(first)
    bare.calc = calculator
    pair = host.without(first, host.neighbour(first))
    single, double = map(host.formation, host.relaxed(bare, pair))
    quantities = {
        "vacancy": Quantity(single, "eV"),
        "vacancy, not relaxed": Quantity(host.formation(bare), "eV"),
        "divacancy": Quantity(double, "eV"),
        "divacancy binding": Quantity(2 * single - double, "eV"),
    }
    return Findings("Vacancies", quantities, warnings=host.warnings, notes=host.notes)


def interstitials(
    calculator: Calculating,
    atoms: Atoms | None = None,
    settings: DefectSettings = DefectSettings(),
) -> Findings:
    """Compute the formation energies of interstitial atoms: dumbbells, octahedral, tetrahedral.

    One that does not relax has no number, and a warning.

    Parameters
    ----------
    calculator
        Any ASE calculator.
    atoms
        Crystal near equilibrium; it is relaxed first.
    settings
        Size and relaxation.

    Raises
    ------
    DataError
        The structure is no fcc, bcc, hcp or diamond crystal of one element.
    MaxvoltError
        None of them relaxed.
    """
    calculator, atoms = system_of(calculator, atoms, "interstitials")
    host = Host(calculator, atoms, settings, "interstitials")
    kind = host.crystal.kind
    if kind not in _DUMBBELLS:
        raise DataError(
            f"interstitials: expected a crystal of {', '.join(_DUMBBELLS)}; this one is {kind}"
        )
    begun = {name: _dumbbell(host, way) for name, way in _DUMBBELLS[kind].items()}
    for name, place in _sites(host.crystal).items():
        begun[name] = _inserted(host, place)
    tried = dict(zip(begun, host.tried(*begun.values()), strict=True))
    quantities = {
        name: Quantity(np.nan if one.complaint else host.formation(one.structure), "eV")
        for name, one in tried.items()
    }
    if all(one.complaint for one in tried.values()):
        raise MaxvoltError(f"interstitials: {next(iter(tried.values())).complaint}")
    complaints = (f"{name}: {one.complaint}" for name, one in tried.items() if one.complaint)
    warnings = (*host.warnings, *complaints)
    note = "symmetry may hold an interstitial where it is not stable: the lowest is that of nature"
    return Findings("Interstitials", quantities, warnings=warnings, notes=(*host.notes, note))


def _dumbbell(host: Host, way: Direction) -> Atoms:
    """Two atoms share the place of one."""
    middle = host.middle()
    defect: Atoms = host.perfect.copy()
    half = np.asarray(way) / np.linalg.norm(way) * _DUMBBELL * host.crystal.nearest / 2
    place = defect.positions[middle].copy()
    defect.positions[middle] = place - half
    defect.append(Atom(host.crystal.symbol, place + half))
    return defect


def _sites(crystal: ElementalCrystal) -> dict[str, NDArray[np.float64]]:
    """Vectors in Angstrom from an atom to places for another one."""
    if crystal.kind == "hcp":
        return {"octahedral": _octahedral_of_hcp(crystal)}
    return {name: crystal.a * np.asarray(place) for name, place in _SITES[crystal.kind].items()}


def _octahedral_of_hcp(crystal: ElementalCrystal) -> NDArray[np.float64]:
    """The place among three atoms below and three above, seen from the atom of the lower layer."""
    places = crystal.right_angled().positions
    above = places[int(places[:, 2].argmax())] - places[0]
    return np.asarray(-above * [1, 1, 0] + [0, 0, (crystal.c or 0.0) / 4])


def _inserted(host: Host, place: NDArray[np.float64]) -> Atoms:
    """One more atom, near the middle of the cell, at a vector from an atom of the first kind.

    hcp has two kinds of atoms, in lower and upper layers; a cell begins with a lower one.
    """
    defect: Atoms = host.perfect.copy()
    same = np.arange(0, len(defect), len(host.unit))
    from_middle = defect.positions[same] - defect.cell.array.sum(axis=0) / 2
    origin = defect.positions[same[np.linalg.norm(from_middle, axis=1).argmin()]]
    defect.append(Atom(host.crystal.symbol, origin + place))
    return defect
