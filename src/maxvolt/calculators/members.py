"""A calculator for each member of an ensemble."""

from __future__ import annotations

from pathlib import Path

from maxvolt.calculators.ase import MaxvoltCalculator
from maxvolt.calculators.inputs import loaded
from maxvolt.potentials import Potential
from maxvolt.potentials.ensemble import members_of

__all__ = ["member_calculators"]


def member_calculators(
    potential: Potential | str | Path,
    *,
    skin: float | None = None,
    threads: int | None = None,
) -> tuple[MaxvoltCalculator, ...]:
    """Give each member of an ensemble its own calculator (one for a single potential)."""
    return tuple(
        MaxvoltCalculator(member, skin=skin, threads=threads)
        for member in members_of(loaded(potential))
    )
