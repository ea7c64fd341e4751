"""What a run of LAMMPS says: its trace, and what it complains of."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maxvolt.sampling.rule import StopReason

__all__ = ["last_step", "read_table", "read_trace", "reason_of", "said"]

_COLUMNS = 6

_TAIL = 600
"""Characters of a log that a message cites."""

_ENOUGH = 4096
"""Bytes that hold some lines of a trace."""

_CAUSES: Mapping[str, StopReason] = {
    r"lost atoms|out of range atoms": StopReason.LOST_ATOM,
    r"non-numeric|not finite|\bnan\b": StopReason.NOT_FINITE,
    r"coincides with another atom": StopReason.TOO_CLOSE,
}
"""What LAMMPS or the pair style says where the simulation is at fault, not the input."""


def read_trace(path: Path) -> NDArray[np.float64]:
    """Read the trace of a scenario, shape (k, 6), as `read_table` does.

    The columns are step, grade, temperature (K), potential and kinetic energy (eV) and volume
    (Angstrom^3).
    """
    return read_table(path, _COLUMNS)


def read_table(path: Path, columns: int) -> NDArray[np.float64]:
    """Read what ``fix ave/time`` writes, shape (k, columns); without an incomplete last line."""
    rows = [row for line in _lines(path) if (row := _numbers(line, columns)) is not None]
    return np.array(rows, float).reshape(-1, columns)


def last_step(path: Path, columns: int = _COLUMNS) -> int:
    """Step of the last whole line of such a table; 0 while there is none."""
    lines = _lines(path, _ENOUGH)
    steps = [row[0] for line in lines if (row := _numbers(line, columns)) is not None]
    return int(steps[-1]) if steps else 0


def said(path: Path) -> str:
    """Give the error that LAMMPS printed, without the place in its source, else the end of it."""
    text = path.read_text(errors="replace") if path.exists() else ""
    errors = [line for line in text.splitlines() if "ERROR" in line]
    tail = " ".join(text[-_TAIL:].split()) or "it printed nothing"
    if not errors:
        return f"the last lines of its log: {tail}"
    first = re.sub(r"^.*?ERROR[^:]*:\s*|\s*\([^()]*\.(?:cpp|h):\d+\)\s*$", "", errors[0])
    return f"{first} (the last lines of its log: {tail})"


def reason_of(complaint: str) -> StopReason:
    """Tell from what LAMMPS said whether the simulation is at fault, and how."""
    first = complaint.partition("(the last lines")[0]
    for pattern, reason in _CAUSES.items():
        if re.search(pattern, first, re.IGNORECASE):
            return reason
    return StopReason.FAILED


def _lines(path: Path, last: int | None = None) -> list[str]:
    """Whole lines of a file, or of so many bytes at its end."""
    if not path.exists():
        return []
    with path.open("rb") as file:
        cut = last is not None and path.stat().st_size > last
        if cut:
            file.seek(-(last or 0), os.SEEK_END)
        whole, _, _ = file.read().decode(errors="replace").rpartition("\n")
    return whole.splitlines()[1 if cut else 0 :]


def _numbers(line: str, columns: int) -> list[float] | None:
    if line.startswith("#"):
        return None
    try:
        found = [float(word) for word in line.split()]
    except ValueError:
        return None
    return found if len(found) == columns else None
