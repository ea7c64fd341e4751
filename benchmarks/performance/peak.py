"""The limit of one core: multiply-adds a second, measured by a small C++ program."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from performance.context import NotMeasuredError
from performance.machine import compiler

__all__ = ["Peak", "PeakProbe"]

_SOURCE = Path(__file__).with_name("fma_peak.cpp")

# Length of a vector register in bytes, and the compiler's flags.
_INSTRUCTION_SETS: dict[str, tuple[int, tuple[str, ...]]] = {
    "avx512": (64, ("-mavx512f", "-mfma", "-mprefer-vector-width=512")),
    "avx2": (32, ("-mavx2", "-mfma")),
    "baseline": (16, ()),
}


@dataclass(frozen=True, slots=True)
class Peak:
    """What one core reaches with one instruction set.

    Attributes
    ----------
    double, single : float, 1/s
        Multiply-adds of numbers in double and in single precision.
    clock : float, 1/s
        Cycles.
    """

    double: float
    single: float
    clock: float

    def better(self, other: Peak) -> Peak:
        """The larger of each number, since other processes can only make it smaller."""
        return Peak(
            max(self.double, other.double),
            max(self.single, other.single),
            max(self.clock, other.clock),
        )


class PeakProbe:
    """Measures the limit of a core.

    Parameters
    ----------
    instruction_sets
        Names, of those that `maxvolt.potentials.mtp.binding.kernels.instruction_sets` gives.
    folder
        Where to put the programs.

    Raises
    ------
    NotMeasuredError
        There is no compiler, or it fails.
    """

    def __init__(self, instruction_sets: Sequence[str], folder: Path) -> None:
        self.best: dict[str, Peak] = {}
        self._programs = {name: _build(name, folder) for name in instruction_sets}

    def measure(self, instruction_set: str, seconds: float) -> Peak:
        """Measure once more; the best so far counts."""
        done = subprocess.run(
            [str(self._programs[instruction_set]), str(seconds)],
            check=True,
            capture_output=True,
            text=True,
        )
        peak = Peak(*map(float, done.stdout.split()))
        known = self.best.get(instruction_set)
        self.best[instruction_set] = peak if known is None else known.better(peak)
        return self.best[instruction_set]


def _build(instruction_set: str, folder: Path) -> Path:
    path = compiler()
    if path is None:
        raise NotMeasuredError("the peak of a core: no C++ compiler (set CXX to one)")
    length, flags = _INSTRUCTION_SETS[instruction_set]
    program = folder / f"fma_peak_{instruction_set}"
    command = [path, "-std=c++20", "-O3", "-ffp-contract=fast", *flags, f"-DVECTOR_BYTES={length}"]
    done = subprocess.run(
        [*command, str(_SOURCE), "-o", str(program)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise NotMeasuredError(
            f"the peak of a core: the compiler failed: {done.stderr.strip()[-300:]}"
        )
    return program
