"""A new moment tensor potential: what it has where nobody says otherwise.

The one set of defaults for campaign files and the command line; nothing heavy is imported here.
"""

from __future__ import annotations

__all__ = [
    "CUTOFF",
    "FINAL_SET",
    "GROWING_SET",
    "LEVEL",
    "RADIAL_BASIS_SIZE",
    "default_min_dist",
]

LEVEL = 16
CUTOFF = 5.0
"""Angstrom."""
RADIAL_BASIS_SIZE = 8

FINAL_SET, GROWING_SET = 0.99, 0.95
"""min_dist as part of the shortest distance in the training set. A set that is fitted once needs
room for its own distances only; that of a campaign grows towards shorter ones."""

_MOST_OF_CUTOFF = 0.5
"""Most that min_dist is of the cutoff: of a set of isolated atoms the shortest distance is none."""


def default_min_dist(shortest: float, cutoff: float, *, grows: bool) -> float:
    """Where the radial basis begins, Angstrom.

    Parameters
    ----------
    shortest
        Shortest distance in the training set, Angstrom.
    cutoff
        Of the potential, Angstrom.
    grows
        Whether the training set will get more structures.
    """
    return float(min((GROWING_SET if grows else FINAL_SET) * shortest, _MOST_OF_CUTOFF * cutoff))
