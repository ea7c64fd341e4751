"""A piece of a replica exchange, and its file."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maxvolt.archives import kept_arrays
from maxvolt.files import replacing

__all__ = ["ExchangePiece"]


@dataclass(frozen=True, slots=True, eq=False)
class ExchangePiece:
    """What n replicas at n temperatures have been through.

    Attributes
    ----------
    places : shape (rounds, n), int64
        Number of the temperature of each replica, after each round of exchanges.
    occupations : shape (n, n_sites), uint8
        Of the replicas at the end.
    random_states : shape (n, 4), uint64
        Of the replicas at the end.
    energies : shape (n, sweeps), eV
        At each temperature.
    counts : shape (n, sweeps, c), int32
        Atoms of each species at each temperature.
    accepted : shape (n,)
        Share of the attempts at each temperature.
    exchanges : shape (2, n - 1), int64
        Attempts of neighbouring temperatures to exchange, and how many were accepted.
    """

    places: NDArray[np.int64]
    occupations: NDArray[np.uint8]
    random_states: NDArray[np.uint64]
    energies: NDArray[np.float64]
    counts: NDArray[np.int32]
    accepted: NDArray[np.float64]
    exchanges: NDArray[np.int64]

    def write(self, path: Path) -> None:
        """Write everything, from which a simulation goes on bit for bit."""
        with replacing(path) as file:
            np.savez(file, **{one.name: getattr(self, one.name) for one in fields(self)})

    @classmethod
    def read(cls, path: Path) -> ExchangePiece:
        """Read what was written.

        Raises
        ------
        FileFormatError
            The file is damaged.
        """
        with kept_arrays(path, "piece that is done") as arrays:
            values = {one.name: arrays[one.name] for one in fields(cls)}
        return cls(**values)
