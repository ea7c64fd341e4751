"""Settings of properties as their docstrings describe them: units, defaults, meanings."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

__all__ = ["DescribedSetting", "described_settings"]

_HEADING = re.compile(r"^(?P<names>\w+(?:, \w+)*)(?: : (?P<unit>.+))?$")
_OF_ANOTHER = "As of `"
_OPTIONAL = " or None"


@dataclass(frozen=True, slots=True)
class DescribedSetting:
    """One setting.

    Attributes
    ----------
    name
        Of the setting.
    unit
        "" where it has none.
    default
        Its value where nothing is said.
    meaning
        What it is.
    """

    name: str
    unit: str
    default: Any
    meaning: str


def described_settings(settings: type[Any]) -> tuple[DescribedSetting, ...]:
    """Read the settings of a property from the docstrings of their class and its bases.

    Parameters
    ----------
    settings
        A dataclass whose fields have defaults, described under Parameters as numpydoc has them;
        what a class describes as of another one is described by a base.
    """
    known: dict[str, tuple[str, str]] = {}
    for kind in settings.__mro__:
        for name, unit, meaning in _parameters(inspect.cleandoc(kind.__doc__ or "")):
            if not meaning.startswith(_OF_ANOTHER):
                known.setdefault(name, (unit, meaning))
    return tuple(
        DescribedSetting(one.name, *_said(known, one.name, one.default)) for one in fields(settings)
    )


def _said(known: dict[str, tuple[str, str]], name: str, default: Any) -> tuple[str, Any, str]:
    unit, meaning = known.get(name, ("", ""))
    return unit, default, meaning


def _parameters(text: str) -> Iterator[tuple[str, str, str]]:
    """Yield names, units and meanings of a docstring's section Parameters."""
    _, found, section = text.partition("Parameters\n----------\n")
    if not found:
        return
    section = re.split(r"\n\n?\w+\n---", section)[0]
    section = re.sub(r",\n(?=\w)", ", ", section)  # a heading of several lines
    names: list[str] = []
    unit, meaning = "", ""
    for line in [*section.splitlines(), "end"]:
        if line.startswith(" ") or not line:
            meaning = f"{meaning} {line.strip()}".strip()
            continue
        yield from ((name, unit, meaning) for name in names)
        heading = _HEADING.match(line)
        names = [] if heading is None else heading["names"].split(", ")
        unit = "" if heading is None else (heading["unit"] or "").removesuffix(_OPTIONAL)
        meaning = ""
