"""Several potentials of one kind: their mean, and their spread as its uncertainty."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from ase import Atoms

from maxvolt.dataset import Dataset
from maxvolt.errors import EvaluationError, MaxvoltError
from maxvolt.native.kernels import Energies
from maxvolt.native.neighborhoods import Neighborhoods
from maxvolt.potentials.mtp import MTP
from maxvolt.potentials.results import Evaluation, Predictions

__all__ = ["Ensemble", "ask_members", "member_paths"]

P = TypeVar("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ensemble:
    """Potentials of one kind, trained from different starts or on different weights of the data.

    Parameters
    ----------
    members
        At least one; all with the same species and cutoff.

    Raises
    ------
    MaxvoltError
        No members, or members that do not belong together.
    """

    members: tuple[MTP, ...]

    def __post_init__(self) -> None:
        if not self.members:
            raise MaxvoltError("an ensemble needs at least one potential")
        first = self.members[0]
        for member in self.members[1:]:
            if member.species != first.species or member.cutoff != first.cutoff:
                raise MaxvoltError(
                    "the potentials of an ensemble need the same species and cutoff; got "
                    f"{first.species}, {first.cutoff:g} A and {member.species}, {member.cutoff:g} A"
                )

    @property
    def species(self) -> tuple[str, ...]:
        """Symbols of the species."""
        return self.members[0].species

    @property
    def cutoff(self) -> float:
        """Cutoff, Angstrom."""
        return self.members[0].cutoff

    def evaluate_members(self, atoms: Atoms, *, threads: int | None = None) -> list[Evaluation]:
        """What every member says of a structure."""
        return ask_members(self.members, lambda one: one.evaluate(atoms, threads=threads))

    def evaluate(self, atoms: Atoms, *, threads: int | None = None) -> Evaluation:
        """Mean of the members."""
        found = self.evaluate_members(atoms, threads=threads)
        stresses = [one.stress for one in found if one.stress is not None]
        return Evaluation(
            float(np.mean([one.energy for one in found])),
            np.mean([one.forces for one in found], axis=0),
            np.mean(stresses, axis=0) if stresses else None,
            np.mean([one.site_energies for one in found], axis=0),
        )

    def evaluate_dataset(self, dataset: Dataset, *, threads: int | None = None) -> Predictions:
        """Mean of the members for every structure of a dataset."""
        found = ask_members(
            self.members, lambda one: one.evaluate_dataset(dataset, threads=threads)
        )
        return Predictions(
            np.mean([one.energies for one in found], axis=0),
            np.mean([one.forces for one in found], axis=0),
            np.mean([one.stresses for one in found], axis=0),
            np.mean([one.site_energies for one in found], axis=0),
        )

    def evaluate_neighborhoods(
        self, where: Neighborhoods, *, threads: int | None = None
    ) -> Energies:
        """Mean of the members for structures whose neighbours are known."""
        found = ask_members(
            self.members, lambda one: one.evaluate_neighborhoods(where, threads=threads)
        )
        return Energies(
            np.mean([one.site_energies for one in found], axis=0),
            np.mean([one.forces for one in found], axis=0),
            np.mean([one.virials for one in found], axis=0),
        )

    def write(self, path: str | Path) -> None:
        """Write one file a member: ``pot.0.mtp``, ``pot.1.mtp``, ... for ``pot.mtp``."""
        for member, target in zip(self.members, member_paths(path, len(self.members)), strict=True):
            member.write(target)


def member_paths(path: str | Path, members: int) -> list[Path]:
    """Files of an ensemble; a single potential keeps the path itself."""
    path = Path(path)
    if members == 1:
        return [path]
    return [path.with_name(f"{path.stem}.{m}{path.suffix}") for m in range(members)]


def ask_members(members: Sequence[P], question: Callable[[P], T]) -> list[T]:
    """What each of several potentials answers.

    Raises
    ------
    EvaluationError
        One of them has no finite answer; the message says which, counted from 0 as in the names of
        an ensemble's files.
    """
    answers = []
    for number, member in enumerate(members):
        try:
            answers.append(question(member))
        except EvaluationError as error:
            if len(members) == 1:
                raise
            raise EvaluationError(f"member {number} of the ensemble: {error}") from error
    return answers
