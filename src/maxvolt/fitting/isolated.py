"""Energies of isolated atoms: fitted, given, or taken from the data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
from ase.data import chemical_symbols
from numpy.typing import NDArray

from maxvolt.dataset import Dataset
from maxvolt.errors import FitError, SpeciesError

__all__ = ["IsolatedEnergies", "resolve_isolated_energies"]

IsolatedEnergies = Mapping[str, float] | Literal["fit", "data"]


def resolve_isolated_energies(
    choice: IsolatedEnergies, dataset: Dataset, species: tuple[str, ...]
) -> NDArray[np.float64] | None:
    """Energies that atoms without neighbours must have, or None to fit them.

    Parameters
    ----------
    choice
        "fit": the constants of equation (2) are unknowns like the others. "data": the energies of
        the structures that are one atom without periodicity. A mapping: energies in eV, by
        symbol.
    dataset
        Labelled structures.
    species
        Of the potential.

    Raises
    ------
    FitError
        "data", but an isolated atom is missing; or an unknown choice.
    SpeciesError
        A mapping without all species.
    """
    if choice == "fit":
        return None
    if choice == "data":
        given = _from_data(dataset)
        missing = [symbol for symbol in species if symbol not in given]
        if missing:
            raise FitError(
                "the training set has no isolated atom (one atom, not periodic, with an energy) "
                f"of {', '.join(missing)}; add it, give the energies, or let them be fitted"
            )
    elif isinstance(choice, Mapping):
        given = dict(choice)
        missing = [symbol for symbol in species if symbol not in given]
        if missing:
            raise SpeciesError(f"no energy of an isolated atom is given for {', '.join(missing)}")
    else:
        raise FitError(
            f"isolated_energies must be 'fit', 'data' or energies by symbol; got {choice!r}"
        )
    values = np.array([given[symbol] for symbol in species], dtype=float)
    if not np.isfinite(values).all():
        raise FitError(f"energies of isolated atoms must be finite; got {given}")
    return values


def _from_data(dataset: Dataset) -> dict[str, float]:
    single = (dataset.counts == 1) & ~dataset.pbc.any(axis=1) & dataset.has_energy
    return {
        chemical_symbols[dataset.numbers[dataset.offsets[s]]]: float(dataset.energies[s])
        for s in np.flatnonzero(single)
    }
