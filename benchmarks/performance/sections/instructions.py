"""Instructions that an evaluation takes, counted by the processor (perf) or by valgrind.

A fixed number, whatever else the machine does, unlike a time. valgrind knows no AVX-512: under it
the kernels take AVX2.
"""

from __future__ import annotations

import pickle
import re
import shutil
import subprocess
import sys
from pathlib import Path

from maxvolt.potentials.mtp.binding import kernels
from performance.cases import bcc_crystal, random_potential
from performance.context import Context, NotMeasuredError
from performance.results import Case, Findings, Measurement

__all__ = ["evaluate_repeatedly", "measure"]

_LEVELS = (8, 16, 20, 28)
_LEVELS_OF_VALGRIND = (8, 16)  # it is fifty times slower, and so is all that comes before
_ATOMS = 1_000
_REPETITIONS = 4
_PERF = ("perf", "stat", "-x", ",", "-e", "instructions:u")
_VALGRIND = ("valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null")


def measure(context: Context) -> Findings:
    """Count instructions of one evaluation, an atom at each level."""
    counter, missing = _counter()
    if counter is _VALGRIND and context.quick:
        raise NotMeasuredError("perf cannot count here, and valgrind is left out of the quick form")
    found = []
    for level in _LEVELS if counter is _PERF else _LEVELS_OF_VALGRIND:
        context.say(f"level {level} ({counter[0]})")
        prepared = context.scratch / "prepared.pickle"
        prepared.write_bytes(pickle.dumps((random_potential(level), bcc_crystal(_ATOMS))))
        once, more = (_count(counter, prepared, n) for n in (1, 1 + _REPETITIONS))
        case: Case = {"level": level, "counted by": counter[0]}
        per_atom = (more - once) / (_REPETITIONS * _ATOMS)
        found.append(Measurement("instructions per atom", per_atom, "", case))
    return Findings(tuple(found), not_measured=missing)


def evaluate_repeatedly(prepared: str, repetitions: int) -> None:
    """What is counted: this many evaluations, and all that comes before them."""
    potential, atoms = pickle.loads(Path(prepared).read_bytes())
    neighborhoods = potential.neighborhoods(atoms)
    for _ in range(repetitions):
        kernels.evaluate(potential.core, neighborhoods, threads=1)


def _counter() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The command that counts, and what it cannot."""
    if shutil.which("perf"):
        done = subprocess.run([*_PERF, "true"], capture_output=True, text=True, check=False)
        if done.returncode == 0 and re.match(r"\d", done.stderr.strip().splitlines()[-1]):
            return _PERF, ()
    if shutil.which("valgrind"):
        return _VALGRIND, (
            "instructions with AVX-512, cycles: perf cannot read the processor's counters here; "
            f"valgrind counts, with AVX2, levels {_LEVELS_OF_VALGRIND}",
        )
    raise NotMeasuredError("instructions: neither perf with counters nor valgrind is here")


def _count(counter: tuple[str, ...], prepared: Path, repetitions: int) -> int:
    folder = Path(__file__).parents[2]
    program = (
        f"import sys; sys.path.insert(0, {str(folder)!r}); "
        "from performance.sections.instructions import evaluate_repeatedly; "
        f"evaluate_repeatedly({str(prepared)!r}, {repetitions})"
    )
    done = subprocess.run(
        [*counter, sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    if counter is _PERF:
        return int(done.stderr.strip().splitlines()[-1].split(",")[0])
    found = re.search(r"I\s+refs:\s+([\d,]+)", done.stderr)
    if found is None:
        raise RuntimeError(f"valgrind printed no count: {done.stderr[-300:]}")
    return int(found[1].replace(",", ""))
