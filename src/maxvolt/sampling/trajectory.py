"""One trajectory under the two-threshold rule, step by step."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from maxvolt.dataset import Dataset
from maxvolt.sampling.dynamics_settings import DynamicsSettings
from maxvolt.sampling.graded_steps import GradedSteps
from maxvolt.sampling.held import constraints_of, keep_constraints
from maxvolt.sampling.integrators import (
    Coupling,
    Integrator,
    draw_velocities,
    hold_atoms,
    integrator,
)
from maxvolt.sampling.results import SamplingResult, Trace, frame, spreads_of_results
from maxvolt.sampling.rule import Stop, StopReason, Thresholds, not_finite
from maxvolt.sampling.scenario import Progress
from maxvolt.sampling.schedules import Schedule, as_schedule
from maxvolt.sampling.trajectory_state import KeepState, TrajectoryState
from maxvolt.sampling.ungraded import Ungraded, UngradedStep
from maxvolt.sampling.watch import Watch
from maxvolt.units import VOIGT

__all__ = ["Observer", "Trajectory"]

_CELL_EVERY = 10
"""Steps between changes of a scheduled cell: each one costs an evaluation."""

_COLUMNS = 8
"""Numbers of a row of the trace."""

Observer = Callable[[int, Atoms], None]
"""Called at each recorded step with the step and the structure, which it must not change."""


class Trajectory:
    """One trajectory while it is being made; the arguments are those of `MolecularDynamics.run`."""

    def __init__(
        self,
        scenario: DynamicsSettings,
        calculator: Calculator,
        thresholds: Thresholds,
        seed: int,
        *,
        progress: Progress | None,
        observer: Observer | None,
        keep: KeepState | None,
        renew_every: int,
    ) -> None:
        thresholds.check_unit(getattr(calculator, "query", None))
        self._scenario = scenario
        self._thresholds = thresholds
        self._progress = progress
        self._observer = observer
        self._keep = keep
        self._renew_every = renew_every
        self._generator = np.random.default_rng(seed)
        self._atoms = _bare(scenario.structures)
        self._atoms.calc = calculator
        self._first_cell = self._atoms.cell.array.copy()
        self._watch = Watch(scenario.limits, self._atoms.numbers)
        self._good = _Frame(self._atoms)
        self._graded = GradedSteps(scenario.grade_every, thresholds.stop)
        self._ungraded = Ungraded(self._atoms)
        self._kept: list[Atoms] = []
        self._rows: list[tuple[float, ...]] = []
        self._changing: list[tuple[Schedule, Callable[[float], None]]] = []
        self._step = 0
        self._began = time.perf_counter()

    def result(self, state: TrajectoryState | None = None) -> SamplingResult:
        """Run to the end, from the start or from a state that was kept."""
        scenario = self._scenario
        with threadpool_limits(limits=1, user_api="blas"):  # matrices are 3 x 3
            stop = self._run(state)
        columns = np.array(self._rows, float).reshape(-1, _COLUMNS).T
        trace = Trace(columns[0].astype(np.int64), *columns[1:])
        return SamplingResult(
            scenario=scenario.name,
            part=scenario.part,
            reason=stop.reason,
            message=stop.message,
            steps=self._step,
            total_steps=scenario.steps,
            extrapolative=Dataset.from_atoms(self._kept),
            last=self._good.atoms(scenario.structures),
            grades=trace.grades,
            seconds=time.perf_counter() - self._began,
            trace=trace,
        )

    def _run(self, state: TrajectoryState | None) -> Stop:
        scenario = self._scenario
        stop = self._geometry()
        try:
            if stop is None:
                dynamics = self._start()
                if state is not None:
                    self._go_on(dynamics, state)
                first = self._step
                for step, _ in enumerate(dynamics.steps(scenario.steps - first), start=first):
                    if state is None or step > first:  # otherwise checked when the state was kept
                        stop = self._judge(step)
                    if stop is not None:
                        break
                    if step > first and step % self._renew_every == 0:
                        self._renew(dynamics)
                    self._prepare_next(step)
        except Exception as error:  # noqa: BLE001 (of whatever calculator; what was found counts)
            stop = self._settle(check=True)
            if stop is None:
                # It refused the next structure: the geometry says why, if anything does.
                stop = self._geometry() or _failure(error)
                self._remember()
        finally:
            self._ungraded.switch(on=True)
        return stop or Stop(StopReason.FINISHED, f"{scenario.steps} steps")

    def _start(self) -> Integrator:
        scenario = self._scenario
        temperature, pressure = as_schedule(scenario.temperature), as_schedule(scenario.pressure)
        self._strain(0)
        hold_atoms(self._atoms, constraints_of(scenario.structures, 0))
        draw_velocities(self._atoms, scenario.first_temperature, self._generator)
        dynamics = integrator(
            self._atoms,
            scenario.ensemble,
            scenario.thermostat,
            Coupling(
                scenario.thermostat_time_fs,
                scenario.barostat_time_fs,
                scenario.bulk_modulus,
                scenario.shape,
            ),
            timestep=scenario.timestep_fs,
            temperature=temperature.value(0),
            pressure=pressure.value(0),
            generator=self._generator,
        )
        settings = ((temperature, dynamics.set_temperature), (pressure, dynamics.set_pressure))
        self._changing = [(schedule, to) for schedule, to in settings if not schedule.is_constant]
        return dynamics

    def _go_on(self, dynamics: Integrator, state: TrajectoryState) -> None:
        """Be where the trajectory was after a step, with everything that it depends on."""
        atoms = self._atoms
        atoms.set_cell(state.cell)
        atoms.positions[:] = state.positions
        atoms.set_momenta(state.momenta, apply_constraint=False)
        dynamics.restore(state.integrator)
        self._generator.bit_generator.state = dict(state.generator)
        self._kept = list(state.kept)
        unknown = (math.nan,) * (_COLUMNS - state.rows.shape[1])  # in states of earlier versions
        self._rows = [(*row, *unknown) for row in state.rows.tolist()]
        self._began -= state.seconds
        self._step = state.step
        self._good = _Frame(atoms)
        self._graded = GradedSteps(self._scenario.grade_every, self._thresholds.stop, state.growth)
        for schedule, change in self._changing:
            change(schedule.value(state.step))
        if self._progress is not None:
            self._progress(state.step)
        self._reset(dynamics)

    def _renew(self, dynamics: Integrator) -> None:
        """Let the state be kept, and go on as a trajectory would that starts from it."""
        if self._keep is not None:
            self._keep(lambda: self._state(dynamics))
        self._reset(dynamics)

    def _reset(self, dynamics: Integrator) -> None:
        self._choose_grading(self._step + 1)
        self._atoms.calc.reset()
        self._watch.renew()
        dynamics.renew()

    def _state(self, dynamics: Integrator) -> TrajectoryState:
        atoms = self._atoms
        return TrajectoryState(
            step=self._step,
            positions=atoms.positions.copy(),
            momenta=atoms.get_momenta(),
            cell=atoms.cell.array.copy(),
            integrator=dynamics.state(),
            generator=self._generator.bit_generator.state,
            kept=tuple(self._kept),
            rows=np.array(self._rows, float).reshape(-1, _COLUMNS),
            seconds=time.perf_counter() - self._began,
            growth=self._graded.growth,
        )

    def _choose_grading(self, step: int) -> None:
        """Have the calculator grade a step that is still to come, or not."""
        scenario = self._scenario
        ends = step == scenario.steps or step % self._renew_every == 0
        self._ungraded.switch(ends or self._graded.due(step) or self._ungraded.is_full)

    def _prepare_next(self, step: int) -> None:
        """Take temperature, pressure and cell along their schedules, and choose what is graded."""
        self._choose_grading(step + 1)
        for schedule, change in self._changing:
            change(schedule.value(step + 1))
        if (step + 1) % _CELL_EVERY == 0:
            self._strain(step + 1)

    def _strain(self, step: int) -> None:
        cell = self._scenario.cell
        if cell is None or (step and cell.is_constant):
            return
        deformation = np.eye(3) + _tensor(cell.at(step))
        self._atoms.set_cell(self._first_cell @ deformation, scale_atoms=True)

    def _geometry(self) -> Stop | None:
        return self._watch.check(self._atoms)

    def _judge(self, step: int) -> Stop | None:
        """Apply the rule to the structure of this step; keep and record it."""
        results = _results(self._atoms)
        stop = self._geometry() or not_finite(results)
        grade = results.get("grade")
        grade = None if grade is None else float(grade)
        if stop is None and grade is None and self._ungraded.add(step, results):
            self._remember()
            return None
        hidden = grade is not None and self._graded.may_hide(step, grade)
        earlier = self._settle(check=hidden or stop is not None)
        if earlier is not None:
            return earlier
        if stop is None:
            stop = self._thresholds.check(grade)
        if grade is not None:
            self._graded.note(step, grade)
        self._remember()
        recorded = step % self._scenario.record_every == 0 or step == self._scenario.steps
        measured = stop is None or stop.reason is StopReason.GRADE
        if measured and (recorded or stop is not None):
            self._record(step, grade, results)
        if stop is None:
            self._count(step)
        return stop

    def _settle(self, *, check: bool) -> Stop | None:
        """Have done with the steps that were not graded; grade them now where one may have to stop.

        The first that has to is where the simulation ends, as it does where all are graded.
        """
        for one in self._ungraded.take():
            stop = self._look_back(one) if check else None
            if stop is not None:
                return stop
            self._count(one.step)
        return None

    def _look_back(self, one: UngradedStep) -> Stop | None:
        """Grade a step afterwards; go back to it where the simulation should have stopped."""
        grades: dict[str, Any] = {}
        try:
            grades = one.grade()
            stop = self._thresholds.check(grades["grade"])
        except Exception as error:  # noqa: BLE001 (as where it is graded at once)
            stop = _failure(error)
        if stop is None:
            self._graded.note(one.step, grades["grade"])
            return None
        one.bring_back(self._atoms, grades)
        self._remember()
        if stop.reason is StopReason.GRADE:
            self._record(one.step, grades["grade"], self._atoms.calc.results)
        return stop

    def _count(self, step: int) -> None:
        """Take a step as done."""
        if step == 0:
            return
        self._step = step
        if self._progress is not None:
            self._progress(1)

    def _remember(self) -> None:
        """Take this structure as the last one, if it is one."""
        atoms = self._atoms
        if np.isfinite(atoms.positions).all() and np.isfinite(atoms.cell.array).all():
            self._good = _Frame(atoms)

    def _record(self, step: int, grade: float | None, results: dict[str, Any]) -> None:
        atoms = self._atoms
        self._rows.append(
            (
                step,
                math.nan if grade is None else grade,
                atoms.get_temperature(),
                results["energy"],
                atoms.get_kinetic_energy(),
                abs(float(np.linalg.det(atoms.cell.array))),
                *spreads_of_results(results),
            )
        )
        if self._thresholds.keeps(grade):
            self._kept.append(frame(atoms, self._scenario.name, self._scenario.part, step, grade))
            most = self._scenario.keep_most
            if most is not None and len(self._kept) > most:
                grades = [one.info["grade"] for one in self._kept]
                del self._kept[grades.index(min(grades))]
        if self._observer is not None:
            self._observer(step, atoms)


class _Frame:
    """Where atoms are and go, copied in every step: an `ase.Atoms` would take longer."""

    def __init__(self, atoms: Atoms) -> None:
        self.positions = atoms.positions.copy()
        self.cell = atoms.cell.array.copy()
        self.velocities = atoms.get_velocities()

    def atoms(self, structures: Dataset) -> Atoms:
        """Give it as a structure."""
        atoms = _bare(structures)
        atoms.set_cell(self.cell)
        atoms.positions[:] = self.positions
        if np.isfinite(self.velocities).all():
            atoms.set_velocities(self.velocities)
        keep_constraints(atoms, structures)
        return atoms


def _bare(structures: Dataset) -> Atoms:
    """The one structure, without labels or velocities of its own."""
    atoms = structures[0]
    return Atoms(numbers=atoms.numbers, positions=atoms.positions, cell=atoms.cell, pbc=atoms.pbc)


def _failure(error: Exception) -> Stop:
    return Stop(StopReason.FAILED, f"{type(error).__name__}: {error}")


def _results(atoms: Atoms) -> dict[str, Any]:
    """What the calculator computed for the structure as it is."""
    results: dict[str, Any] = atoms.calc.results
    if "energy" not in results:
        atoms.get_potential_energy()
        results = atoms.calc.results
    return results


def _tensor(strain: NDArray[np.float64]) -> NDArray[np.float64]:
    """Symmetric strain from one number or six components."""
    if strain.shape == ():
        return float(strain) * np.eye(3)
    tensor = np.empty((3, 3))
    for value, (i, j) in zip(strain, VOIGT, strict=True):
        tensor[i, j] = tensor[j, i] = value
    return tensor
