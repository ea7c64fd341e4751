"""What a fit minimises: labels and the weights of their equations, (7), (11), (12) of the docs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from maxvolt.dataset import Dataset
from maxvolt.errors import FitError
from maxvolt.fitting.settings import Scaling, SizeScaling, Weights, check_choice
from maxvolt.units import VOIGT_COUNTS

__all__ = ["EquationWeights", "Objective", "equation_weights"]

# The paper's three uses of a potential.
_NAMED: dict[Scaling, SizeScaling] = {
    "vibrations": SizeScaling(1, 0),
    "molecules": SizeScaling(0, 0),
    "structures": SizeScaling(2, 1),
}

_OF_WEIGHTS = 2**32 - 1
"""Tells the random numbers of weights from those of parts and starts."""

_DRAWS = 100
"""Samples tried until one has all species."""


@dataclass(frozen=True, slots=True, eq=False)
class EquationWeights:
    """Weight of every equation in the loss; zero where there is no label.

    Attributes
    ----------
    energies : shape (n,)
    forces : shape (N,)
        The same for the three components.
    virials : shape (n, 6)
    """

    energies: NDArray[np.float64]
    forces: NDArray[np.float64]
    virials: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Objective:
    """Labels, and how they count.

    Attributes
    ----------
    dataset : Dataset
        Labelled structures.
    weights, scaling
        As of `FitSettings`.
    isolated_energies : shape (C,), eV, or None
        Energies of isolated atoms; None: they are fitted.
    """

    dataset: Dataset
    weights: Weights
    scaling: Scaling | SizeScaling
    isolated_energies: NDArray[np.float64] | None = None

    def equation_weights(self) -> EquationWeights:
        """Weights of all equations, see `equation_weights`."""
        return equation_weights(self.dataset, self.weights, self.scaling)

    def selected(self, structures: NDArray[np.int64]) -> Objective:
        """The same for some of the structures."""
        return replace(self, dataset=self.dataset.select(structures))

    def resampled(
        self, seed: int, member: int, how: Literal["weights", "bootstrap"] = "weights"
    ) -> Objective:
        """The same for another sample of as many structures.

        Parameters
        ----------
        seed, member
            Of the random numbers.
        how
            "weights": weights drawn from an exponential distribution, the Bayesian bootstrap
            (Rubin, Ann. Stat. 9, 130 (1981)); no structure is left out, so that a fit that all
            structures determine stays determined. "bootstrap": structures drawn with replacement
            (Efron, Ann. Stat. 7, 1 (1979)), about 63 % of them, again until all species are there.

        Raises
        ------
        FitError
            No sample with all species was found.
        """
        rng = np.random.default_rng([seed, member, _OF_WEIGHTS])
        if how == "weights":
            return self._weighted(rng.exponential(size=len(self.dataset)))
        species, n = np.unique(self.dataset.numbers), len(self.dataset)
        for _ in range(_DRAWS):
            counts = np.bincount(rng.integers(n, size=n), minlength=n)
            drawn = np.flatnonzero(counts)
            sample = self.selected(drawn)
            if np.array_equal(np.unique(sample.dataset.numbers), species):
                return sample._weighted(counts[drawn].astype(float))
        raise FitError(
            f"resampling: {_DRAWS} samples of the structures, drawn with replacement, all lacked "
            "an element, which too few structures have; use random weights (resampling = weights)"
        )

    def _weighted(self, factors: NDArray[np.float64]) -> Objective:
        """The same with weights times factors of the structures, which are 1 on average."""
        weights = self.dataset.weights * factors / factors.mean()
        return replace(self, dataset=replace(self.dataset, weights=weights))


def equation_weights(
    dataset: Dataset, weights: Weights, scaling: Scaling | SizeScaling
) -> EquationWeights:
    """Weights of all equations of a dataset.

    Parameters
    ----------
    dataset
        Structures with labels; their own weights multiply.
    weights
        Weights of energies, forces and stresses.
    scaling
        vibrations: energies and stresses divided by N, equation (11); molecules: nothing divided,
        equation (7); structures: energies and stresses by N^2, forces by N, equation (12). All are
        divided by the number of structures, so that a loss does not grow with the set.

    Raises
    ------
    FitError
        Unknown scaling.
    """
    if not isinstance(scaling, SizeScaling):
        check_choice("scaling", scaling, Scaling)
        scaling = _NAMED[scaling]
    counts = dataset.counts.astype(float)
    own = dataset.weights / max(len(dataset), 1)
    periodic = dataset.pbc.all(axis=1)
    forces = weights.forces * own * dataset.has_forces / counts**scaling.force_power
    power = scaling.energy_power
    stress = weights.stress * own * (dataset.has_stress & periodic) / counts**power
    return EquationWeights(
        energies=weights.energy * own * dataset.has_energy / counts**power,
        forces=np.repeat(forces, dataset.counts) * _softened(dataset, scaling.softening),
        virials=stress[:, None] * VOIGT_COUNTS,
    )


def _softened(dataset: Dataset, softening: float) -> NDArray[np.float64] | float:
    """Factor of the weights of each atom's forces."""
    if softening == 0.0:
        return 1.0
    squares = np.nan_to_num(dataset.forces, nan=0.0) ** 2
    return np.asarray(softening / (squares.sum(axis=1) + softening))
