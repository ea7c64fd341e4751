"""Seeds of several chains that belong together."""

from __future__ import annotations

import numpy as np

__all__ = ["seed_of_chain"]


def seed_of_chain(seed: int, chain: int) -> int:
    """Seed of a chain by its number: the given one for number 0, unrelated ones for others."""
    if chain == 0:
        return seed
    return int(np.random.SeedSequence((seed, chain)).generate_state(1, np.uint64)[0])
