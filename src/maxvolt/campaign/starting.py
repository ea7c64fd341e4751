"""Structures that a campaign file describes: named ones, and those of the first training set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ase.build import bulk

from maxvolt.campaign.seeds import derived_seed
from maxvolt.campaign.structure_sections import (
    FileTraining,
    PerturbationTraining,
    RandomTraining,
    StructureSection,
)
from maxvolt.dataset import Dataset
from maxvolt.errors import CampaignError, DataError
from maxvolt.io import read
from maxvolt.sampling import random_structures, rattle, strain, substitution, vacancy

__all__ = ["named_structures", "training_structures"]

Source = FileTraining | PerturbationTraining | RandomTraining


def named_structures(section: StructureSection, root: Path, species: Sequence[str]) -> Dataset:
    """Structures of a table of [structures].

    Parameters
    ----------
    section
        The table.
    root
        Folder that file names are relative to.
    species
        Elements, for files that name none.

    Raises
    ------
    DataError
        The crystal cannot be built; or what `maxvolt.read` raises for files.
    """
    if section.file is not None:
        dataset = read(root / section.file, index=section.index, species=tuple(species))
        structures = [atoms * section.repeat for atoms in dataset]
    else:
        names = (section.species,) if isinstance(section.species, str) else section.species
        assert names is not None
        cubic = {"orthorhombic" if section.crystal == "hcp" else "cubic": section.cubic}
        try:
            crystal = bulk("".join(names), section.crystal, a=section.a, c=section.c, **cubic)
        except (ValueError, RuntimeError, NotImplementedError) as error:
            raise DataError(
                f"ASE cannot build {section.crystal} of {' and '.join(names)}: {error}"
            ) from error
        structures = [crystal * section.repeat]
    return Dataset.from_atoms(structures)


def training_structures(
    sources: Sequence[Source],
    named: Mapping[str, StructureSection],
    root: Path,
    species: Sequence[str],
    seed: int,
) -> tuple[Dataset, list[bool]]:
    """Structures of all sources, in order.

    Parameters
    ----------
    sources
        Tables of [[training]] or [[validation]].
    named
        Tables of [structures].
    root, species
        As of `named_structures`.
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
    """
    parts: list[Dataset] = []
    keep: list[bool] = []
    for index, source in enumerate(sources):
        part, kept = _made(source, named, root, species, derived_seed(seed, index))
        parts.append(part)
        keep += [kept] * len(part)
    return Dataset.concatenate(parts), keep


def _made(
    source: Source,
    named: Mapping[str, StructureSection],
    root: Path,
    species: Sequence[str],
    seed: int,
) -> tuple[Dataset, bool]:
    """Structures of one source, and whether their labels count."""
    if isinstance(source, FileTraining):
        return _read(source, root, species)
    if isinstance(source, PerturbationTraining):
        structures = named_structures(named[source.structure], root, species)
        return _perturbed(source, structures, seed), False
    made = random_structures(
        source.composition,
        source.atoms,
        source.volume,
        count=source.count,
        minimum_distance=source.minimum_distance,
        seed=seed,
    )
    return made, False


def _read(source: FileTraining, root: Path, species: Sequence[str]) -> tuple[Dataset, bool]:
    path = root / source.file
    structures = read(path, index=source.index, species=tuple(species))
    if source.labels == "reference":
        return _bare(structures), False
    if not (structures.has_energy & structures.has_forces).all():
        raise CampaignError(
            f"{path}: some structures have no energy or no forces, and the labels of the file are "
            'to be kept; write labels = "reference" to compute them'
        )
    return structures, True


def _perturbed(source: PerturbationTraining, structures: Dataset, seed: int) -> Dataset:
    made = Dataset.concatenate([structures] * source.copies)
    if source.exchange:
        made = substitution(made, source.exchange, source.exchanges, seed=derived_seed(seed, 1))
    if source.vacancies:
        made = vacancy(made, source.vacancies, seed=derived_seed(seed, 2))
    if source.strain:
        made = strain(made, source.strain, volume=source.volume, seed=derived_seed(seed, 3))
    if source.rattle:
        made = rattle(made, source.rattle, seed=derived_seed(seed, 4))
    return made


def _bare(dataset: Dataset) -> Dataset:
    """The structures without their labels."""
    return Dataset.from_arrays(
        dataset.offsets,
        dataset.numbers,
        dataset.positions,
        dataset.cells,
        dataset.pbc,
        weights=dataset.weights,
        groups=dataset.groups,
        infos=dataset.infos,
    )
