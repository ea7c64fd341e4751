"""Files that a command reads: potentials told from structures, and what is missing named."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from maxvolt.errors import DataError, MaxvoltError, SpeciesError
from maxvolt.unnamed_types import shown

if TYPE_CHECKING:
    from maxvolt.dataset import Dataset

__all__ = [
    "check_is_structures",
    "check_order",
    "check_species",
    "is_potential",
    "read_structures",
]


def is_potential(path: Path) -> bool:
    """Whether a file is a potential of any family, by its name or how it begins."""
    from maxvolt.potentials.families import family_of_file

    return family_of_file(path) is not None


def check_is_structures(path: Path) -> None:
    """Refuse a potential where structures are expected."""
    if path.exists() and is_potential(path):
        raise DataError(f"{path}: this is a potential; expected a file of structures")


def check_order(potential: Path, data: Path) -> None:
    """Say so where a potential and structures are given in the wrong order."""
    if potential.exists() and not is_potential(potential) and is_potential(data):
        raise MaxvoltError(
            f"{data} is a potential and {potential} is not: "
            "the potential comes first, then the structures"
        )


def read_structures(path: Path, species: tuple[str, ...] | None) -> Dataset:
    """Read structures, of which there must be at least one."""
    from maxvolt.io import read

    check_is_structures(path)
    dataset = read(path, species=species)
    if not len(dataset):
        raise DataError(
            f"{path}: holds no structure that can be used; expected at least one (a .cfg file has "
            "them between BEGIN_CFG and END_CFG; steps of VASP that did not converge are left out, "
            "'maxvolt convert --keep-unconverged' keeps them)"
        )
    return dataset


def check_species(path: Path, dataset: Dataset, known: tuple[str, ...]) -> None:
    """Refuse structures with elements that a potential does not know."""
    foreign = [symbol for symbol in dataset.species if symbol not in known]
    if not foreign:
        return
    structures = dataset.structures_with(foreign)
    others = len(structures) - 1
    also = f" (and {others} more)" if others else ""
    raise SpeciesError(
        f"{path}, structure {structures[0]}{also} of {len(dataset)}, counted from 0: contains "
        f"{shown(foreign)}, but the potential knows only {shown(known)}; leave such "
        "structures out, or use a potential that knows these elements"
    )
