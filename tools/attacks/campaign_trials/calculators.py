"""Calculators for trials: EMT that writes down its calls, and one that often goes wrong.

The file named in CALCULATION_LOG gets a line when a calculation begins and one when it ends.
"""

from __future__ import annotations

import hashlib
import os
import random
import time
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.emt import EMT


def content_of(atoms: Atoms) -> str:
    """Short hash of a structure."""
    content = atoms.numbers.tobytes() + atoms.positions.tobytes() + atoms.cell.array.tobytes()
    return hashlib.sha256(content).hexdigest()[:16]


def write_down(what: str, atoms: Atoms) -> None:
    """Append a line; one write, so that lines of several processes do not mix."""
    line = f"{time.time():.6f} {what} {content_of(atoms)}\n".encode()
    descriptor = os.open(os.environ["CALCULATION_LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(descriptor, line)
    finally:
        os.close(descriptor)


class ReportingEMT(EMT):
    """EMT that takes a little time, as calculations do."""

    def calculate(self, atoms: Atoms | None = None, *arguments: Any, **options: Any) -> None:
        """Compute everything at once, between two lines of the log."""
        structure = self.atoms if atoms is None else atoms
        write_down("begin", structure)
        time.sleep(float(os.environ.get("CALCULATION_SECONDS", "0.1")))
        super().calculate(atoms, *arguments, **options)
        write_down("end", structure)


class UnreliableEMT(EMT):
    """EMT that fails one time in five, hangs one time in twenty, gives NaN one time in fifty."""

    def calculate(self, atoms: Atoms | None = None, *arguments: Any, **options: Any) -> None:
        """Draw what happens, anew at each attempt."""
        structure = self.atoms if atoms is None else atoms
        drawn = random.SystemRandom().random()
        if drawn < 1 / 5:
            write_down("fail", structure)
            raise RuntimeError("the self-consistent cycle diverged")
        if drawn < 1 / 5 + 1 / 20:
            write_down("hang", structure)
            time.sleep(3600)
        super().calculate(atoms, *arguments, **options)
        if drawn < 1 / 5 + 1 / 20 + 1 / 50:
            write_down("nan", structure)
            self.results["forces"] = np.full_like(self.results["forces"], np.nan)
        else:
            write_down("end", structure)
