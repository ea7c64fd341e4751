"""PySCF as the reference: molecules for real, where it is installed."""

from __future__ import annotations

from typing import Any

import pytest
from ase import Atoms
from ase.build import bulk, molecule
from labelling_data import check_forces

from maxvolt.cli import main
from maxvolt.errors import LabellingError
from maxvolt.io import read, write
from maxvolt.labelling import LabelStore, Reference, label
from maxvolt.labelling.codes import get_code
from maxvolt.labelling.codes.molecules import charge_of, unpaired_electrons
from maxvolt.labelling.codes.protocol import MisconfiguredError
from promises import needs

CHEAP: dict[str, Any] = {"xc": "PBE", "basis": "def2-SVP", "grid_level": 1}


def water() -> Atoms:
    """Return a molecule with forces."""
    atoms: Atoms = molecule("H2O")
    atoms.rattle(0.05, seed=1)
    return atoms


@pytest.mark.parametrize(
    "settings",
    [
        CHEAP,
        {**CHEAP, "density_fit": True, "charge": 1},
        {"method": "hf", "basis": "sto-3g"},
        {"method": "mp2", "basis": "sto-3g"},
        {"method": "ccsd", "basis": "sto-3g"},
    ],
    ids=["dft", "cation with density fitting", "hf", "mp2", "ccsd"],
)
def test_forces(settings: dict[str, Any], store: LabelStore) -> None:
    needs("pyscf")
    # The third derivative of the energy times step^2 / 6 is 2e-5 at this step.
    check_forces(Reference("pyscf", settings), water(), store, atol=5e-5, step=0.005)


def test_dispersion_is_part_of_energy_and_forces(store: LabelStore) -> None:
    needs("pyscf")
    argon = Atoms("Ar2", [[0, 0, 0], [3.4, 0, 0]])
    without = {"method": "dft", "xc": "PBE", "basis": "def2-SVP", "grid_level": 1}
    check_forces(
        Reference("pyscf", {**without, "dispersion": "d3bj"}), argon, store, atol=5e-5, step=0.005
    )
    energies = [
        label([argon], Reference("pyscf", settings), store).dataset.energies[0]
        for settings in ({**without, "dispersion": "d3bj"}, without)
    ]
    assert energies[0] < energies[1] - 0.005  # D3(BJ) of the dimer: -9 meV


def test_charge_and_spin_come_from_the_structure(store: LabelStore) -> None:
    needs("pyscf")
    cation, oxygen = water(), Atoms("O")
    cation.set_initial_charges([1.0, 0.0, 0.0])
    oxygen.set_initial_magnetic_moments([2.0])
    settings = {"method": "hf", "basis": "sto-3g"}
    found = label([water(), cation, oxygen], Reference("pyscf", settings), store)
    asked = label([water()], Reference("pyscf", {**settings, "charge": 1}), store)
    assert found.dataset.energies[1] == pytest.approx(asked.dataset.energies[0], abs=1e-6)
    assert found.dataset.energies[1] > found.dataset.energies[0] + 5
    # UHF/STO-3G of the triplet: -73.804150 Hartree (NIST, CCCBDB); the singlet lies above.
    assert found.dataset.energies[2] == pytest.approx(-73.804150 * 27.211386, abs=1e-3)


def test_what_does_not_converge_is_no_label(store: LabelStore) -> None:
    needs("pyscf")
    reference = Reference("pyscf", {"method": "hf", "basis": "sto-3g", "max_cycle": 2})
    (quarantined,) = label([water()], reference, store).quarantined
    assert quarantined.reason == (
        "not converged: the self-consistent field is not converged after 2 cycles"
    )


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"functional": "PBE"}, "pyscf has no setting functional here; it knows method, xc"),
        ({"method": "ci"}, "the method is 'ci'; expected one of dft, hf, mp2, ccsd"),
        ({"method": "hf", "xc": "PBE"}, "xc has no meaning with method = 'hf'"),
        ({"basis": "no-such-basis"}, "the basis set 'no-such-basis' cannot be had for H"),
        ({"basis": {"H": "sto-3g"}}, "no basis set for O"),
        ({"xc": "no-such-functional", "basis": "sto-3g"}, "does not know the functional"),
        ({"spin": 1, "basis": "sto-3g"}, "10 electrons, of which 1 cannot be unpaired"),
    ],
)
def test_what_cannot_be_calculated(
    settings: dict[str, Any], complaint: str, store: LabelStore
) -> None:
    needs("pyscf")
    with pytest.raises(LabellingError, match=complaint):
        label([water()], Reference("pyscf", settings), store)
    assert store.quarantined() == []


def test_crystals_are_refused(store: LabelStore) -> None:
    needs("pyscf")
    with pytest.raises(LabellingError, match="Al is periodic; take cp2k, gpaw or espresso"):
        label([bulk("Al")], Reference("pyscf", {"basis": "sto-3g"}), store)


def test_from_the_command_line(tmp_path) -> None:
    needs("pyscf")
    write(tmp_path / "in.xyz", [Atoms("H2", [[0, 0, 0], [0, 0, 0.8]])])
    settings = tmp_path / "pyscf.toml"
    settings.write_text('[settings]\nbasis = "sto-3g"\n')
    arguments = [str(tmp_path / "in.xyz"), "-o", str(tmp_path / "out.xyz"), "--code", "pyscf"]
    assert main(["label", *arguments, "--settings", str(settings)]) == 0
    labelled = read(tmp_path / "out.xyz")
    assert labelled.energies[0] < -30
    assert labelled.forces[0, 2] == pytest.approx(-labelled.forces[1, 2], abs=1e-6)
    assert abs(labelled.forces[0, 2]) > 0.5


@pytest.mark.parametrize("name", ["pyscf", "tblite", "dftpy"])
def test_a_missing_package_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(module: str) -> None:
        raise ModuleNotFoundError(f"No module named {module!r}")

    monkeypatch.setattr("maxvolt.labelling.codes.in_process.import_module", missing)
    with pytest.raises(MisconfiguredError, match=rf"pip install maxvolt\[{name}\]"):
        get_code(name).prepare({})


def test_charges_and_spins() -> None:
    atoms = water()
    assert charge_of(atoms, None) == 0
    assert charge_of(atoms, -1) == -1
    assert unpaired_electrons(atoms, 0, None) == 0
    assert unpaired_electrons(atoms, 1, None) == 1
    assert unpaired_electrons(atoms, 0, 2) == 2
    atoms.set_initial_magnetic_moments([-2.0, 0.0, 0.0])
    assert unpaired_electrons(atoms, 0, None) == 2
    atoms.set_initial_charges([0.5, 0.0, 0.0])
    with pytest.raises(MisconfiguredError, match=r"initial charges of the structure sum to 0\.5"):
        charge_of(atoms, None)
    with pytest.raises(MisconfiguredError, match="11 electrons, of which 2 cannot be unpaired"):
        unpaired_electrons(atoms, -1, None)
