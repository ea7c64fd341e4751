"""Structures that a search begins with, which must be of the kind that it looks for."""

from __future__ import annotations

from collections.abc import Sequence

from ase import Atoms

from maxvolt.errors import DataError
from maxvolt.search.compositions import counts_of, ratio_of
from maxvolt.search.settings import SearchSettings

__all__ = ["check_seeds", "misfit"]


def misfit(settings: SearchSettings, atoms: Atoms) -> str:
    """Say why a structure is not what a search looks for, "" where it is.

    The number of its atoms may be another.
    """
    foreign = sorted(set(atoms.get_chemical_symbols()) - set(settings.species))
    if foreign:
        return f"has {', '.join(foreign)}; {', '.join(settings.species)} is searched"
    if settings.cluster and atoms.pbc.any():
        return "is periodic, not a cluster"
    if not settings.cluster and not atoms.pbc.all():
        return "is not periodic in three directions, not a crystal"
    if settings.formula is not None:
        wanted = ratio_of(settings.compositions[0])
        if ratio_of(counts_of(settings.species, atoms.numbers)) != wanted:
            formula = atoms.get_chemical_formula("metal")
            return f"is {formula}, not a multiple of {settings.formula}"
    return ""


def check_seeds(settings: SearchSettings, seeds: Sequence[Atoms]) -> None:
    """Refuse structures that are not what a search looks for.

    Raises
    ------
    DataError
        Names the first one, and says why.
    """
    for number, atoms in enumerate(seeds):
        why = misfit(settings, atoms)
        if why:
            raise DataError(f"search: structure {number} to begin with, counted from 0, {why}")
