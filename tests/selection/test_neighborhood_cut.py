"""Clusters cut out of structures."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.geometry import get_distances

from maxvolt.dataset import ARRAYS_KEY, Dataset
from maxvolt.errors import DataError
from maxvolt.selection import cut_neighborhood
from maxvolt.selection.neighborhood_cut import cut_neighborhoods


@pytest.mark.parametrize("pbc", [(1, 1, 1), (1, 0, 1), (0, 0, 0)])
@pytest.mark.parametrize("skew", [0.0, 1.3])
def test_all_images_and_nothing_else(pbc: tuple[int, int, int], skew: float) -> None:
    atoms = bulk("Cu", cubic=True) * (2, 1, 1)
    atoms.symbols[3] = "Ni"
    atoms.rattle(0.2, seed=1)
    cell = atoms.cell.array.copy()
    cell[1, 0] += skew * cell[0, 0]
    atoms.set_cell(cell)
    atoms.positions[5] += 3 * cell[0]
    atoms.pbc = pbc
    cluster = cut_neighborhood(atoms, 5, 6.5)
    repeats = [5 if p else 0 for p in pbc]
    shifts = np.array(list(np.ndindex(*(2 * r + 1 for r in repeats)))) - repeats
    images = (atoms.positions[:, None] + shifts @ cell).reshape(-1, 3)
    vectors = images - atoms.positions[5]
    inside = np.linalg.norm(vectors, axis=1) < 6.5
    assert len(cluster) == inside.sum()
    numbers = np.repeat(atoms.numbers, len(shifts))[inside]
    assert sorted(cluster.numbers) == sorted(numbers)
    distances = get_distances(cluster.positions, vectors[inside])[1]
    assert distances.min(axis=1).max() < 1e-9
    assert not cluster.positions[0].any()
    assert not cluster.pbc.any()
    assert not cluster.cell.any()


def graded(grades: list[float]) -> Dataset:
    atoms = Atoms(f"Cu{len(grades)}", np.arange(3.0 * len(grades)).reshape(-1, 3))
    atoms.arrays["nbh_grades"] = np.array(grades)
    return Dataset.from_atoms([atoms])


def test_structures_that_interpolate_are_passed_over() -> None:
    dataset = Dataset.concatenate([graded([0.5, 1.05]), graded([1.2, 9.0, 3.0])])
    (cluster,) = cut_neighborhoods(dataset, cutoff=6.0)
    assert cluster.info == {"cfg#": 1, "extrapolation_grade": 9.0, "nbh#": 1}
    assert len(cluster) == 3
    assert len(cut_neighborhoods(dataset, lowest_grade=1.0)) == 2
    assert cut_neighborhoods(dataset, lowest_grade=10.0) == []


def test_grades_are_needed() -> None:
    bare = Dataset.from_atoms([bulk("Cu")])
    assert ARRAYS_KEY not in bare.infos[0]
    with pytest.raises(DataError, match="structure 0 has no grades of its atoms"):
        cut_neighborhoods(bare)
    with pytest.raises(DataError, match="atom 1 of a structure of 1"):
        cut_neighborhood(bulk("Cu"), 1)
