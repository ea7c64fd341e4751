"""Arguments of `fit` in the forms that people have them in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from difflib import get_close_matches
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar

from maxvolt.errors import FitError
from maxvolt.potentials import MTP, read_potential

__all__ = ["options_of", "potential_to_fit"]

Options = TypeVar("Options")


def options_of(kind: type[Options], given: Options | Mapping[str, Any], name: str) -> Options:
    """Give options as their class, also from a mapping such as ``{"energy": 1, "forces": 0.1}``.

    Raises
    ------
    FitError
        Something else, or an option that does not exist; the message names those that do.
    """
    if isinstance(given, kind):
        return given
    known = [field.name for field in fields(kind)]  # type: ignore[arg-type]
    if not isinstance(given, Mapping):
        raise FitError(
            f"{name}: expected maxvolt.{kind.__name__} or a dict with {', '.join(known)}; got "
            f"{type(given).__name__} {given!r:.60}"
        )
    for key in given:
        if key not in known:
            near = get_close_matches(str(key), known, n=1, cutoff=0.4)
            meant = f"; did you mean {near[0]!r}?" if near else ""
            raise FitError(f"{name}: there is no {key!r} among {', '.join(known)}{meant}")
    try:
        return kind(**given)
    except TypeError as error:
        raise FitError(f"{name}: expected numbers; got {dict(given)!r:.80}") from error


def potential_to_fit(given: MTP | str | PathLike[str]) -> MTP:
    """Give the potential to fit, also from the path of its file.

    Raises
    ------
    FitError
        An ensemble, or no potential at all.
    """
    if isinstance(given, MTP):
        return given
    if isinstance(given, str | PathLike):
        return read_potential(Path(given))
    if members := getattr(given, "members", None):
        raise FitError(
            f"potential: one potential can be fitted at a time, and this is an ensemble of "
            f"{len(members)}; give one of its members, and ensemble={len(members)} for as many"
        )
    raise FitError(
        "potential: expected a maxvolt.MTP, for example maxvolt.MTP(16, ['Mo'], 5.0, 2.0), or the "
        f"path of a potential file; got {type(given).__name__} {given!r:.60}"
    )
