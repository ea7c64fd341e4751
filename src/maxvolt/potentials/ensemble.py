"""Several potentials for the same elements: their mean, and their spread as its uncertainty."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from maxvolt.errors import DataError, EvaluationError, MaxvoltError
from maxvolt.neighbors.neighborhoods import Neighborhoods
from maxvolt.potentials.evaluation import NeighborhoodPotential
from maxvolt.potentials.families import member_paths, title_of
from maxvolt.potentials.protocol import (
    EvaluatesTogether,
    HasMembers,
    Potential,
    SharesVirials,
)
from maxvolt.potentials.refusals import check_finite
from maxvolt.potentials.results import Energies, Evaluation, Precision

__all__ = [
    "Ensemble",
    "ask_members",
    "joined",
    "mean_of",
    "members_of",
    "spread_of",
    "spreads_of_members",
    "types_for",
]

P = TypeVar("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True, eq=False)
class Ensemble(NeighborhoodPotential):
    """Potentials for the same elements, of one family or of several.

    Energies, forces and stresses are means over the members.

    Parameters
    ----------
    members
        At least one; all with the same elements, in whatever order.

    Raises
    ------
    MaxvoltError
        No members, or members that do not belong together.
    """

    members: tuple[Potential, ...]

    def __post_init__(self) -> None:
        if not self.members:
            raise MaxvoltError("an ensemble needs at least one potential")
        first = self.members[0]
        for member in self.members[1:]:
            if set(member.species) != set(first.species):
                raise MaxvoltError(
                    "the potentials of an ensemble need the same elements; got "
                    f"{', '.join(first.species)} and {', '.join(member.species)}"
                )

    @property
    def species(self) -> tuple[str, ...]:  # type: ignore[override]
        """Symbols of the species, in the order of the first member."""
        return self.members[0].species

    @property
    def cutoff(self) -> float:
        """The longest cutoff of a member, Angstrom."""
        return max(member.cutoff for member in self.members)

    @property
    def digest(self) -> str:
        """Name of all members' numbers."""
        text = " ".join(member.digest for member in self.members)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def check_options(self, *, threads: int | None, precision: str = "double") -> None:
        """Refuse what one of the members refuses."""
        for member in self.members:
            member.check_options(threads=threads, precision=precision)

    def member_neighborhoods(self, neighborhoods: Neighborhoods) -> list[Neighborhoods]:
        """The same structures with the types of each member, for those of the ensemble."""
        return [types_for(neighborhoods, self.species, one.species) for one in self.members]

    def evaluate_members(self, atoms: Atoms, *, threads: int | None = None) -> list[Evaluation]:
        """What every member says of a structure."""
        return ask_members(self.members, lambda one: one.evaluate(atoms, threads=threads))

    def evaluate_each(
        self,
        neighborhoods: Neighborhoods,
        *,
        threads: int | None = None,
        precision: Precision = "double",
    ) -> list[Energies]:
        """What every member says of structures whose neighbours are known."""
        if (alike := self._alike) is not None:
            self.check_options(threads=threads, precision=precision)
            each = alike[0].evaluate_together(
                alike, neighborhoods, threads=threads, precision=precision
            )
            return ask_members(each, lambda one: check_finite(one, neighborhoods))
        asked = list(zip(self.members, self.member_neighborhoods(neighborhoods), strict=True))
        return ask_members(
            asked,
            lambda one: one[0].evaluate_neighborhoods(one[1], threads=threads, precision=precision),
        )

    def evaluate_neighborhoods(
        self,
        neighborhoods: Neighborhoods,
        *,
        threads: int | None = None,
        precision: Precision = "double",
    ) -> Energies:
        """Mean of the members for structures whose neighbours are known."""
        if (alike := self._alike) is not None:
            self.check_options(threads=threads, precision=precision)
            (mean,) = alike[0].evaluate_together(
                alike, neighborhoods, mean=True, threads=threads, precision=precision
            )
            if all(np.isfinite(v).all() for v in (mean.site_energies, mean.forces, mean.virials)):
                return mean
            # Each alone tells which member it is.
        return joined(
            self.evaluate_each(neighborhoods, threads=threads, precision=precision), mean_of
        )

    @property
    def _alike(self) -> tuple[EvaluatesTogether, ...] | None:
        """Members where all can be evaluated together, with the types of the first."""
        first, found = self.members[0], []
        for member in self.members:
            if not isinstance(first, EvaluatesTogether) or not first.shares_with(member):
                return None
            assert isinstance(member, EvaluatesTogether)
            found.append(member)
        return tuple(found) if len(found) > 1 else None

    def atomic_virials(
        self, neighborhoods: Neighborhoods, *, threads: int | None = None
    ) -> NDArray[np.float64]:
        """Mean of the members' shares of each atom in the virial, equation (13a), (N, 3, 3), eV.

        Raises
        ------
        MaxvoltError
            A member does not share out its virial.
        """
        shares = []
        for member, own in zip(self.members, self.member_neighborhoods(neighborhoods), strict=True):
            if not isinstance(member, SharesVirials):
                raise MaxvoltError(
                    f"a member ({title_of(member)}) does not share out its virial among atoms"
                )
            shares.append(member.atomic_virials(own, threads=threads))
        return mean_of(shares)

    def write(self, path: str | Path) -> None:
        """Write one file per member: ``pot.0.mtp``, ``pot.1.mtp``, ... for ``pot.mtp``.

        Raises
        ------
        DataError
            The members are of several families, whose files have different names.
        """
        families = {title_of(member) for member in self.members}
        if len(families) > 1:
            raise DataError(
                f"{path}: the members are of several families ({', '.join(sorted(families))}); "
                "write each member to a file of its own, and give maxvolt.load the list of files"
            )
        for member, target in zip(self.members, member_paths(path, len(self.members)), strict=True):
            member.write(target)


