"""The walk of Wang and Landau in one range of energies, and its file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maxvolt.archives import kept_arrays
from maxvolt.files import replacing
from maxvolt.potentials.lattice.chain import Chain
from maxvolt.potentials.lattice.hamiltonian import Hamiltonian

__all__ = ["Window"]


@dataclass(slots=True, eq=False)
class Window:
    """A walk in bins of energy, and where it is.

    Attributes
    ----------
    chain
        Whose energy is in the range.
    lowest, width : eV
        Of the first bin.
    logarithms, visits : shape (bins,)
        Of the density of states; visits since the step became what it is.
    known : shape (bins,), bool
        Bins that were visited.
    step
        What is added at a visit.
    attempts, total
        Swaps since the first step, and all of them.
    inverse
        Whether the step follows the inverse of the attempts.
    """

    chain: Chain
    lowest: float
    width: float
    logarithms: NDArray[np.float64]
    visits: NDArray[np.int64]
    known: NDArray[np.bool_]
    step: float = 1.0
    attempts: int = 0
    total: int = 0
    inverse: bool = False

    @classmethod
    def begin(cls, chain: Chain, lowest: float, width: float, bins: int) -> Window:
        """Begin a walk that has seen nothing."""
        return cls(
            chain, lowest, width, np.zeros(bins), np.zeros(bins, np.int64), np.zeros(bins, bool)
        )

    def advance(self, attempts: int, flatness: float) -> None:
        """Walk, and lower the step as equation (227) has it.

        Parameters
        ----------
        attempts
            Number of swaps.
        flatness
            What the least visited bin must have of the mean before the step is halved.
        """
        self.chain.walk(self.lowest, self.width, self.logarithms, self.visits, self.step, attempts)
        self.attempts += attempts
        self.total += attempts
        found = (self.visits > 0) & ~self.known
        if found.any():
            self._take_in(found)
            return
        visits = self.visits[self.known]
        inverse = len(visits) / self.attempts
        self.inverse = self.inverse or self.step <= inverse
        if self.inverse:
            self.step = inverse
        elif visits.min() >= max(1.0, flatness * visits.mean()):
            self.step /= 2
            self.visits[:] = 0

    def _take_in(self, found: NDArray[np.bool_]) -> None:
        """Begin again with energies that are new, at the height of the nearest that are not."""
        before = np.flatnonzero(self.known)
        for one in np.flatnonzero(found) if len(before) else ():
            nearest = before[np.argmin(np.abs(before - one))]
            self.logarithms[one] = max(self.logarithms[one], self.logarithms[nearest])
        self.known |= found
        self.visits[:] = 0
        self.step, self.attempts, self.inverse = 1.0, 0, False

    def write(self, path: Path) -> None:
        """Write everything, from which the walk goes on bit for bit."""
        with replacing(path) as file:
            np.savez(
                file, occupation=self.chain.occupation.astype(np.uint8),
                random_state=self.chain.random_state, lowest=np.array(self.lowest),
                width=np.array(self.width), logarithms=self.logarithms, visits=self.visits,
                known=self.known, step=np.array(self.step), attempts=np.array(self.attempts),
                total=np.array(self.total), inverse=np.array(self.inverse),
            )  # fmt: skip

    @classmethod
    def read(cls, path: Path, hamiltonian: Hamiltonian) -> Window:
        """Read what was written.

        Raises
        ------
        FileFormatError
            The file is damaged.
        """
        with kept_arrays(path, "walk that was kept", "it begins anew") as arrays:
            chain = Chain.in_state(
                hamiltonian, arrays["occupation"].astype(np.int64), arrays["random_state"]
            )
            window = cls(
                chain, float(arrays["lowest"]), float(arrays["width"]), arrays["logarithms"],
                arrays["visits"], arrays["known"], float(arrays["step"]),
                int(arrays["attempts"]), int(arrays["total"]), bool(arrays["inverse"]),
            )  # fmt: skip
        return window
