"""Structures for which a potential has no numbers: refused, naming the atom."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from maxvolt.errors import DataError, EvaluationError
from maxvolt.neighbors.neighborhoods import Neighborhoods
from maxvolt.potentials.results import Energies

__all__ = ["COINCIDENT", "check_distinct", "check_finite"]

COINCIDENT = 1e-8
"""Angstrom; atoms that are closer are at the same place, up to rounding (as in the kernels)."""

_REMEDY = (
    "look for coefficients of the potential that are far too large, for atoms much closer than in "
    "its training set, and for a radial basis of very high order"
)


def check_distinct(atoms: Iterable[int], neighborhoods: Neighborhoods) -> None:
    """Refuse atoms that coincide with another one.

    Parameters
    ----------
    atoms
        Numbers of such atoms; negative numbers stand for none.

    Raises
    ------
    DataError
        There is one.
    """
    for atom in atoms:
        if atom >= 0:
            raise DataError(
                f"{_named(atom, neighborhoods)} coincides with another atom or its own image; "
                "forces do not exist there: remove the duplicate"
            )


def check_finite(energies: Energies, neighborhoods: Neighborhoods) -> Energies:
    """Refuse what is infinite or no number, naming the first atom that has it.

    Virials hold every component of every force, so that their sum tells whether one is not finite
    at no cost that matters.

    Raises
    ------
    EvaluationError
        An energy, a force or a virial is not finite.
    """
    with np.errstate(all="ignore"):
        if np.isfinite(energies.site_energies.sum() + energies.virials.sum()):
            return energies
    of_energies = np.asarray(~np.isfinite(energies.site_energies))
    of_forces = np.asarray(~np.isfinite(energies.forces).all(axis=1))
    # An energy is what its own atom has; forces on its neighbours are not finite either.
    for what, bad in (("energy", of_energies), ("force", of_forces)):
        if bad.any():
            atom = int(np.flatnonzero(bad)[0])
            raise EvaluationError(
                f"the {what} of {_named(atom, neighborhoods)} is not finite (so it is for "
                f"{bad.sum()} of {len(bad)} atoms): {_REMEDY}"
            )
    raise EvaluationError(f"the sum of energies or the stress is not finite: {_REMEDY}")


def _named(atom: int, neighborhoods: Neighborhoods) -> str:
    structure = int(neighborhoods.structures[atom])
    first = int(np.searchsorted(neighborhoods.structures, structure))
    return f"atom {atom - first} of structure {neighborhoods.first_structure + structure}"
