"""News of a campaign: a live display on a terminal, a line for each thing done in a log."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from maxvolt.cli.campaign_table import (
    describe_calibration,
    describe_change,
    describe_largest,
    describe_melting,
    describe_outcome,
)
from maxvolt.cli.console import counted, note, stderr_console
from maxvolt.cli.lattice_campaign_table import describe_lattice_outcome, describe_walks
from maxvolt.cli.time_left import TimeLeft, describe_seconds

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from maxvolt.campaign import CampaignFolder, Event

__all__ = ["campaign_reporter", "describe_event"]

_SECONDS_BETWEEN_LOOKS = 0.5

_KINDS = {"opening": "labels and fits", "refit": "fits", "melting": "melts"}
"""What iterations do, by their kinds."""


@contextmanager
def campaign_reporter(folder: CampaignFolder) -> Iterator[Callable[[Event], None]]:
    """Show on stderr what a campaign does while the block runs.

    Yields
    ------
    report
        To be called with each event.
    """
    console = stderr_console()
    if not console.is_terminal:
        yield _log
        return
    with _live(console, folder) as report:
        yield report


def describe_event(event: Event) -> str:
    """Say in one line what happened; "" for what is not worth a line."""
    content = event.content
    if event.kind == "looking":
        return (
            f"the last run did not end by itself ({content['owner']}): looking for "
            f"{content['seconds']:.0f} s whether it still lives"
        )
    if event.kind == "iteration":
        what = _KINDS.get(content["kind"], "samples")
        return f"iteration {event.iteration} ({event.stage}) {what}"
    if event.kind == "sampling ahead":
        return (
            f"iteration {event.iteration} ({event.stage}) samples meanwhile, with the potential of "
            f"iteration {content['potential']}"
        )
    if event.kind == "settings changed":
        return "\n".join(f"  {describe_change(change)}" for change in content["changes"])
    if event.kind == "damaged":
        names = ", ".join(content["files"])
        return f"iteration {event.iteration}: damaged, made again: {names}"
    if event.kind == "step":
        described = _describe_step(content)
        return f"  {described}" if described else ""
    if event.kind == "outcome" and "spread" in content:
        return describe_lattice_outcome({"iteration": event.iteration, **content})
    if event.kind == "outcome":
        return describe_outcome({"iteration": event.iteration, "stage": event.stage, **content})
    return ""


def _describe_step(content: Any) -> str:
    step = content["step"]
    if step == "sampling" and "n_scenarios" in content:
        return describe_walks(content)
    if step == "sampling":
        done = f"{content['steps']} of {content['total_steps']}"
        done = f"{done} structures" if content["kind"] == "Relaxation" else f"step {done}"
        largest = describe_largest(content["max_grade"], content.get("unit", ""))
        return f"{content['scenario']} {content['part']}: {content['reason']}, {done}{largest}"
    if step == "selection":
        return (
            f"{content['n_selected']} of {counted(content['n_candidates'], 'structure')} selected"
        )
    if step in ("labels", "validation"):
        return (
            f"{step}: {content['n_labelled']} of {content['n_structures']} labelled, "
            f"{len(content['quarantined'])} quarantined, "
            f"{counted(content['n_new'], 'new calculation')}"
        )
    if step == "fit":
        return _describe_fit(content)
    if step == "calibration":
        return describe_calibration(content)
    if step == "melting":
        return describe_melting(content)
    return ""


def _describe_fit(content: Any) -> str:
    lines = [f"fitted {content['n_parameters']} parameters in {content['seconds']:.1f} s"]
    if "active_set" in content:
        lines.append(f"active set: {content['active_set']}")
    return "\n  ".join([*lines, *(f"warning: {text}" for text in content["warnings"])])


def _log(event: Event) -> None:
    text = describe_event(event)
    if text:
        note(text)


@contextmanager
def _live(console: Console, folder: CampaignFolder) -> Iterator[Callable[[Event], None]]:
    from rich.live import Live

    display = _Display(folder)
    with Live(console=console, get_renderable=display.render, refresh_per_second=4) as live:

        def report(event: Event) -> None:
            text = describe_event(event)
            if text:
                live.console.print(text)
            display.note(event)

        yield report


class _Display:
    """What is being done now: bars of the scenarios, and the step."""

    def __init__(self, folder: CampaignFolder) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._now = ""
        self._iteration: int | None = None
        self._looked = 0.0
        self._running: dict[str, tuple[int, int]] = {}
        self._left: dict[str, TimeLeft] = {}

    def note(self, event: Event) -> None:
        """Take in an event."""
        with self._lock:
            if event.kind in ("iteration", "progress"):  # others may tell of runs made ahead
                self._iteration = event.iteration
            if event.kind == "progress":
                content = event.content
                done, total = content["done"], content["total"]
                self._now = f"{content['step']} {content['name']}".strip()
                self._now += f": {done} of {total}" if total else " ..."

    def render(self) -> RenderableType:
        """Draw bars of what runs."""
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        bars = Table.grid(padding=(0, 1))
        for name, (done, total) in self._look().items():
            bar = ProgressBar(total=total, completed=done, width=30)
            left = describe_seconds(self._left[name].seconds(total))
            bars.add_row(Text(f"  {name}"), bar, Text(f"{done} of {total}"), Text(left))
        with self._lock:
            return Group(bars, Text(f"  {self._now}" if self._now else ""))

    def _look(self) -> dict[str, tuple[int, int]]:
        """Read how far scenarios are, now and then."""
        from maxvolt.campaign.record.heartbeat import read_heartbeats

        now = time.monotonic()
        if self._iteration is not None and now - self._looked >= _SECONDS_BETWEEN_LOOKS:
            self._looked = now
            here = self._folder.iteration(self._iteration)
            ahead = self._folder.iteration(self._iteration + 1)
            self._running = read_heartbeats(ahead.sampling) | read_heartbeats(here.sampling)
            self._left = {name: self._left.get(name, TimeLeft()) for name in self._running}
            for name, (done, _) in self._running.items():
                self._left[name].update(done)
        return self._running
