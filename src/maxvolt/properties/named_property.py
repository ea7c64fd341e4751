"""What a property is to commands and cards."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

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
        From an ASE calculator, a crystal near equilibrium and settings; of one that simulates with
        the keyword ``keeping``, of one that checks frames with ``reference``.
    crystals
        Kinds of crystals that it is defined for; empty: any.
    quick
        Whether a card has it where nothing is said: it takes seconds, and no extra is needed.
    simulates
        Whether it runs molecular dynamics, which is long: `compute` takes a
        `maxvolt.properties.Keeping`.
    checks_frames
        Whether a reference calculator is asked for frames of the simulation, instead of having one
        of its own.
    """

    name: str
    title: str
    summary: str
    settings: type[Any]
    compute: Callable[..., Findings]
    crystals: tuple[str, ...] = ()
    quick: bool = True
    simulates: bool = False
    checks_frames: bool = False
