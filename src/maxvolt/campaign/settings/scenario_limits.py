"""Distances at which the scenarios of a campaign stop."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from pydantic import model_validator

from maxvolt.campaign.settings.sections import NonNegative, Positive, Section
from maxvolt.errors import MaxvoltError
from maxvolt.sampling import Limits

__all__ = ["LimitsSection"]

_LIMITS: dict[str, Any] = {one.name: one.default for one in fields(Limits)}
"""Defaults, which are those of the scenarios that run."""


class LimitsSection(Section):
    """Distances at which a simulation stops."""

    minimum_distance: NonNegative | dict[str, NonNegative] = _LIMITS["minimum_distance"]
    """Shortest distance in Angstrom: one number, or one for each pair as in {"Al-Cu" = 1.5}."""
    isolation: Positive = _LIMITS["isolation"]
    """An atom farther than this from every other is lost, Angstrom."""

    @model_validator(mode="after")
    def _usable(self) -> LimitsSection:
        try:
            Limits(self.minimum_distance, self.isolation)
        except MaxvoltError as error:
            raise ValueError(str(error)) from error
        return self
