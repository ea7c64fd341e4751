"""Structures that a campaign file describes: named ones, and those of the first training set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import numpy as np
from ase.build import bulk
from numpy.typing import NDArray

from maxvolt.campaign.record.fingerprints import derived_seed
from maxvolt.campaign.settings.stages import Settings
from maxvolt.campaign.settings.structure_sections import (
    BoxesTraining,
    ChangesSection,
    FileTraining,
    PerturbationTraining,
    RandomSection,
    RandomTraining,
    StructureSection,
)
from maxvolt.dataset import Dataset
from maxvolt.errors import CampaignError, DataError
from maxvolt.io import read
from maxvolt.sampling import random_structures, rattle, strain, substitution, vacancy

__all__ = ["Structures", "bare"]

Source = FileTraining | PerturbationTraining | RandomTraining | BoxesTraining


@dataclass(frozen=True, slots=True)
class Structures:
    """Makes the structures of a campaign file, always the same ones.

    Attributes
    ----------
    sections
        Tables of [structures].
    root
        Folder that file names are relative to.
    species
        Elements of the potential, for files that name none.
    seed
        Of the campaign.
    """

    sections: Mapping[str, StructureSection]
    root: Path
    species: tuple[str, ...]
    seed: int
    _known: dict[str, Dataset] = field(default_factory=dict, init=False, repr=False, compare=False)

    @classmethod
    def of(cls, settings: Settings, root: Path) -> Self:
        """Take what the settings of a stage say."""
        return cls(settings.structures, root, settings.potential.species, settings.campaign.seed)

    def named(self, name: str) -> Dataset:
        """Make the structures of a table of [structures], once.

        Raises
        ------
        DataError
            The crystal cannot be built, the random structures do not fit; or what `maxvolt.read`
            raises for files.
        """
        if name not in self._known:
            self._known[name] = self._made(name)
        return self._known[name]

    def _made(self, name: str) -> Dataset:
        section = self.sections[name]
        seed = derived_seed(self.seed, "structures", name)
        if section.file is not None:
            path = self.root / section.file
            made = bare(read(path, index=section.index, species=self.species))
        elif section.random is not None:
            made = _random(section.random, derived_seed(seed, "random"))
        else:
            made = _crystal(section)
        if section.repeat != (1, 1, 1):
            made = Dataset.from_atoms([atoms * section.repeat for atoms in made])
        return made if section.changes is None else _changed(section.changes, made, seed)

    def of_sources(self, sources: Sequence[Source], seed: int) -> tuple[Dataset, list[bool]]:
        """Make the structures of [[training]] or [[validation]], in order.

        Parameters
        ----------
        sources
            The tables.
        seed
            Of the random ones.

        Returns
        -------
        structures
            Without labels where the reference is to give them.
        keep : list of bool
            Which of them keep the labels of their file.

        Raises
        ------
        CampaignError
            Labels are to be kept that are not there.
        DataError
            As of `named`.
        """
        parts: list[Dataset] = []
        keep: list[bool] = []
        for index, source in enumerate(sources):
            part, kept = self._of_source(source, derived_seed(seed, index))
            parts.append(part)
            keep += [kept] * len(part)
        return Dataset.concatenate(parts), keep

    def _of_source(self, source: Source, seed: int) -> tuple[Dataset, bool]:
        """Structures of one source, and whether their labels count."""
        if isinstance(source, FileTraining):
            return self._read(source)
        if isinstance(source, PerturbationTraining):
            return _changed(source, self.named(source.structure), seed), False
        if isinstance(source, BoxesTraining):
            return source.boxes().draw(source.count, seed=seed), False
        return _random(source, seed), False

    def _read(self, source: FileTraining) -> tuple[Dataset, bool]:
        path = self.root / source.file
        structures = read(path, index=source.index, species=self.species)
        if source.labels == "reference":
            return bare(structures), False
        if not (structures.has_energy & structures.has_forces).all():
            raise CampaignError(
                f"{path}: some structures have no energy or no forces, and the labels of the file "
                'are to be kept; write labels = "reference" to compute them'
            )
        return structures, True


def _crystal(section: StructureSection) -> Dataset:
    names = (section.species,) if isinstance(section.species, str) else section.species
    assert names is not None
    cubic = {"orthorhombic" if section.crystal == "hcp" else "cubic": section.cubic}
    try:
        crystal = bulk("".join(names), section.crystal, a=section.a, c=section.c, **cubic)
    except (ValueError, RuntimeError, NotImplementedError) as error:
        raise DataError(
            f"ASE cannot build {section.crystal} of {' and '.join(names)}: {error}"
        ) from error
    return Dataset.from_atoms([crystal])


def _random(section: RandomSection, seed: int) -> Dataset:
    return random_structures(
        section.composition,
        section.atoms,
        section.volume,
        count=section.count,
        minimum_distance=section.minimum_distance,
        seed=seed,
    )


def _changed(section: ChangesSection, structures: Dataset, seed: int) -> Dataset:
    made = Dataset.concatenate([structures] * section.copies)
    if section.exchange:
        made = substitution(made, section.exchange, section.exchanges, seed=derived_seed(seed, 1))
    if section.vacancies:
        made = vacancy(made, section.vacancies, seed=derived_seed(seed, 2))
    if section.strain:
        made = strain(made, section.strain, volume=section.volume, seed=derived_seed(seed, 3))
    if section.rattle:
        made = rattle(made, section.rattle, seed=derived_seed(seed, 4))
    return made


def bare(dataset: Dataset, positions: NDArray[np.float64] | None = None) -> Dataset:
    """Return the structures without their labels, their atoms at other positions if given."""
    return Dataset.from_arrays(
        dataset.offsets,
        dataset.numbers,
        dataset.positions if positions is None else positions,
        dataset.cells,
        dataset.pbc,
        weights=dataset.weights,
        groups=dataset.groups,
        infos=dataset.infos,
    )
