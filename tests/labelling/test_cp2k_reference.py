"""CP2K as the reference: for real where it is installed, its input and output everywhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.calculators.cp2k import parse_input
from ase.units import Bohr, GPa, Hartree
from labelling_data import check_forces, check_stress

from maxvolt.errors import LabellingError
from maxvolt.labelling import LabelStore, Reference, label
from maxvolt.labelling.codes.cp2k import CP2K
from maxvolt.labelling.codes.cp2k_input import cp2k_input
from maxvolt.labelling.codes.cp2k_output import read_cp2k_output
from maxvolt.labelling.codes.protocol import (
    MisconfiguredError,
    UnconvergedError,
    UnfinishedError,
)
from promises import needs

CHEAP: dict[str, Any] = {"basis_set": "SZV-MOLOPT-SR-GTH", "cutoff": 2700.0, "rel_cutoff": 540.0}


def pair() -> Atoms:
    """Return two aluminium atoms, periodic, with forces."""
    atoms: Atoms = bulk("Al", "fcc", 4.05) * (2, 1, 1)
    atoms.positions[1] += [0.15, 0.1, -0.05]
    return atoms


def test_a_metal(store: LabelStore) -> None:
    needs("cp2k")
    # With so wide a smearing, forces that were not those of the free energy would be off by 0.1.
    reference = Reference("cp2k", {**CHEAP, "kpts": [1, 2, 2], "smearing": 0.6})
    check_forces(reference, pair(), store, atol=2e-3, step=0.02)
    check_stress(reference, pair(), store, atol=5e-4, strain=0.01)


def test_a_molecule(store: LabelStore) -> None:
    needs("cp2k")
    # Soft atoms, so that a coarse grid is enough: hydrogen would need three times the cutoff.
    atoms = Atoms("P2", [[0, 0, 0], [2.0, 0, 0]])
    settings = {**CHEAP, "cutoff": 2000.0, "rel_cutoff": 400.0, "scf": "ot"}
    check_forces(Reference("cp2k", settings), atoms, store, atol=0.01, step=0.02)


def test_what_does_not_converge_is_no_label(store: LabelStore) -> None:
    needs("cp2k")
    reference = Reference("cp2k", {**CHEAP, "kpts": [1, 1, 1], "max_scf": 2})
    (quarantined,) = label([pair()], reference, store).quarantined
    assert quarantined.reason == "not converged: CP2K says: SCF run NOT converged"


# --------------------------------------------------------------------- input


def written(atoms: Atoms, **settings: Any) -> str:
    return cp2k_input(atoms, CP2K.complete(settings))


def keywords(text: str, path: str) -> list[str]:
    return list(parse_input(text).get_subsection(path).keywords)


def test_input_of_a_metal() -> None:
    text = written(pair(), kpts={"size": [2, 1, 1], "gamma": True})
    dft = "FORCE_EVAL/DFT"
    assert "RUN_TYPE ENERGY_FORCE" in keywords(text, "GLOBAL")
    assert "STRESS_TENSOR ANALYTICAL" in keywords(text, "FORCE_EVAL")
    assert keywords(text, f"{dft}/MGRID") == ["CUTOFF [eV] 8163.4", "REL_CUTOFF [eV] 816.34"]
    smearing = keywords(text, f"{dft}/SCF/SMEAR")[1]
    assert smearing.startswith("ELECTRONIC_TEMPERATURE [K] ")
    assert float(smearing.split()[2]) == pytest.approx(0.2 / 8.61733e-5, rel=1e-6)
    points = [line for line in keywords(text, f"{dft}/KPOINTS") if line.startswith("KPOINT ")]
    assert [[float(value) for value in line.split()[1:]] for line in points] == [
        [0, 0, 0, 1],
        [-0.5, 0, 0, 1],
    ]
    kind = parse_input(text).get_subsection("FORCE_EVAL/SUBSYS/KIND")
    assert kind.keywords == ["ELEMENT Al", "BASIS_SET DZVP-MOLOPT-SR-GTH", "POTENTIAL GTH-PBE"]
    assert "PERIODIC XYZ" in keywords(text, "FORCE_EVAL/SUBSYS/CELL")


def test_k_and_minus_k_are_one_point() -> None:
    text = written(pair(), kpts={"size": [3, 3, 2], "gamma": False})
    points = [
        line.split()[1:]
        for line in keywords(text, "FORCE_EVAL/DFT/KPOINTS")
        if line.startswith("KPOINT ")
    ]
    assert len(points) == 9
    assert sum(int(point[3]) for point in points) == 18


def test_the_gamma_point_needs_no_section() -> None:
    assert "&KPOINTS" not in written(pair(), kpts=[1, 1, 1])


def test_input_of_a_molecule() -> None:
    water = molecule("H2O")
    water.set_initial_charges([0, 0, 1])
    text = written(water, scf="ot")
    assert "&SMEAR" not in text
    assert "&KPOINTS" not in text
    assert "&STRESS_TENSOR" not in text
    assert "CHARGE 1" in keywords(text, "FORCE_EVAL/DFT")
    assert "PERIODIC NONE" in keywords(text, "FORCE_EVAL/DFT/POISSON")
    cell = [line.split()[1:] for line in keywords(text, "FORCE_EVAL/SUBSYS/CELL")[:3]]
    edges = np.array(cell, float)
    np.testing.assert_allclose(edges, np.eye(3) * (np.ptp(water.positions, axis=0).max() + 12))


def test_a_template_goes_first() -> None:
    template = """
    &FORCE_EVAL
      &DFT
        &SCF
          EPS_SCF 1.0E-5
        &END SCF
        &XC
          &XC_FUNCTIONAL PBE
          &END XC_FUNCTIONAL
          &VDW_POTENTIAL
            POTENTIAL_TYPE PAIR_POTENTIAL
          &END VDW_POTENTIAL
        &END XC
      &END DFT
    &END FORCE_EVAL
    """
    text = written(pair(), inp=template)
    assert keywords(text, "FORCE_EVAL/DFT/SCF")[0] == "EPS_SCF 1.0E-5"
    assert text.count("EPS_SCF") == 1
    assert text.count("&XC_FUNCTIONAL") == 1
    assert "POTENTIAL_TYPE PAIR_POTENTIAL" in text


def test_moments_make_kinds() -> None:
    iron = bulk("Fe") * (2, 1, 1)
    iron.set_initial_magnetic_moments([2.2, -2.2])
    text = written(iron, uks=True)
    assert "UKS ON" in keywords(text, "FORCE_EVAL/DFT")
    rows = keywords(text, "FORCE_EVAL/SUBSYS/COORD")
    assert [row.split()[0] for row in rows] == ["Fe2", "Fe1"]
    assert "MAGNETIZATION 2.2" in text
    assert "MAGNETIZATION -2.2" in text
    assert "MAGNETIZATION" not in written(iron)


def test_surfaces_are_refused() -> None:
    surface = pair()
    surface.pbc = (True, True, False)
    with pytest.raises(MisconfiguredError, match="three directions or in none"):
        written(surface)


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"kpt": [1, 1, 1]}, "cp2k has no setting kpt here; it knows xc, basis_set"),
        ({"scf": "davidson"}, "scf is 'davidson'; expected diagonalization or ot"),
        ({"scf": "ot", "smearing": 0.1}, 'smearing cannot go with scf = "ot"'),
        ({"basis_set": {"Mg": "SZV"}}, "basis_set has nothing for Al"),
        ({"basis_set": "SZV"}, r"no SZV for Al; there is SZV-1, SZV-2"),
        (
            {"basis_set": "SZV-1", "pseudo_potential": "GTH-SCAN"},
            "no GTH-SCAN for Al; there is GTH-PBE",
        ),
    ],
)
def test_what_cannot_be_calculated(
    settings: dict[str, Any], complaint: str, tmp_path: Path
) -> None:
    (tmp_path / "BASIS_MOLOPT").write_text("# comment\nAl SZV-1 SZV-2\n 1\nMg DZVP\n")
    (tmp_path / "GTH_POTENTIALS").write_text("Al GTH-PBE\n 2 1\n")
    machine = {"environment": {"CP2K_DATA_DIR": str(tmp_path)}}
    with pytest.raises(MisconfiguredError, match=complaint):
        CP2K.check(CP2K.complete(settings), machine, ["Al"])
    CP2K.check(CP2K.complete({"basis_set": "SZV-1"}), machine, ["Al"])


# --------------------------------------------------------------------- output

HEAD = """
 ENERGY| Total FORCE_EVAL ( QS ) energy [{unit}]               -4.059162148051
