"""The contract of families that can be trained: what `fit` and campaigns ask of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator, model_validator

from maxvolt.dataset import Dataset
from maxvolt.errors import MaxvoltError
from maxvolt.fitting.curvature import Curvature
from maxvolt.fitting.objective import Objective
from maxvolt.fitting.progress import Progress
from maxvolt.fitting.robust_weights import LabelErrors
from maxvolt.fitting.settings import FitSettings
from maxvolt.fitting.training_set import TrainingSet
from maxvolt.limits import MEMBERS
from maxvolt.parallel.ranks import ONE_PROCESS, Ranks
from maxvolt.potentials.families import trainable_family
from maxvolt.potentials.protocol import ParameterGradients, Potential, Trainable
from maxvolt.sections import Section, Symbol, within

__all__ = ["FitRequest", "FittedMembers", "MemberFit", "PotentialSection", "Training"]


@dataclass(frozen=True, slots=True, eq=False)
class FitRequest:
    """What a family is asked to fit.

    Attributes
    ----------
    potential
        What is fitted; where it is trained, a start of the first member.
    objective
        Labels and how they count; all checks of data have passed.
    training_set
        The same with neighbours, ready for fitting.
    settings, checkpoint, restart, progress
        As of `fit`.
    threads
        Number of threads, of each process.
    ranks
        The processes that share the work.
    apart_from
        As of `fit`.
    other_starts
        Of an ensemble that is fitted again: potentials of the same form that the members after the
        first go on from.
    """

    potential: Trainable
    objective: Objective
    training_set: TrainingSet
    settings: FitSettings
    threads: int
    checkpoint: str | Path | None = None
    restart: bool = False
    progress: Progress | None = None
    ranks: Ranks = ONE_PROCESS
    apart_from: tuple[Potential, ...] = ()
    other_starts: tuple[Trainable, ...] = ()

    @property
    def starts(self) -> tuple[Trainable, ...]:
        """Potentials that the first members go on from, where they are trained."""
        return self.potential, *self.other_starts


@dataclass(frozen=True, slots=True)
class MemberFit:
    """How the fit of one potential went.

    Attributes
    ----------
    losses : tuple of float
        Loss at the start and after each iteration.
    finished : str
        Why it ended.
    reached_limit : bool
        Whether the limit of iterations ended it before it had converged.
    """

    losses: tuple[float, ...]
    finished: str
    reached_limit: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class FittedMembers:
    """What a family gives for a `FitRequest`.

    Attributes
    ----------
    potentials
        As many as were asked for.
    histories
        How the fit of each went.
    warnings
        What a user should know of the family's own: data that do not suit its basis.
    simplification
        How its potentials are made simpler, for messages, as in ``lower the level (now 16)``.
    label_factors
        Of a robust fit: factors of the weights of all labels that the fit of each ended with.
    """

    potentials: tuple[Potential, ...]
    histories: tuple[MemberFit, ...]
    warnings: tuple[str, ...]
    simplification: str
    label_factors: tuple[LabelErrors, ...] = ()


class PotentialSection(Section):
    """The potential to train: keys that every family has."""

    family: str
    """Family of the potential."""
    species: Annotated[tuple[Symbol, ...], Field(min_length=1)]
    """Chemical symbols, for example ["Ti", "Al"]."""
    members: Annotated[int, within(MEMBERS, whole=True)] = 1
    """Potentials, each with random weights of the structures; a committee needs two or more."""

    @field_validator("family")
    @classmethod
    def _trainable(cls, name: str) -> str:
        own = cls.model_fields["family"].default
        if name == own:
            return name
        try:
            trainable_family(name)
        except MaxvoltError as error:
            raise ValueError(str(error)) from error
        raise ValueError(f"expected {own!r}, whose keys these are; got {name!r}")

    @model_validator(mode="after")
    def _each_species_once(self) -> PotentialSection:
        if len(set(self.species)) < len(self.species):
            raise ValueError("species lists an element twice; list each once")
        return self


@dataclass(frozen=True, slots=True)
class Training:
    """How a family is trained; its module of training has one of these, called ``TRAINING``.

    Attributes
    ----------
    potential
        Class of its potentials.
    example
        How one is made in Python, for messages.
    section
        What a campaign file says of it in ``[potential]``; the default of the key ``family`` is the
        name of the family.
    suffix, suffix_with_active_set
        Endings of files of its potentials, without and with room for an active set.
    start_of_fit
        ``start_of_fit(section, training, before)`` gives the potential to fit to the structures of
        an iteration, after the potential of the iteration before, if there was one.
    fit_members
        Fits all potentials that a request asks for.
    same_form
        ``same_form(potential, other)``: whether the parameters of one can be a start of the other.
    described
        Numbers of a potential that a campaign records, by name.
    without
        Keys of ``[fit]`` of a campaign file that its fits do not have.
    has_active_sets
        Whether its potentials have gradients by the parameters, of which active sets are made.
    resamples
        Whether the members of an ensemble have data of their own where nothing is asked for; else
        starts of their own.
    check_machine
        ``check_machine(settings)`` refuses a fit that this machine has no libraries or devices for.
    curvature
        ``curvature(potential, objective, ridge=, robust=, folds=, threads=)`` gives the equations
        of all parameters of a trained potential, for its posterior; None: the family has none.
    shifted_linear
        ``shifted_linear(potential, change)`` adds to the parameters that predictions are linear in;
        None: the family has none.
    """

    potential: type[Trainable]
    example: str
    section: type[PotentialSection]
    suffix: str
    suffix_with_active_set: str
    start_of_fit: Callable[[Any, Dataset, Potential | None], Trainable]
    fit_members: Callable[[FitRequest], FittedMembers]
    same_form: Callable[[Any, Any], bool]
    described: Callable[[Any], dict[str, float | int | str]]
    without: tuple[str, ...] = ()
    has_active_sets: bool = True
    resamples: bool = True
    check_machine: Callable[[FitSettings], None] | None = None
    curvature: Callable[..., Curvature] | None = None
    shifted_linear: Callable[[Any, NDArray[np.float64]], ParameterGradients] | None = None
