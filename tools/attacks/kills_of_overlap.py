"""Kill a campaign whose runs overlap with its fits; it must end as one that does one at a time."""

from __future__ import annotations

import random
import tempfile
from functools import cache
from pathlib import Path

from attacks.campaign_trials.small_campaign import SMALL, SMALL_NETWORKS, write_campaign
from attacks.finding import FindingError
from attacks.kills import (
    CALCULATOR,
    check_calculations,
    check_end,
    run_with_kills,
    without_kills,
)

UNTIL_NO_BREAK = '\n[stopping]\nuntil = "no break"\n'

_DURATION = 3.0
"""Longest time to a kill once it works, s: about that of an iteration."""


def trial(seed: int, scratch: Path, most: int = 20) -> str:
    """Kill it up to `most` times, mostly while it works; even seeds train networks.

    With what it is compared has one worker, so that nothing overlaps.
    """
    networks = seed % 2 == 0
    file = write_overlapping(scratch, networks=networks, workers=2)
    kills = run_with_kills(file, most, _DURATION, random.Random(seed), at_work=True)
    check_end(scratch, undisturbed(networks))
    check_calculations(scratch / "log")
    if '"sampling ahead"' not in (scratch / "small" / "journal.jsonl").read_text():
        raise FindingError("nothing was run ahead")
    return f"killed {kills} times"


@cache
def undisturbed(networks: bool) -> dict[str, bytes]:
    """Products of the same campaign with one worker and without kills."""
    folder = Path(tempfile.mkdtemp(prefix="undisturbed."))
    return without_kills(write_overlapping(folder, networks=networks, workers=1))[0]


def write_overlapping(folder: Path, *, networks: bool, workers: int) -> Path:
    """Write the campaign file, with a reference that notes its calculations."""
    return write_campaign(
        folder,
        (SMALL_NETWORKS if networks else SMALL) + UNTIL_NO_BREAK,
        calculator=CALCULATOR,
        workers=f"{workers}\noverlap = true",
        max_iterations="30",
        **{"select": "2.0", "break": "6.0"},
    )
