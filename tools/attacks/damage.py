"""Damage a file of a finished campaign; going on gives the same end, or an error that names it."""

from __future__ import annotations

import random
from pathlib import Path

from attacks.campaign_trials.small_campaign import (
    copy_of_undisturbed,
    products,
    run_here,
    undisturbed,
)
from attacks.finding import FindingError
from maxvolt.errors import MaxvoltError

WAYS = ("removed", "emptied", "cut short", "flipped")


def trial(seed: int, scratch: Path) -> str:
    """Damage one file; in half of the trials the last iteration was not complete."""
    generator = random.Random(seed)
    file = copy_of_undisturbed(scratch)
    campaign = scratch / "small"
    if generator.random() < 0.5:
        sorted(campaign.glob("iterations/*/outcome.json"))[-1].unlink()
    # The store of labels is another attack: SQLite looks after its own pages.
    paths = [p for p in sorted(campaign.rglob("*")) if p.is_file() and "labels.db" not in str(p)]
    path = generator.choice([p for p in paths if p.name != ".lock"])
    way = generator.choice(WAYS)
    damage(path, way, generator)
    what = f"{path.relative_to(campaign)} {way}"
    try:
        status = run_here(file).status
    except MaxvoltError as error:
        if path.name not in str(error):
            raise FindingError(f"{what}: the error does not name the file: {error}") from error
        return "refused"
    if status != "finished":
        raise FindingError(f"{what}: the campaign ended as {status}")
    if products(scratch) != products(undisturbed()):
        raise FindingError(f"{what}: another end, and no word of it")
    return "mended"


def damage(path: Path, way: str, generator: random.Random) -> None:
    """Do it to a file."""
    content = bytearray(path.read_bytes())
    if way == "removed":
        path.unlink()
        return
    if way == "emptied":
        content.clear()
    elif way == "cut short":
        del content[generator.randrange(max(len(content), 1)) :]
    else:
        for _ in range(generator.randint(1, 4) if content else 0):
            content[generator.randrange(len(content))] ^= 1 << generator.randrange(8)
    path.write_bytes(bytes(content))
