"""What a campaign file says of the networks to train, and where their fits start."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from maxvolt import limits
from maxvolt.dataset import Dataset
from maxvolt.errors import MaxvoltError
from maxvolt.fitting.contract import PotentialSection
from maxvolt.potentials.ani.potential import ANI
from maxvolt.potentials.ani.settings import ANISettings
from maxvolt.potentials.protocol import Potential
from maxvolt.sections import within

__all__ = ["NeuralNetworkSection", "same_form", "start_of_fit"]

_FORM = ANISettings()
"""Defaults."""


class NeuralNetworkSection(PotentialSection):
    """The neural networks to train, with the keys of ``maxvolt train --model ani``."""

    family: str = Field(default="ani", json_schema_extra={"const": "ani"})
    """Family of the potential: ANI neural networks."""
    members: Annotated[int, within(limits.MEMBERS, whole=True)] = 8
    """Potentials of the ensemble, each with a random start of its own; the committee."""
    cutoff: Annotated[float, within(limits.CUTOFF)] = _FORM.radial_cutoff
    """Distance in Angstrom beyond which atoms do not interact, of the radial functions."""
    radial_functions: int = _FORM.radial_functions
    """Radial functions for each species of neighbour."""
    angular_cutoff: Annotated[float, within(limits.CUTOFF)] = _FORM.angular_cutoff
    """Cutoff of the angular functions in Angstrom, at most that of the radial ones."""
    angular_functions: tuple[int, int] = (_FORM.angular_shells, _FORM.angular_sections)
    """Distances and angles of the angular functions."""
    layers: Annotated[tuple[int, ...], Field(min_length=1)] = _FORM.layers
    """Widths of the hidden layers."""

    @model_validator(mode="after")
    def _possible(self) -> NeuralNetworkSection:
        try:
            self.form()
        except MaxvoltError as error:
            raise ValueError(str(error)) from error
        return self

    def form(self) -> ANISettings:
        """Symmetry functions and layers of the potential.

        Raises
        ------
        MaxvoltError
            A value that cannot be.
        """
        shells, sections = self.angular_functions
        return ANISettings(
            radial_cutoff=self.cutoff,
            radial_functions=self.radial_functions,
            angular_cutoff=self.angular_cutoff,
            angular_shells=shells,
            angular_sections=sections,
            layers=self.layers,
        )


def start_of_fit(section: NeuralNetworkSection, training: Dataset, before: Potential | None) -> ANI:
    """Potential to fit: the one before where it is of the same form, else an untrained one.

    Parameters
    ----------
    section
        What is wanted.
    training
        Training set, which does not matter here.
    before
        Potential of the iteration before, of whatever family.
    """
    wanted = ANI(section.species, section.form())
    return before if isinstance(before, ANI) and same_form(before, wanted) else wanted


def same_form(potential: ANI, other: ANI) -> bool:
    """Whether two have the same species, symmetry functions and layers."""
    return (potential.species, potential.settings) == (other.species, other.settings)
