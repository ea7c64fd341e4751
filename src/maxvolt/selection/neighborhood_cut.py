"""The neighbourhood of the atom that extrapolates most, cut out of a large structure."""

from __future__ import annotations

import numpy as np
from ase import Atoms
from ase.geometry import complete_cell
from numpy.typing import NDArray

from maxvolt.dataset import ARRAYS_KEY, Dataset
from maxvolt.errors import DataError
from maxvolt.selection.grades import GRADES

__all__ = ["CUTOFF", "LOWEST_GRADE", "cut_neighborhood", "cut_neighborhoods"]

CUTOFF = 8.0
"""Radius of what is cut out, Angstrom, as in MLIP-3's example."""

LOWEST_GRADE = 1.1
"""Structures whose largest grade is below this are passed over, as MLIP-3 does."""


def cut_neighborhood(atoms: Atoms, center: int, cutoff: float = CUTOFF) -> Atoms:
    """Cut out all atoms closer than a distance to one atom, periodic images included.

    Parameters
    ----------
    atoms
        Structure; any periodicity.
    center
        Number of the atom in the middle.
    cutoff : float, Angstrom

    Returns
    -------
    cluster : Atoms
        Without a cell; the atom in the middle is the first and lies at the origin, the others
        follow in the order of the structure.
    """
    if not -len(atoms) <= center < len(atoms):
        raise DataError(f"atom {center} of a structure of {len(atoms)}")
    center %= len(atoms)
    cell = complete_cell(np.where(atoms.pbc[:, None], atoms.cell.array, 0.0))
    vectors = atoms.positions - atoms.positions[center]
    # MLIP takes differences from the atom with the lower number: zeros of those below have a sign.
    vectors[:center] = -(atoms.positions[center] - atoms.positions[:center])
    # Nearest image first: what is left lies within half a cell, and few images can be near.
    vectors -= np.where(atoms.pbc, np.round(vectors @ np.linalg.inv(cell)), 0.0) @ cell
    images = _images(cell, atoms.pbc, cutoff)
    all_vectors = (vectors[:, None] - images[::-1] @ cell).reshape(-1, 3)
    distances = np.linalg.norm(all_vectors, axis=1)
    near = np.flatnonzero((distances < cutoff) & (distances > 0))
    numbers = atoms.numbers[near // len(images)]
    return Atoms(
        np.concatenate([[atoms.numbers[center]], numbers]),
        np.concatenate([np.zeros((1, 3)), all_vectors[near]]),
    )


def _images(cell: NDArray[np.float64], pbc: NDArray[np.bool_], cutoff: float) -> NDArray[np.int64]:
    """Lattice translations that may bring an atom within half a cell closer than the cutoff."""
    heights = 1.0 / np.linalg.norm(np.linalg.inv(cell), axis=0)
    most = np.where(pbc, np.ceil(cutoff / heights + 0.5), 0).astype(np.int64)
    ranges = [np.arange(-m, m + 1) for m in most]
    return np.stack(np.meshgrid(*ranges, indexing="ij"), axis=-1).reshape(-1, 3)


def cut_neighborhoods(
    dataset: Dataset, cutoff: float = CUTOFF, lowest_grade: float = LOWEST_GRADE
) -> list[Atoms]:
    """Cut out the surroundings of the atom with the largest grade of each structure.

    Parameters
    ----------
    dataset
        Structures with the per-atom array `GRADES`, as graded in neighbourhood mode.
    cutoff : float, Angstrom
    lowest_grade
        Structures whose largest grade is below this are passed over.

    Returns
    -------
    clusters : list of Atoms
        ``info`` holds what MLIP notes: number of the structure ``cfg#``, of the atom ``nbh#``, and
        ``extrapolation_grade``.

    Raises
    ------
    DataError
        A structure without grades of its atoms.
    """
    clusters = []
    for number, info in enumerate(dataset.infos):
        grades = _grades(info.get(ARRAYS_KEY, {}).get(GRADES), number)
        center = int(np.argmax(grades))
        if grades[center] < lowest_grade:
            continue
        cluster = cut_neighborhood(dataset[number], center, cutoff)
        cluster.info = {
            "cfg#": number,
            "extrapolation_grade": float(grades[center]),
            "nbh#": center,
        }
        clusters.append(cluster)
    return clusters


def _grades(values: object, number: int) -> NDArray[np.float64]:
    if values is None:
        raise DataError(
            f"structure {number} has no grades of its atoms ({GRADES}); grade it in neighborhood "
            "mode first, with maxvolt grade"
        )
    return np.asarray(values, np.float64)
