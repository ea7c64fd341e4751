"""[[scenario]] kind = "search" of a campaign file: structures from elements alone."""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated, Any, Literal

from pydantic import Field

from maxvolt.campaign.settings.scenario_limits import LimitsSection
from maxvolt.campaign.settings.sections import (
    Count,
    Name,
    NonNegative,
    Positive,
    Section,
    Symbol,
    within,
)
from maxvolt.limits import PRESSURE_GPA, STEPS, STRUCTURES
from maxvolt.sampling import Limits
from maxvolt.search.settings import Method, SearchSettings
from maxvolt.units import GPA_PER_EV_A3

__all__ = ["SearchSection"]

_SEARCH: dict[str, Any] = {one.name: one.default for one in fields(SearchSettings)}
"""Defaults, which are those of `maxvolt search`."""

_IN_GPA = ("pressure", "stress_tolerance")

_SAME = (
    *("atoms", "formula", "method", "generations", "population", "cluster", "symmetry"),
    *("random_share", "niche", "volume", "start_distance", "hop_step", "hop_temperature"),
    *("force_tolerance", "max_steps"),
)
"""Settings that are those of a search as they stand."""


class SearchSection(Section):
    """A search for the structures of the lowest energy."""

    name: Name
    """Name of the scenario in tables, on the page and in file names; each needs its own."""
    kind: Literal["search"]
    structure: Name | None = None
    """Name of a table of [structures] that the search begins with, before random structures."""
    species: tuple[Symbol, ...] | None = None
    """Elements; by default those of the potential."""
    atoms: tuple[Count, Count]
    """Fewest and most atoms of a cell, or of a cluster."""
    formula: str | None = _SEARCH["formula"]
    """Only multiples of this formula; by default any composition."""
    method: Method = _SEARCH["method"]
    """Offspring of the best, basin hopping, or random structures only."""
    generations: Count = _SEARCH["generations"]
    """Generations, that of the start included."""
    population: Annotated[int, within(STRUCTURES, whole=True)] = _SEARCH["population"]
    """Candidates of a generation, and how many distinct structures are kept."""
    copies: Count = 1
    """Independent searches, which can run at the same time."""
    cluster: bool = _SEARCH["cluster"]
    """Clusters instead of crystals."""
    symmetry: bool = _SEARCH["symmetry"]
    """Whether new crystals have a random space group (PyXtal)."""
    random_share: Annotated[float, Field(ge=0, le=1)] = _SEARCH["random_share"]
    """Share of new random structures in each generation of an evolution."""
    niche: NonNegative = _SEARCH["niche"]
    """Evolution: fingerprints of parents differ by more than this; 0: the lowest are parents."""
    volume: tuple[Positive, Positive] | None = _SEARCH["volume"]
    """Least and largest volume of an atom in new structures, Angstrom^3."""
    start_distance: NonNegative | dict[str, NonNegative] | None = _SEARCH["start_distance"]
    """Shortest distance in new structures, Angstrom: one number, or one for each pair."""
    pressure: Annotated[float, within(PRESSURE_GPA)] = _SEARCH["pressure"]
    """External pressure in GPa."""
    hop_step: Positive | None = _SEARCH["hop_step"]
    """Basin hopping: largest move of an atom along each axis at first, Angstrom."""
    hop_temperature: Positive = _SEARCH["hop_temperature"]
    """Basin hopping: temperature at which a hop upwards is accepted, Kelvin."""
    force_tolerance: Positive = _SEARCH["force_tolerance"]
    """Largest force left, eV/Angstrom."""
    stress_tolerance: Positive = _SEARCH["stress_tolerance"] * GPA_PER_EV_A3
    """Largest component of stress plus pressure left, GPa."""
    max_steps: Annotated[int, within(STEPS, whole=True)] = _SEARCH["max_steps"]
    """Most steps of a relaxation."""
    limits: LimitsSection = LimitsSection()
    """Distances at which a relaxation stops."""
    break_share: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of the candidates of a generation that may break without ending the search."""
    label_best: Annotated[int, Field(ge=0)] = 5
    """So many of the lowest structures are labelled before the stage is complete; 0: none."""

    def settings(self, species: tuple[str, ...], seed: int = 0) -> SearchSettings:
        """Return what the search is asked to do, with a potential of these elements.

        Raises
        ------
        MaxvoltError
            It is impossible.
        """
        given: dict[str, Any] = {name: getattr(self, name) for name in _SAME}
        given |= {name: getattr(self, name) / GPA_PER_EV_A3 for name in _IN_GPA}
        stops = Limits(self.limits.minimum_distance, self.limits.isolation)
        return SearchSettings(species=self.elements(species), limits=stops, seed=seed, **given)

    def elements(self, species: tuple[str, ...]) -> tuple[str, ...]:
        """Return what is searched with a potential of these elements."""
        return species if self.species is None else self.species
