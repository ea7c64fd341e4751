"""What a campaign takes from what searches found."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.singlepoint import SinglePointCalculator

from maxvolt.dataset import Dataset
from maxvolt.search.likeness import is_known, lowest


def found(atoms: Atoms, enthalpy: float) -> Atoms:
    atoms.calc = SinglePointCalculator(atoms, energy=enthalpy - 100.0)  # as under pressure
    atoms.info["enthalpy"] = enthalpy
    return atoms


def test_the_lowest_are_distinct_and_ordered_by_enthalpy():
    diamond, dense = bulk("Si", a=5.43), bulk("Si", "bcc", a=3.1)
    several = [
        found(dense, -4.5),
        found(diamond.repeat((1, 2, 1)), 4 * -5.0),
        found(diamond.copy(), 2 * -5.0),
        found(bulk("Si", "fcc", a=3.9), -4.2),
    ]
    best = lowest(Dataset.from_atoms(several), 2, ("Si",))
    assert best.counts.tolist() == [2, 1]
    assert [info["height"] for info in best.infos] == pytest.approx([0.0, 0.5])
    assert len(lowest(Dataset.from_atoms([]), 2, ("Si",))) == 0


def test_compounds_compare_with_the_hull():
    compound, copper, gold = bulk("Cu") * (2, 1, 1), bulk("Cu", a=3.6), bulk("Au", a=4.1)
    compound.symbols[0] = "Au"
    several = [found(compound, 2 * -1.3), found(copper, -1.0), found(gold, -2.0)]
    best = lowest(Dataset.from_atoms(several), 3, ("Au", "Cu"))
    by_formula = {str(one.symbols): one.info["height"] for one in best}
    assert by_formula == pytest.approx({"Cu": 0.0, "Au": 0.0, "AuCu": 0.2})


def test_a_like_is_known_by_its_fingerprint():
    """Equation (94): 0.7 % of a lattice constant is the same, 2 % and another stacking are not."""
    diamond = bulk("Si", a=5.43)
    a, c = 5.43 / 2**0.5, 5.43 / 3**0.5 * 2
    hexagonal = Atoms(
        "Si4",
        cell=[[a, 0, 0], [-a / 2, a * 3**0.5 / 2, 0], [0, 0, c]],
        scaled_positions=[[1 / 3, 2 / 3, z] for z in (1 / 16, 7 / 16)]
        + [[2 / 3, 1 / 3, z] for z in (9 / 16, 15 / 16)],
        pbc=True,
    )
    asked = Dataset.from_atoms(
        [bulk("Si", a=5.46).repeat((2, 1, 1)), bulk("Si", a=5.54), hexagonal, diamond]
    )
    labelled = Dataset.from_atoms([bulk("Si", "fcc", a=3.9), diamond])
    assert is_known(asked, labelled).tolist() == [True, False, False, True]
    assert not is_known(asked, labelled.select([])).any()
    cluster = Atoms("Si3", [[0, 0, 0], [2.3, 0, 0], [1.1, 2.1, 0]])
    turned = cluster.copy()
    turned.rotate(50, (1, 2, 3))
    both = Dataset.from_atoms([turned, Atoms("Si3", np.diag([0.0, 2.3, 4.6]))])
    assert is_known(both, Dataset.from_atoms([cluster])).tolist() == [True, False]
