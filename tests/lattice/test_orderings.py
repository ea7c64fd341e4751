"""Derivative structures, and special quasi-random ones, by icet."""

from __future__ import annotations

import random
from collections import Counter
from itertools import combinations

import numpy as np
import pytest
from ase.build import bulk

from maxvolt.errors import SettingsError
from maxvolt.potentials.lattice import ParentLattice
from maxvolt.properties.lattice import (
    ShellPairs,
    enumerated_arrangements,
    quasirandom_structure,
)
from promises import needs

pytestmark = pytest.mark.filterwarnings("ignore:Set OLD_ERROR_HANDLING:DeprecationWarning")

FCC = ParentLattice.of(bulk("Ag", "fcc", a=4.0), ["Ag", "Pd"])
SALT = ParentLattice.of(bulk("MgO", "rocksalt", a=4.2), {"Mg": ["Mg", "Ca"]})


def test_numbers_of_derivative_structures_are_the_known_ones() -> None:
    """G. L. W. Hart, R. W. Forcade, Phys. Rev. B 77, 224115 (2008): fcc, binary."""
    needs("enumeration")
    sizes = Counter(len(occupation) for _, occupation in enumerated_arrangements(FCC, 6))
    assert sizes == {1: 2, 2: 2, 3: 6, 4: 19, 5: 28, 6: 80}
    # One of two sublattices of rock salt is an fcc lattice.
    sizes = Counter(len(occupation) for _, occupation in enumerated_arrangements(SALT, 4))
    assert sizes == {1: 2, 2: 2, 3: 6, 4: 19}


def test_enumerated_arrangements_have_the_wanted_shares() -> None:
    needs("enumeration")
    quarter = list(
        enumerated_arrangements(SALT, 4, fewest_sites=4, concentrations={"Ca": (0.2, 0.3)})
    )
    ca = SALT.species.index("Ca")
    assert {np.count_nonzero(occupation == ca) for _, occupation in quarter} == {1}
    assert len(quarter) == 7  # as many as of fcc have a quarter
    vacant = ParentLattice.of(bulk("Ag", "fcc", a=4.0), ["Ag", "X"])
    found = list(enumerated_arrangements(vacant, 3))
    assert len(found) == 10  # 2, 2 and 6, as of any binary
    with pytest.raises(SettingsError, match="fewest"):
        next(enumerated_arrangements(FCC, 2, fewest_sites=3))
    with pytest.raises(SettingsError, match="concentration of Au"):
        next(enumerated_arrangements(FCC, 2, concentrations={"Au": (0, 1)}))


def least_order(supercell: object, cells: int) -> float:
    """Smallest order of two shells over all equiatomic arrangements in a cell."""
    found = []
    for chosen in combinations(range(cells), cells // 2):
        occupation = np.zeros(cells, int)
        occupation[list(chosen)] = 1
        order = ShellPairs(FCC, supercell, 2).parameters(occupation)  # type: ignore[arg-type]
        found.append(float(np.abs(order[:, 0, 1]).sum()))
    return min(found)


def test_a_quasirandom_structure_has_the_least_order_of_its_cell() -> None:
    needs("enumeration")
    needs("lattice")
    random.seed(5)
    state = random.getstate()
    found = quasirandom_structure(FCC, 8, {"Ag": 1, "Pd": 1}, seed=3, steps=4000)
    assert random.getstate() == state  # which icet seeds
    again = quasirandom_structure(FCC, 8, {"Ag": 1, "Pd": 1}, seed=3, steps=4000)
    assert np.array_equal(found.occupation, again.occupation)
    assert np.array_equal(found.supercell.vectors, again.supercell.vectors)
    assert np.bincount(found.occupation).tolist() == [4, 4]
    assert found.distances == pytest.approx(4.0 * np.sqrt([0.5, 1.0, 1.5]))
    reached = float(np.abs(found.order[:2, 0, 1]).sum())
    assert reached == pytest.approx(least_order(found.supercell, 8), abs=1e-12)


def test_sublattices_and_compositions() -> None:
    needs("enumeration")
    needs("lattice")
    found = quasirandom_structure(SALT, 8, {"Mg": 0.75, "Ca": 0.25}, steps=2000)
    atoms = SALT.atoms(found.supercell, found.occupation)
    assert Counter(atoms.get_chemical_symbols()) == {"O": 8, "Mg": 6, "Ca": 2}
    with pytest.raises(SettingsError, match="whole numbers"):
        quasirandom_structure(FCC, 7, {"Ag": 1, "Pd": 1})
    with pytest.raises(SettingsError, match="expected positive shares of Ag, Pd"):
        quasirandom_structure(FCC, 8, {"Ag": 1})
    with pytest.raises(SettingsError, match="must reach the nearest shell"):
        quasirandom_structure(FCC, 8, {"Ag": 1, "Pd": 1}, cutoffs=[2.8])
