"""tblite as the reference: molecules and crystals for real, where it is installed."""

from __future__ import annotations

from typing import Any

import pytest
from ase import Atoms
from ase.build import bulk, molecule
from labelling_data import check_forces, check_stress

from maxvolt.errors import LabellingError
from maxvolt.labelling import LabelStore, Reference, label
from promises import needs


def water() -> Atoms:
    """Return a molecule with forces."""
    atoms: Atoms = molecule("H2O")
    atoms.rattle(0.05, seed=1)
    return atoms


def diamond() -> Atoms:
    """Return a crystal with forces."""
    atoms: Atoms = bulk("C", cubic=True)
    atoms.rattle(0.05, seed=2)
    return atoms


def test_a_molecule(store: LabelStore) -> None:
    needs("tblite")
    check_forces(Reference("tblite"), water(), store, atol=1e-4, step=0.005)


# At 5000 K the energy is the free energy: without -TS, forces are off by 0.1 eV/A.
@pytest.mark.parametrize("temperature", [300.0, 5000.0])
def test_a_crystal(temperature: float, store: LabelStore) -> None:
    needs("tblite")
    reference = Reference("tblite", {"electronic_temperature": temperature})
    check_forces(reference, diamond(), store, atol=5e-4, step=0.005)
    check_stress(reference, diamond(), store, atol=3e-4)


def test_the_method_follows_the_periodicity(store: LabelStore) -> None:
    needs("tblite")
    for atoms, method in ((water(), "GFN2-xTB"), (diamond(), "GFN1-xTB")):
        energies = [
            label([atoms], Reference("tblite", settings), store).dataset.energies[0]
            for settings in ({}, {"method": method})
        ]
        assert energies[0] == pytest.approx(energies[1], abs=1e-6)


def test_charge_of_the_structure(store: LabelStore) -> None:
    needs("tblite")
    cation = water()
    cation.set_initial_charges([1.0, 0.0, 0.0])
    found = label([cation, water()], Reference("tblite"), store).dataset.energies
    (asked,) = label([water()], Reference("tblite", {"charge": 1}), store).dataset.energies
    assert found[0] == pytest.approx(asked, abs=1e-6)
    assert found[0] > found[1] + 5


def test_what_does_not_converge_is_no_label(store: LabelStore) -> None:
    needs("tblite")
    reference = Reference("tblite", {"max_iterations": 2})
    (quarantined,) = label([water()], reference, store).quarantined
    assert quarantined.reason == "not converged: SCF not converged in 2 cycles"


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"kpts": [2, 2, 2]}, "tblite has no setting kpts here; it knows method, accuracy"),
        ({"method": "GFN3"}, "the method is 'GFN3'; expected one of auto, GFN2-xTB"),
    ],
)
def test_what_cannot_be_calculated(
    settings: dict[str, Any], complaint: str, store: LabelStore
) -> None:
    needs("tblite")
    with pytest.raises(LabellingError, match=complaint):
        label([water()], Reference("tblite", settings), store)


def test_an_element_that_xtb_lacks(store: LabelStore) -> None:
    needs("tblite")
    with pytest.raises(LabellingError, match="No support for elements"):
        label([Atoms("Am")], Reference("tblite"), store)
