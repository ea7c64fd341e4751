"""What is run: temperatures and thresholds, and the campaign file of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["THRESHOLDS", "Condition", "campaign_text", "conditions"]

FILE = Path(__file__).with_name("lithium.toml")

THRESHOLDS = (1.5, 2.0, 3.0, 5.0, 10.0)
"""Grades at which a trajectory stops and its last structure is labelled."""


@dataclass(frozen=True)
class Condition:
    """Of a series of campaigns that differ in their thresholds.

    Attributes
    ----------
    name
        Of the folder.
    temperature
        Schedule of the dynamics, K and steps of 1 fs.
    initial_temperature : K
        Of the velocities, which the perfect crystal shares with its potential energy.
    final_temperature : K
        At which the reference makes the frames of the validation set.
    melts
        Whether the reference is melted before that.
    """

    name: str
    temperature: str
    initial_temperature: float
    final_temperature: float
    melts: bool = False


SOLID = Condition("300K", "hold 300 10000", 600, 300)
LIQUID = Condition(
    "600K_liquid", "hold 1200 1000; ramp 1200 600 1000; hold 600 8000", 2400, 600, melts=True
)

QUICK = {
    "level = 12": "level = 8",
    "starts = 2\nmax_iterations = 50": "starts = 1\nmax_iterations = 20",
    "hold 300 10000": "hold 300 300",
    "repeats = 2": "repeats = 1",
}
"""What the quick form has in place of what."""


def conditions(*, quick: bool) -> Iterator[tuple[Condition, tuple[float, ...]]]:
    """Give each condition with its thresholds."""
    if quick:
        yield SOLID, (3.0, 10.0)
        return
    yield SOLID, THRESHOLDS
    yield LIQUID, THRESHOLDS[1:]


def campaign_text(condition: Condition, threshold: float, *, quick: bool = False) -> str:
    """Give the campaign file of a condition and a threshold, or its quick form."""
    changes = {
        'name = "lithium on the fly"': f'name = "lithium, {condition.name}, grade {threshold:g}"',
        "select = 2.0\nbreak = 2.0": f"select = {threshold}\nbreak = {threshold}",
        "initial_temperature = 600": f"initial_temperature = {condition.initial_temperature:g}",
    }
    if condition.temperature != SOLID.temperature:
        changes["hold 300 10000"] = condition.temperature
    text = FILE.read_text()
    for old, new in (changes | QUICK if quick else changes).items():
        if old not in text:
            raise SystemExit(f"{FILE}: {old!r} is gone; correct {Path(__file__).name}")
        text = text.replace(old, new)
    return text
