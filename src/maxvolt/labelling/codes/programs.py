"""Codes that are programs: input files, a command, output files."""

from __future__ import annotations

import os
import shlex
import stat
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from ase import Atoms
from ase.config import cfg

from maxvolt.labelling.codes.commands import (
    check_command,
    find_programs,
    is_launched,
    needs_shell,
)
from maxvolt.labelling.codes.protocol import Code, UnfinishedError

__all__ = [
    "ProgramCode",
    "configured",
    "output_text",
    "run_and_read",
    "tail",
    "write_script",
]

_TAIL = 600


class ProgramCode(Code, Protocol):
    """A code that is a program; those that derive from it need not say how a program is run."""

    output: str
    """File for what the program prints."""
    errors: str
    """File for what it prints to stderr."""
    complaints: tuple[str, ...]
    """Files in which to look for what went wrong, the most telling one first."""

    def command(self, machine: Mapping[str, Any]) -> str:
        """Return the command as it is configured, without arguments of this package."""
        ...

    def arguments(self, machine: Mapping[str, Any]) -> list[str] | str:
        """Return the words of the whole command, or a line for the shell."""
        ...

    def prepare(self, machine: Mapping[str, Any]) -> None:
        """Look for the program."""
        if not self._is_for_a_shell(machine):
            find_programs(self.command(machine), os.environ)

    def try_out(self, machine: Mapping[str, Any], environment: Mapping[str, str]) -> None:
        """Look for the program, and whether it and its launcher can start."""
        if not self._is_for_a_shell(machine):
            check_command(self.command(machine), environment)

    def _is_for_a_shell(self, machine: Mapping[str, Any]) -> bool:
        """Whether a shell reads the command, and it has what only a shell understands."""
        command = self.command(machine)
        return needs_shell(command) and isinstance(self.arguments(machine), str)

    def processes(self, machine: Mapping[str, Any]) -> int | None:
        """One calculation per core, or one at a time where a launcher takes several cores."""
        return 1 if is_launched(self.command(machine)) else None

    def run(
        self, atoms: Atoms, settings: Mapping[str, Any], machine: Mapping[str, Any], folder: Path
    ) -> dict[str, Any]:
        """Run the program in the folder."""
        return run_and_read(self, atoms, settings, machine, folder)

    def write_run_script(self, folder: Path, line: str, machine: Mapping[str, Any]) -> None:
        """Write ``run.sh``, which runs a line of the shell and keeps what it prints."""
        write_script(
            folder, f"{line} > {self.output} 2> {self.errors}", machine.get("environment", {})
        )


def run_and_read(
    code: ProgramCode,
    atoms: Atoms,
    settings: Mapping[str, Any],
    machine: Mapping[str, Any],
    folder: Path,
) -> dict[str, Any]:
    """Write the input of a program, run it in the folder and read its output.

    Raises
    ------
    RuntimeError
        When the output ends early, with what the program said.
    """
    code.write_input(atoms, settings, machine, folder)
    arguments = code.arguments(machine)
    with (folder / code.output).open("wb") as output, (folder / code.errors).open("wb") as errors:
        done = subprocess.run(
            arguments,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=errors,
            shell=isinstance(arguments, str),
            check=False,
        )
    try:
        return code.read_output(atoms, settings, folder)
    except UnfinishedError as error:
        said = tail(*(folder / name for name in code.complaints))
        raise RuntimeError(
            f"{code.name} ended with exit code {done.returncode} ({error}): {said}"
        ) from error


def output_text(path: Path) -> str:
    """Return what a program has printed.

    Raises
    ------
    UnfinishedError
        There is no such file.
    """
    if not path.is_file():
        raise UnfinishedError(f"there is no {path.name}")
    return path.read_text(errors="replace")


def write_script(folder: Path, command: str, environment: Mapping[str, str]) -> None:
    """Write ``run.sh``, which runs a command in the folder."""
    exports = "".join(
        f"export {name}={shlex.quote(value)}\n" for name, value in sorted(environment.items())
    )
    script = folder / "run.sh"
    script.write_text(f'#!/bin/sh\ncd "$(dirname "$0")" || exit 1\n{exports}{command}\n')
    script.chmod(script.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)


def configured(section: str, name: str) -> str | None:
    """Return an entry of ASE's configuration file."""
    value = cfg.parser.get(section, name, fallback=None)
    return None if value is None else str(value)


def tail(*paths: Path) -> str:
    """Return the end of the first of some files that holds anything, in one line."""
    for path in paths:
        if path.is_file():
            text = " ".join(path.read_text(errors="replace")[-_TAIL:].split())
            if text:
                return text
    return "it printed nothing"
