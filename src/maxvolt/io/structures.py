"""Structures however they are given: in memory, or as the paths of files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from ase import Atoms

from maxvolt.dataset import Dataset, StructureLike, atoms_like
from maxvolt.errors import DataError
from maxvolt.io.formats import read

__all__ = ["Structures", "structures_of"]

_One = Dataset | StructureLike | str | PathLike[str]
Structures = _One | Iterable[_One]


def structures_of(
    given: Structures, species: Sequence[str] | None = None, *, name: str = "dataset"
) -> Dataset:
    """Give structures as a dataset.

    Parameters
    ----------
    given
        A `Dataset`, one `ase.Atoms` or structure of pymatgen, the path of a file, or several of
        these.
    species
        Symbols by type, for files that name no elements (MLIP's .cfg).
    name
        Of the argument, for the message.

    Raises
    ------
    DataError
        What is given is nothing of the kind; a file that cannot be used.
    """
    if isinstance(given, Dataset):
        return given
    return Dataset.concatenate(list(_datasets(given, species, name)))


def _datasets(given: Any, species: Sequence[str] | None, name: str) -> Iterator[Dataset]:
    alone = isinstance(given, str | PathLike | dict) or atoms_like(given) is not None
    single: list[Atoms] = []
    for item in given if isinstance(given, Iterable) and not alone else [given]:
        if (atoms := atoms_like(item)) is not None:
            single.append(atoms)
            continue
        if single:
            yield Dataset.from_atoms(single)
            single = []
        if isinstance(item, Dataset):
            yield item
        elif isinstance(item, str | PathLike):
            yield read(Path(item), species=species)
        else:
            raise DataError(
                f"{name}: expected structures (a maxvolt.Dataset, ase.Atoms, the path of a file, "
                f"or several of these); got {type(item).__name__} {item!r:.60}"
            )
    if single:
        yield Dataset.from_atoms(single)
