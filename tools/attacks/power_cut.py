"""Cut the power of a campaign, with what then is left of its files; going on gives the same end."""

from __future__ import annotations

import random
import shutil
from functools import cache
from pathlib import Path

from attacks.campaign_trials.recorded_disk import RecordedDisk
from attacks.campaign_trials.small_campaign import (
    products,
    run_here,
    undisturbed,
    write_campaign,
)
from attacks.finding import FindingError

CUTS = 2


def trial(seed: int, scratch: Path) -> str:
    """Run a campaign with its power cut at random operations, and go on from each."""
    generator = random.Random(seed)
    wanted = sorted(generator.sample(range(operations()), CUTS))
    cuts: list[Path] = []
    done = 0

    def notice() -> None:
        nonlocal done
        if done in wanted:
            cuts.append(scratch / f"cut{len(cuts)}")
            disk.after_a_cut(generator, cuts[-1] / "small")
        done += 1

    whole = scratch / "whole"
    whole.mkdir()
    disk = RecordedDisk(whole / "small", notice)
    file = write_campaign(whole)
    with disk.recording():
        run_here(file)
    if len(cuts) < CUTS:
        raise FindingError(f"{done} operations only, {operations()} in another run of the same")
    for number, cut in zip(wanted, cuts, strict=True):
        shutil.copy(file, cut)
        status = run_here(cut / file.name).status
        if status != "finished" or products(cut) != products(undisturbed()):
            raise FindingError(f"cut before operation {number}: {status}, and another end")
    return "held"


@cache
def operations() -> int:
    """How many operations a campaign surely has: some of those that one run had."""
    count = 0

    def notice() -> None:
        nonlocal count
        count += 1

    folder = undisturbed().with_name(f"{undisturbed().name}.counted")
    folder.mkdir(exist_ok=True)
    with RecordedDisk(folder / "small", notice).recording():
        run_here(write_campaign(folder))
    shutil.rmtree(folder)
    return int(0.9 * count)
