"""Structures of a campaign: named ones that scenarios start from, and the first training set."""

from __future__ import annotations

from math import prod
from typing import Annotated, Literal

from pydantic import Field, model_validator

from maxvolt import limits
from maxvolt.campaign.settings.drawn_sections import BoxesTraining
from maxvolt.campaign.settings.sections import (
    Count,
    Name,
    Positive,
    Section,
    Symbol,
    within,
)

__all__ = [
    "BoxesTraining",
    "ChangesSection",
    "FileTraining",
    "PerturbationTraining",
    "RandomSection",
    "RandomTraining",
    "StructureSection",
    "TrainingSection",
]

Volume = Annotated[float, within(limits.VOLUME)]
Structures = Annotated[int, within(limits.STRUCTURES, whole=True)]
Atoms = Annotated[int, within(limits.RANDOM_ATOMS, whole=True)]


class ChangesSection(Section):
    """How copies of structures are changed: exchange, vacancies, strain, displacements."""

    copies: Structures = 1
    """How many to make of each structure."""
    exchange: dict[Symbol, Symbol] = Field(default_factory=dict)
    """What elements become: {Al = "Mg"}."""
    exchanges: Count = 1
    """How many atoms change their element, where `exchange` is given."""
    vacancies: int = Field(default=0, ge=0)
    """How many atoms to take out."""
    strain: Annotated[float, Field(ge=0, le=-limits.STRAIN.least)] = 0.0
    """Largest component of the strain."""
    volume: Annotated[float, Field(ge=0, lt=1)] | None = None
    """Largest relative change of the volume, where `strain` is given; by default not limited."""
    rattle: Annotated[float, Field(ge=0, le=limits.CUTOFF.most)] = 0.0
    """Standard deviation of each component of the displacements, Angstrom."""


class RandomSection(Section):
    """Random periodic structures of given composition with a shortest distance."""

    composition: dict[Symbol, Positive]
    """Share of each element: {Ti = 1, Al = 3}."""
    atoms: tuple[Atoms, Atoms]
    """Least and most atoms of a structure."""
    volume: tuple[Volume, Volume]
    """Least and largest volume of an atom, Angstrom^3."""
    count: Structures
    """How many to make."""
    minimum_distance: Positive | dict[str, Positive] | None = None
    """Shortest distance in Angstrom, one or by pair; by default 0.75 of the covalent radii."""

    @model_validator(mode="after")
    def _not_too_many(self) -> RandomSection:
        most = self.count * self.atoms[1]
        if not limits.ATOMS.holds(most):
            raise ValueError(
                f"count and atoms ask for up to {most} atoms; expected at most "
                f"{limits.ATOMS.most:g}: lower one of them"
            )
        return self


class StructureSection(Section):
    """A structure, or several: a file, a crystal or random ones, as they are or changed."""

    file: str | None = None
    """File of structures, relative to the campaign file."""
    index: str = ":"
    """Which structures of the file, as Python writes it: "0", "-1", "::10"."""
    crystal: Literal["sc", "fcc", "bcc", "hcp", "diamond", "zincblende", "rocksalt"] | None = None
    """Crystal structure, instead of a file."""
    species: Symbol | tuple[Symbol, Symbol] | None = None
    """Element of the crystal, or two for zincblende and rocksalt."""
    a: Positive | None = None
    """Lattice constant in Angstrom; by default that of the element."""
    c: Positive | None = None
    """Second lattice constant of hcp in Angstrom."""
    cubic: bool = True
    """Cubic cell (orthorhombic for hcp) instead of the primitive one."""
    random: RandomSection | None = None
    """Random structures, instead of a file; the same in all iterations."""
    repeat: tuple[Count, Count, Count] = (1, 1, 1)
    """Supercell, of at most a million cells."""
    changes: ChangesSection | None = None
    """Changes made to the structures; the same in all iterations."""

    @model_validator(mode="after")
    def _one_source(self) -> StructureSection:
        if (self.file, self.crystal, self.random).count(None) != 2:
            raise ValueError('give one of file = "...", crystal = "..." and random = {...}')
        if self.crystal is not None and self.species is None:
            raise ValueError('a crystal needs its element: species = "Al"')
        if not limits.STRUCTURES.holds(prod(self.repeat)):
            raise ValueError(
                f"repeat asks for {prod(self.repeat)} cells; expected at most "
                f"{limits.STRUCTURES.most:g}"
            )
        return self


class FileTraining(Section):
    """Structures of a file."""

    kind: Literal["file"]
    file: str
    """File of structures, relative to the campaign file."""
    index: str = ":"
    """Which structures of the file, as Python writes it: ":", "::10"."""
    labels: Literal["reference", "keep"] = "reference"
    """Label all with the reference, or keep the labels of the file, which then must be there."""


class PerturbationTraining(ChangesSection):
    """Changed copies of a named structure: exchange, vacancies, strain, displacements."""

    kind: Literal["perturbation"]
    structure: Name
    """Name of a table of [structures]."""


class RandomTraining(RandomSection):
    """Random periodic structures of given composition with a shortest distance."""

    kind: Literal["random"]


TrainingSection = Annotated[
    FileTraining | PerturbationTraining | RandomTraining | BoxesTraining,
    Field(discriminator="kind"),
]
