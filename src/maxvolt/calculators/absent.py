"""Why a calculator lacks a result."""

from __future__ import annotations

from ase import Atoms

from maxvolt.selection import QueryStrategy
from maxvolt.uncertainty import Uncertainty

__all__ = ["why_absent"]


def why_absent(
    wanted: str,
    atoms: Atoms,
    known: list[str],
    query: QueryStrategy | None,
    uncertainty: Uncertainty | None,
) -> str:
    """Say why a calculator has no such result for a structure.

    Parameters
    ----------
    wanted
        Name of the result.
    atoms
        The structure.
    known
        Names of all results that there can be.
    query, uncertainty
        Of the calculator.
    """
    if wanted not in known:
        return f"maxvolt does not compute {wanted!r}"
    if wanted.endswith("_std"):
        return f"{wanted} is the spread of an ensemble; this calculator has one potential"
    if wanted in ("grade", "grades"):
        if query is None:
            return f"{wanted} needs a query, such as a maxvolt.ActiveSet; this calculator has none"
        return f"{wanted} of atoms do not exist here: {query.description}"
    if wanted in ("energy_error", "force_errors"):
        if uncertainty is None:
            return (
                f"{wanted} needs an uncertainty (maxvolt.calibrate, maxvolt.read_uncertainty); "
                "this calculator has none"
            )
        return f"{wanted}: the held-out structures of the calibration had too few energies"
    return (
        f"{wanted} needs a cell periodic in three directions; this structure has pbc "
        f"{tuple(bool(p) for p in atoms.pbc)}"
    )
