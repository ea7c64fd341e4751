"""[stage.melting] of a campaign file: the melting point of what the stages before have trained."""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from maxvolt import limits
from maxvolt.campaign.settings.sections import Count, Positive, Section, Symbol, within
from maxvolt.errors import MaxvoltError
from maxvolt.properties.melting.settings import MeltingSettings

__all__ = ["MeltingSection"]

_MELTING: dict[str, Any] = {one.name: one.default for one in fields(MeltingSettings)}
"""Defaults, which are those of `maxvolt melting`."""


class MeltingSection(Section):
    """Crystal and liquid side by side in LAMMPS, as of `maxvolt melting`."""

    structure: Literal["fcc", "bcc", "hcp", "diamond"]
    """The crystal."""
    species: Symbol | None = None
    """Element; by default that of the potential, if it knows only one."""
    lattice_constant: Positive | None = _MELTING["lattice_constant"]
    """Angstrom, to begin with; by default that of the element."""
    guess: Positive | None = _MELTING["guess"]
    """Melting point to begin with, Kelvin; by default where a heated crystal melts."""
    pressure: Annotated[float, within(limits.PRESSURE_GPA)] = _MELTING["pressure"]
    """External pressure, GPa."""
    sizes: Annotated[tuple[tuple[Count, Count, Count], ...], Field(min_length=1)] = _MELTING[
        "sizes"
    ]
    """Cells along x, y and z of each simulation; z, across the interfaces, is the longest."""
    seeds: Annotated[tuple[int, ...], Field(min_length=1)] = _MELTING["seeds"]
    """Of random numbers; each size is simulated once for each of them."""
    timestep: Annotated[float, within(limits.TIMESTEP_FS)] = _MELTING["timestep"]
    """Femtoseconds."""
    bulk_time: Positive = _MELTING["bulk_time"]
    """Picoseconds in which each phase alone is averaged."""
    preparation_time: Positive = _MELTING["preparation_time"]
    """Picoseconds for melting, cooling and settling, each."""
    equilibration_time: Positive = _MELTING["equilibration_time"]
    """Picoseconds before both phases are judged."""
    production_time: Positive = _MELTING["production_time"]
    """Picoseconds in which the temperature is read off."""
    segment_time: Positive = _MELTING["segment_time"]
    """Picoseconds that an interruption loses at most."""
    attempts: Count = _MELTING["attempts"]
    """Starts of each simulation."""
    ranks: Annotated[int, within(limits.WORKERS, whole=True)] = 1
    """MPI ranks of each simulation."""
    command: str | None = None
    """Words that start LAMMPS, instead of lmp or mpiexec -n RANKS lmp."""

    @model_validator(mode="after")
    def _usable(self) -> MeltingSection:
        if self.species is not None:
            self._of(self.species)
        return self

    def settings(self, species: tuple[str, ...]) -> MeltingSettings:
        """What is simulated, of a potential that knows these elements.

        Raises
        ------
        ValueError
            A value that cannot be, or no element where the potential knows several.
        """
        try:
            return self._of(self._element(species))
        except ValueError as error:
            raise ValueError(f"[stage.melting]: {error}") from error

    def _element(self, species: tuple[str, ...]) -> str:
        """Give the element to melt."""
        if self.species is None and len(species) > 1:
            raise ValueError(
                f"the potential knows {', '.join(species)}; name the element to melt: "
                'species = "..."'
            )
        chosen = species[0] if self.species is None else self.species
        if chosen not in species:
            raise ValueError(
                f"species = {chosen!r} is not among those of the potential ({', '.join(species)})"
            )
        return chosen

    def _of(self, element: str) -> MeltingSettings:
        given = {name: getattr(self, name) for name in _MELTING if name != "species"}
        try:
            return MeltingSettings(species=element, **given)
        except MaxvoltError as error:  # the section says already what it is about
            raise ValueError(str(error).removeprefix("melting: ")) from error
