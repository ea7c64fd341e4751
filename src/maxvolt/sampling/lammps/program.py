"""LAMMPS as a program: which one, and how it runs."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from maxvolt.errors import MaxvoltError
from maxvolt.sampling.lammps import guard

__all__ = ["SCREEN", "find_program", "run_folder", "run_lammps"]

SCREEN = "screen.txt"
"""File for what the program prints."""

_OF_MPI = ("PMI_", "PMIX_", "HYDI_", "HYDRA_", "MPI_LOCAL")
"""How variables begin by which a process finds the other ranks of its run."""

_SECONDS = 0.3
"""Between looks at how far it has come."""


def find_program(ranks: int, command: str | None) -> list[str]:
    """Give the words that start LAMMPS.

    Parameters
    ----------
    ranks
        Number of MPI ranks; with more than one, mpiexec starts them.
    command
        The whole command instead, without arguments.

    Raises
    ------
    MaxvoltError
        A program is not there.
    """
    if command is not None:
        try:
            words = shlex.split(command)
        except ValueError as error:
            raise MaxvoltError(f"command = {command!r} cannot be read: {error}") from error
        if not words:
            raise MaxvoltError("command is empty; write one such as 'mpiexec -n 4 lmp'")
        return [_found(words[0]), *(_beside(word) or word for word in words[1:])]
    launcher = [_found("mpiexec"), "-n", str(ranks)] if ranks > 1 else []
    return [*launcher, _found("lmp")]


def run_folder() -> tempfile.TemporaryDirectory[str]:
    """Make a folder for a run, which the guard may have removed before."""
    return tempfile.TemporaryDirectory(prefix="maxvolt-lammps-", ignore_cleanup_errors=True)


def run_lammps(
    command: Sequence[str],
    folder: Path,
    timeout: float | None = None,
    watch: Callable[[], None] = lambda: None,
) -> int | None:
    """Run a command in a folder; return its exit code, None where it took too long.

    Parameters
    ----------
    command
        Words of the command.
    folder
        Where it runs; it is removed where this process is killed meanwhile.
    timeout : s
        How long it may take.
    watch
        Called now and then while it runs, and once at its end.
    """
    began = time.monotonic()
    with (folder / SCREEN).open("wb") as screen:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", str(Path(guard.__file__).resolve()), *command],
            cwd=folder,
            env=_environment(),
            stdin=subprocess.PIPE,
            stdout=screen,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        while True:
            try:
                return process.wait(_SECONDS)
            except subprocess.TimeoutExpired:
                watch()
            if timeout is not None and time.monotonic() - began > timeout:
                return None
    finally:
        _end(process)
        watch()


def _end(guard: subprocess.Popen[bytes]) -> None:
    """End the guard, and through it what still runs."""
    assert guard.stdin is not None
    with suppress(BrokenPipeError), guard.stdin:
        if guard.poll() is None:
            guard.stdin.write(b"\n")
            guard.stdin.flush()
        guard.wait()


def _environment() -> dict[str, str]:
    """Environment with one thread per rank, as if this process were of no MPI run itself."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_OF_MPI)}
    return {**kept, "OMP_NUM_THREADS": "1"}


def _found(name: str) -> str:
    """Path of a program, that of this environment first."""
    path = _beside(name) or shutil.which(name)
    if path is None:
        raise MaxvoltError(
            f"the program {name!r} is neither in the environment of Python nor on the PATH; "
            "pip install maxvolt-lammps brings LAMMPS and mpiexec, or give command"
        )
    return path


def _beside(name: str) -> str | None:
    """Path of a program of the environment of this Python."""
    path = Path(sys.executable).parent / name
    return str(path) if "/" not in name and path.is_file() else None
