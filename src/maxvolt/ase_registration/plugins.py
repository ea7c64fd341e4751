"""The calculator among ASE's plugins, as ``ase info --plugins`` lists them."""

from __future__ import annotations

from typing import Any

__all__ = ["__ase_plugins__"]

__ase_plugins__: set[Any] = set()

try:
    from ase._4.plugins.plugin import CalculatorPlugin
except ImportError:  # ASE calls its plugins experimental: where they have moved, there is none
    pass
else:
    __ase_plugins__.add(
        CalculatorPlugin(
            "maxvolt",
            implementation="maxvolt.calculators.ase.MaxvoltCalculator",
        )
    )
