"""Common neighbour analysis: perfect and thermal crystals, and OVITO where it is installed."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from maxvolt.errors import DataError
from maxvolt.properties.dynamic.common_neighbours import PHASES, common_neighbours, phase_shares
from promises import needs

CRYSTALS = {
    "fcc": bulk("Al", cubic=True) * (4, 4, 4),
    "bcc": bulk("Fe", cubic=True) * (5, 5, 5),
    "hcp": bulk("Mg") * (6, 6, 4),
    "diamond": bulk("Si", cubic=True) * (3, 3, 3),
}


def rattled(atoms: Atoms, amplitude: float) -> Atoms:
    moved = atoms.copy()
    moved.positions += amplitude * np.random.default_rng(1).standard_normal((len(atoms), 3))
    return moved


@pytest.mark.parametrize("name", list(CRYSTALS))
def test_crystals_are_recognised_cold_and_warm(name):
    for amplitude in (0.0, 0.05):
        assert phase_shares(rattled(CRYSTALS[name], amplitude))[name] == 1.0
    warm = phase_shares(rattled(CRYSTALS[name], 0.15))
    assert warm[name] > 0.85
    assert warm[name] + warm["other"] == pytest.approx(1.0)


def test_hexagonal_diamond_and_a_stacking_fault():
    wurtzite = bulk("ZnS", "wurtzite", a=3.84, c=6.27) * (4, 4, 3)
    wurtzite.numbers[:] = 14
    assert phase_shares(wurtzite)["hexagonal diamond"] == 1.0
    # Six layers of fcc in the order ABCABC have none in hcp; a fault makes two of them hcp.
    a = 2.86
    basis = np.array([[1, 0, 0], [0.5, np.sqrt(3) / 2, 0]]) * a
    shift = (basis[0] + basis[1]) / 3
    height = a * np.sqrt(2 / 3)
    stacks = {"ABCABCABC": 0, "ABCABCBCA": 2}
    for stack, faulted in stacks.items():
        positions = [
            (ord(letter) - 65) * shift + [0, 0, k * height] for k, letter in enumerate(stack)
        ]
        cell = [*basis, [0, 0, len(stack) * height]]
        crystal = Atoms("Al" * len(stack), positions=positions, cell=cell, pbc=True) * (4, 4, 1)
        assert phase_shares(crystal)["hcp"] == pytest.approx(faulted / len(stack))


def test_random_atoms_are_none_of_them():
    generator = np.random.default_rng(2)
    gas = Atoms("Al" * 200, generator.random((200, 3)) * 15, cell=[15] * 3, pbc=True)
    assert phase_shares(gas)["other"] == 1.0


def test_a_skewed_cell_and_atoms_outside_of_it_make_no_difference():
    atoms = rattled(bulk("Al") * (5, 5, 5), 0.1)
    before = common_neighbours(atoms)
    skewed = atoms.copy()
    skewed.set_cell([atoms.cell[0], atoms.cell[1] + 2 * atoms.cell[0], atoms.cell[2]])
    skewed.positions += np.random.default_rng(3).integers(-2, 3, (len(atoms), 3)) @ atoms.cell
    assert np.array_equal(common_neighbours(skewed), before)
    assert PHASES[before[0]] in ("fcc", "other")


def test_too_few_atoms_are_refused():
    with pytest.raises(DataError, match="20 atoms"):
        common_neighbours(bulk("Al", cubic=True))


@pytest.mark.parametrize("amplitude", [0.0, 0.1, 0.2, 0.3])
def test_every_atom_is_as_ovito_says(amplitude):
    needs("ovito")
    from ovito.io.ase import ase_to_ovito
    from ovito.modifiers import CommonNeighborAnalysisModifier, IdentifyDiamondModifier
    from ovito.pipeline import Pipeline, StaticSource

    def types(atoms: Atoms, modifier: object) -> np.ndarray:
        pipeline = Pipeline(source=StaticSource(data=ase_to_ovito(atoms)))
        pipeline.modifiers.append(modifier)
        return np.array(pipeline.compute().particles["Structure Type"])

    for crystal in CRYSTALS.values():
        atoms = rattled(crystal, amplitude)
        ours = common_neighbours(atoms)
        theirs = types(atoms, CommonNeighborAnalysisModifier())
        dense = np.where(ours > 4, 0, ours)  # theirs has no diamond, in the same order
        assert np.array_equal(dense, theirs)
        diamond = types(atoms, IdentifyDiamondModifier())
        assert np.array_equal(ours == 5, (diamond == 1) & (theirs == 0))
