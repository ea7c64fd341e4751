"""A calculator that misbehaves as badly as one in this process can, and labels right otherwise."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
from ase.calculators.calculator import Calculator, all_changes

from maxvolt.labelling.content import structure_hash

__all__ = ["FAULTS", "HARMLESS", "Hostile"]


class Hostile(Calculator):
    """Springs between atoms and the origin, E = sum r^2 / 2, with a fault at some structures.

    Parameters
    ----------
    faults
        Names of `FAULTS` by the hash of the structure.
    """

    implemented_properties = ("energy", "free_energy", "forces", "stress")

    def __init__(self, faults: dict[str, str]) -> None:
        super().__init__()
        self.implemented_properties = list(type(self).implemented_properties)
        self.faults = faults

    def calculate(self, atoms=None, properties=("energy",), system_changes=tuple(all_changes)):
        """Calculate, with the fault of this structure."""
        super().calculate(atoms, properties, system_changes)
        positions = self.atoms.positions
        energy = 0.5 * float((positions**2).sum())
        self.results = {
            "energy": energy,
            "free_energy": energy,
            "forces": -positions,
            "stress": np.arange(6) * 1e-3,
        }
        fault = self.faults.get(structure_hash(self.atoms))
        if fault is not None:
            self.results |= FAULTS[fault]() or {}


class _SpeechlessError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("not even this")


class _BaseError(BaseException):
    pass


def _raise(error: BaseException) -> None:
    raise error


def _forked_child_keeps_the_pipes() -> None:
    if os.fork() == 0:
        time.sleep(1000)
    os.kill(os.getpid(), signal.SIGKILL)


def _both_return() -> None:
    os.fork()


def _write_everywhere() -> None:
    forged = {"status": "labelled", "reason": "", "seconds": 0, "attempts": 1, "request": "x"}
    for descriptor in range(3, 64):
        with suppress(OSError):
            os.write(descriptor, b"\x00garbage" + json.dumps(forged).encode() + b"\nmore")


def _close_everything() -> None:
    os.closerange(3, 256)


def _spoil_result() -> None:
    Path("result.json").write_text('{"status": "labelled", "forces_eV_per_A": [[1]]}')
    os._exit(0)


def _forge_result() -> None:
    forged = {"status": "labelled", "reason": "", "seconds": 1, "attempts": 1}
    forged |= {"free_energy_eV": 1e300, "energy_eV": 0.0, "stress_eV_per_A3": None}
    forged |= {"forces_eV_per_A": [[0, 0, 0]]}
    Path("result.json").write_text(json.dumps(forged))
    os._exit(0)


def _spoil_description() -> None:
    document = json.loads(Path("job.json").read_text())
    Path("job.json").write_text(json.dumps(document | {"calculator": None}))
    raise RuntimeError("spoilt")


def _remove_folder() -> None:
    shutil.rmtree(Path.cwd())


def _remove_folder_and_fail() -> None:
    _remove_folder()
    raise RuntimeError("removed")


def _take_all_memory() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (1 << 28, 1 << 28))
    np.ones(1 << 28)


def _recurse() -> None:
    _recurse()


def _ignore_signals() -> None:
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def _no_streams() -> None:
    sys.stdout = sys.stderr = None


def _close_streams() -> None:
    sys.stdout.close()
    sys.stderr.close()


def _read_input() -> None:
    sys.stdin.read()
    os.read(0, 100)


def _print_garbage() -> None:
    os.write(1, bytes(range(256)) * 100)
    print("\udcff".encode(errors="surrogateescape"))


def _leave_a_thread() -> None:
    threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()


FAULTS: dict[str, Callable[[], dict | None]] = {
    "says a lone surrogate": lambda: _raise(RuntimeError("caf\udce9 \x00 \x1b[31m")),
    "says too much": lambda: _raise(RuntimeError("x" * 10_000_000)),
    "cannot say": lambda: _raise(_SpeechlessError()),
    "raises SystemExit": lambda: _raise(SystemExit("leaving")),
    "raises KeyboardInterrupt": lambda: _raise(KeyboardInterrupt()),
    "raises a bare exception": lambda: _raise(_BaseError()),
    "recurses": _recurse,
    "exits": lambda: os._exit(0),
    "kills itself": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "stops itself by a strange signal": lambda: os.kill(os.getpid(), signal.SIGRTMIN + 3),
    "dies, its child keeps the pipes": _forked_child_keeps_the_pipes,
    "closes descriptors": _close_everything,
    "spoils its result": _spoil_result,
    "forges its result": _forge_result,
    "spoils its description": _spoil_description,
    "removes its folder and fails": _remove_folder_and_fail,
    "takes all memory": _take_all_memory,
    "gives NaN": lambda: {"energy": float("nan")},
    "gives too much energy": lambda: {"free_energy": 1e9},
    "gives too much stress": lambda: {"stress": np.full(6, 1e9)},
    "gives the wrong shape": lambda: {"forces": np.zeros((1, 3))},
    "gives text": lambda: {"energy": "low"},
    "gives complex numbers": lambda: {"energy": 1j},
    "removes its folder": _remove_folder,
    "forks, and both return": _both_return,
    "writes everywhere": _write_everywhere,
    "ignores signals": _ignore_signals,
    "takes the streams away": _no_streams,
    "closes the streams": _close_streams,
    "reads its input": _read_input,
    "prints garbage": _print_garbage,
    "leaves a thread": _leave_a_thread,
    "changes the folder": lambda: os.chdir("/"),
    "changes the mask": lambda: _nothing(os.umask(0o777)),
    "changes the limit of recursion": lambda: sys.setrecursionlimit(80),
    "has NumPy raise": lambda: _nothing(np.seterr(all="raise")),
}

HARMLESS = tuple(FAULTS)[tuple(FAULTS).index("removes its folder") :]
"""Faults of calculations that give the right result nevertheless: they must have their label."""


def _nothing(_: object) -> None:
    """Drop a value."""
