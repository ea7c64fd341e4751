"""Why a calculator does not give a result that was asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from ase import Atoms

from maxvolt.potentials import Potential
from maxvolt.selection import QueryStrategy
from maxvolt.uncertainty import Uncertainty

__all__ = ["why_absent"]


class _Calculating(Protocol):
    implemented_properties: list[str]
    query: QueryStrategy | None
    uncertainty: Uncertainty | None

    @property
    def members(self) -> Sequence[Potential]:
        """The potentials."""
        ...


def why_absent(wanted: str, calculator: _Calculating, atoms: Atoms) -> str:
    """Say why `calculator` has no result of this name for a structure."""
    query = calculator.query
    if wanted not in calculator.implemented_properties:
        return f"maxvolt does not compute {wanted!r}"
    if wanted.endswith("_std") and len(calculator.members) == 1:
        return f"{wanted} is the spread of an ensemble; this calculator has one potential"
    if wanted in ("grade", "grades"):
        if query is None:
            return f"{wanted} needs a query, such as a maxvolt.ActiveSet; this calculator has none"
        return f"{wanted} of atoms do not exist here: {query.description}"
    if wanted in ("energy_error", "force_errors"):
        if calculator.uncertainty is None:
            return (
                f"{wanted} needs an uncertainty (maxvolt.calibrate, maxvolt.read_uncertainty); "
                "this calculator has none"
            )
        return f"{wanted}: the held-out structures of the calibration had too few energies"
    return (
        f"{wanted} needs a cell periodic in three directions; this structure has pbc "
        f"{tuple(bool(p) for p in atoms.pbc)}"
    )
