"""Kill a campaign that trains networks, 20 times; on the CPU it must end as if never killed."""

from __future__ import annotations

import random
import tempfile
from functools import cache
from pathlib import Path

from attacks.campaign_trials.small_campaign import SMALL_NETWORKS, write_campaign
from attacks.kills import (
    CALCULATOR,
    check_calculations,
    check_end,
    run_with_kills,
    without_kills,
)


def trial(seed: int, scratch: Path, most: int = 20) -> str:
    """Kill it up to `most` times, mostly while it works; fits go on from their last epoch.

    A fifth of the time that it takes is short enough for all of 20 to come before its end.
    """
    expected, duration = undisturbed()
    file = write_networks(scratch)
    kills = run_with_kills(file, most, 0.2 * duration, random.Random(seed), at_work=True)
    check_end(scratch, expected)
    check_calculations(scratch / "log")
    return f"killed {kills} times"


@cache
def undisturbed() -> tuple[dict[str, bytes], float]:
    """Products of a campaign without kills, and how long it took, s."""
    return without_kills(write_networks(Path(tempfile.mkdtemp(prefix="undisturbed."))))


def write_networks(folder: Path) -> Path:
    """Write the campaign file, with a reference that notes its calculations."""
    return write_campaign(folder, SMALL_NETWORKS, calculator=CALCULATOR)
