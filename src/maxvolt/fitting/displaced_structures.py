"""Copies of training structures whose atoms are displaced a little at random.

In a perfect crystal many scalars vanish by symmetry, and nothing in its labels says what they are
worth. What the copies have of such a scalar tells a column of the linear equations that is small
from one that is rounding; what a fitted potential says of them tells whether it can be used.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from maxvolt.dataset import Dataset

__all__ = ["displaced_copies", "spread_structures"]

_FEWEST_ATOMS = 8
"""A periodic structure with fewer atoms is doubled along its lattice vectors first: the images of
an atom move with it, and the one atom of a cell cannot be displaced at all."""


def spread_structures(dataset: Dataset, most_structures: int, most_atoms: int) -> NDArray[np.int64]:
    """Choose structures spread over a dataset, up to a number of them and of their atoms.

    Returns
    -------
    indices : shape (m,)
        Ascending; at least one.
    """
    chosen: list[int] = []
    atoms = 0
    for s in np.unique(np.linspace(0, len(dataset) - 1, most_structures).astype(np.int64)).tolist():
        count = int(dataset.counts[s]) * int(_repeats(dataset, s).prod())
        if not chosen or atoms + count <= most_atoms:
            chosen.append(s)
            atoms += count
    return np.array(chosen)


def displaced_copies(dataset: Dataset, displacement: float, *, seed: int = 0) -> Dataset:
    """Displace the atoms of all structures.

    Parameters
    ----------
    dataset
        At least one structure.
    displacement : Angstrom
        Standard deviation of each component.
    seed
        Random seed of the displacements.

    Returns
    -------
    copies : Dataset
        Labels are zero where the structure has them, and absent where it has none; weights and
        origins are those of the structure.
    """
    generator = np.random.default_rng(seed)
    return Dataset.concatenate(
        [_copy(dataset.select([s]), displacement, generator) for s in range(len(dataset))]
    )


def _repeats(dataset: Dataset, s: int) -> NDArray[np.int64]:
    """How often a structure is repeated along its lattice vectors."""
    few = dataset.counts[s] < _FEWEST_ATOMS
    return np.where(dataset.pbc[s] & few, 2, 1).astype(np.int64)


def _copy(one: Dataset, displacement: float, generator: np.random.Generator) -> Dataset:
    repeats = _repeats(one, 0)
    shifts = np.stack(np.meshgrid(*map(np.arange, repeats), indexing="ij"), axis=-1).reshape(-1, 3)
    images = (shifts @ one.cells[0])[:, None] + one.positions
    positions = images.reshape(-1, 3)
    n = len(positions)
    return Dataset(
        offsets=np.array([0, n]),
        numbers=np.tile(one.numbers, len(shifts)),
        positions=positions + displacement * generator.standard_normal((n, 3)),
        cells=one.cells * repeats[:, None],
        pbc=one.pbc,
        energies=_zero(one.has_energy, (1,)),
        forces=_zero(one.has_forces, (n, 3)),
        stresses=_zero(one.has_stress, (1, 6)),
        has_energy=one.has_energy,
        has_forces=one.has_forces,
        has_stress=one.has_stress,
        weights=one.weights,
        groups=one.groups,
        infos=({},),
        origins=one.origins,
    )


def _zero(present: NDArray[np.bool_], shape: tuple[int, ...]) -> NDArray[np.float64]:
    return np.full(shape, 0.0 if present[0] else np.nan)
