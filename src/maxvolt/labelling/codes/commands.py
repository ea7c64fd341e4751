"""Commands that start programs: whether all that they name is there and can start.

What stands behind a launcher of MPI is looked for, too, and the launcher is tried out with its own
options on a program that does nothing. Launchers of batch systems are not: they would ask for a
job.
"""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from maxvolt.labelling.codes.protocol import MisconfiguredError

__all__ = ["check_command", "find_programs", "is_launched", "needs_shell"]

_MPI = ("mpirun", "mpiexec")
_OF_BATCH_SYSTEMS = ("srun", "aprun", "jsrun")

_WITH_VALUE = frozenset(
    {
        *("-n", "-np", "-c", "-N", "-ppn", "-perhost", "-ntasks", "-nodes", "-ntasks-per-node"),
        *("-host", "-H", "-hosts", "-hostfile", "-f", "-machinefile", "-rankfile"),
        *("-map-by", "-bind-to", "-rank-by", "-cpu-bind", "-cpus-per-task", "-mem", "-mpi"),
        *("-x", "-env", "-genvlist", "-wdir", "-w", "-D"),
        *("-p", "-partition", "-A", "-account", "-t", "-time", "-J", "-q", "-qos", "-C", "-G"),
        *("-constraint", "-gpus", "-gres", "-npernode", "-cpus-per-proc"),
    }
)
"""Options of launchers that are followed by a value; also with two dashes."""

_WITH_TWO_VALUES = frozenset({"-mca", "-genv", "-gmca", "-prtemca"})

_OF_THE_SHELL = re.compile(r"[$~;&|<>`()*?]")
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")

_SECONDS = 60.0
"""After which nothing is said of a program that has not answered."""

_SAID = 400


def is_launched(command: str) -> bool:
    """Say whether a command starts several processes for one calculation."""
    words = [word for word in _words(command) if not _ASSIGNMENT.match(word)] or [""]
    return Path(words[0]).name.startswith((*_MPI, *_OF_BATCH_SYSTEMS))


def needs_shell(command: str) -> bool:
    """Say whether only a shell knows which programs a command starts: variables, lists, pipes."""
    return bool(_OF_THE_SHELL.search(command) or _ASSIGNMENT.match(command.lstrip()))


def find_programs(command: str, environment: Mapping[str, str]) -> list[Path]:
    """Find the program that a command starts, and the one behind a launcher.

    Parameters
    ----------
    command
        As it is configured, without arguments of this package.
    environment
        Variables that it runs with; PATH counts.

    Raises
    ------
    MisconfiguredError
        One is not there.
    """
    words = _words(command)
    found = [_found(words[0], words[0], environment)]
    if is_launched(command):
        number = _behind(words, environment)
        found.append(_found(words[number], words[0], environment))
    return found


def check_command(command: str, environment: Mapping[str, str]) -> None:
    """Look for the programs of a command, and whether they can start; arguments as `find_programs`.

    Raises
    ------
    MisconfiguredError
        A program is not there, lacks a library or its interpreter, or is a launcher that fails.
    """
    for program in find_programs(command, environment):
        _check_can_start(program, environment)
    words = _words(command)
    nothing = shutil.which("true", path=environment.get("PATH"))
    if Path(words[0]).name.startswith(_MPI) and nothing is not None:
        _try([*words[: _behind(words, environment)], nothing], environment)


def _words(command: str) -> list[str]:
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise MisconfiguredError(f"the command {command!r} cannot be read: {error}") from error
    if not words:
        raise MisconfiguredError('"command" under [machine] is empty; give the words of a command')
    return words


def _behind(words: Sequence[str], environment: Mapping[str, str]) -> int:
    """Number of the word behind a launcher and its options that is the program."""
    candidates, number = [], 1
    while number < len(words):
        option = words[number].replace("--", "-", 1)
        if option.startswith("-"):
            number += 3 if option in _WITH_TWO_VALUES else 2 if option in _WITH_VALUE else 1
            continue
        candidates.append(number)
        number += 1
    for candidate in candidates:  # before it there may be values of options that are not known here
        if shutil.which(words[candidate], path=environment.get("PATH")) is not None:
            return candidate
    if candidates:
        return candidates[0]
    raise MisconfiguredError(
        f"the command {shlex.join(words)!r} names no program behind {words[0]}; add it, as in "
        f'command = "{words[0]} -n 4 PROGRAM" under [machine]'
    )


def _found(program: str, launcher: str, environment: Mapping[str, str]) -> Path:
    if _ASSIGNMENT.match(program):
        name, _, value = program.partition("=")
        raise MisconfiguredError(
            f"the command begins with {program!r}, which sets a variable; write "
            f'environment = {{ {name} = "{value}" }} under [machine], and the command without it'
        )
    if "/" in program and not Path(program).is_absolute():
        raise MisconfiguredError(
            f"{program!r} is a relative path, but calculations run in folders of their own; give "
            "the absolute path of the program"
        )
    path = shutil.which(program, path=environment.get("PATH"))
    if path is not None:
        return Path(path)
    behind = "" if program == launcher else f", which {launcher} is to start,"
    raise MisconfiguredError(
        f"the program {program!r}{behind} is not on the PATH; install it, or give the command as "
        f'"command" under [machine], such as command = "mpirun -n 4 {Path(program).name}"'
    )


def _check_can_start(program: Path, environment: Mapping[str, str]) -> None:
    """Refuse a program without its interpreter or its shared libraries."""
    try:
        with program.open("rb") as stream:
            beginning = stream.read(256)
    except PermissionError:  # may be run, but not be read
        return
    if beginning.startswith(b"#!"):
        line = beginning[2:].split(b"\n")[0].split()
        interpreter = line[0].decode(errors="replace") if line else ""
        if not Path(interpreter).is_file():
            raise MisconfiguredError(
                f"{program} cannot start: its first line names {interpreter!r}, which is not there"
            )
    elif beginning.startswith(b"\x7fELF") and (ldd := shutil.which("ldd")) is not None:
        listed = subprocess.run(
            [ldd, str(program.resolve())],
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        missing = [
            line.split()[0] for line in listed.stdout.splitlines() if line.endswith("=> not found")
        ]
        if missing:
            raise MisconfiguredError(
                f"{program} cannot start: the libraries {', '.join(missing)} are not found; load "
                "the modules that it was built with, or set LD_LIBRARY_PATH in "
                "[machine.environment]"
            )


def _try(words: Sequence[str], environment: Mapping[str, str]) -> None:
    """Start what should end at once, without an error."""
    command = shlex.join(words)
    try:
        done = subprocess.run(
            words,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return  # a busy machine
    except OSError as error:
        raise MisconfiguredError(f"{words[0]} cannot start: {error}") from error
    if done.returncode:
        said = re.sub(r"[-=*]{5,}", " ", f"{done.stderr} {done.stdout}")
        said = " ".join(said.split())[:_SAID] or "nothing"
        raise MisconfiguredError(
            f"{command!r}, the launcher with a program that does nothing, ends with exit code "
            f'{done.returncode}; correct "command" under [machine]. It says: {said}'
        )
