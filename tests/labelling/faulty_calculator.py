"""Calculators with the faults of real ones: they fail, hang, give NaN, start programs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from ase.calculators.calculator import Calculator, all_changes

from maxvolt.labelling.content import structure_hash


class ConvergenceError(Exception):
    """As the exception of many codes is called."""


class Faulty(Calculator):
    """Springs between atoms and the origin: E = sum r^2 / 2, computed at once or never.

    Parameters
    ----------
    log
        File to which each beginning and each end of a calculation is appended.
    fails, hangs, gives_nan
        How often, from 0 to 1. Drawn anew for each attempt, but the same in each run of a test.
    always
        Name of a fault that happens each time; see `_misbehave`.
    seconds
        How long a calculation takes.
    meets
        How many calculations must have begun before this one goes on.
    """

    implemented_properties = ("energy", "free_energy", "forces", "stress")

    def __init__(
        self, log=None, fails=0.0, hangs=0.0, gives_nan=0.0, always=None, seconds=0.0, meets=0
    ):
        super().__init__()
        self.implemented_properties = list(type(self).implemented_properties)
        self.log = log
        self.faults = {"fail": fails, "hang": hangs, "nan": gives_nan}
        self.always = always
        self.seconds = seconds
        self.meets = meets

    def calculate(self, atoms=None, properties=("energy",), system_changes=tuple(all_changes)):
        super().calculate(atoms, properties, system_changes)
        name = structure_hash(self.atoms)
        fault = self.always or self._drawn(name)
        self._note("begin", name)
        _misbehave(fault)
        time.sleep(self.seconds)
        while self.meets and len(begun(self.log)) < self.meets:
            time.sleep(0.01)
        positions = self.atoms.positions
        self.results = {
            "energy": 0.5 * float((positions**2).sum()) + 1.0,
            "free_energy": 0.5 * float((positions**2).sum()),
            "forces": -positions,
            "stress": np.arange(6) * 1e-3,
        }
        if fault == "nan":
            self.results["forces"] = np.full_like(positions, np.nan)
        elif fault == "atom missing":
            self.results["forces"] = -positions[1:]
        elif fault == "silently unconverged":
            self.converged = False
        self._note("end", name)

    def _drawn(self, name: str) -> str | None:
        attempt = 0 if self.log is None else begun(self.log).count(name)
        drawn = np.random.default_rng([int(name[:15], 16), attempt]).random()
        for fault, chance in self.faults.items():
            if drawn < chance:
                return fault
            drawn -= chance
        return None

    def _note(self, event: str, name: str) -> None:
        if self.log is not None:
            descriptor = os.open(self.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
            os.write(descriptor, f"{event} {name}\n".encode())
            os.close(descriptor)


def _misbehave(fault: str | None) -> None:
    if fault == "fail":
        raise RuntimeError("out of luck")
    if fault == "not converged":
        raise ConvergenceError("energy still goes up and down")
    if fault == "die":
        os.kill(os.getpid(), 11)
    if fault == "hang":
        time.sleep(1e6)
    if fault == "hang without giving way":  # in C code that keeps Python's lock
        re.match(r"(a+)+$", "a" * 60 + "b")
    if fault == "hang in a program":
        # A program like mpirun: ignores requests to end, children in a process group of their own.
        script = (
            "import signal, subprocess, sys, time\n"
            "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
            "child = subprocess.Popen(['sleep', '1000'], process_group=0)\n"
            "print(child.pid, flush=True)\n"
            "time.sleep(1000)\n"
        )
        subprocess.run([sys.executable, "-c", script], check=True)
    if fault == "print":
        print("to stdout")
        print(*(f"{name}={value}" for name, value in os.environ.items()), sep="\n")
        print("to stderr", file=sys.stderr)
        os.write(1, b'{"status": "labelled"}\n')


class EnergyOnly(Calculator):
    """Gives no forces."""

    implemented_properties = ("energy",)

    def calculate(self, atoms=None, properties=("energy",), system_changes=tuple(all_changes)):
        super().calculate(atoms, properties, system_changes)
        self.results = {"energy": 1.0}


def begun(log: str | Path) -> list[str]:
    """Return the structures whose calculation began, with repetitions."""
    return _logged(log, "begin")


def ended(log: str | Path) -> list[str]:
    """Return the structures whose calculation came to its end, with repetitions."""
    return _logged(log, "end")


def _logged(log: str | Path, event: str) -> list[str]:
    path = Path(log)
    lines = path.read_text().splitlines() if path.exists() else []
    return [name for word, _, name in (line.partition(" ") for line in lines) if word == event]
