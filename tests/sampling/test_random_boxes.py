"""Random starts: edges, densities and distances within what was asked for, by seed."""

from __future__ import annotations

import numpy as np
import pytest
from ase.data import atomic_masses
from scipy.stats import kstest

from maxvolt.errors import DataError, SpeciesError
from maxvolt.neighbors import build_neighbors
from maxvolt.sampling import RandomBoxes
from maxvolt.units import G_CM3_PER_U_A3

ALUMINIUM = RandomBoxes({"Al": 1})


def distances(atoms: object, reach: float) -> tuple[np.ndarray, np.ndarray]:
    pairs = build_neighbors(atoms.positions, atoms.cell.array, atoms.pbc, reach)
    r = np.linalg.norm(pairs.vectors(atoms.positions, atoms.cell.array), axis=1)
    return r, np.sort(atoms.numbers[np.stack([pairs.owners, pairs.neighbors], 1)], axis=1)


def test_boxes_lie_within_the_ranges() -> None:
    boxes = ALUMINIUM.draw(200, seed=5)
    edges = np.array([np.diag(cell) for cell in boxes.cells])
    assert (boxes.cells == np.array([np.diag(row) for row in edges])).all()  # orthorhombic
    assert boxes.pbc.all()
    assert ((edges >= 10.5) & (edges <= 17.0)).all()
    volumes = edges.prod(axis=1)
    mass = atomic_masses[13] * G_CM3_PER_U_A3
    half_an_atom = 0.5 * mass / volumes
    density = boxes.counts * mass / volumes
    assert (density >= 1.80 - half_an_atom).all()
    assert (density <= 4.05 + half_an_atom).all()
    # 600 edges and 200 densities of a fixed seed, against the uniform distributions.
    assert kstest(edges.ravel(), "uniform", (10.5, 6.5)).pvalue > 0.01
    assert kstest(density, "uniform", (1.80, 2.25)).pvalue > 0.01
    assert abs(np.corrcoef(edges.T)[np.triu_indices(3, 1)]).max() < 0.25


def test_no_two_atoms_are_closer_than_the_distance() -> None:
    for atoms in ALUMINIUM.draw(10, seed=2):
        r, _ = distances(atoms, 2.5)
        assert r.min() >= 1.8
        assert r.min() < 1.9  # they were put down at random, not on a lattice
        assert (atoms.get_scaled_positions(wrap=False) < 1).all()


def test_atoms_at_random_places_fill_the_box_evenly() -> None:
    boxes = RandomBoxes({"Al": 1}, edges=12.0, density=3.0).draw(40, seed=1)
    assert set(boxes.counts) == {round(12.0**3 * 3.0 / (atomic_masses[13] * G_CM3_PER_U_A3))}
    # Places of one atom of each box are independent of each other.
    first = np.array([atoms.positions[7] / 12.0 for atoms in boxes])
    assert kstest(first.ravel(), "uniform").pvalue > 0.01


def test_distances_by_pairs_and_shares_of_elements() -> None:
    mixed = RandomBoxes({"Ni": 1, "Al": 3}, minimum_distance={"Al-Ni": 2.1, "Ni-Ni": 2.4})
    for atoms in mixed.draw(5, seed=0):
        r, kinds = distances(atoms, 2.5)
        for pair, least in {(13, 13): 1.8, (13, 28): 2.1, (28, 28): 2.4}.items():
            of_pair = r[(kinds == pair).all(axis=1)]
            assert of_pair.min(initial=np.inf) >= least
        assert r[(kinds == (13, 13)).all(axis=1)].min() < 2.1
        nickel = (atoms.numbers == 28).sum()
        assert abs(nickel - len(atoms) / 4) < 1
        assert 28 in atoms.numbers[: len(atoms) // 2]  # elements take turns in no order
    assert set(mixed.species) == {"Ni", "Al"}


def test_each_box_depends_on_the_seed_and_its_number_only() -> None:
    some, more = ALUMINIUM.draw(3, seed=9), ALUMINIUM.draw(5, seed=9)
    assert some.digests == more.select(range(3)).digests
    assert len(set(more.digests) | set(ALUMINIUM.draw(5, seed=10).digests)) == 10


def test_the_densest_box_is_the_smallest() -> None:
    atoms = ALUMINIUM.densest()
    assert atoms.cell.lengths() == pytest.approx([10.5] * 3)
    assert len(atoms) == round(10.5**3 * 4.05 / (atomic_masses[13] * G_CM3_PER_U_A3))


def test_a_box_that_is_full_is_an_error() -> None:
    full = RandomBoxes({"Al": 1}, edges=6.0, density=5.6)  # 38%, a little below what is possible
    with pytest.raises(DataError, match=r"6.00 x 6.00 x 6.00 A with 5.6 g/cm3 is full after 2"):
        full.draw(1, seed=1)


def test_a_box_that_is_full_too_early_is_filled_again() -> None:
    """At 35% of the volume every fourth filling fails, and no box does."""
    dense = RandomBoxes({"Al": 1}, edges=6.0, density=5.13)
    boxes = dense.draw(20, seed=0)
    assert set(boxes.counts) == {25}
    for atoms in boxes:
        assert distances(atoms, 2.5)[0].min() >= 1.8


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"density": 9.0}, r"at 9 g/cm3, atoms 1.8 A apart fill 61% of the volume.*38.4%"),
        ({"density": (3.0, 2.0)}, "density: expected a number above 0, or the least and the most"),
        ({"density": -1.0}, "density: expected a number above 0"),
        ({"edges": (1.0, 9.0)}, "edges: the shortest, 1 A, brings an atom closer to its own image"),
        ({"edges": 2.0, "density": 1.0}, "holds 0 atoms; expected at least 2"),
        ({"edges": 1e4}, "number of atoms in the largest box"),
        ({"minimum_distance": {"Al": 2.0}}, "'Al' is not a pair"),
        ({"composition": {"Al": 0}}, "expected elements with their shares"),
        ({"composition": {"Al": np.inf}}, "expected elements with their shares"),
        ({"density": (1.0, 2.0, 3.0)}, "density: expected a number above 0, or the least and the"),
        ({"composition": {"Qq": 1}}, "expected elements with their shares"),
    ],
)
def test_what_cannot_be_is_refused(given: dict[str, object], message: str) -> None:
    with pytest.raises((DataError, SpeciesError), match=message):
        RandomBoxes(**{"composition": {"Al": 1}, **given})
