"""End programs while their threads evaluate: no abort, no hang, no wrong exit status.

A program of its own starts threads that evaluate without end (daemon threads) or that have some
work left (others), on one or several threads of the kernels, and then returns from its main thread,
calls sys.exit, raises an error, or is interrupted by Ctrl-C.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from attacks.finding import FindingError

LIMIT = 30.0
"""Seconds that a program may take to end."""

PROGRAM = """
import sys, threading, time
import numpy as np
from attacks.potentials import random_potential, random_structure
from maxvolt import ActiveSet
from maxvolt.calculators import MaxvoltCalculator

kind, ending, number, threads, atoms = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:])
potential = random_potential(0, 8)
large = random_structure(np.random.default_rng(0), atoms)
calculator = MaxvoltCalculator(potential, threads=threads)
left = 3 if kind == "finishing" else 10**9
done = []

def evaluate(which):
    for _ in range(left):
        if which % 3 == 0:
            potential.evaluate(large, threads=threads)
        elif which % 3 == 1:
            potential.energy_gradients(data, threads=threads)
        else:
            calculator.get_property("forces", large)
        large_copy = large.copy()
    done.append(which)

from maxvolt import Dataset
data = Dataset.from_atoms([large])
for which in range(number):
    threading.Thread(target=evaluate, args=(which,), daemon=kind == "daemon").start()
time.sleep(0.05)
open("ready", "w").close()
if kind == "finishing":
    import atexit
    atexit.register(lambda: print("finished", len(done), flush=True))
if ending == "exit":
    sys.exit(7)
if ending == "error":
    raise RuntimeError("the end")
if ending == "interrupt":
    while True:
        potential.evaluate(large, threads=threads)
"""

STATUS = {"return": {0}, "exit": {7}, "error": {1}, "interrupt": {1, -signal.SIGINT, 130}}


def trial(seed: int, scratch: Path) -> str:
    """Run one program and look at how it ends."""
    random = np.random.default_rng(seed)
    kind = str(random.choice(["daemon", "daemon", "finishing"]))
    ending = str(random.choice([*STATUS]))
    number = int(random.integers(1, 5))
    numbers = [number, int(random.integers(1, 4)), int(random.choice([50, 1000, 6000]))]
    arguments = [kind, ending, *map(str, numbers)]
    tools = Path(__file__).resolve().parents[1]
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(tools)},
        cwd=scratch,
    ) as program:
        output, errors = _outcome(program, ending, scratch, arguments)
    if program.returncode not in STATUS[ending]:
        raise FindingError(f"{arguments}: exit status {program.returncode}: {errors[-2000:]}")
    if kind == "finishing" and f"finished {number}" not in output:
        raise FindingError(f"{arguments}: threads did not finish their work: {output} {errors}")
    for word in ("terminate called", "Fatal Python error", "cannot schedule"):
        if word in errors:
            raise FindingError(f"{arguments}: {errors[-2000:]}")
    return f"{kind}, {ending}"


def _outcome(
    program: subprocess.Popen[str], ending: str, scratch: Path, arguments: list[str]
) -> tuple[str, str]:
    """What it prints until it ends."""
    while not (scratch / "ready").exists() and program.poll() is None:
        time.sleep(0.02)
    if ending == "interrupt":
        program.send_signal(signal.SIGINT)
    try:
        return program.communicate(timeout=LIMIT)
    except subprocess.TimeoutExpired:
        program.kill()
        _, errors = program.communicate()
        raise FindingError(f"{arguments}: did not end within {LIMIT} s: {errors}") from None
