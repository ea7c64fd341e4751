"""Gaussian as the reference: the program is not free, a script prints what it prints."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.units import Bohr, Hartree

from maxvolt.errors import LabellingError
from maxvolt.labelling import (
    LabelStore,
    Reference,
    collect_jobs,
    default_workers,
    label,
    write_jobs,
)

ENERGY = -76.3265418231
FORCES = np.array(
    [[0.0, 0.0, -0.019321436], [0.0, -0.0123, 0.009660718], [0.0, 0.0123, 0.009660718]]
)

PROGRAM = r'''#!{python}
"""Stand-in for g16: reads the input from stdin, checks it, prints a log as Gaussian 16 does."""
import re
import sys

text = sys.stdin.read()
route, title, specification = text.split("\n\n")[:3]
assert "#P pbe1pbe/def2TZVP" in route, route
for keyword in ("force", "nosymm", "scf(tight,xqc)", "integral(ultrafine)"):
    assert keyword in route.splitlines(), (keyword, route)
first, *atoms = specification.splitlines()
assert first == "{charge} {multiplicity}", first
rows = [re.split(r"\s+", line.strip()) for line in atoms if line.strip()]
numbers = {{"H": 1, "O": 8}}
print(" Entering Gaussian System, Link 0=g16")
print(" Gaussian 16:  ES64L-G16RevC.01  3-Jul-2019")
print(" #P pbe1pbe/def2TZVP force nosymm")
print("                          Input orientation:                          ")
line = " " + "-" * 69
print(line)
print(" Center     Atomic      Atomic             Coordinates (Angstroms)")
print(" Number     Number       Type             X           Y           Z")
print(line)
for index, (symbol, *position) in enumerate(rows, start=1):
    x, y, z = (float(value) {turn} for value in position)
    print(f"{{index:7d}}{{numbers[symbol]:11d}}           0    {{x:12.6f}}{{y:12.6f}}{{z:12.6f}}")
print(line)
{ending}
print(" SCF Done:  E(RPBE1PBE) =  {energy}     A.U. after   10 cycles")
print("            NFock= 10  Conv=0.25D-09     -V/T= 2.0049")
print(" Mulliken charges:")
print("               1")
for index, (symbol, *position) in enumerate(rows, start=1):
    print(f"{{index:6d}}  {{symbol:2s}}   0.000000")
print(" Sum of Mulliken charges =   0.00000")
print(" (Enter /opt/gaussian/g16/l716.exe)")
print(" Dipole        = 2.22044605D-16-1.11022302D-16-7.80000000D-01")
print(" " + "-" * 67)
print(" Center     Atomic                   Forces (Hartrees/Bohr)")
print(" Number     Number              X              Y              Z")
print(" " + "-" * 67)
for index, (row, force) in enumerate(zip(rows, {forces}), start=1):
    x, y, z = force
    print(f"{{index:7d}}{{numbers[row[0]]:9d}}       {{x:15.9f}}{{y:15.9f}}{{z:15.9f}}")
print(" " + "-" * 67)
print(" Cartesian Forces:  Max     0.019321436 RMS     0.010400000")
print(" Job cpu time:       0 days  0 hours  0 minutes  4.2 seconds.")
print(" Normal termination of Gaussian 16 at Thu Nov 26 08:00:00 2026.")
'''
UNCONVERGED = """
print(" >>>>>>>>>> Convergence criterion not met.")
print(" SCF Done:  E(RPBE1PBE) =  -75.1     A.U. after  129 cycles")
print(" Convergence failure -- run terminated.")
print(" Error termination via Lnk1e in /opt/gaussian/g16/l502.exe at Thu Nov 26 08:00:00 2026.")
sys.exit(1)
"""
SYNTAX = """
print(" QPErr --- A syntax error was detected in the input line.")
sys.exit(1)
"""


@pytest.fixture
def pretended(tmp_path: Path):
    """Return a reference whose ``g16`` is a script of the test."""

    def make(
        settings: dict[str, Any] | None = None,
        *,
        charge: int = 0,
        multiplicity: int = 1,
        ending: str = "",
        turn: str = "",
        **machine: Any,
    ) -> Reference:
        program = tmp_path / "bin" / "g16"
        program.parent.mkdir(exist_ok=True)
        program.write_text(
            PROGRAM.format(
                python=sys.executable,
                charge=charge,
                multiplicity=multiplicity,
                ending=ending,
                turn=turn,
                energy=ENERGY,
                forces=FORCES.tolist(),
            )
        )
        program.chmod(0o755)
        return Reference("gaussian", settings or {}, {"command": str(program), **machine})

    return make


def reason(reference: Reference, store: LabelStore) -> str:
    """Why there is no label."""
    from maxvolt.labelling import LabelLimits

    limits = LabelLimits(retries=0)
    return label([molecule("H2O")], reference, store, limits=limits).quarantined[0].reason


def test_input_and_output(pretended, store: LabelStore) -> None:
    result = label([molecule("H2O")], pretended(), store)
    assert result.quarantined == []
    assert result.dataset.energies[0] == pytest.approx(ENERGY * Hartree, abs=1e-8)
    np.testing.assert_allclose(result.dataset.forces, FORCES * (Hartree / Bohr), atol=1e-8)
    assert not result.dataset.has_stress.any()


def test_charge_and_multiplicity_come_from_the_structure(pretended, store: LabelStore) -> None:
    cation = molecule("H2O")
    cation.set_initial_charges([1.0, 0.0, 0.0])
    assert label([cation], pretended(charge=1, multiplicity=2), store).quarantined == []
    triplet = molecule("H2O")
    triplet.set_initial_magnetic_moments([2.0, 0.0, 0.0])
    assert label([triplet], pretended(multiplicity=3), store).quarantined == []
    asked = pretended({"charge": -1, "mult": 2}, charge=-1, multiplicity=2)
    assert label([molecule("H2O")], asked, store).quarantined == []


def test_what_does_not_converge_is_no_label(pretended, store: LabelStore) -> None:
    assert reason(pretended(ending=UNCONVERGED), store) == (
        "not converged: Convergence failure -- run terminated"
    )


def test_what_fails_says_why(pretended, store: LabelStore) -> None:
    failed = reason(pretended(ending=SYNTAX), store)
    assert "gaussian ended with exit code 1" in failed
    assert "A syntax error was detected" in failed


def test_the_forces_of_a_turned_molecule_are_refused(pretended, store: LabelStore) -> None:
    assert "another geometry, or a turned one" in reason(pretended(turn="* -1"), store)


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"opt": ""}, "opt asks for more than energy and forces"),
        ({"nprocshared": 4}, r"nprocshared changes no result; give it under \[machine\]"),
        ({"nosymm": None}, "the program turns the molecule"),
    ],
)
def test_what_cannot_be_calculated(
    settings: dict[str, Any], complaint: str, pretended, store: LabelStore
) -> None:
    with pytest.raises(LabellingError, match=complaint):
        label([molecule("H2O")], pretended(settings), store)


def test_crystals_are_refused(pretended, store: LabelStore) -> None:
    with pytest.raises(LabellingError, match="Al is periodic; take cp2k, vasp or espresso"):
        label([bulk("Al")], pretended(), store)


def test_resources_belong_to_the_machine(pretended, tmp_path: Path, store: LabelStore) -> None:
    reference = pretended(nprocshared=1, mem="2GB")
    assert reference.key == pretended().key
    (job,) = write_jobs([molecule("H2O")], reference, tmp_path / "jobs", store=store).folders
    text = (job / "gaussian.com").read_text()
    assert text.startswith("%mem=2GB\n%nprocshared=1\n")
    script = (job / "run.sh").read_text()
    assert "g16 < gaussian.com > gaussian.log 2> gaussian.err" in script
    assert "no gaussian.log" in collect_jobs(tmp_path / "jobs", store).unfinished[0][1]
    assert default_workers(pretended(nprocshared=10_000)) == 1
    assert default_workers(pretended()) == default_workers(Reference("emt"))


def test_the_method_replaces_the_functional() -> None:
    complete = Reference("gaussian", {"method": "mp2"}).complete_settings
    assert "xc" not in complete
    assert complete["basis"] == "def2TZVP"


def test_output_of_another_molecule_is_refused(
    pretended, tmp_path: Path, store: LabelStore
) -> None:
    reference = pretended()
    (job,) = write_jobs([molecule("H2O")], reference, tmp_path / "jobs", store=store).folders
    other = Atoms("OH", [[0, 0, 0], [0, 0, 1]])
    (elsewhere,) = write_jobs(
        [other], pretended(multiplicity=2), tmp_path / "other", store=store
    ).folders
    import subprocess

    subprocess.run([elsewhere / "run.sh"], check=True)
    (job / "gaussian.log").write_bytes((elsewhere / "gaussian.log").read_bytes())
    collected = collect_jobs(tmp_path / "jobs", store)
    assert "the output is about HO; expected H2O" in str(
        [*collected.quarantined, *collected.unfinished]
    )
