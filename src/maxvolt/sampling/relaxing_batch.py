"""Candidates that are relaxed together, each to its own end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator
from ase.calculators.singlepoint import SinglePointCalculator
from numpy.typing import NDArray

from maxvolt.cells import cell_volumes
from maxvolt.sampling.batch import Batch, segment_max
from maxvolt.sampling.batch_neighbors import BatchNeighbors
from maxvolt.sampling.coordinates import Coordinates
from maxvolt.sampling.evaluators import Evaluated, EvaluatesBatches, evaluator_of
from maxvolt.sampling.held import constraints_of, free_directions, keep_constraints
from maxvolt.sampling.minimizer import LockstepMinimizer, MinimizerSettings
from maxvolt.sampling.relaxation_settings import RelaxationSettings
from maxvolt.sampling.results import RelaxationOutcome, frame
from maxvolt.sampling.rule import Stop, StopReason, Thresholds
from maxvolt.sampling.watch import BatchWatch, longest_limit
from maxvolt.units import GPA_PER_EV_A3

__all__ = ["Relaxed", "RelaxingBatch"]

_WINDOW = 256
"""Candidates that are relaxed together; the next one comes in as one is done."""

_SKIN = 1.0
"""Angstrom; lists are expensive and pairs beyond the cutoff cheap, and candidates move far."""

_ELASTICITY = 500.0 / GPA_PER_EV_A3
"""Elastic constant (eV/A^3) from which cell and atoms get like curvatures; MLIP takes the same."""


@dataclass(frozen=True, slots=True, eq=False)
class Relaxed:
    """One candidate that is done.

    Attributes
    ----------
    outcome
        How it ended.
    extrapolative
        Structures on its way with a grade of at least `Thresholds.select`, without labels.
    """

    outcome: RelaxationOutcome
    extrapolative: tuple[Atoms, ...]


class RelaxingBatch:
    """Candidates while they are relaxed; the arguments are those of `Relaxation.iterate`."""

    def __init__(
        self,
        scenario: RelaxationSettings,
        calculator: Calculator | EvaluatesBatches,
        thresholds: Thresholds,
    ) -> None:
        thresholds.check_unit(getattr(calculator, "query", None))
        self._scenario = scenario
        self._thresholds = thresholds
        self._evaluator = evaluator_of(calculator)
        limit = longest_limit(scenario.limits, scenario.structures.numbers)
        self._neighbors = BatchNeighbors(max(self._evaluator.reach, limit, 1e-3), _SKIN)
        self._watch = BatchWatch(scenario.limits, self._neighbors)
        self._waiting = 0  # index of the next candidate to take in
        nothing = Batch.from_dataset(scenario.structures.select([]))
        self._coordinates = Coordinates(
            nothing, scenario.cell, scenario.pressure, np.empty(0), scenario.strains
        )
        self._minimizer = LockstepMinimizer(
            MinimizerSettings(max_step=scenario.max_step, min_step=scenario.min_step)
        )
        self._indices = np.empty(0, np.int64)
        self._steps = np.empty(0, np.int64)
        self._kept: list[list[Atoms]] = []

    def relaxed(self) -> Iterator[Relaxed]:
        """Go on until none is left."""
        self._refill()
        while len(self._indices):
            yield from self._advance()
            if len(self._indices) <= 3 * _WINDOW // 4:
                self._refill()

    def _refill(self) -> None:
        """Take in the next candidates."""
        end = min(self._waiting + _WINDOW - len(self._indices), len(self._scenario.structures))
        if end == self._waiting:
            return
        chosen = slice(self._waiting, end)
        more = Batch.from_dataset(self._scenario.structures.select(chosen))
        # A strain of L has the curvature V C where a displacement has the stiffness.
        stiffness = MinimizerSettings().stiffness
        lengths = np.sqrt(np.maximum(cell_volumes(more.cells), 1.0) * _ELASTICITY / stiffness)
        self._coordinates.add(more, lengths, self._free(more, chosen.start))
        counts = more.counts + (3 if self._scenario.cell else 0)
        self._minimizer.add(np.zeros((int(counts.sum()), 3)), counts)
        self._neighbors.add(more.counts)
        self._watch.add(len(more))
        self._indices = np.concatenate([self._indices, np.arange(chosen.start, chosen.stop)])
        self._steps = np.concatenate([self._steps, np.zeros(len(more), np.int64)])
        self._kept += [[] for _ in range(len(more))]
        self._waiting = end

    def _free(self, more: Batch, first: int) -> list[NDArray[np.float64] | None]:
        """Directions in which atoms of the candidates may move."""
        structures = self._scenario.structures
        return [
            free_directions(constraints_of(structures, first + k), int(n), more.cells[k])
            for k, n in enumerate(more.counts)
        ]

    def _advance(self) -> Iterator[Relaxed]:
        """Evaluate all once, apply the rule, give those that are done, and move the others."""
        at = self._coordinates.structures(self._minimizer.trial)
        stops = self._neighbors.update(at)
        stops = self._watch.check(at) | stops
        skip = np.zeros(len(at), np.bool_)
        skip[list(stops)] = True
        found = self._evaluator.evaluate(at, self._neighbors, skip, stress=self._scenario.cell)
        self._judge(at, found, stops)
        self._minimize(at, found, stops)
        yield from (self._outcome(at, found, index, stop) for index, stop in stops.items())
        if stops:
            self._remove(list(stops))

    def _judge(self, at: Batch, found: Evaluated, stops: dict[int, Stop]) -> None:
        """Apply the rule to what was evaluated and keep structures."""
        stops.update(found.failures)
        finite = np.isfinite(found.energies) & np.isfinite(found.virials).all(axis=1)
        finite &= np.logical_and.reduceat(np.isfinite(found.forces).all(axis=1), at.offsets[:-1])
        for k in np.flatnonzero(~finite):
            if int(k) not in stops:
                stops[int(k)] = Stop(StopReason.NOT_FINITE, "energy, forces or stress not finite")
        if not found.has_grades:
            return
        for k in np.flatnonzero(~(found.grades < self._thresholds.select)):
            if int(k) in stops:
                continue
            grade = float(found.grades[k])
            stop = self._thresholds.check(grade)
            if stop is not None:
                stops[int(k)] = stop
            due = self._steps[k] % self._scenario.record_every == 0
            if self._thresholds.keeps(grade) and (due or stop is not None):
                step, part = int(self._steps[k]), self._scenario.part
                kept = frame(at.atoms(int(k)), self._scenario.name, part, step, grade)
                kept.info["candidate"] = int(self._scenario.first + self._indices[k])
                self._kept[k].append(kept)

    def _minimize(self, at: Batch, found: Evaluated, stops: dict[int, Stop]) -> None:
        """Find who has converged and move all on."""
        scenario, minimizer = self._scenario, self._minimizer
        for k in self._converged(at, found):
            stops.setdefault(int(k), Stop(StopReason.CONVERGED, "below the tolerances"))
        values = self._coordinates.enthalpies(at, found.energies)
        gradients = self._coordinates.gradients(minimizer.trial, at, found.forces, found.virials)
        minimizer.update(values, gradients)
        self._steps += 1
        for k in np.flatnonzero(minimizer.stuck):
            message = "no step lowers the energy: forces and energy disagree, or there is a kink"
            stops.setdefault(int(k), Stop(StopReason.FAILED, message))
        for k in np.flatnonzero(self._steps >= scenario.max_steps):
            message = f"not converged after {scenario.max_steps} steps"
            stops.setdefault(int(k), Stop(StopReason.STEP_LIMIT, message))

    def _converged(self, at: Batch, found: Evaluated) -> NDArray[np.int64]:
        scenario = self._scenario
        forces = self._coordinates.free_forces(self._minimizer.trial, found.forces)
        lengths = np.linalg.norm(forces, axis=1)
        done = segment_max(lengths, at.offsets) < scenario.force_tolerance
        if scenario.cell:
            stresses = found.virials / cell_volumes(at.cells)[:, None]
            stresses[:, :3] += scenario.pressure
            free = np.array(scenario.strains, np.bool_)
            done &= abs(stresses[:, free]).max(axis=1) < scenario.stress_tolerance
        return np.flatnonzero(done)

    def _outcome(self, at: Batch, found: Evaluated, k: int, stop: Stop) -> Relaxed:
        structure = _labelled(at, found, k, self._scenario.cell)
        keep_constraints(structure, self._scenario.structures, int(self._indices[k]))
        outcome = RelaxationOutcome(
            index=int(self._scenario.first + self._indices[k]),
            reason=stop.reason,
            message=stop.message,
            steps=int(self._steps[k]),
            structure=structure,
            grade=float(found.grades[k]),
        )
        return Relaxed(outcome, tuple(self._kept[k]))

    def _remove(self, done: list[int]) -> None:
        which = np.zeros(len(self._indices), np.bool_)
        which[done] = True
        self._coordinates.remove(which)
        self._minimizer.remove(which)
        self._neighbors.remove(which)
        self._watch.remove(which)
        self._indices, self._steps = self._indices[~which], self._steps[~which]
        self._kept = [self._kept[k] for k in np.flatnonzero(~which)]


def _labelled(at: Batch, found: Evaluated, k: int, stress: bool) -> Atoms:
    """Structure with energy, forces and stress where they are finite."""
    atoms = at.atoms(k)
    of = slice(at.offsets[k], at.offsets[k + 1])
    if np.isfinite(found.energies[k]) and np.isfinite(found.forces[of]).all():
        labels = {"energy": float(found.energies[k]), "forces": found.forces[of].copy()}
        labels["free_energy"] = labels["energy"]
        if stress and np.isfinite(found.virials[k]).all():
            labels["stress"] = found.virials[k] / atoms.get_volume()
        atoms.calc = SinglePointCalculator(atoms, **labels)
    if np.isfinite(found.grades[k]):
        atoms.info["grade"] = float(found.grades[k])
    return atoms
