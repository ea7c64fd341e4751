"""Random numbers that depend on what is done, not on when or by whom."""

from __future__ import annotations

import hashlib

__all__ = ["derived_seed"]


def derived_seed(seed: int, *names: str | int) -> int:
    """Seed of a part of a campaign, 0 <= seed < 2^63.

    Parameters
    ----------
    seed
        Of the campaign.
    names
        What the part is: stage, iteration, scenario ...
    """
    text = "\0".join(str(part) for part in (seed, *names))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "little") >> 1
