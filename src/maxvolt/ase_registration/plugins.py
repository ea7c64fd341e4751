"""The calculator among ASE's plugins, as ``ase info --plugins`` lists them."""

from __future__ import annotations

from typing import Any


def __getattr__(name: str) -> Any:
    """Make the plugins when ASE asks: its package loads this module while it is itself loaded."""
    if name == "__ase_plugins__":
        return _plugins()
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _plugins() -> set[Any]:
    try:
        from ase._4.plugins.plugin import CalculatorPlugin
    except ImportError:  # ASE calls its plugins experimental: where they have moved, there is none
        return set()
    path = "maxvolt.calculators.ase.MaxvoltCalculator"
    return {CalculatorPlugin("maxvolt", implementation=path)}
