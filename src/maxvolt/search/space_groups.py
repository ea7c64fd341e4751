"""The space group of a relaxed crystal, for tables."""

from __future__ import annotations

import importlib
import warnings

from ase import Atoms

__all__ = ["space_group"]

_PRECISION = 0.03
"""Angstrom; relaxations leave atoms some thousandths from their sites."""


def space_group(atoms: Atoms) -> str:
    """Name and number, as in "Fd-3m (227)"; "" for clusters, or where spglib is not installed."""
    if not atoms.pbc.all():
        return ""
    try:
        spglib = importlib.import_module("spglib")
    except ImportError:
        return ""
    cell = (atoms.cell.array, atoms.get_scaled_positions(), atoms.numbers)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of how it is going to report errors
        return str(spglib.get_spacegroup(cell, symprec=_PRECISION) or "")
