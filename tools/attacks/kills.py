"""Kill a campaign at random instants, run it again until it ends; nothing may be lost or twice."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import tempfile
import time
from collections import Counter
from functools import cache
from pathlib import Path

from attacks.campaign_trials.small_campaign import environment, products, start, write_campaign
from attacks.finding import FindingError

CALCULATOR = '"attacks.campaign_trials.calculators:ReportingEMT"'


def trial(seed: int, scratch: Path) -> str:
    """Kill it up to twice; its simulations go on from states in between."""
    expected, duration = undisturbed()
    file = write_campaign(scratch, calculator=CALCULATOR)
    kills = run_with_kills(file, 2, duration, random.Random(seed))
    check_end(scratch, expected)
    check_calculations(scratch / "log")
    return "killed" if kills else "never hit"


def check_end(scratch: Path, expected: dict[str, bytes]) -> None:
    """Refuse other products than those of the undisturbed campaign, and files that are left."""
    found = products(scratch)
    for name in sorted(expected.keys() | found.keys()):
        if expected.get(name) != found.get(name):
            raise FindingError(f"{name} differs from that of the undisturbed campaign")
    left = [path for path in (scratch / "small").rglob(".*") if path.name != ".lock"]
    left += (scratch / "small").rglob("*.state")
    if left:
        raise FindingError(f"{left[0]} is left over")


@cache
def undisturbed() -> tuple[dict[str, bytes], float]:
    """Products of a campaign without kills, and how long it took, s."""
    folder = Path(tempfile.mkdtemp(prefix="undisturbed."))
    return without_kills(write_campaign(folder, calculator=CALCULATOR))


def without_kills(file: Path, **variables: str) -> tuple[dict[str, bytes], float]:
    """Run a campaign to its end; give its products, and how long it took, s."""
    began = time.monotonic()
    run_with_kills(file, 0, 0.0, random.Random(0), **variables)
    return products(file.parent), time.monotonic() - began


def run_with_kills(
    file: Path,
    most: int,
    duration: float,
    generator: random.Random,
    *,
    at_work: bool = False,
    **variables: str,
) -> int:
    """Run a campaign to its end with up to so many kills; return how many there were.

    Parameters
    ----------
    file
        The campaign file; calculations are noted beside it.
    most
        Number of kills.
    duration
        Longest time to a kill, s.
    generator
        Draws the instants: within that time after each start.
    at_work
        Whether that time begins, in three of four starts, when the campaign begins to work: Python
        and its modules may take longer to load than all the work takes.
    **variables
        Of the environment.
    """
    kills = 0
    while True:
        starts = _starts(file)
        process = start(file, {**environment(file.parent / "log"), **variables})
        try:
            wait = generator.uniform(0, duration) if kills < most else None
            if wait is not None and at_work and generator.random() < 0.75:
                _await_work(file, process, starts)
            output, errors = process.communicate(timeout=wait)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            kills += 1
            continue
        if process.returncode or json.loads(output)["status"] != "finished":
            raise FindingError(f"the campaign did not finish: {output} {errors}")
        return kills


def _await_work(file: Path, process: subprocess.Popen[str], starts: int) -> None:
    """Wait until a campaign has noted that it was started once more, or ended."""
    while _starts(file) == starts and process.poll() is None:
        time.sleep(0.02)


def _starts(file: Path) -> int:
    journal = file.with_suffix("") / "journal.jsonl"
    return journal.read_text().count('"event": "started"') if journal.exists() else 0


def check_calculations(log: Path) -> None:
    """Refuse labels that were calculated to the end more than once."""
    ended = Counter(line.split()[2] for line in log.read_text().splitlines() if " end " in line)
    twice = [key for key, number in ended.items() if number > 1]
    if twice:
        raise FindingError(f"{twice[0]} was calculated {ended[twice[0]]} times")
