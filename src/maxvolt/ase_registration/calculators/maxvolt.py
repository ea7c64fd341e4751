"""What ASE imports as ``ase.calculators.maxvolt``."""

from __future__ import annotations

from maxvolt.calculators.ase import MaxvoltCalculator as Maxvolt

__all__ = ["Maxvolt"]
