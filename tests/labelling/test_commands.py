"""Commands of programs: what they start is there and can start, before anything is calculated."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from maxvolt.errors import LabellingError
from maxvolt.labelling import Reference, check_reference
from maxvolt.labelling.codes.commands import check_command, find_programs
from maxvolt.labelling.codes.protocol import MisconfiguredError

Make = Callable[[str, str], Path]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Make a program in ``bin``: a script of the shell."""

    def made(name: str, script: str) -> Path:
        program = tmp_path / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(script if script.startswith("#!") else f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        return program

    return made


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Variables with which ``bin`` comes first on the PATH."""
    return {**os.environ, "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"}


RUN_WHAT_FOLLOWS = 'while [ "${1#-}" != "$1" ]; do shift 2; done; exec "$@"'
"""A launcher whose options all have one value."""


def refusal(command: str, environment: dict[str, str]) -> str:
    with pytest.raises(MisconfiguredError) as caught:
        check_command(command, environment)
    return str(caught.value)


def test_what_is_there_and_can_start(make: Make, environment: dict[str, str]) -> None:
    program = make("vasp_std", "exit 9")  # it is not started itself
    launcher = make("mpirun", RUN_WHAT_FOLLOWS)
    for command in (
        "vasp_std",
        str(program),
        "mpirun -n 4 vasp_std",
        f"{launcher} --map-by core -np 4 {program} --flag",
        "mpirun -unknown value -n 2 vasp_std",
    ):
        check_command(command, environment)
    assert find_programs("mpirun -n 4 vasp_std", environment) == [launcher, program]


def test_programs_that_are_not_there(make: Make, environment: dict[str, str]) -> None:
    make("mpirun", RUN_WHAT_FOLLOWS)
    make("srun", "exit 0")
    assert "the program 'vasp_st' is not on the PATH" in refusal("vasp_st -x", environment)
    said = refusal("mpirun -n 4 --bind-to none vasp_st", environment)
    assert "the program 'vasp_st', which mpirun is to start, is not on the PATH" in said
    assert "which srun is to start" in refusal("srun --ntasks=4 vasp_st", environment)
    assert "names no program behind mpirun" in refusal("mpirun -n 4", environment)
    assert "is empty" in refusal("  ", environment)
    assert "cannot be read" in refusal("mpirun 'vasp_std", environment)


def test_a_launcher_that_fails(make: Make, environment: dict[str, str]) -> None:
    make("vasp_std", "exit 0")
    make("mpirun", "echo 'not enough slots available' >&2; exit 3")
    said = refusal("mpirun -n 400 vasp_std", environment)
    assert "mpirun -n 400" in said
    assert "exit code 3" in said
    assert "not enough slots available" in said


def test_launchers_of_batch_systems_are_not_tried(
    make: Make, environment: dict[str, str], tmp_path: Path
) -> None:
    make("vasp_std", "exit 0")
    make("srun", f"touch {tmp_path / 'asked'}; exit 1")
    check_command("srun -n 4 vasp_std", environment)
    assert not (tmp_path / "asked").exists()


def test_programs_that_cannot_start(
    make: Make, environment: dict[str, str], tmp_path: Path
) -> None:
    make("old", "#!/no/such/interpreter\n")
    assert "'/no/such/interpreter', which is not there" in refusal("old", environment)
    lost = make("lost", "")
    lost.write_bytes(b"\x7fELF")
    lost.chmod(0o755)
    make("ldd", "echo '\tlibmkl.so.2 => not found'; echo '\tlibc.so => /lib/libc.so (0x1)'")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PATH", environment["PATH"])
        said = refusal("lost", environment)
    assert "the libraries libmkl.so.2 are not found" in said


def test_a_reference_is_checked_with_its_environment(
    make: Make, environment: dict[str, str], tmp_path: Path
) -> None:
    make("pw.x", "exit 0")
    make("mpirun", "test -z $BROKEN")
    (tmp_path / "Al.UPF").write_text("")
    machine = {"command": "mpirun -n 2 pw.x", "pseudo_dir": str(tmp_path)}
    path = {"PATH": environment["PATH"]}
    settings = {"pseudopotentials": {"Al": "Al.UPF"}}
    reference = Reference("espresso", settings, {**machine, "environment": path})
    check_reference(reference, ["Al"])
    broken = {**path, "BROKEN": "yes"}
    with pytest.raises(LabellingError, match=r"espresso: 'mpirun -n 2 .*true', the launcher"):
        check_reference(Reference("espresso", settings, {**machine, "environment": broken}), ["Al"])
