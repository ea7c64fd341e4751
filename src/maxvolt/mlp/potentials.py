"""Potentials, and structures for them, as MLIP has them: without names of elements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from maxvolt.dataset import Dataset
from maxvolt.errors import SpeciesError
from maxvolt.io.cfg_dataset import dataset_from_cfg
from maxvolt.io.cfg_record import CfgConfiguration
from maxvolt.io.cfg_types import SPECIES, with_index, without_names
from maxvolt.potentials import MTP
from maxvolt.potentials.mtp.conversion import model_of_file
from maxvolt.potentials.mtp.files.access import PotentialFile, read_potential_file
from maxvolt.unnamed_types import are_stand_ins, stand_ins

__all__ = ["TypedPotential", "read_trained", "read_typed", "typed"]


@dataclass(frozen=True, slots=True)
class TypedPotential:
    """A potential, and the types that its species have in files.

    Attributes
    ----------
    potential
        Its species are stand-ins (`maxvolt.unnamed_types`) where the file names none.
    labels
        Type of each species in .cfg files.
    path
        Where it was read.
    """

    potential: MTP
    labels: tuple[int, ...]
    path: Path

    def dataset(self, configurations: Sequence[CfgConfiguration], path: str | Path) -> Dataset:
        """Structures that the potential can be evaluated on.

        Types count; where both the file and the potential name elements, the names do.

        Parameters
        ----------
        configurations
            As they stand in a file.
        path
            The file, for messages.

        Raises
        ------
        SpeciesError
            A type or an element that the potential does not know.
        """
        species = self.potential.species
        names = not are_stand_ins(species)
        plain = []
        for number, one in enumerate(configurations):
            where = f"{path}: configuration {number}"
            if names and SPECIES in one.features:
                plain.append(_by_names(one, species, where))
            else:
                plain.append(with_index(without_names(one), self.labels, where))
        return dataset_from_cfg(plain, species, path=path).with_origins(path)


def read_typed(path: str | Path) -> TypedPotential:
    """Read a .mtp, .almtp or .als file, trained or not.

    Raises
    ------
    FileFormatError
        The file is no valid potential.
    """
    return typed(path, read_potential_file(path))


def typed(path: str | Path, file: PotentialFile) -> TypedPotential:
    """Make a potential of what a file says; types without names get stand-ins."""
    species = None if file.species is not None else stand_ins(file.species_count)
    potential = MTP.from_model(*model_of_file(path, file, species))
    labels = file.species_labels or tuple(range(file.species_count))
    return TypedPotential(potential, labels, Path(path))


def read_trained(path: str | Path) -> TypedPotential:
    """Read a potential that has coefficients.

    Raises
    ------
    MaxvoltError
        It is untrained.
    """
    found = read_typed(path)
    if not found.potential.is_trained:
        raise SpeciesError(f"{path}: this potential is untrained; train it first, with mlp train")
    return found


def _by_names(one: CfgConfiguration, species: tuple[str, ...], where: str) -> CfgConfiguration:
    """Types as the order of the potential, from the names in the file."""
    named = one.features[SPECIES].split()
    foreign = [symbol for symbol in named if symbol not in species]
    index = np.array([species.index(s) if s in species else -1 for s in named], np.int32)
    if len(one) and one.types.max() >= len(named):
        raise SpeciesError(f"{where} has atoms of type {one.types.max()}, but names {len(named)}")
    types = index[one.types] if len(one) else one.types
    if (types < 0).any():
        raise SpeciesError(
            f"{where} has atoms of {', '.join(foreign)}, but the potential knows only "
            f"{', '.join(species)}"
        )
    return without_names(replace(one, types=types))
