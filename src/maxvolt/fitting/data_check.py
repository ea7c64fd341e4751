"""Everything that a fit would refuse or doubt in a dataset, collected rather than raised."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from maxvolt.dataset import Dataset
from maxvolt.errors import FitError, MaxvoltError
from maxvolt.fitting.objective import Objective
from maxvolt.fitting.screening.examination import examine
from maxvolt.fitting.screening.findings import Finding
from maxvolt.fitting.screening.label_consistency import check_work
from maxvolt.fitting.screening.plausibility import check_contacts, check_densities, check_labels
from maxvolt.fitting.settings import DEFAULT_SCALING, Weights
from maxvolt.fitting.training_set import TrainingSet, prepare
from maxvolt.fitting.usable_data import check_training_data
from maxvolt.threads import thread_count

__all__ = ["DataCheck", "check_data"]

_CUTOFF = 5.0
"""Angstrom; of the small potential that labels are compared with."""

_PARAMETERS = 50
"""About as many as it has; they bound the memory of a portion."""


@dataclass(frozen=True, slots=True)
class DataCheck:
    """What is wrong with labelled structures.

    Attributes
    ----------
    refused : tuple of str
        What a fit refuses: whole sets in other units, structures that contradict each other.
    doubted : tuple of str
        What a fit warns of.
    findings : tuple of Finding
        Structures that the others contradict; certain ones are refused, too.
    """

    refused: tuple[str, ...]
    doubted: tuple[str, ...]
    findings: tuple[Finding, ...]

    def messages(self, dataset: Dataset) -> list[str]:
        """All of it for people, the worst first."""
        found = sorted(self.findings, key=lambda one: not one.certain)
        return [*self.refused, *(one.message(dataset) for one in found), *self.doubted]

    def to_dict(self, dataset: Dataset) -> dict[str, Any]:
        """Plain text and numbers."""
        return {
            "refused": list(self.refused),
            "doubted": list(self.doubted),
            "findings": [one.to_dict(dataset) for one in self.findings],
        }


def check_data(
    dataset: Dataset, *, cutoff: float = _CUTOFF, threads: int | None = None
) -> DataCheck:
    """Look for labels and positions that cannot be right, as `maxvolt.fit` does before a fit.

    Parameters
    ----------
    dataset
        Structures; without any label there is nothing to check.
    cutoff : float, Angstrom
        Of the small potential that labels are compared with.
    threads
        Number of threads; None for every core.
    """
    if not (dataset.has_energy | dataset.has_forces | dataset.has_stress).any():
        return DataCheck((), (), ())
    refused: list[str] = []
    doubted: list[str] = []
    objective = Objective(dataset, Weights(), DEFAULT_SCALING)

    def tried(check: Callable[[], list[str] | None]) -> None:
        try:
            doubted.extend(check() or [])
        except MaxvoltError as error:
            refused.append(str(error))

    tried(lambda: check_training_data(dataset, objective.equation_weights()))
    tried(lambda: check_work(dataset))
    tried(lambda: check_labels(dataset))
    found: list[Finding] = []

    def searched() -> list[str]:
        species = dataset.species
        prepared: TrainingSet = prepare(objective, species, cutoff, _PARAMETERS)
        tried(lambda: check_contacts(dataset, prepared.contacts))
        found.extend(examine(objective, prepared, species, cutoff, threads=thread_count(threads)))
        return []

    if _can_be_compared(dataset):
        tried(searched)
    return DataCheck(tuple(refused), tuple(doubted), tuple(found))


def _can_be_compared(dataset: Dataset) -> bool:
    """Whether neighbours can be searched and labels fitted."""
    has_forces = np.repeat(dataset.has_forces, dataset.counts)
    labels = (
        dataset.energies[dataset.has_energy],
        dataset.forces[has_forces],
        dataset.stresses[dataset.has_stress],
    )
    if not all(np.isfinite(part).all() for part in (dataset.positions, *labels)):
        return False
    try:
        check_densities(dataset)
    except FitError:  # told already, by `check_labels`
        return False
    return True
