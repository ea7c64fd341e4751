"""Training data that cannot be right, found before a fit: units, outliers, contacts.

What is impossible is refused, what is suspicious gives a warning; both name structure and remedy.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from ase.data import covalent_radii
from numpy.typing import NDArray

from maxvolt.dataset import Dataset
from maxvolt.errors import FitError
from maxvolt.fitting.atomic_energies import composition_residuals
from maxvolt.units import GPA_PER_EV_A3

__all__ = ["check_contacts", "check_densities", "check_labels"]

_IMPOSSIBLE_CONTACT = 0.2
"""Distance relative to the sum of covalent radii. The strongest compression in the core of a giant
planet leaves 0.5; what is ten times too short was given in nanometres."""

_CLOSE_CONTACT = 0.6
"""Relative distance of a whole data set that is doubted: positions divided by 1.89 have 0.5."""

_LONG_BOND = 1.6
"""Relative distance that is doubted where no structure has a shorter one: Bohr taken for Angstrom
has 1.9 (crystals of metals have 0.9 to 1.2)."""

_NOBLE = (2, 10, 18, 36, 54, 86)
"""Elements without bonds, whose crystals are wider than that."""

_DENSEST = 0.02
"""Volume relative to that of spheres of the covalent radii: solids have about 1, the core of a
giant planet 0.1, nanometres taken for Angstrom 0.001."""

_REPULSION = 100.0
"""eV/Angstrom; a force that atoms have at least which really are closer than the impossible
contact: two protons at 0.12 A repel each other with 1000."""

_LARGEST_FORCE = 1e4
"""eV/Angstrom. Nuclei that all but touch have it; no training set has."""
_SINGLED_OUT_FORCE = 100.0
_SINGLED_OUT = 1000.0
"""A force above 100 eV/Angstrom that is a thousand times the largest of all other structures."""

_LARGEST_ENERGY = 1e3
"""eV/atom away from what the elements of a structure have elsewhere: bonds have up to 10."""

_LARGEST_STRESS = 1e4 / GPA_PER_EV_A3
_LARGE_STRESS = 1e3 / GPA_PER_EV_A3
"""10 TPa is beyond any compression of a solid in an experiment, 1 TPa beyond most."""

_STIFFEST = 1e5 / GPA_PER_EV_A3
"""Bulk modulus that energies and pressures imply above which they have different units: that of
diamond is 443 GPa, pressures in GPa or kbar raise it by 160^2 or 1602^2."""

_FEWEST_STRUCTURES = 6
"""Below it a spread says too little."""

Array = NDArray[np.float64]


def check_contacts(dataset: Dataset, contacts: Array) -> list[str]:
    """Refuse distances far below any bond; doubt those of a whole set in other units.

    Parameters
    ----------
    dataset
        Training set.
    contacts : shape (n,)
        Shortest distance of each structure relative to the sum of the covalent radii of its two
        atoms; infinite where no two atoms are neighbours.

    Raises
    ------
    FitError
        Names the structure and the remedy.
    """
    finite = np.isfinite(contacts)
    if not finite.any():
        return []
    close = np.flatnonzero(contacts < _IMPOSSIBLE_CONTACT)
    false = close[_largest_forces(dataset)[close] < _REPULSION]
    if false.size:
        few = len(false) < finite.sum()
        remedy = (
            "remove it or correct its positions"
            if few
            else "the positions look like nanometres: multiply positions and cells by 10"
        )
        raise FitError(
            f"{dataset.name_of(int(false[0]), 'the training set')} has two atoms at "
            f"{contacts[false[0]]:.2g} of the length of their bond (the sum of the covalent "
            f"radii){_others(len(false))}, and no force to match: {remedy}"
        )
    middle, longest = float(np.median(contacts[finite])), float(contacts[finite].max())
    if longest < _CLOSE_CONTACT:
        return [
            f"all structures have distances below {longest:.2g} of the length of a bond: check "
            "that positions and cells are in Angstrom"
        ]
    if middle > _LONG_BOND and not np.isin(dataset.numbers, _NOBLE).all():
        return [
            f"half of the structures have no distance below {middle:.2g} times the length of a "
            "bond: check that positions and cells are in Angstrom, not Bohr (multiply those by "
            "0.529177)"
        ]
    return []


def check_labels(dataset: Dataset) -> list[str]:
    """Refuse forces, energies and stresses that no calculation gives in eV and Angstrom.

    Raises
    ------
    FitError
        Names the structure and the remedy.
    """
    check_densities(dataset)
    _check_forces(dataset)
    _check_energies(dataset)
    return _check_stresses(dataset)


def check_densities(dataset: Dataset) -> None:
    """Refuse cells in nanometres before their neighbours, thousands of an atom, are searched.

    Raises
    ------
    FitError
        Names the structure and the remedy.
    """
    spheres = np.zeros(len(dataset))
    radii = covalent_radii[dataset.numbers]
    np.add.at(spheres, dataset.structure_of_atom, 4 / 3 * np.pi * radii**3)
    periodic = dataset.pbc.all(axis=1)
    dense = np.flatnonzero(periodic & (dataset.volumes < _DENSEST * spheres))
    if dense.size:
        raise FitError(
            f"{dataset.name_of(int(dense[0]), 'the training set')} has a cell too small for its "
            f"atoms by a factor of {1 / _DENSEST:.0f} or more{_others(len(dense))}: check that "
            "positions and cells are in Angstrom (multiply nanometres by 10)"
        )


def _check_forces(dataset: Dataset) -> None:
    largest = _largest_forces(dataset)
    if not largest.any():
        return
    first, *rest = np.argsort(-largest, kind="stable")
    if largest[first] > _LARGEST_FORCE:
        _refuse(
            dataset, largest > _LARGEST_FORCE, lambda s: f"a force of {largest[s]:.3g} eV/A", "eV/A"
        )
    others = float(largest[rest].max(initial=0.0))
    if largest[first] > max(_SINGLED_OUT_FORCE, _SINGLED_OUT * others) and rest:
        raise FitError(
            f"{dataset.name_of(int(first), 'the training set')} has a force of "
            f"{largest[first]:.3g} eV/A, {largest[first] / others if others else np.inf:.2g} times "
            "the largest of all other structures: remove it, or calculate it again"
        )


def _check_energies(dataset: Dataset) -> None:
    residuals = np.abs(composition_residuals(dataset))
    _refuse(
        dataset,
        residuals > _LARGEST_ENERGY,
        lambda s: f"an energy {residuals[s]:.3g} eV/atom away from that of the others",
        "eV, for the whole structure",
    )


def _check_stresses(dataset: Dataset) -> list[str]:
    stresses = np.where(dataset.has_stress[:, None], dataset.stresses, 0.0)
    largest = np.abs(stresses).max(axis=1, initial=0.0)
    units = "eV/A^3 (divide GPa by 160.2177, kbar by 1602.177)"
    _refuse(
        dataset, largest > _LARGEST_STRESS, lambda s: f"a stress of {largest[s]:.3g} eV/A^3", units
    )
    stiffness = _stiffness(dataset)
    if stiffness > _STIFFEST:
        factor = "GPa" if stiffness < 1e4 * _STIFFEST else "kbar"
        raise FitError(
            f"stresses and energies of the training set imply a bulk modulus of "
            f"{stiffness * GPA_PER_EV_A3:.2g} GPa, hundreds of times that of diamond: the "
            f"stresses look like {factor}; convert them to {units}"
        )
    if (large := np.flatnonzero(largest > _LARGE_STRESS)).size:
        return [
            f"{dataset.name_of(int(large[0]), 'the training set')} has a stress of "
            f"{largest[large[0]]:.3g} eV/A^3, {largest[large[0]] * GPA_PER_EV_A3:.3g} "
            f"GPa{_others(len(large))}: check that stresses are in {units}"
        ]
    return []


def _stiffness(dataset: Dataset) -> float:
    """Bulk modulus that pressures p and energies e imply, eV/Angstrom^3; 0 where unknown.

    Compression stores p^2 V / (2 B). All else that energies differ by lowers the result. A pressure
    that all structures share (dynamics in one cell) stores nothing that differs.
    """
    used = dataset.has_energy & dataset.has_stress & (dataset.weights > 0)
    if used.sum() < _FEWEST_STRUCTURES:
        return 0.0
    pressures = dataset.stresses[used, :3].mean(axis=1)
    energies = composition_residuals(dataset)[used]
    volumes = (dataset.volumes / dataset.counts)[used]
    spread = float(np.mean(np.abs(energies - np.median(energies))))
    if spread < 1e-6:
        return 0.0
    return float(pressures.var() * np.median(volumes) / (2 * spread))


def _largest_forces(dataset: Dataset) -> Array:
    """Largest force of each structure that counts, eV/Angstrom; 0 where there are none."""
    # The largest component: a norm of numbers that cannot be right may overflow.
    norms = np.abs(np.nan_to_num(dataset.forces, nan=0.0)).max(axis=1, initial=0.0)
    largest = np.zeros(len(dataset))
    np.maximum.at(largest, dataset.structure_of_atom, norms)
    return np.where(dataset.weights > 0, largest, 0.0)


def _refuse(
    dataset: Dataset, bad: NDArray[np.bool_], what: Callable[[int], str], units: str
) -> None:
    if not (found := np.flatnonzero(bad & (dataset.weights > 0))).size:
        return
    first = int(found[0])
    raise FitError(
        f"{dataset.name_of(first, 'the training set')} has {what(first)}"
        f"{_others(len(found))}, which no calculation gives: check that the labels are in {units}, "
        "or remove the structure"
    )


def _others(count: int) -> str:
    return f" (and {count - 1} more)" if count > 1 else ""
