"""What each run of a scenario draws for itself: a random start, temperatures, strains."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from maxvolt import limits
from maxvolt.campaign.settings.sections import NonNegative, Positive, Section, Symbol, within
from maxvolt.errors import MaxvoltError
from maxvolt.sampling import NonequilibriumTemperatures, OscillatingStrains, RandomBoxes
from maxvolt.sampling.drawn_schedules import Deformation

__all__ = [
    "BoxesSection",
    "BoxesTraining",
    "RandomStartSection",
    "StrainsSection",
    "TemperaturesSection",
]

_BOXES: dict[str, Any] = {one.name: one.default for one in fields(RandomBoxes)}
_TEMPERATURES: dict[str, Any] = {
    one.name: one.default for one in fields(NonequilibriumTemperatures)
}
_STRAINS: dict[str, Any] = {one.name: one.default for one in fields(OscillatingStrains)}
"""Defaults, which are those of what is drawn from."""

Range = float | tuple[float, float]
PositiveRange = Positive | tuple[Positive, Positive]
NonNegativeRange = NonNegative | tuple[NonNegative, NonNegative]


def _usable(make: Callable[[], object]) -> None:
    try:
        make()
    except MaxvoltError as error:
        raise ValueError(str(error)) from error


class BoxesSection(Section):
    """Orthorhombic boxes, filled with atoms at random places."""

    composition: Annotated[dict[Symbol, Positive], Field(min_length=1)]
    """Share of each element: {Ti = 1, Al = 3}."""
    edges: PositiveRange = _BOXES["edges"]
    """Edges of the boxes in Angstrom, each drawn between the least and the most."""
    density: PositiveRange = _BOXES["density"]
    """Density in g/cm3, drawn between the least and the most."""
    minimum_distance: Positive | dict[str, Positive] = _BOXES["minimum_distance"]
    """Shortest distance of atoms in Angstrom: one, or one for each pair as in {"Al-Cu" = 1.8}."""

    @model_validator(mode="after")
    def _possible(self) -> BoxesSection:
        _usable(self.boxes)
        return self

    def boxes(self) -> RandomBoxes:
        """What draws them."""
        return RandomBoxes(self.composition, self.edges, self.density, self.minimum_distance)


class RandomStartSection(BoxesSection):
    """Starts of the runs of a scenario: each in a random box of its own, new in each iteration."""

    kind: Literal["random"]


class BoxesTraining(BoxesSection):
    """Orthorhombic boxes, filled with atoms at random places."""

    kind: Literal["boxes"]
    count: Annotated[int, within(limits.STRUCTURES, whole=True)]
    """How many to make."""


class TemperaturesSection(Section):
    """Temperatures far from equilibrium: a ramp, and squares of a sine on top of it."""

    kind: Literal["nonequilibrium"]
    start: NonNegativeRange = _TEMPERATURES["start"]
    """Kelvin at the first step, without the sine; a number, or the least and the most."""
    end: NonNegativeRange = _TEMPERATURES["end"]
    """Kelvin at the last step, without the sine."""
    modulation: NonNegativeRange = _TEMPERATURES["modulation"]
    """Height of the squared sine, Kelvin."""
    period_ps: PositiveRange = _TEMPERATURES["period_ps"]
    """From one zero of the sine to the next, picoseconds."""

    @model_validator(mode="after")
    def _possible(self) -> TemperaturesSection:
        _usable(self.temperatures)
        return self

    def temperatures(self) -> NonequilibriumTemperatures:
        """What draws them."""
        return NonequilibriumTemperatures(self.start, self.end, self.modulation, self.period_ps)


class StrainsSection(Section):
    """Strains that oscillate: the cell breathes, or is sheared to and fro."""

    kind: Literal["oscillation"]
    mean: Range = _STRAINS["mean"]
    """Strain around which the cell oscillates; a number, or the least and the most."""
    amplitude: NonNegativeRange = _STRAINS["amplitude"]
    """Amplitude of the strain."""
    period_ps: PositiveRange = _STRAINS["period_ps"]
    """Period in picoseconds."""
    deformations: Annotated[tuple[Deformation, ...], Field(min_length=1)] = _STRAINS["deformations"]
    """Which ones there are; each run draws one."""

    @model_validator(mode="after")
    def _possible(self) -> StrainsSection:
        _usable(self.strains)
        return self

    def strains(self) -> OscillatingStrains:
        """What draws them."""
        return OscillatingStrains(self.mean, self.amplitude, self.period_ps, self.deformations)