def members_of(potential: Potential | HasMembers) -> tuple[Potential, ...]:
    """Give the potentials of an ensemble, or the one there is.

    Raises
    ------
    MaxvoltError
        The ensemble is empty.
    """
    if isinstance(potential, HasMembers):
        members = tuple(potential.members)
        if not members:
            raise MaxvoltError("the ensemble has no member")
        return members
    return (potential,)


def joined(
    each: Sequence[Energies], how: Callable[[Sequence[NDArray[np.float64]]], NDArray[np.float64]]
) -> Energies:
    """Mean or spread, as `how` says, of what several potentials say of the same structures."""
    return Energies(
        how([one.site_energies for one in each]),
        how([one.forces for one in each]),
        how([one.virials for one in each]),
    )


def mean_of(values: Sequence[NDArray[np.float64]] | NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean over members, which come first."""
    return np.asarray(np.mean(values, axis=0))


def spread_of(values: Sequence[NDArray[np.float64]] | NDArray[np.float64]) -> NDArray[np.float64]:
    """Sample standard deviation over members, which come first; of at least two."""
    return np.asarray(np.std(values, axis=0, ddof=1))


def spreads_of_members(
    neighborhoods: Neighborhoods, each: Sequence[Energies]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Spread over members of energies, shape (n,), and length of that of forces, shape (N,).

    Parameters
    ----------
    neighborhoods
        n structures with N atoms.
    each
        What at least two members say of them.

    Returns
    -------
    energies : shape (n,), eV
    forces : shape (N,), eV/Angstrom
    """
    n = neighborhoods.n_structures
    totals = [np.bincount(neighborhoods.structures, e.site_energies, minlength=n) for e in each]
    of_forces = np.linalg.norm(spread_of([one.forces for one in each]), axis=-1)
    return spread_of(np.array(totals, dtype=float)), np.asarray(of_forces)


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


def types_for(
    neighborhoods: Neighborhoods, species: tuple[str, ...], wanted: tuple[str, ...]
) -> Neighborhoods:
    """The same structures with types in the order of other species."""
    if species == wanted:
        return neighborhoods
    order = np.array([wanted.index(symbol) for symbol in species], np.int32)
    return neighborhoods.with_types(order[neighborhoods.types])
