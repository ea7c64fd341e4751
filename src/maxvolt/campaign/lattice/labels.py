"""Labels of arrangements: the reference at ideal sites, or after relaxation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from maxvolt.campaign.lattice.settings import RelaxedSection
from maxvolt.cells import cell_volumes
from maxvolt.dataset import Dataset
from maxvolt.errors import DataError
from maxvolt.fitting.lattice import Arrangement
from maxvolt.labelling import LabelResult
from maxvolt.potentials.lattice import Mapped, ParentLattice, on_lattice
from maxvolt.sampling import Relaxation, Thresholds
from maxvolt.sampling.batch import Batch
from maxvolt.sampling.batch_neighbors import BatchNeighbors
from maxvolt.sampling.evaluators import Evaluated
from maxvolt.sampling.rule import Stop, StopReason
from maxvolt.units import GPA_PER_EV_A3

__all__ = ["LabelledArrangements", "labelled_arrangements"]

_NEVER = Thresholds(1e300, 1e300)
"""Grades of a relaxation that has none."""

Labelling = Callable[[Dataset], tuple[LabelResult, dict[int, str]]]
"""Labels structures; gives the reasons why some have no label, by their numbers."""


class LabelledArrangements:
    """What labelling gave.

    Attributes
    ----------
    arrangements
        With energies, in the order in which they were given.
    indices
        Which of the given ones they are.
    structures
        As they were labelled: relaxed where that was asked for.
    displacements : shape (n,), Angstrom
        Largest distance of an atom from its site.
    refused
        Number and reason of each of the others.
    calculated
        Calculations made.
    """

    def __init__(self) -> None:
        self.arrangements: list[Arrangement] = []
        self.indices: list[int] = []
        self.structures: list[Atoms] = []
        self.displacements: list[float] = []
        self.refused: list[tuple[int, str]] = []
        self.calculated = 0

    def take(self, number: int, given: Arrangement, atoms: Atoms, displacement: float) -> None:
        """Add one."""
        self.indices.append(number)
        self.arrangements.append(replace(given, energy=float(atoms.get_potential_energy())))
        self.structures.append(atoms)
        self.displacements.append(displacement)


def labelled_arrangements(
    parent: ParentLattice,
    arrangements: Sequence[Arrangement],
    labelling: Labelling,
    relaxation: RelaxedSection | None,
) -> LabelledArrangements:
    """Label arrangements.

    Relaxations go side by side; each of their steps is a label of its own, so that a run that was
    killed finds those that it has made.

    Parameters
    ----------
    parent
        The lattice.
    arrangements
        What to label.
    labelling
        Labels structures.
    relaxation
        How they are relaxed; None: not at all.
    """
    found = LabelledArrangements()
    if not arrangements:
        return found
    ideal = [parent.atoms(one.supercell, one.occupation) for one in arrangements]
    if relaxation is None:
        result, reasons = labelling(Dataset.from_atoms(ideal))
        found.calculated = result.calculated
        found.refused = sorted(reasons.items())
        for number, atoms in zip(result.indices.tolist(), result.dataset.to_atoms(), strict=True):
            found.take(number, arrangements[number], atoms, 0.0)
        return found
    calculator = _LabelsOfBatches(labelling)
    scenario = Relaxation(
        "labels",
        Dataset.from_atoms(ideal),
        force_tolerance=relaxation.force_tolerance,
        stress_tolerance=relaxation.stress_tolerance / GPA_PER_EV_A3,
        cell=relaxation.cell,
        max_steps=relaxation.max_steps,
    )
    ends = [one.outcome for one in scenario.iterate(calculator, _NEVER)]
    for end in sorted(ends, key=lambda end: end.index):
        given = arrangements[end.index]
        if end.reason is not StopReason.CONVERGED:
            found.refused.append((end.index, f"relaxation: {end.message}"))
            continue
        try:
            displacement = _on_its_sites(end.structure, given, parent, relaxation)
        except DataError as error:
            found.refused.append((end.index, str(error)))
        else:
            found.take(end.index, given, end.structure, displacement)
    found.calculated = calculator.calculated
    return found


def _on_its_sites(
    atoms: Atoms, given: Arrangement, parent: ParentLattice, relaxation: RelaxedSection
) -> float:
    """Largest displacement of a relaxed structure, which is the arrangement that it was.

    Raises
    ------
    DataError
        It is not.
    """
    mapped: Mapped = on_lattice(atoms, parent, largest=relaxation.largest_displacement)
    if not np.array_equal(mapped.occupation, given.occupation):
        raise DataError("atoms have changed their sites: the structure has become another one")
    return float(mapped.displacements.max(initial=0.0))


class _LabelsOfBatches:
    """Labels as energies and forces of many structures at once."""

    reach = 0.0
    together = True

    def __init__(self, labelling: Labelling) -> None:
        self._labelling = labelling
        self.calculated = 0

    def batch_evaluator(self) -> _LabelsOfBatches:
        """Return itself."""
        return self

    def evaluate(
        self, batch: Batch, neighbors: BatchNeighbors, skip: NDArray[np.bool_], *, stress: bool
    ) -> Evaluated:
        """Label the structures that are not to be skipped."""
        n = len(batch)
        energies, virials = np.full(n, np.nan), np.zeros((n, 6))
        forces = np.full((len(batch.numbers), 3), np.nan)
        failures: dict[int, Stop] = {}
        wanted = np.flatnonzero(~skip)
        if len(wanted):
            structures = Dataset.from_atoms([batch.atoms(int(index)) for index in wanted])
            result, reasons = self._labelling(structures)
            self.calculated += result.calculated
            failures = {
                int(wanted[number]): Stop(StopReason.FAILED, reason)
                for number, reason in reasons.items()
            }
            volumes = cell_volumes(batch.cells)
            labelled = result.dataset
            for row, index in enumerate(wanted[result.indices].tolist()):
                of_atoms = slice(batch.offsets[index], batch.offsets[index + 1])
                of_label = slice(labelled.offsets[row], labelled.offsets[row + 1])
                energies[index] = labelled.energies[row]
                forces[of_atoms] = labelled.forces[of_label]
                if not stress:
                    continue
                if labelled.has_stress[row]:
                    virials[index] = volumes[index] * labelled.stresses[row]
                else:
                    message = "the reference gives no stress, by which cells are relaxed"
                    failures[index] = Stop(StopReason.FAILED, message)
        grades = np.full(n, np.nan)
        return Evaluated(energies, forces, virials, grades, has_grades=False, failures=failures)
