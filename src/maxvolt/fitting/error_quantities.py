"""The quantities of an error report, as tables name and print them."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["MAIN_QUANTITIES", "QUANTITIES", "ErrorQuantity", "printed_number", "printed_percent"]


@dataclass(frozen=True, slots=True)
class ErrorQuantity:
    """One quantity of a table.

    Attributes
    ----------
    name
        Of the field of `GroupErrors` that holds its statistics.
    label
        Name and printed unit.
    counts
        What its statistics count.
    factor
        From the units of the report to the printed one.
    """

    name: str
    label: str
    counts: str
    factor: float

    def compared(self, count: int, missing: int) -> str:
        """How many structures or atoms have the label, and of how many where some lack it."""
        total = count + missing
        noun = self.counts if total != 1 else self.counts.removesuffix("s")
        return f"{count} of {total} {noun}" if missing else f"{count} {noun}"


QUANTITIES = (
    ErrorQuantity("energy_per_atom", "energy (meV/atom)", "structures", 1000.0),
    ErrorQuantity("force_components", "force components (meV/Å)", "atoms", 1000.0),
    ErrorQuantity("force_vectors", "force vectors (meV/Å)", "atoms", 1000.0),
    ErrorQuantity("stress_components", "stress components (GPa)", "structures", 1.0),
    ErrorQuantity("stress_tensors", "stress tensors (GPa)", "structures", 1.0),
)
MAIN_QUANTITIES = (QUANTITIES[0], QUANTITIES[1], QUANTITIES[3])
"""Those that are no norms."""


def printed_number(value: float) -> str:
    """Four significant digits, without an exponent; a dash where there is nothing to say."""
    if not math.isfinite(value):
        return "-"
    if value == 0.0:
        return "0"
    value = float(f"{value:.3e}")  # rounded first, so that 9.9999 has the digits of 10
    decimals = max(0, 3 - math.floor(math.log10(abs(value))))
    return f"{value:.{min(decimals, 6)}f}"


def printed_percent(fraction: float) -> str:
    """A fraction in per cent; a dash where there is nothing to say."""
    return f"{100 * fraction:.2f}" if math.isfinite(fraction) else "-"
