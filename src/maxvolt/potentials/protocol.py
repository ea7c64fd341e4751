"""The contract of potentials: what everything that is not about one family works on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol, Self, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from maxvolt.dataset import Dataset, StructureLike
from maxvolt.neighbors.neighborhoods import Neighborhoods
from maxvolt.potentials.results import Energies, Evaluation, Precision, Predictions

__all__ = [
    "DescribesSites",
    "EvaluatesTogether",
    "GradesSites",
    "HasMembers",
    "ParameterGradients",
    "Potential",
    "SharesVirials",
    "SiteGrader",
    "Trainable",
]


@runtime_checkable
class Potential(Protocol):
    """An immutable interatomic potential, or several as one.

    A family derives from `maxvolt.potentials.evaluation.NeighborhoodPotential`, which gives all
    but `species`, `cutoff`, `digest`, `evaluate_neighborhoods` and `write`.
    """

    @property
    def species(self) -> tuple[str, ...]:
        """Symbols of the species it describes, in the order of its types."""
        ...

    @property
    def cutoff(self) -> float:
        """Largest distance of interacting neighbours, Angstrom."""
        ...

    @property
    def digest(self) -> str:
        """Name of its numbers and species: potentials that differ in any have different digests."""
        ...

    def check_options(self, *, threads: int | None, precision: str = "double") -> None:
        """Refuse numbers of threads and precisions that are not possible, before any work."""
        ...

    def neighborhoods(
        self, structures: Dataset | StructureLike | Iterable[StructureLike]
    ) -> Neighborhoods:
        """Structures with all neighbours inside the cutoff."""
        ...

    def evaluate_neighborhoods(
        self,
        neighborhoods: Neighborhoods,
        *,
        threads: int | None = None,
        precision: Precision = "double",
    ) -> Energies:
        """Energies, forces and virials; neighbours beyond the cutoff are skipped.

        Raises
        ------
        DataError
            Two atoms coincide.
        EvaluationError
            An energy or a force is not finite.
        """
        ...

    def evaluate(
        self, atoms: StructureLike, *, threads: int | None = None, precision: Precision = "double"
    ) -> Evaluation:
        """Energy, forces, stress and site energies of one structure."""
        ...

    def evaluate_dataset(
        self,
        dataset: Dataset | Iterable[StructureLike],
        *,
        threads: int | None = None,
        precision: Precision = "double",
        first_structure: int = 0,
    ) -> Predictions:
        """The same for every structure of a dataset; its labels are not looked at.

        Messages count structures from `first_structure`.
        """
        ...

    def write(self, path: str | Path) -> None:
        """Write the potential to a file that `maxvolt.load` reads."""
        ...


@runtime_checkable
class HasMembers(Protocol):
    """Capability: uncertainty. Several potentials whose spread tells how sure their mean is."""

    @property
    def members(self) -> Sequence[Potential]:
        """The potentials, at least one."""
        ...


@runtime_checkable
class EvaluatesTogether(Potential, Protocol):
    """Capability: several that are alike are evaluated with work in common."""

    def shares_with(self, other: Potential) -> bool:
        """Whether another is enough alike."""
        ...

    def evaluate_together(
        self,
        members: Sequence[Self],
        neighborhoods: Neighborhoods,
        *,
        mean: bool = False,
        threads: int | None = None,
        precision: Precision = "double",
    ) -> list[Energies]:
        """What each of these says, or one entry, their mean; numbers that are not finite stay.

        Raises
        ------
        DataError
            Two atoms coincide.
        """
        ...


@runtime_checkable
class SharesVirials(Protocol):
    """Capability: a virial for each atom."""

    def atomic_virials(
        self, neighborhoods: Neighborhoods, *, threads: int | None = None
    ) -> NDArray[np.float64]:
        """Share of each atom in the virial, equation (13a), shape (N, 3, 3), eV."""
        ...


@runtime_checkable
class DescribesSites(Potential, Protocol):
    """Capability: numbers that say which neighbours an atom has, for maps of environments."""

    def site_features(
        self, neighborhoods: Neighborhoods, *, threads: int | None = None
    ) -> NDArray[np.float64]:
        """Features of the neighbourhood of every atom, equation (189), shape (N, F)."""
        ...


@runtime_checkable
class Trainable(Potential, Protocol):
    """Capability: it has P parameters, which a fit finds."""

    @property
    def n_parameters(self) -> int:
        """Number of parameters P."""
        ...

    @property
    def is_trained(self) -> bool:
        """Whether the parameters have values, without which it says nothing."""
        ...


@runtime_checkable
class ParameterGradients(Trainable, Protocol):
    """Capability: gradients by P parameters, the rows of D-optimality, equations (36) and (37)."""

    def largest_rank(self, *, of_sites: bool) -> int:
        """Number of independent gradients that structures, or their atoms, can have."""
        ...

    def site_gradients(
        self, neighborhoods: Neighborhoods, *, threads: int | None = None
    ) -> NDArray[np.float64]:
        """Gradient of every site energy, shape (N, P)."""
        ...

    def structure_gradients(
        self, neighborhoods: Neighborhoods, *, threads: int | None = None
    ) -> NDArray[np.float64]:
        """Gradient of the energy of every structure, shape (n, P)."""
        ...

    def evaluate_with_gradients(
        self, neighborhoods: Neighborhoods, *, of_sites: bool, threads: int | None = None
    ) -> tuple[Energies, NDArray[np.float64]]:
        """Energies and forces together with one of the two above, in one pass."""
        ...

    def force_and_virial_gradients(
        self, neighborhoods: Neighborhoods
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Gradients of forces, shape (N, 3, P), and of virials, shape (n, 6, P)."""
        ...


class SiteGrader(Protocol):
    """Grades atoms in one pass with the forces, without their rows in memory."""

    def grades(
        self, neighborhoods: Neighborhoods, *, threads: int | None = None
    ) -> NDArray[np.float64]:
        """Largest coordinate of the row of each atom, equation (37), shape (N,)."""
        ...

    def evaluate(
        self, neighborhoods: Neighborhoods, *, threads: int | None = None
    ) -> tuple[Energies, NDArray[np.float64]]:
        """Energies and forces together with them."""
        ...


@runtime_checkable
class GradesSites(ParameterGradients, Protocol):
    """Capability: it grades atoms itself, faster than by rows."""

    def site_grader(self, inverse: NDArray[np.float64]) -> SiteGrader:
        """Give what grades by the inverse of the matrix of active rows, shape (P, P)."""
        ...
