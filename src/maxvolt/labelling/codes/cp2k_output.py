"""What CP2K prints: energy, forces and stress."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.stress import full_3x3_to_voigt_6_stress
from ase.units import Bohr, GPa, Hartree
from numpy.typing import NDArray

from maxvolt.labelling.codes.protocol import UnconvergedError, UnfinishedError

__all__ = ["read_cp2k_output"]

_DONE = "PROGRAM ENDED AT"
_UNCONVERGED = re.compile(r"SCF run NOT converged", re.IGNORECASE)
_ENERGY = re.compile(r"^ *ENERGY\| Total FORCE_EVAL \( QS \) energy \[[^\]]*\]:? +(\S+)", re.M)
_NUMBER = r"[-+]?\d+\.\d+(?:[Ee][-+]?\d+)?"
_VECTOR = rf"({_NUMBER}) +({_NUMBER}) +({_NUMBER})"
# Until 2024 "1  1  Al  x y z" below a title, since 2025 "FORCES|  1  x y z |f|".
_FORCE = re.compile(
    rf"^ *(?:(\d+) +\d+ +[A-Z][a-z]?|FORCES\| +(\d+)) +{_VECTOR}(?: +{_NUMBER})?$", re.M
)
_STRESS = re.compile(r"^ *STRESS\| Analytical stress tensor \[GPa\]$", re.M)
_ROW = re.compile(rf"^ *STRESS\| +[xyz] +{_VECTOR}$", re.M)


def read_cp2k_output(path: Path, atoms: Atoms) -> dict[str, Any]:
    """Read the output of a run of energy and forces.

    Parameters
    ----------
    path
        The output.
    atoms
        The structure it must be about.

    Returns
    -------
    results
        ``energy``, eV, with -TS; ``forces``, shape (N, 3), eV/Angstrom; for a structure that is
        periodic in three directions, ``stress``, shape (6,), eV/Angstrom^3.

    Raises
    ------
    UnconvergedError
        The self-consistent field did not converge.
    UnfinishedError
        The output ends early.
    RuntimeError
        It lacks something, or is about a different number of atoms.
    """
    text = path.read_text(errors="replace")
    if _UNCONVERGED.search(text):
        raise UnconvergedError("CP2K says: SCF run NOT converged")
    if _DONE not in text:
        raise UnfinishedError(f"{path.name} does not say {_DONE!r}")
    energies = _ENERGY.findall(text)
    if len(energies) != 1:
        raise RuntimeError(f"{path.name}: {len(energies)} energies; expected 1")
    results: dict[str, Any] = {
        "energy": float(energies[0]) * Hartree,
        "forces": _forces(text, path, len(atoms)) * (Hartree / Bohr),
    }
    if atoms.pbc.all():
        results["stress"] = full_3x3_to_voigt_6_stress(-_stress(text, path) * GPa)
    return results


def _forces(text: str, path: Path, n_atoms: int) -> NDArray[np.float64]:
    rows = [match.groups() for match in _FORCE.finditer(text)]
    order = [int(old or new) for old, new, *_ in rows]
    if order != list(range(1, n_atoms + 1)):
        raise RuntimeError(
            f"{path.name}: forces of {len(order)} atoms; expected those of {n_atoms}, in order"
        )
    return np.array([row[2:] for row in rows], np.float64)


def _stress(text: str, path: Path) -> NDArray[np.float64]:
    """Return the stress as CP2K counts it, a pressure being positive, GPa, shape (3, 3)."""
    title = _STRESS.search(text)
    rows = [] if title is None else _ROW.findall(text, title.end())[:3]
    if len(rows) != 3:
        raise RuntimeError(f"{path.name}: no stress tensor in GPa; CP2K prints it since 8.1")
    return np.array(rows, np.float64)
