"""Pieces of crystal: their sizes are those that were built."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from maxvolt.errors import DataError
from maxvolt.properties.dynamic.common_neighbours import PHASES, common_neighbours
from maxvolt.properties.dynamic.crystalline_clusters import phases_and_clusters

FCC, HCP, BCC = (PHASES.index(name) for name in ("fcc", "hcp", "bcc"))


def test_a_crystal_is_one_piece() -> None:
    for kind, atoms in (("fcc", bulk("Al", cubic=True) * 3), ("bcc", bulk("Fe", cubic=True) * 4)):
        counts, clusters = phases_and_clusters(atoms)
        assert counts[PHASES.index(kind)] == clusters[PHASES.index(kind)] == len(atoms)
        assert counts.sum() == clusters.sum() == len(atoms)


def disordered_between(lengths: tuple[int, int]) -> Atoms:
    """Two slabs of a crystal, with atoms at random distances from their places between them."""
    layers = 4 * 3  # of disorder, in halves of a cell, between the slabs
    cells = (sum(lengths) + layers) // 2
    atoms = bulk("Al", cubic=True, a=4.05) * (4, 4, cells)
    layer = np.rint(atoms.positions[:, 2] / 2.025).astype(int)
    first = layer < lengths[0]
    start = lengths[0] + layers // 2
    second = (layer >= start) & (layer < start + lengths[1])
    loose = ~(first | second)
    noise = np.random.default_rng(1).uniform(-1.2, 1.2, (len(atoms), 3))
    atoms.positions[loose] += noise[loose]
    return atoms


def test_pieces_that_do_not_touch_are_counted_apart() -> None:
    atoms = disordered_between((6, 10))
    counts, clusters = phases_and_clusters(atoms)
    # The layers at the sides of a slab have loose neighbours: of 6 layers 4 are seen, of 10 8.
    assert clusters[FCC] == 8 * 32
    assert counts[FCC] == (4 + 8) * 32


def test_a_fault_is_a_piece_of_another_phase() -> None:
    a = 2.86
    basis = np.array([[1, 0, 0], [0.5, np.sqrt(3) / 2, 0]]) * a
    shift, height = (basis[0] + basis[1]) / 3, a * np.sqrt(2 / 3)
    places = [(ord(one) - 65) * shift + [0, 0, k * height] for k, one in enumerate("ABCABCBCA")]
    cell = [*basis, [0, 0, 9 * height]]
    atoms = Atoms("Al" * 9, positions=places, cell=cell, pbc=True) * (4, 4, 1)
    counts, clusters = phases_and_clusters(atoms)
    assert (counts[HCP], clusters[HCP]) == (32, 32)
    # The last A meets the first, above which no crystal goes on: layers 2 to 5, and 8 alone.
    assert (counts[FCC], clusters[FCC]) == (5 * 16, 4 * 16)
    assert counts.tolist() == np.bincount(common_neighbours(atoms), minlength=len(PHASES)).tolist()


def test_disorder_has_no_pieces() -> None:
    places = np.random.default_rng(2).random((200, 3)) * 15
    counts, clusters = phases_and_clusters(Atoms("Al" * 200, places, cell=[15] * 3, pbc=True))
    assert clusters.sum() == 0
    assert counts[0] == 200


def test_what_is_too_small_is_refused() -> None:
    with pytest.raises(DataError, match="20 atoms"):
        phases_and_clusters(bulk("Al"))
