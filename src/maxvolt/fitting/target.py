"""What is to be fitted: labels, how they count, and the problems made of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from maxvolt.dataset import Dataset
from maxvolt.fitting.columns import DISPLACEMENT
from maxvolt.fitting.displaced import displaced_copies, spread_structures
from maxvolt.fitting.objective import Scaling, Weights
from maxvolt.fitting.problem import Problem
from maxvolt.fitting.starts import representative_part
from maxvolt.fitting.training_set import prepare
from maxvolt.potentials import MTP

__all__ = ["Target"]

_OF_WEIGHTS = 2**32 - 1
"""Tells the random numbers of weights from those of parts and starts."""


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """Labels and how they count.

    Attributes
    ----------
    dataset, weights, scaling
        As of `fit`.
    isolated_energies : shape (C,), eV, or None
        None: they are fitted.
    threads : int
    """

    dataset: Dataset
    weights: Weights
    scaling: Scaling
    isolated_energies: NDArray[np.float64] | None
    threads: int

    def problem(self, potential: MTP) -> Problem:
        """The least-squares problem of a potential on all structures."""
        return self._problem(potential, self.dataset)

    def part(self, whole: Problem, seed: list[int]) -> Problem:
        """The same on a random part of the structures."""
        rng = np.random.default_rng(seed)
        chosen = representative_part(self.dataset, whole.training_set, whole.n_linear, rng)
        if len(chosen) == len(self.dataset):
            return whole
        return self._problem(whole.potential, self.dataset.select(chosen))

    def resampled(self, seed: int, member: int) -> Target:
        """The same with random weights of the structures: the Bayesian bootstrap.

        Weights drawn from an exponential distribution stand for another sample of as many
        structures (Rubin, Ann. Stat. 9, 130 (1981)). None is left out, so that a fit that all
        structures determine stays determined.
        """
        rng = np.random.default_rng([seed, member, _OF_WEIGHTS])
        factors = rng.exponential(size=len(self.dataset))
        weights = self.dataset.weights * factors / factors.mean()
        return replace(self, dataset=replace(self.dataset, weights=weights))

    def _problem(self, potential: MTP, dataset: Dataset) -> Problem:
        copies = displaced_copies(dataset.select(spread_structures(dataset, 16, 256)), DISPLACEMENT)
        training_set, displaced = (
            prepare(
                structures,
                potential.species,
                potential.cutoff,
                potential.n_parameters,
                self.weights,
                self.scaling,
                self.isolated_energies,
            )
            for structures in (dataset, copies)
        )
        return Problem(potential, training_set, self.threads, displaced)
