"""Which family fits a potential or has a section of a campaign file.

`maxvolt.potentials.families.FAMILIES` lists the families; those with a module of training are
imported here when they are needed.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from os import PathLike
from pathlib import Path
from typing import Annotated, Any, Union

from pydantic import Discriminator, Field, Tag
from pydantic.config import JsonDict

from maxvolt.errors import FitError
from maxvolt.fitting.contract import Training
from maxvolt.potentials.families import FAMILIES, Family, trainable_family
from maxvolt.potentials.loading import load
from maxvolt.potentials.protocol import HasMembers, Potential, Trainable

__all__ = [
    "potential_sections",
    "starts_to_fit",
    "training_named",
    "training_of",
    "trainings",
]


def training_named(name: str) -> Training:
    """Give the training of the family of a name.

    Raises
    ------
    MaxvoltError
        There is no such family, or it cannot be trained.
    """
    return _training(trainable_family(name))


def trainings() -> list[Training]:
    """Give the trainings of all families that can be trained."""
    return [_training(family) for family in _trainable(FAMILIES)]


def training_of(potential: Potential) -> Training:
    """Give the training of a potential's family.

    Raises
    ------
    FitError
        The family cannot be trained, or this is no potential.
    """
    trained = [(family, _training(family)) for family in _trainable(FAMILIES)]
    for _, training in trained:
        if isinstance(potential, training.potential):
            return training
    expected = " or ".join(
        f"{family.one_of_it}, for example {training.example}" for family, training in trained
    )
    raise FitError(
        f"potential: expected {expected}, or the path of a potential file; got "
        f"{type(potential).__name__} {potential!r:.60}"
    )


def starts_to_fit(given: Potential | str | PathLike[str], ensemble: int) -> tuple[Trainable, ...]:
    """Give the potential to fit, or those that the members of an ensemble go on from.

    Parameters
    ----------
    given
        A potential, an ensemble, or the path of its file or files.
    ensemble
        Number of potentials that are to be fitted.

    Returns
    -------
    tuple of Trainable
        One, or as many as are to be fitted, all of one form.

    Raises
    ------
    FitError
        An ensemble of another number or of several forms, a potential of a family that cannot be
        trained, or no potential at all.
    """
    potential = load(Path(given)) if isinstance(given, str | PathLike) else given
    if not isinstance(potential, HasMembers):
        training_of(potential)
        assert isinstance(potential, Trainable)
        return (potential,)
    members = tuple(potential.members)
    if len(members) != ensemble:
        raise FitError(
            f"potential: an ensemble of {len(members)}, and ensemble={ensemble} of them to fit; "
            f"give ensemble={len(members)}, so that each of its members goes on, or one of them"
        )
    training, starts = training_of(members[0]), []
    for number, member in enumerate(members):
        if not isinstance(member, training.potential) or not training.same_form(members[0], member):
            raise FitError(
                "potential: members of an ensemble that is to be fitted again must be of one form; "
                f"member {number}, {member!r:.80}, is not of that of member 0, {members[0]!r:.80}"
            )
        starts.append(member)
    return tuple(starts)


def potential_sections(families: Sequence[Family] = FAMILIES) -> Any:
    """Give the annotation of ``[potential]`` in a campaign file, for pydantic.

    That of the only family that campaigns train; of several, the key ``family`` tells which, and a
    file without it means the first.
    """
    sections = {family.name: _training(family).section for family in _trainable(families)}
    first, *others = sections
    if not others:
        return sections[first]

    def tag(section: Any) -> str:
        keys = section if isinstance(section, dict) else dict(section)
        return str(keys.get("family", first)) if keys.get("family") in sections else first

    references = {name: f"#/$defs/{section.__name__}" for name, section in sections.items()}

    def described(schema: JsonDict) -> None:
        kinds = schema["oneOf"]
        assert isinstance(kinds, list)
        for kind in kinds[1:]:  # a file without the key is of the first
            assert isinstance(kind, dict)
            kind["required"] = ["family"]
        schema["discriminator"] = {"propertyName": "family", "mapping": {**references}}

    return Annotated[
        Union[tuple(Annotated[section, Tag(name)] for name, section in sections.items())],  # noqa: UP007
        Discriminator(tag),
        Field(json_schema_extra=described),
    ]


def _trainable(families: Sequence[Family]) -> list[Family]:
    return [family for family in families if family.training is not None]


def _training(family: Family) -> Training:
    assert family.training is not None
    training: Training = import_module(family.training).TRAINING
    return training
