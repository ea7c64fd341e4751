"""Where a campaign stands, read from its folder alone, also while another process runs it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from maxvolt.campaign.record.folder import CampaignFolder, IterationFolder
from maxvolt.campaign.record.heartbeat import read_heartbeats
from maxvolt.campaign.record.locking import is_locked
from maxvolt.campaign.record.storage import read_result

__all__ = ["CampaignSummary", "Current", "summarize"]

_ENDS = ("finished", "stopped", "waiting")
_STEPS = (
    "candidates",
    "sampling",
    "findings",
    "selection",
    "labels",
    "validation",
    "training",
    "fit",
    "calibration",
    "melting",
)


@dataclass(frozen=True, slots=True)
class Current:
    """An iteration that is not complete.

    Attributes
    ----------
    iteration, stage
    steps
        Steps that have a result.
    scenarios
        Parts of scenarios that are done, by name: steps done and to be done.
    running
        The same of those that are being run.
    """

    iteration: int
    stage: str
    steps: tuple[str, ...]
    scenarios: Mapping[str, tuple[int, int]]
    running: Mapping[str, tuple[int, int]]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "iteration": self.iteration,
            "stage": self.stage,
            "steps": list(self.steps),
            "scenarios": {name: list(steps) for name, steps in self.scenarios.items()},
            "running": {name: list(steps) for name, steps in self.running.items()},
        }


@dataclass(frozen=True, slots=True)
class CampaignSummary:
    """Where a campaign stands.

    Attributes
    ----------
    kind
        "" for campaigns of interatomic potentials, or "lattice".
    name, folder
    status
        "running", "finished", "stopped", "waiting", or "interrupted": no process works on it.
    reason
        Why it ended, "" while it runs.
    runs
        How often the program was started.
    iterations
        Rows of complete iterations, as in outcome.json.
    current
        The iteration that is not complete, if any.
    ahead
        The one after it, where runs of it were begun ahead.
    changes
        Changes of the settings: iteration and key, before, after.
    """

    kind: str
    name: str
    folder: str
    status: str
    reason: str
    runs: int
    iterations: tuple[Mapping[str, Any], ...]
    current: Current | None
    ahead: Current | None
    changes: tuple[Mapping[str, Any], ...]

    @property
    def reliability(self) -> float | None:
        """Steps without a break over steps asked for, in the last iteration that sampled."""
        found = [row["reliability"] for row in self.iterations if "reliability" in row]
        return found[-1] if found else None

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "kind": self.kind,
            "name": self.name,
            "folder": self.folder,
            "status": self.status,
            "reason": self.reason,
            "runs": self.runs,
            "reliability": self.reliability,
            "iterations": list(self.iterations),
            "changes": list(self.changes),
            "current": None if self.current is None else self.current.to_dict(),
            "ahead": None if self.ahead is None else self.ahead.to_dict(),
        }


def summarize(folder: CampaignFolder) -> CampaignSummary:
    """Read where a campaign stands."""
    events = list(folder.journal())
    iterations = folder.iterations()
    name = _name(iterations[0]) if iterations else folder.path.name
    complete = list(takewhile(lambda one: one.is_complete, iterations))
    unfinished = iterations[len(complete) :]
    following = folder.iteration(len(iterations))
    stage = _stage(iterations[-1]) if iterations else ""
    status, reason = _status(folder, events)
    return CampaignSummary(
        kind=folder.kind,
        name=name,
        folder=str(folder.path),
        status=status,
        reason=reason,
        runs=sum(event["event"] == "started" for event in events),
        iterations=tuple(one.outcome() for one in complete),
        current=_current(unfinished[0], _stage(unfinished[0])) if unfinished else None,
        ahead=_current(following, stage) if following.sampling.is_dir() else None,
        changes=tuple(
            {"iteration": event["iteration"], **change}
            for event in events
            if event["event"] == "settings changed"
            for change in event["changes"]
        ),
    )


def _status(folder: CampaignFolder, events: list[Mapping[str, Any]]) -> tuple[str, str]:
    if is_locked(folder.lock_file):
        return "running", ""
    last = events[-1] if events else {"event": ""}
    if last["event"] in _ENDS:
        return str(last["event"]), str(last["reason"])
    return "interrupted", "no process works on it; go on with 'maxvolt run'"


def _name(folder: IterationFolder) -> str:
    return str(folder.settings_document()["campaign"]["name"])


def _stage(folder: IterationFolder) -> str:
    """Name of the stage; "" for campaigns that have none."""
    return str(folder.settings_document().get("stage", {}).get("name", ""))


def _current(folder: IterationFolder, stage: str) -> Current:
    done = {}
    for path in sorted(folder.sampling.glob("[!.]*.npz")) if folder.sampling.is_dir() else []:
        record = read_result(path).record
        done[path.stem] = (record["steps"], record["total_steps"])
    running = read_heartbeats(folder.sampling)
    return Current(
        iteration=folder.number,
        stage=stage,
        steps=tuple(step for step in _STEPS if folder.step_file(step).exists()),
        scenarios=done,
        running={name: steps for name, steps in running.items() if name not in done},
    )
