"""What an active set consists of: rows that span a volume, and the structures they come from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maxvolt.dataset import Dataset
from maxvolt.errors import DataError
from maxvolt.potentials import ParameterGradients, Potential
from maxvolt.selection.selector import NOWHERE
from maxvolt.selection.weights import Mode, RowWeights

__all__ = ["EQUATIONS", "ActiveRows"]

EQUATIONS = "selected_eqn_inds"
"""Under which MLIP and selections note the equations of a structure that are in the active set."""


@dataclass(frozen=True, slots=True, eq=False)
class ActiveRows:
    """The contents of an active set, as files hold them; `ActiveSet` grades and selects by them.

    Parameters
    ----------
    potential
        The potential whose parameters the rows are gradients of.
    weights
        Which gradients make rows.
    matrix, inverse : shape (n, n)
        The rows, and their inverse; n is the number of parameters.
    origins : shape (n, 2), int64
        Number in `structures` and equation of each row; -1 -1 for one that was never replaced.
    structures
        The selected structures, with their labels.

    Raises
    ------
    DataError
        An array does not have the shape that the potential asks for.
    """

    potential: ParameterGradients
    weights: RowWeights
    matrix: NDArray[np.float64]
    inverse: NDArray[np.float64]
    origins: NDArray[np.int64]
    structures: Dataset

    def __post_init__(self) -> None:
        n = self.potential.n_parameters
        for name, shape in (("matrix", (n, n)), ("inverse", (n, n)), ("origins", (n, 2))):
            array = np.array(getattr(self, name))
            if array.shape != shape:
                raise DataError(
                    f"{name} has shape {array.shape}; expected {shape} for the {n} parameters of "
                    "the potential"
                )
            array.flags.writeable = False
            object.__setattr__(self, name, array)

    @property
    def species(self) -> tuple[str, ...]:
        """Symbols of the species of the potential."""
        return self.potential.species

    @property
    def cutoff(self) -> float:
        """Cutoff of the potential, Angstrom."""
        return self.potential.cutoff

    @property
    def members(self) -> tuple[Potential, ...]:
        """The potential, as a `QueryStrategy` names those it asks."""
        return (self.potential,)

    @property
    def mode(self) -> Mode:
        """Whether atoms have rows of their own."""
        return self.weights.mode

    @property
    def size(self) -> int:
        """Number of rows n, one for each parameter."""
        return len(self.matrix)

    @property
    def rank(self) -> int:
        """Number of rows that come from structures; the others were never replaced."""
        return int((self.origins[:, 0] != NOWHERE).sum())

    @property
    def largest_rank(self) -> int:
        """Number of independent rows that the potential can have at all, equation (40)."""
        return self.potential.largest_rank(of_sites=self.mode == "neighborhood")

    @property
    def is_complete(self) -> bool:
        """Whether there are as many independent rows as there can be."""
        return self.rank >= self.largest_rank

    @property
    def completeness(self) -> str:
        """Rank in words, with what follows from it."""
        text = f"rank {self.rank} of {self.size} ({self.largest_rank} possible)"
        if self.is_complete:
            return text
        remedy = "add structures"
        if self.mode == "configuration":
            remedy += ", or take neighborhood mode, which has a row for each atom"
        return f"{text}, incomplete: any structure with something new has a huge grade; {remedy}"

    @property
    def description(self) -> str:
        """What the grades are, and how complete the set."""
        of = "atoms" if self.mode == "neighborhood" else "structures"
        return f"extrapolation grade of {of} by an active set, {self.completeness}"

    @property
    def log_determinant(self) -> float:
        """Logarithm of |det A|, which selections maximise."""
        return float(np.linalg.slogdet(self.matrix).logabsdet)
