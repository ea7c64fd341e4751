"""Codes outside Python: a stand-in for how they behave, the real ones where they are installed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from shutil import which
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from labelling_data import still_runs

from maxvolt.errors import LabellingError
from maxvolt.labelling import LabelLimits, LabelStore, Reference, label
from maxvolt.labelling.codes.espresso import Espresso
from maxvolt.labelling.codes.protocol import MisconfiguredError
from maxvolt.labelling.codes.vasp import Vasp
from promises import needs

STEP = 0.02


def pair() -> Atoms:
    """Return two aluminium atoms, periodic, with forces."""
    atoms = bulk("Al", "fcc", 4.05) * (2, 1, 1)
    atoms.positions[1] += [0.15, 0.1, -0.05]
    return atoms


def displaced() -> list[Atoms]:
    """Return the pair, and the pair with its second atom moved forward and back along x."""
    structures = [pair(), pair(), pair()]
    structures[1].positions[1, 0] += STEP
    structures[2].positions[1, 0] -= STEP
    return structures


def check_labels(reference: Reference, store, atol: float) -> None:
    """Label for real: all labels are there, the energies are those the forces belong to."""
    limits = LabelLimits(timeout=600.0)
    result = label(displaced(), reference, store, limits=limits, workers=1)
    assert result.quarantined == []
    energies, forces = result.dataset.energies, result.dataset.forces.reshape(3, 2, 3)
    slope = -(energies[1] - energies[2]) / (2 * STEP)
    assert forces[0, 1, 0] == pytest.approx(slope, abs=atol)
    assert abs(forces[0, 1, 0]) > 10 * atol
    np.testing.assert_allclose(forces.sum(axis=1), 0.0, atol=atol)
    assert result.dataset.has_stress.all()
    assert store.get(pair(), reference).calculator == reference.calculator


# --------------------------------------------------------------------- the real ones


def espresso(**settings: Any) -> Reference:
    needs("espresso")
    potential = Path("/usr/share/espresso/pseudo/Al.pz-vbc.UPF")
    settings["pseudopotentials"] = {"Al": potential.name}
    return Reference("espresso", settings, {"pseudo_dir": str(potential.parent)})


def abinit(**settings: Any) -> Reference:
    needs("abinit")
    potential = Path("/usr/share/abinit/psp/Al.psp8")
    settings |= {"ecut": 200, "xc": "LDA"}
    return Reference("abinit", settings, {"pp_paths": [str(potential.parent)]})


def gpaw(ecut: int, **settings: Any) -> Reference:
    needs("gpaw")
    return Reference("gpaw", {"mode": {"name": "pw", "ecut": ecut}, **settings})


def reason_of(reference: Reference, store: LabelStore) -> str:
    """Why a calculation that does not converge gives no label."""
    result = label([pair()], reference, store, limits=LabelLimits(timeout=600.0))
    return result.quarantined[0].reason


def test_quantum_espresso(store):
    numbers = {"ecutwfc": 14, "ecutrho": 56, "degauss": 0.03}
    check_labels(espresso(input_data=numbers, kpts=[2, 3, 3]), store, atol=0.01)


def test_quantum_espresso_that_does_not_converge(store):
    numbers = {"ecutwfc": 14, "ecutrho": 56, "electron_maxstep": 2}
    reason = reason_of(espresso(input_data=numbers, kpts=[1, 1, 1]), store)
    assert reason.startswith("not converged: convergence NOT achieved")


def test_abinit(store):
    check_labels(abinit(kpts=[2, 3, 3], tsmear=0.4), store, atol=0.01)


def test_abinit_that_does_not_converge(store):
    reason = reason_of(abinit(kpts=[1, 1, 1], nstep=2), store)
    assert reason == "not converged: nstep= 2 was not enough SCF cycles"


def test_gpaw(store):
    occupations = {"name": "fermi-dirac", "width": 0.4}
    check_labels(gpaw(200, kpts=[2, 3, 3], occupations=occupations), store, atol=0.01)


def test_gpaw_that_does_not_converge(store):
    reason = reason_of(gpaw(150, kpts=[1, 1, 1], maxiter=2), store)
    assert reason.startswith("not converged")


# --------------------------------------------------------------------- a stand-in


@pytest.fixture
def pretended(tmp_path, monkeypatch):
    """Return a reference whose ``pw.x`` is a script of the test."""

    def make(script: str) -> Reference:
        program = tmp_path / "bin" / "pw.x"
        program.parent.mkdir()
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        (tmp_path / "Al.UPF").write_text("")
        return Reference(
            "espresso",
            {"pseudopotentials": {"Al": "Al.UPF"}},
            {"command": str(program), "pseudo_dir": str(tmp_path)},
        )

    return make


def test_a_program_that_fails(pretended, store):
    reference = pretended("echo 'cannot read the pseudopotential' > CRASH; exit 3")
    result = label([pair()], reference, store, limits=LabelLimits(retries=0))
    reason = result.quarantined[0].reason
    assert "espresso ended with exit code 3" in reason
    assert "cannot read the pseudopotential" in reason
    (folder,) = (store.work_folder / "quarantined").iterdir()
    assert (folder / "espresso.pwi").exists()


def test_a_program_that_hangs(pretended, store, tmp_path):
    pids = tmp_path / "pids"
    reference = pretended(f"sleep 1000 &\necho $! > {pids}\necho $$ >> {pids}\nwait")
    limits = LabelLimits(timeout=1.0, retries=0)
    result = label([pair()], reference, store, limits=limits)
    assert result.quarantined[0].reason == "failed: no result within 1 s"
    for process in pids.read_text().split():
        assert not still_runs(int(process))


def test_a_program_that_is_not_there(store, tmp_path):
    (tmp_path / "Al.UPF").write_text("")
    reference = Reference(
        "espresso",
        {"pseudopotentials": {"Al": "Al.UPF"}},
        {"command": "no-such-program", "pseudo_dir": str(tmp_path)},
    )
    with pytest.raises(LabellingError, match="the program 'no-such-program' is not on the PATH"):
        label([pair()], reference, store)
    assert store.quarantined() == []


def test_a_command_put_right_is_the_one_that_runs(pretended, store, monkeypatch):
    right = pretended("exit 3")
    wrong = replace(right, machine={**right.machine, "command": "no-such-program"})
    with monkeypatch.context() as patched:
        patched.setattr(Espresso, "try_out", lambda *_: None)  # as if it was lost in between
        with pytest.raises(LabellingError, match="not on the PATH"):
            label([pair()], wrong, store)  # leaves the folder of the job, with the wrong command
    result = label([pair()], right, store, limits=LabelLimits(retries=0))
    assert "ended with exit code 3" in result.quarantined[0].reason


def test_programs_that_start_several_processes_run_one_at_a_time():
    from maxvolt.labelling import default_workers

    assert default_workers(Reference("vasp", {}, {"command": "mpirun -n 8 vasp_std"})) == 1
    assert default_workers(Reference("espresso", {}, {"command": "/opt/bin/srun pw.x"})) == 1
    alone = default_workers(Reference("abinit", {}, {"command": "abinit"}))
    assert alone == default_workers(Reference("emt"))


@pytest.mark.parametrize(
    "command",
    [
        "mpirun -np $SLURM_NTASKS vasp_std",
        "OMP_NUM_THREADS=1 mpirun -n 4 vasp_std",
        "module load vasp && vasp_std",
        "~/bin/vasp_std",
    ],
)
def test_lines_of_the_shell_are_left_to_it(command: str) -> None:
    Vasp().prepare({"command": command})
    Vasp().try_out({"command": command}, {"PATH": ""})


def test_what_no_shell_reads_is_refused_with_the_remedy() -> None:
    code = Espresso()
    with pytest.raises(MisconfiguredError, match=r'environment = \{ OMP_NUM_THREADS = "2" \}'):
        code.prepare({"command": "OMP_NUM_THREADS=2 pw.x"})
    with pytest.raises(MisconfiguredError, match="absolute path"):
        code.prepare(
            {"command": "mpirun -n 2 ./pw.x"} if which("mpirun") else {"command": "./pw.x"}
        )
    assert code.processes({"command": "OMP_NUM_THREADS=2 mpirun -n 2 pw.x"}) == 1
