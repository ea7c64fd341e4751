"""What a search is asked to do, checked before it starts."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, NoReturn, get_args

import numpy as np
from ase.data import covalent_radii
from ase.formula import Formula
from numpy.typing import NDArray

from maxvolt.errors import DataError
from maxvolt.limits import ATOMS, PRESSURE_GPA, RANDOM_ATOMS, STEPS, STRUCTURES
from maxvolt.sampling import Limits
from maxvolt.sampling.repulsion import covalent_distances
from maxvolt.sampling.rule import PairDistances, distance_table
from maxvolt.search.compositions import Counts, compositions, n_compositions
from maxvolt.species import check_species
from maxvolt.units import GPA_PER_EV_A3

__all__ = ["Method", "SearchSettings"]

Method = Literal["evolution", "hopping", "random"]

_SPHERES = (1.2, 3.5)
"""Default volumes of new crystals: of the sphere with the covalent radius, for each atom."""

_MOST_COMPOSITIONS = 100_000
"""All of them are listed; no search has as many candidates."""


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """What is searched for, and how.

    Parameters
    ----------
    species
        Elements.
    atoms
        Fewest and most atoms of a cell, or of a cluster.
    formula
        Only multiples of this formula are searched, such as ``"Al2O3"``; None: every composition,
        the pure elements among them.
    method
        "evolution" (offspring of the best), "hopping" (basin hopping, one walker for each candidate
        of a generation) or "random" (every candidate is new).
    generations
        How many generations there are, that of the start included.
    population
        Candidates of a generation, and how many distinct structures are kept at most.
    cluster
        Clusters without periodicity instead of crystals.
    symmetry
        New crystals have a random space group (PyXtal); else they have none.
    random_share
        Share of new random candidates in each generation of an evolution.
    niche
        Evolution: fingerprints of parents differ by more than this, equation (115), so that a
        population does not become all alike; 0: of all distinct structures the lowest are parents.
    volume : Angstrom^3
        Least and largest volume of an atom in new candidates; None: 1.2 to 3.5 times the volume of
        a sphere with its covalent radius.
    start_distance : Angstrom
        Shortest distance in new candidates: one, or one for each pair; None: 0.75 times the sum of
        the covalent radii.
    pressure : eV/Angstrom^3
        External pressure; enthalpies are then compared.
    hop_step : Angstrom
        Basin hopping: largest move of an atom along each axis at first; hops adapt their length,
        equation (116). None: 0.35 times the mean sum of two covalent radii.
    hop_temperature : K
        Basin hopping: temperature at which a hop upwards is accepted.
    force_tolerance : eV/Angstrom
        Largest force left after a relaxation.
    stress_tolerance : eV/Angstrom^3
        Largest component of stress plus pressure left.
    max_steps
        Most steps of a relaxation.
    limits
        Distances at which a relaxation is stopped.
    seed
        Random seed.

    Raises
    ------
    DataError, SpeciesError
        They are impossible; the message names the parameter.
    """

    species: tuple[str, ...]
    atoms: tuple[int, int]
    formula: str | None = None
    method: Method = "evolution"
    generations: int = 20
    population: int = 20
    cluster: bool = False
    symmetry: bool = True
    random_share: float = 0.2
    niche: float = 0.0125
    volume: tuple[float, float] | None = None
    start_distance: PairDistances | None = None
    pressure: float = 0.0
    hop_step: float | None = None
    hop_temperature: float = 3000.0
    force_tolerance: float = 0.005
    stress_tolerance: float = 0.05 / GPA_PER_EV_A3
    max_steps: int = 500
    limits: Limits = field(default_factory=Limits)
    seed: int = 0

    def __post_init__(self) -> None:
        check_species(self.species)
        self._check_numbers()
        self._check_compositions()
        if self.start_distance is not None:
            distance_table(self.start_distance)

    def _check_numbers(self) -> None:
        fewest, most = self.atoms
        if not 1 <= fewest <= most:
            self._refuse(f"atoms: expected 1 <= fewest <= most; got {fewest} and {most}")
        if self.cluster and fewest < 2:
            self._refuse(f"atoms: a cluster has at least 2; got {fewest}")
        if self.method not in get_args(Method):
            self._refuse(f"method: expected {', '.join(get_args(Method))}; got {self.method!r}")
        for name in ("generations", "population"):
            if getattr(self, name) < 1:
                self._refuse(f"{name} must be at least 1, not {getattr(self, name)}")
        RANDOM_ATOMS.check("atoms", most, DataError)
        STRUCTURES.check("population", self.population, DataError)
        ATOMS.check("population * atoms", self.population * most, DataError)
        STEPS.check("max_steps", self.max_steps, DataError)
        PRESSURE_GPA.check("pressure", self.pressure * GPA_PER_EV_A3, DataError)
        if self.pressure and self.cluster:
            self._refuse("pressure: a cluster has no volume; leave it out")
        if not 0 <= self.random_share <= 1:
            self._refuse(f"random_share: expected 0 to 1; got {self.random_share}")
        if not 0 <= self.niche < math.inf:
            self._refuse(f"niche must be a number of at least 0, not {self.niche!r}")
        low, high = self.volume or (1.0, 1.0)
        if not 0 < low <= high < math.inf:
            self._refuse(f"volume: expected 0 < least <= largest, in A^3; got {low} and {high}")
        for name in ("hop_temperature", "force_tolerance", "stress_tolerance", "hop_step"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                self._refuse(f"{name} must be a number above 0, not {value!r}")
        if self.seed < 0:
            self._refuse(f"seed must be 0 or more, not {self.seed}")

    def _check_compositions(self) -> None:
        if self.formula is None:
            every = n_compositions(len(self.species), self.atoms)
            if every > _MOST_COMPOSITIONS:
                self._refuse(
                    f"atoms: {self.atoms[0]} to {self.atoms[1]} atoms of {len(self.species)} "
                    f"elements have {every:,} compositions, more than {_MOST_COMPOSITIONS:,}; give "
                    "a formula, fewer atoms or fewer elements"
                )
            return
        try:
            known = Formula(self.formula).count()
        except ValueError as error:
            raise DataError(f"search: formula {self.formula!r}: {error}; expected Al2O3") from error
        if set(known) != set(self.species):
            self._refuse(
                f"formula {self.formula!r} has {', '.join(known) or 'no elements'}, and species "
                f"are {', '.join(self.species)}; name the same ones"
            )
        if not self.compositions:
            self._refuse(
                f"atoms: no multiple of {self.formula} has {self.atoms[0]} to {self.atoms[1]} "
                f"atoms; it has {sum(known.values())}"
            )

    @property
    def compositions(self) -> tuple[Counts, ...]:
        """Atoms of each element in what is searched, pure elements first."""
        formula = None if self.formula is None else Formula(self.formula).count()
        return compositions(self.species, self.atoms, formula)

    @property
    def distances(self) -> NDArray[np.float64]:
        """Shortest distances in new candidates by atomic numbers, shape (119, 119), Angstrom."""
        table = covalent_distances()
        if self.start_distance is None:
            return table
        given = distance_table(self.start_distance, default=np.nan)
        return np.where(np.isnan(given), table, given)

    def volumes(self, numbers: NDArray[np.int64]) -> tuple[float, float]:
        """Least and largest volume of a new candidate with these atomic numbers, Angstrom^3."""
        if self.volume is not None:
            return self.volume[0] * len(numbers), self.volume[1] * len(numbers)
        spheres = float((4 / 3 * np.pi * covalent_radii[numbers] ** 3).sum())
        return _SPHERES[0] * spheres, _SPHERES[1] * spheres

    def to_dict(self) -> dict[str, Any]:
        """Everything on which the course of a search depends, as plain values.

        The number of generations is none of it: a search can be made longer.
        """
        found = asdict(self)
        del found["generations"]
        found["species"], found["atoms"] = list(self.species), list(self.atoms)
        found["volume"] = None if self.volume is None else list(self.volume)
        return found

    def _refuse(self, what: str) -> NoReturn:
        raise DataError(f"search: {what}")
