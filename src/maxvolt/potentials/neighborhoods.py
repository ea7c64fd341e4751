"""From structures to what the kernels run over: species indices, neighbours, bounded portions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers, chemical_symbols
from numpy.typing import NDArray

from maxvolt.dataset import Dataset
from maxvolt.errors import DataError, SpeciesError
from maxvolt.native.neighborhoods import Neighborhoods
from maxvolt.neighbors import build_neighbors, concatenate_neighbors

__all__ = [
    "batches",
    "check_known_species",
    "check_species",
    "dataset_neighborhoods",
    "portions",
    "species_types",
]


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
            chemical_symbols[z] if 0 < z < len(chemical_symbols) else f"atomic number {z}"
            for z in unknown
        )
        raise SpeciesError(
            f"the potential knows {', '.join(species)} but the structure contains {names}; "
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
        f"the potential knows {', '.join(species)} but {name}{others} contains "
        f"{', '.join(symbol for symbol in first.species if symbol in foreign)}; leave such "
        "structures out, or use a potential trained for these species"
    )


def dataset_neighborhoods(
    dataset: Dataset, species: tuple[str, ...], cutoff: float, *, first_structure: int = 0
) -> Neighborhoods:
    """All structures of a dataset with their neighbours.

    Parameters
    ----------
    dataset
        Structures.
    species
        Symbols of the potential, in its order.
    cutoff : float, Angstrom
        Largest distance.
    first_structure
        Number of the first structure in messages, where `dataset` is a part of another.

    Raises
    ------
    SpeciesError
        An unknown species.
    DataError
        Positions or a cell that cannot be searched; the message names the structure.
    """
    check_known_species(dataset, species, first_structure=first_structure)
    lists = []
    for s in range(len(dataset)):
        atoms = slice(dataset.offsets[s], dataset.offsets[s + 1])
        try:
            lists.append(
                build_neighbors(dataset.positions[atoms], dataset.cells[s], dataset.pbc[s], cutoff)
            )
        except DataError as error:
            known = dataset.origins[s] is not None
            name = dataset.name_of(s) if known else f"structure {first_structure + s}"
            raise DataError(f"{name}: {error}") from error
    cells = np.where(dataset.pbc[:, :, None], dataset.cells, 0.0)
    return Neighborhoods(
        positions=dataset.positions,
        cells=cells,
        structures=dataset.structure_of_atom.astype(np.int32),
        types=species_types(dataset.numbers, species),
        pairs=concatenate_neighbors(lists),
        first_structure=first_structure,
    )


def batches(stream: Iterable[Dataset | Atoms], atoms: int) -> Iterator[Dataset]:
    """Gather single structures of a stream to datasets of about so many atoms; keep the order."""
    single: list[Atoms] = []
    size = 0
    for item in stream:
        if isinstance(item, Atoms):
            single.append(item)
            size += len(item)
        if single and (size >= atoms or not isinstance(item, Atoms)):
            yield Dataset.from_atoms(single)
            single, size = [], 0
        if not isinstance(item, Atoms):
            yield item
    if single:
        yield Dataset.from_atoms(single)


def portions(counts: NDArray[np.int64], atoms: int) -> Iterator[slice]:
    """Split structures into consecutive portions of so many atoms, at least one structure each.

    Parameters
    ----------
    counts : shape (n,)
        Atoms of each structure.
    atoms
        Atoms of a portion; a larger structure is a portion of its own.
    """
    begin, total = 0, 0
    for s, count in enumerate(counts.tolist()):
        if s > begin and total + count > atoms:
            yield slice(begin, s)
            begin, total = s, 0
        total += count
    if begin < len(counts):
        yield slice(begin, len(counts))
