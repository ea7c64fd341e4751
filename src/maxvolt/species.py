"""Elements that a potential knows, and their order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from ase.data import atomic_numbers, chemical_symbols
from numpy.typing import NDArray

from maxvolt.dataset import Dataset
from maxvolt.errors import SpeciesError
from maxvolt.unnamed_types import shown

__all__ = ["check_known_species", "check_species", "species_types"]


def check_species(species: Sequence[str]) -> tuple[str, ...]:
    """Return the symbols as a tuple.

    Raises
    ------
    SpeciesError
        No species, an unknown symbol or one named twice.
    """
    symbols = (species,) if isinstance(species, str) else tuple(species)
    if not symbols:
        raise SpeciesError("name at least one species, for example species=['Mo']")
    for symbol in symbols:
        if symbol not in atomic_numbers or symbol == "X":
            raise SpeciesError(f"{symbol!r} is not a chemical symbol; expected one such as 'Mo'")
    if len(set(symbols)) != len(symbols):
        raise SpeciesError(f"a species is named twice in {', '.join(symbols)}")
    return symbols


def species_types(numbers: NDArray[np.int32], species: tuple[str, ...]) -> NDArray[np.int32]:
    """Species index of each atom.

    Parameters
    ----------
    numbers : shape (N,)
        Atomic numbers.
    species
        Symbols of the potential, in its order.

    Raises
    ------
    SpeciesError
        An atom is of a species that the potential does not know.
    """
    table = np.full(len(chemical_symbols) + 1, -1, dtype=np.int32)
    for index, symbol in enumerate(species):
        table[atomic_numbers[symbol]] = index
    types = table[np.clip(numbers, -1, len(chemical_symbols))]
    if (types < 0).any():
        unknown = sorted({int(z) for z in np.asarray(numbers)[types < 0]})
        names = ", ".join(
            shown([chemical_symbols[z]]) if 0 < z < len(chemical_symbols) else f"atomic number {z}"
            for z in unknown
        )
        raise SpeciesError(
            f"the potential knows {shown(species)} but the structure contains {names}; "
            "use a potential trained for these species"
        )
    return types


def check_known_species(
    dataset: Dataset,
    species: tuple[str, ...],
    whole: str = "the dataset",
    *,
    first_structure: int = 0,
) -> None:
    """Refuse structures with elements that a potential does not know.

    Parameters
    ----------
    dataset
        Structures.
    species
        Symbols of the potential.
    whole
        What the dataset is, in the message, for a structure that was not read from a file.
    first_structure
        Number of the first structure there.

    Raises
    ------
    SpeciesError
        Names the first structure, and its file.
    """
    foreign = [symbol for symbol in dataset.species if symbol not in species]
    if not foreign:
        return
    structures = dataset.structures_with(foreign)
    first = dataset.select([structures[0]])
    if dataset.origins[structures[0]] is not None:
        name = dataset.name_of(int(structures[0]))
    elif len(dataset) == 1 and first_structure == 0:
        name = "the structure"
    else:
        name = f"structure {first_structure + structures[0]} of {whole}"
    others = f" (and {len(structures) - 1} more)" if len(structures) > 1 else ""
    raise SpeciesError(
        f"the potential knows {shown(species)} but {name}{others} contains "
        f"{shown(symbol for symbol in first.species if symbol in foreign)}; leave such "
        "structures out, or use a potential trained for these species"
    )
