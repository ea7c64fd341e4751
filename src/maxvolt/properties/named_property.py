"""What a property is to commands and cards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ase import Atoms

from maxvolt.properties.findings import Findings

__all__ = ["Property"]


@dataclass(frozen=True, slots=True)
class Property:
    """One property: settings in, findings out.

    Attributes
    ----------
    name
        By which commands and cards know it.
    title
        What stands above its numbers.
    summary
        What is computed, in a line.
    settings
        Frozen dataclass of its settings; all of them have defaults.
    compute
        From an ASE calculator, a crystal near equilibrium and settings.
    crystals
        Kinds of crystals that it is defined for; empty: any.
    quick
        Whether a card has it where nothing is said: it takes seconds, and no extra is needed.
    """

    name: str
    title: str
    summary: str
    settings: type[Any]
    compute: Callable[[Any, Atoms, Any], Findings]
    crystals: tuple[str, ...] = ()
    quick: bool = True