"""
OLD = """
 ATOMIC FORCES in [a.u.]

 # Atom   Kind   Element          X                  Y                  Z
      1      1      Al         -0.005240129813     0.001000000000    -0.000000000000
      2      1      Al          0.005240129813    -0.001000000000     0.000000000000
 SUM OF ATOMIC FORCES           0.000000000000     0.000000000000     0.000000000000     0.0
"""
NEW = """
 FORCES| Atomic forces [hartree/bohr]
 FORCES|   Atom     x                  y                  z                  |f|
 FORCES|      1 -0.005240129813     0.001000000000    -0.000000000000     5.334690E-03
 FORCES|      2  0.005240129813    -0.001000000000     0.000000000000     5.334690E-03
 FORCES|    Sum  0.000000000000     0.000000000000     0.000000000000     0.000000E+00
"""
STRESS = """
 STRESS| Analytical stress tensor [GPa]
 STRESS|                        x                   y                   z
 STRESS|      x        1.00000000000E+00   4.00000000000E-01   5.00000000000E-01
 STRESS|      y        4.00000000000E-01  -2.00000000000E+00   6.00000000000E-01
 STRESS|      z        5.00000000000E-01   6.00000000000E-01   3.00000000000E+00
 STRESS| 1/3 Trace                                             6.66666666667E-01
