"""Numbers that tell something of the error of a prediction, each in a unit of its own.

A measure gives one number for each structure and one for each atom, the larger the less the
prediction can be trusted. `maxvolt.uncertainty.calibration` makes errors in eV/A and eV/atom of
them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from maxvolt.errors import DataError, EvaluationError
from maxvolt.neighbors.neighborhoods import Neighborhoods
from maxvolt.potentials import Ensemble, Potential
from maxvolt.potentials.ensemble import members_of, spreads_of_members
from maxvolt.potentials.results import Energies
from maxvolt.selection import ActiveSet
from maxvolt.selection.grades import Grades, first_not_finite
from maxvolt.uncertainty.posterior import Deviations, Posterior

__all__ = [
    "CommitteeMeasure",
    "EvaluatingMeasure",
    "ForceDeviationMeasure",
    "GradeMeasure",
    "Measure",
    "Measured",
    "PosteriorMeasure",
]


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """What a measure says of n structures with N atoms.

    Attributes
    ----------
    structures : shape (n,)
    sites : shape (N,)
    """

    structures: NDArray[np.float64]
    sites: NDArray[np.float64]


@runtime_checkable
class Measure(Protocol):
    """Measures how far predictions can be trusted."""

    @property
    def name(self) -> str:
        """How tables call it."""
        ...

    @property
    def units(self) -> str:
        """Unit of the numbers of atoms; "" where they have none."""
        ...

    @property
    def species(self) -> tuple[str, ...]:
        """Symbols of the species it knows, in the order of its types."""
        ...

    @property
    def cutoff(self) -> float:
        """Largest distance of neighbours that count, Angstrom."""
        ...

    @property
    def members(self) -> tuple[Potential, ...]:
        """The potentials that it asks."""
        ...

    def measure_neighborhoods(
        self,
        neighborhoods: Neighborhoods,
        energies: Sequence[Energies] | None = None,
        *,
        threads: int | None = None,
    ) -> Measured:
        """Measure structures whose neighbours are known, with the types of `species`.

        Parameters
        ----------
        neighborhoods
            Structures and neighbours.
        energies
            What `members` say of them, one entry each, where that is known.
        threads
            Number of threads; None for every core.

        Raises
        ------
        EvaluationError
            A number is not finite.
        """
        ...


@runtime_checkable
class EvaluatingMeasure(Measure, Protocol):
    """Capability: it evaluates its potential in the pass in which it measures."""

    def evaluate_neighborhoods(
        self, neighborhoods: Neighborhoods, *, threads: int | None = None
    ) -> tuple[tuple[Energies, ...], Measured]:
        """What `members` say of structures, and what `measure_neighborhoods` does."""
        ...


class _Asking:
    """What a measure says of itself because the potentials that it asks say so."""

    __slots__ = ()

    @property
    def _asked(self) -> Potential | ActiveSet:
        raise NotImplementedError

    @property
    def species(self) -> tuple[str, ...]:
        """Symbols of the species of the potentials, in the order of their types."""
        return self._asked.species

    @property
    def cutoff(self) -> float:
        """Longest cutoff of the potentials, Angstrom."""
        return self._asked.cutoff

    @property
    def members(self) -> tuple[Potential, ...]:
        """The potentials that it asks."""
        asked = self._asked
        return asked.members if isinstance(asked, ActiveSet) else members_of(asked)


@dataclass(frozen=True, slots=True, eq=False)
class GradeMeasure(_Asking):
    """The extrapolation grade of an active set.

    In neighbourhood mode each atom has its own, and a structure the largest of its atoms; in
    configuration mode a structure has one, which stands for each of its atoms.

    Parameters
    ----------
    active_set
        Of the potential whose errors are wanted.
    """

    active_set: ActiveSet

    @property
    def name(self) -> str:
        """How tables call it."""
        return "grade"

    @property
    def units(self) -> str:
        """None."""
        return ""

    @property
    def _asked(self) -> ActiveSet:
        return self.active_set

    def measure_neighborhoods(
        self,
        neighborhoods: Neighborhoods,
        energies: Sequence[Energies] | None = None,
        *,
        threads: int | None = None,
    ) -> Measured:
        """Grades; `energies` are not needed."""
        return _of_grades(
            self.active_set.grade_neighborhoods(neighborhoods, threads=threads), neighborhoods
        )

    def evaluate_neighborhoods(
        self, neighborhoods: Neighborhoods, *, threads: int | None = None
    ) -> tuple[tuple[Energies, ...], Measured]:
        """Energies, forces and grades, in one pass over the neighbours."""
        energies, grades = self.active_set.evaluate_neighborhoods(neighborhoods, threads=threads)
        return energies, _of_grades(grades, neighborhoods)


@dataclass(frozen=True, slots=True, eq=False)
class PosteriorMeasure(_Asking):
    """Standard deviations by a posterior: of site energies, and of energies per atom.

    Parameters
    ----------
    posterior
        Of the potential whose errors are wanted.
    """

    posterior: Posterior

    @property
    def name(self) -> str:
        """How tables call it."""
        return "posterior"

    @property
    def units(self) -> str:
        """Of a site energy."""
        return "eV"

    @property
    def _asked(self) -> Potential:
        return self.posterior.potential

    def measure_neighborhoods(
        self,
        neighborhoods: Neighborhoods,
        energies: Sequence[Energies] | None = None,
        *,
        threads: int | None = None,
    ) -> Measured:
        """Standard deviations; `energies` are not needed."""
        gradients = self.posterior.potential.site_gradients(neighborhoods, threads=threads)
        return self._of_gradients(gradients, neighborhoods)

    def evaluate_neighborhoods(
        self, neighborhoods: Neighborhoods, *, threads: int | None = None
    ) -> tuple[tuple[Energies, ...], Measured]:
        """Energies and forces together with the gradients of site energies, in one pass."""
        energies, gradients = self.posterior.potential.evaluate_with_gradients(
            neighborhoods, of_sites=True, threads=threads
        )
        return (energies,), self._of_gradients(gradients, neighborhoods)

    def _of_gradients(
        self, gradients: NDArray[np.float64], neighborhoods: Neighborhoods
    ) -> Measured:
        """Deviations from gradients of site energies, shape (N, P)."""
        found = self.posterior.deviations_of(gradients, neighborhoods)
        per_atom = found.structures / _counts(neighborhoods)
        sites = self._of_sites(found, neighborhoods)
        return _finite(Measured(per_atom, sites), neighborhoods, self.name)

    def _of_sites(self, found: Deviations, neighborhoods: Neighborhoods) -> NDArray[np.float64]:
        return found.sites


@dataclass(frozen=True, slots=True, eq=False)
class ForceDeviationMeasure(PosteriorMeasure):
    """Standard deviations by a posterior: of the forces themselves, and of energies per atom.

    Those of forces are by the linear parameters, see `Posterior.linear_force_deviations`: what
    samples of the posterior spread, without their noise. Some ten times slower than
    `PosteriorMeasure`.
    """

    @property
    def name(self) -> str:
        """How tables call it."""
        return "posterior forces"

    @property
    def units(self) -> str:
        """Of a force."""
        return "eV/A"

    def _of_sites(self, found: Deviations, neighborhoods: Neighborhoods) -> NDArray[np.float64]:
        return self.posterior.linear_force_deviations(neighborhoods)


@dataclass(frozen=True, slots=True, eq=False)
class CommitteeMeasure(_Asking):
    """Spread of the forces on atoms, and of energies per atom, over the members of an ensemble.

    Parameters
    ----------
    ensemble
        At least two potentials.

    Raises
    ------
    DataError
        One member only.
    """

    ensemble: Ensemble

    def __post_init__(self) -> None:
        if len(self.ensemble.members) < 2:
            raise DataError(
                "a committee needs at least two potentials: one has no spread; make an ensemble of "
                "several (maxvolt.fit(..., ensemble=5), or Posterior.ensemble(5))"
            )

    @property
    def name(self) -> str:
        """How tables call it."""
        return "committee"

    @property
    def units(self) -> str:
        """Of a force."""
        return "eV/A"

    @property
    def _asked(self) -> Ensemble:
        return self.ensemble

    def measure_neighborhoods(
        self,
        neighborhoods: Neighborhoods,
        energies: Sequence[Energies] | None = None,
        *,
        threads: int | None = None,
    ) -> Measured:
        """Sample standard deviations over the members, of forces as in equation (41)."""
        if energies is None:
            energies = self.ensemble.evaluate_each(neighborhoods, threads=threads)
        of_energies, of_forces = spreads_of_members(neighborhoods, energies)
        per_atom = of_energies / _counts(neighborhoods)
        return _finite(Measured(per_atom, of_forces), neighborhoods, self.name)


def _of_grades(grades: Grades, neighborhoods: Neighborhoods) -> Measured:
    sites = grades.sites
    if sites is None:
        sites = grades.structures[neighborhoods.structures]
    return Measured(grades.structures, sites)


def _counts(neighborhoods: Neighborhoods) -> NDArray[np.int64]:
    return np.bincount(neighborhoods.structures, minlength=neighborhoods.n_structures)


def _finite(measured: Measured, neighborhoods: Neighborhoods, name: str) -> Measured:
    number = first_not_finite(measured.structures, measured.sites, neighborhoods)
    if number is None:
        return measured
    raise EvaluationError(
        f"the {name} of structure {number} is not finite: the potential's derivatives there are "
        "beyond the range of numbers; look for atoms much closer than in its training set"
    )
