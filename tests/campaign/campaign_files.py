"""Small campaigns for tests."""

from __future__ import annotations

import json
import sys
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path

from maxvolt.campaign import Campaign, CampaignFolder, CampaignResult, Event

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
from attacks.campaign_trials.small_campaign import SMALL, InThisProcess, products, write_campaign

__all__ = [
    "RELAXATION",
    "SMALL",
    "InThisProcess",
    "InterruptedRunError",
    "Run",
    "products",
    "run",
    "run_with_interruptions",
    "write_campaign",
]

RELAXATION = """
[structures.candidates]
file = "candidates.xyz"

[[scenario]]
name = "relax"
kind = "relaxation"
structure = "candidates"
force_tolerance = 0.01
stress_tolerance = 0.1

"""
"""In place of the scenario of `SMALL`: the structures of a file are relaxed."""

_MOST_RUNS = 500


class InterruptedRunError(Exception):
    """Stands for whatever ends a program."""


def run(file: Path, *callbacks: object, **options: bool) -> CampaignResult:
    with InThisProcess() as executor:
        return Campaign(file).run(callbacks, executor=executor, **options)


def run_with_interruptions(
    file: Path, executor: Executor | None = None
) -> tuple[CampaignResult, int]:
    """Run a campaign that is interrupted after each thing it does, and count the runs."""
    seen: set[str] = set()

    def interrupt(event: Event) -> None:
        if event.kind in ("step", "outcome", "iteration"):
            key = json.dumps([event.kind, event.iteration, {**event.content, "seconds": 0}])
            if key not in seen:
                seen.add(key)
                raise InterruptedRunError

    for runs in range(1, _MOST_RUNS):
        try:
            if executor is None:
                return run(file, interrupt), runs
            return Campaign(file).run([interrupt], executor=executor), runs
        except InterruptedRunError:
            continue
    raise AssertionError(f"not finished after {_MOST_RUNS} runs")


@dataclass(frozen=True)
class Run:
    """A campaign that has ended, and what it told."""

    file: Path
    result: CampaignResult
    events: tuple[Event, ...]

    @property
    def folder(self) -> CampaignFolder:
        return CampaignFolder(self.result.folder)