"""
TAIL = "\n  **** **** ******  **  PROGRAM ENDED AT                 2026-11-26 08:00:38.302\n"


@pytest.mark.parametrize(("unit", "forces"), [("a.u.", OLD), ("hartree", NEW)])
def test_output(unit: str, forces: str, tmp_path: Path) -> None:
    path = tmp_path / "cp2k.out"
    path.write_text(HEAD.format(unit=unit) + forces + STRESS + TAIL)
    found = read_cp2k_output(path, pair())
    assert found["energy"] == pytest.approx(-4.059162148051 * Hartree, abs=1e-9)
    expected = np.array([[-0.005240129813, 0.001, 0], [0.005240129813, -0.001, 0]])
    np.testing.assert_allclose(found["forces"], expected * (Hartree / Bohr), atol=1e-10)
    # CP2K counts pressures positive, ASE tensions.
    np.testing.assert_allclose(
        found["stress"], np.array([-1.0, 2.0, -3.0, -0.6, -0.5, -0.4]) * GPa, atol=1e-12
    )


@pytest.mark.parametrize(
    ("text", "error", "complaint"),
    [
        (HEAD + OLD + STRESS, UnfinishedError, "PROGRAM ENDED AT"),
        ("*** WARNING: SCF run NOT converged ***" + TAIL, UnconvergedError, "NOT converged"),
        (OLD + STRESS + TAIL, RuntimeError, "0 energies"),
        (HEAD + STRESS + TAIL, RuntimeError, "forces of 0 atoms; expected those of 2"),
        (HEAD + OLD + TAIL, RuntimeError, "no stress tensor"),
    ],
)
def test_output_that_lacks_something(
    text: str, error: type[Exception], complaint: str, tmp_path: Path
) -> None:
    path = tmp_path / "cp2k.out"
    path.write_text(text)
    with pytest.raises(error, match=complaint):
        read_cp2k_output(path, pair())


def test_no_output(tmp_path: Path) -> None:
    with pytest.raises(UnfinishedError, match=r"no cp2k\.out"):
        CP2K.read_output(pair(), {}, tmp_path)


def test_a_program_that_is_not_there(store: LabelStore) -> None:
    reference = Reference("cp2k", {}, {"command": "no-such-cp2k"})
    with pytest.raises(LabellingError, match="'no-such-cp2k' is not on the PATH"):
        label([pair()], reference, store)
