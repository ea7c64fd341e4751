"""Energies, forces, virials and grades of a batch, from any ASE calculator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from ase.calculators.calculator import Calculator
from numpy.typing import NDArray

from maxvolt.calculators.ase import MaxvoltCalculator
from maxvolt.cells import cell_volumes
from maxvolt.errors import MaxvoltError
from maxvolt.neighbors import NeighborList
from maxvolt.neighbors.neighborhoods import Neighborhoods
from maxvolt.potentials.ensemble import joined, mean_of
from maxvolt.potentials.results import Energies
from maxvolt.sampling.batch import Batch, segment_sums
from maxvolt.sampling.batch_neighbors import BatchNeighbors
from maxvolt.sampling.rule import Stop, StopReason
from maxvolt.selection.grades import Grades
from maxvolt.species import species_types

__all__ = [
    "AseEvaluator",
    "Evaluated",
    "EvaluatesBatches",
    "Evaluator",
    "NeighborhoodEvaluator",
    "evaluator_of",
]


@dataclass(frozen=True, slots=True, eq=False)
class Evaluated:
    """What is known of n structures of N atoms.

    Attributes
    ----------
    energies : shape (n,), eV
    forces : shape (N, 3), eV/Angstrom
    virials : shape (n, 6), eV
        Volume times stress; zero where it was not asked for.
    grades : shape (n,)
        NaN where there are none.
    has_grades
        Whether there are any.
    failures
        Why structures could not be evaluated; their numbers are NaN.
    """

    energies: NDArray[np.float64]
    forces: NDArray[np.float64]
    virials: NDArray[np.float64]
    grades: NDArray[np.float64]
    has_grades: bool
    failures: dict[int, Stop]


class Evaluator(Protocol):
    """Evaluates batches whose structures change little from call to call."""

    @property
    def reach(self) -> float:
        """Distance up to which it must be given all neighbours, Angstrom; 0 if it needs none."""

    @property
    def together(self) -> bool:
        """Whether many structures cost less in one call than one by one."""

    def evaluate(
        self, batch: Batch, neighbors: BatchNeighbors, skip: NDArray[np.bool_], *, stress: bool
    ) -> Evaluated:
        """Evaluate the structures that are not to be skipped.

        Parameters
        ----------
        batch
            Structures.
        neighbors
            Their neighbours, up to the distance `reach` and farther.
        skip : shape (n,)
            Structures to leave out.
        stress
            Whether virials are needed.
        """


class AseEvaluator:
    """Evaluates one structure after the other with an ASE calculator."""

    reach = 0.0
    together = False

    def __init__(self, calculator: Calculator) -> None:
        self._calculator = calculator

    def evaluate(
        self, batch: Batch, neighbors: BatchNeighbors, skip: NDArray[np.bool_], *, stress: bool
    ) -> Evaluated:
        """Evaluate the structures that are not to be skipped; no neighbours are needed."""
        n = len(batch)
        energies, grades, virials = np.full(n, np.nan), np.full(n, np.nan), np.zeros((n, 6))
        forces = np.full((len(batch.numbers), 3), np.nan)
        failures: dict[int, Stop] = {}
        has_grades = False
        volumes = cell_volumes(batch.cells)
        for index in np.flatnonzero(~skip):
            atoms = batch.atoms(int(index))
            atoms.calc = self._calculator
            try:
                of_atoms = slice(batch.offsets[index], batch.offsets[index + 1])
                forces[of_atoms] = atoms.get_forces()
                energies[index] = atoms.get_potential_energy()
                if stress:
                    virials[index] = volumes[index] * atoms.get_stress()
            except Exception as error:  # noqa: BLE001 (of whatever calculator)
                failures[int(index)] = Stop(StopReason.FAILED, f"{type(error).__name__}: {error}")
                continue
            results: dict[str, Any] = self._calculator.results
            if "grade" in results:
                grades[index] = results["grade"]
                has_grades = True
        return Evaluated(energies, forces, virials, grades, has_grades, failures)


class NeighborhoodEvaluator:
    """Evaluates all structures in one call of the kernels, with what a `MaxvoltCalculator` holds.

    Structures that the potential refuses are looked for one by one.
    """

    together = True

    def __init__(self, calculator: MaxvoltCalculator) -> None:
        self._calculator = calculator
        self._ensemble = calculator.ensemble
        self._query = calculator.query
        self.reach = calculator.neighbors.cutoff
        self._kept: Neighborhoods | None = None

    def evaluate(
        self, batch: Batch, neighbors: BatchNeighbors, skip: NDArray[np.bool_], *, stress: bool
    ) -> Evaluated:
        """Evaluate the structures that are not to be skipped."""
        try:
            return self._evaluate(batch, neighbors, skip)
        except MaxvoltError:
            one_by_one = AseEvaluator(self._calculator)
            return one_by_one.evaluate(batch, neighbors, skip, stress=stress)

    def _evaluate(
        self, batch: Batch, neighbors: BatchNeighbors, skip: NDArray[np.bool_]
    ) -> Evaluated:
        n = len(batch)
        energies, grades, virials = np.full(n, np.nan), np.full(n, np.nan), np.full((n, 6), np.nan)
        forces = np.full((len(batch.numbers), 3), np.nan)
        found = Evaluated(energies, forces, virials, grades, self._query is not None, {})
        if skip.all():
            return found
        pairs = neighbors.joined(skip)
        part = batch.select(~skip) if skip.any() else batch
        each, graded = self._computed(part, pairs)
        mean = joined(each, mean_of)
        energies[~skip] = segment_sums(mean.site_energies, part.offsets)
        forces[np.repeat(~skip, batch.counts)] = mean.forces
        virials[~skip] = mean.virials
        if graded is not None:
            grades[~skip] = graded.structures
        return found

    def _computed(
        self, part: Batch, pairs: NeighborList
    ) -> tuple[Sequence[Energies], Grades | None]:
        """Predictions of each potential, and grades; in one pass where these need the same ones."""
        query, threads = self._query, self._calculator.threads
        precision = self._calculator.precision
        if query is not None and query.members == self._ensemble.members and precision == "double":
            neighborhoods = self._neighborhoods(part, pairs, query.species)
            return query.evaluate_neighborhoods(neighborhoods, threads=threads)
        neighborhoods = self._neighborhoods(part, pairs, self._ensemble.species)
        each = self._ensemble.evaluate_each(neighborhoods, threads=threads, precision=precision)
        if query is None:
            return each, None
        neighborhoods = self._neighborhoods(part, pairs, query.species)
        return each, query.grade_neighborhoods(neighborhoods, threads=threads)

    def _neighborhoods(
        self, batch: Batch, pairs: NeighborList, species: tuple[str, ...]
    ) -> Neighborhoods:
        """Give what the kernels run over, prepared again only where the lists are new."""
        cells = np.where(batch.pbc[:, :, None], batch.cells, 0.0)
        types = species_types(batch.numbers, species)
        if self._kept is None or self._kept.pairs is not pairs:
            structures = batch.structure_of_atom.astype(np.int32)
            self._kept = Neighborhoods(batch.positions, cells, structures, types, pairs)
        return self._kept.with_atoms(batch.positions, cells, types)


@runtime_checkable
class EvaluatesBatches(Protocol):
    """A calculator, or another source of forces, that says how batches are evaluated with it."""

    def batch_evaluator(self) -> Evaluator:
        """Return what does."""
        ...


def evaluator_of(calculator: Calculator | EvaluatesBatches) -> Evaluator:
    """Give the fastest way to evaluate batches with a calculator."""
    if isinstance(calculator, EvaluatesBatches):
        return calculator.batch_evaluator()
    if isinstance(calculator, MaxvoltCalculator):
        return NeighborhoodEvaluator(calculator)
    return AseEvaluator(calculator)
