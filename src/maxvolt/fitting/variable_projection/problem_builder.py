"""Least-squares problems of potentials, made of an objective."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from maxvolt.fitting.displaced_structures import displaced_copies, spread_structures
from maxvolt.fitting.objective import Objective
from maxvolt.fitting.training_set import MOST_ATOMS, TrainingSet, prepare
from maxvolt.fitting.variable_projection.problem import Problem
from maxvolt.fitting.variable_projection.random_starts import representative_part
from maxvolt.fitting.variable_projection.sampling import sampled_structures
from maxvolt.fitting.variable_projection.vanishing_columns import DISPLACEMENTS
from maxvolt.parallel.ranks import ONE_PROCESS, Ranks
from maxvolt.potentials.mtp.potential import MTP

__all__ = ["ProblemBuilder"]

_COPIED_STRUCTURES, _COPIED_ATOMS = 16, 256
"""Most structures that displaced copies are made of, and most atoms of these."""

_PORTIONS_OF_PART = 16
"""At least about so many portions of a part, so that several threads or ranks share the work."""


@dataclass(frozen=True, slots=True, eq=False)
class ProblemBuilder:
    """Makes the problems of a fit: of all structures, of a part of them, with other weights.

    Attributes
    ----------
    objective : Objective
        Labels and how they count.
    threads : int
        Number of threads.
    most_atoms : int
        Of the portions whose equations are assembled together.
    ranks : Ranks
        Who assembles them.
    """

    objective: Objective
    threads: int
    most_atoms: int = MOST_ATOMS
    ranks: Ranks = ONE_PROCESS

    def problem(self, potential: MTP, training_set: TrainingSet | None = None) -> Problem:
        """The least-squares problem of a potential on all structures.

        Parameters
        ----------
        potential
            Gives basis, species and cutoff.
        training_set
            Of the objective, where it has been prepared already.
        """
        dataset = self.objective.dataset
        chosen = spread_structures(dataset, _COPIED_STRUCTURES, _COPIED_ATOMS)
        if training_set is None:
            training_set = self._prepared(self.objective, potential, self.ranks)
        displaced = tuple(
            self._prepared(  # too few to be shared
                replace(self.objective, dataset=copies), potential, ONE_PROCESS
            )
            for copies in (displaced_copies(dataset.select(chosen), size) for size in DISPLACEMENTS)
        )
        sample = self._sample(potential, training_set)
        return Problem(potential, training_set, self.threads, displaced, sample)

    def _sample(self, potential: MTP, training_set: TrainingSet) -> TrainingSet | None:
        """Structures for the products of the rows by the radial coefficients."""
        n_species, n_parameters = len(potential.species), potential.n_parameters
        dataset = self.objective.dataset
        chosen = sampled_structures(dataset, training_set, n_species, n_parameters)
        if chosen is None:
            return None
        # Labels relative to the same baseline, which robust weights are compared with.
        objective = replace(
            self.objective.selected(chosen), isolated_energies=training_set.baseline
        )
        return self._of_part(objective)._prepared(objective, potential, self.ranks)

    def _of_part(self, objective: Objective) -> ProblemBuilder:
        """The same for some of the structures, in portions that several threads can share."""
        most_atoms = max(1, min(self.most_atoms, objective.dataset.n_atoms // _PORTIONS_OF_PART))
        return replace(self, objective=objective, most_atoms=most_atoms)

    def part(self, whole: Problem, equations: int, seed: list[int]) -> Problem:
        """The same on a random part of the structures, with about so many equations."""
        dataset, rng = self.objective.dataset, np.random.default_rng(seed)
        chosen = representative_part(dataset, whole.training_set, equations, rng)
        if len(chosen) == len(dataset):
            return whole
        return self._of_part(self.objective.selected(chosen)).problem(whole.potential)

    def resampled(
        self, seed: int, member: int, how: Literal["weights", "bootstrap"]
    ) -> ProblemBuilder:
        """The same for another sample of the structures, see `Objective.resampled`."""
        return replace(self, objective=self.objective.resampled(seed, member, how))

    def _prepared(self, objective: Objective, potential: MTP, ranks: Ranks) -> TrainingSet:
        return prepare(
            objective,
            potential.species,
            potential.cutoff,
            potential.n_parameters,
            most_atoms=self.most_atoms,
            ranks=ranks,
        )
