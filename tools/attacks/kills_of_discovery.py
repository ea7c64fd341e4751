"""Kill campaigns that begin with random boxes, 20 times each; they must end as if never killed."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from attacks.campaign_trials.small_campaign import (
    NETWORKS_FROM_BOXES,
    SMALL_BOXES,
    write_campaign,
)
from attacks.kills import (
    CALCULATOR,
    check_calculations,
    check_end,
    run_with_kills,
    without_kills,
)

FAMILIES = {"moment tensor potentials": SMALL_BOXES, "ANI networks": NETWORKS_FROM_BOXES}
"""Campaign files by what they train."""

_SHARE = 0.1
"""Longest time to a kill once it works, of that of the whole: 20 kills come before its end."""


def trial(
    seed: int, scratch: Path, most: int = 20, families: Sequence[str] = tuple(FAMILIES)
) -> str:
    """Kill a campaign of each family up to `most` times, mostly while it works."""
    found = []
    for family in families:
        expected, duration = undisturbed(family)
        folder = scratch / family.replace(" ", "_")
        kills = run_with_kills(
            write_boxes(folder, family), most, _SHARE * duration, random.Random(seed), at_work=True
        )
        check_end(folder, expected)
        check_calculations(folder / "log")
        found.append(f"{family} {kills} times, {len(expected)} files equal")
    return "killed " + "; ".join(found)


@cache
def undisturbed(family: str) -> tuple[dict[str, bytes], float]:
    """Products of a campaign without kills, and how long it took, s."""
    return without_kills(write_boxes(Path(tempfile.mkdtemp(prefix="undisturbed.")), family))


def write_boxes(folder: Path, family: str) -> Path:
    """Write the campaign file, with a reference that notes its calculations."""
    return write_campaign(folder, FAMILIES[family], calculator=CALCULATOR, max_iterations="30")
