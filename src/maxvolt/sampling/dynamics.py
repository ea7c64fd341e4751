"""Molecular dynamics as a scenario: schedules, the two-threshold rule, one structure a part."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Self, get_args

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from maxvolt.dataset import Dataset
from maxvolt.errors import DataError
from maxvolt.sampling.integrators import (
    Coupling,
    Ensemble,
    Integrator,
    Thermostat,
    draw_velocities,
    integrator,
)
from maxvolt.sampling.results import SamplingResult, Trace, frame
from maxvolt.sampling.rule import (
    Limits,
    Stop,
    StopReason,
    Thresholds,
    not_finite,
)
from maxvolt.sampling.scenario import Progress
from maxvolt.sampling.schedules import Schedule, hold
from maxvolt.sampling.watch import Watch
from maxvolt.units import GPA_PER_EV_A3, VOIGT

__all__ = ["MolecularDynamics"]

_CELL_EVERY = 10
"""Steps between changes of a scheduled cell: each one costs an evaluation."""

Observer = Callable[[int, Atoms], None]
"""Called at each recorded step with the step and the structure, which it must not change."""


@dataclass(frozen=True, slots=True, eq=False)
class MolecularDynamics:
    """Molecular dynamics that ends after its steps, or where the potential extrapolates too far.

    Parameters
    ----------
    name
        Name of the scenario; it becomes the group of the structures found.
    structures
        Where to begin; each structure is a part of its own. Velocities are drawn anew.
    steps
        Number of steps of each part.
    temperature : K
        A number or a schedule. With "nve" only its first value counts.
    ensemble
        "nvt", "nve" or "npt" (Langevin dynamics of atoms and cell).
    thermostat
        "langevin" or "bussi" (stochastic velocity rescaling), for "nvt".
    pressure : eV/Angstrom^3
        For "npt"; a number or a schedule.
    cell
        Strain of the first cell for "nvt" and "nve", as a schedule: a number strains all
        directions alike, six numbers are the components xx, yy, zz, yz, xz, xy.
    timestep_fs : fs
        Time step.
    initial_temperature : K, optional
        Of the first velocities; None: the first value of `temperature`. A crystal at rest takes
        half of the kinetic energy into its lattice, so "nve" needs twice the temperature wanted.
    thermostat_time_fs, barostat_time_fs : fs
        See `Coupling`.
    bulk_modulus : eV/Angstrom^3
        See `Coupling`; 100 GPa.
    shape
        Whether "npt" changes the shape of the cell too.
    record_every
        Structures are kept for selection at every so many steps and at the break; so is the trace.
        The rule is applied at each step.
    limits
        Distances at which it stops.
    part
        Number of this part.
    """

    name: str
    structures: Dataset
    steps: int
    temperature: Schedule | float
    ensemble: Ensemble = "nvt"
    thermostat: Thermostat = "langevin"
    pressure: Schedule | float = 0.0
    cell: Schedule | None = None
    timestep_fs: float = 1.0
    initial_temperature: float | None = None
    thermostat_time_fs: float = 100.0
    barostat_time_fs: float = 500.0
    bulk_modulus: float = 100.0 / GPA_PER_EV_A3
    shape: bool = False
    record_every: int = 10
    limits: Limits = field(default_factory=Limits)
    part: int = 0

    def __post_init__(self) -> None:
        for name in ("temperature", "pressure"):
            schedule = _schedule(getattr(self, name))
            if schedule.shape != ():
                self._refuse(f"{name} is a number at each step, not {schedule.shape[0]} of them")
            object.__setattr__(self, name, schedule)
        self._check_numbers()
        self._check_ensemble()
        self._check_structures()

    @property
    def total_steps(self) -> int:
        """Steps of all parts."""
        return self.steps * len(self.structures)

    def split(self) -> tuple[Self, ...]:
        """Return one scenario for each structure."""
        return tuple(
            replace(self, structures=self.structures.select([index]), part=self.part + index)
            for index in range(len(self.structures))
        )

    def run(
        self,
        calculator: Calculator,
        thresholds: Thresholds,
        *,
        seed: int,
        progress: Progress | None = None,
        observer: Observer | None = None,
    ) -> SamplingResult:
        """Run the dynamics of the one structure; see `Scenario.run`.

        Parameters
        ----------
        calculator, thresholds, seed, progress
            As of `Scenario.run`.
        observer
            Called at each recorded step with the step and the structure.

        Raises
        ------
        DataError
            There are several structures: `split` comes first.
        """
        if len(self.structures) != 1:
            self._refuse(f"has {len(self.structures)} structures; run each part of split()")
        return _Run(self, calculator, thresholds, seed, progress, observer).result()

    # ----------------------------------------------------------------- checks

    def _refuse(self, what: str) -> None:
        raise DataError(f"molecular dynamics {self.name!r}: {what}")

    def _check_numbers(self) -> None:
        for name in ("timestep_fs", "thermostat_time_fs", "barostat_time_fs", "bulk_modulus"):
            value = getattr(self, name)
            if not 0 < value < math.inf:
                self._refuse(f"{name} must be a number above 0, not {value!r}")
        for name in ("steps", "record_every"):
            if getattr(self, name) < 1:
                self._refuse(f"{name} must be at least 1, not {getattr(self, name)!r}")
        first = self._first_temperature()
        if not 0 <= first < math.inf:
            self._refuse(f"it begins at {first} K; expected a temperature of 0 or more")

    def _check_ensemble(self) -> None:
        if self.ensemble not in get_args(Ensemble):
            self._refuse(f"ensemble {self.ensemble!r}; expected nve, nvt or npt")
        if self.thermostat not in get_args(Thermostat):
            self._refuse(f"thermostat {self.thermostat!r}; expected langevin or bussi")
        bussi = self.ensemble == "nvt" and self.thermostat == "bussi"
        if bussi and self._first_temperature() == 0:
            self._refuse("the Bussi thermostat scales velocities and cannot begin at 0 K")
        if self.cell is None:
            return
        if self.ensemble == "npt":
            self._refuse("the barostat sets the cell; take nvt or nve for a scheduled cell")
        if self.cell.shape not in ((), (6,)):
            self._refuse(f"a strain is one number or six, not {self.cell.shape[0]}")

    def _check_structures(self) -> None:
        if not len(self.structures):
            self._refuse("there is no structure to begin with")
        single = np.flatnonzero(self.structures.counts < 2)
        if len(single):
            self._refuse(
                f"structure {single[0]} has one atom, which does not move against itself; repeat "
                "the cell"
            )
        flat = np.flatnonzero(~self.structures.pbc.all(axis=1))
        if len(flat) and (self.ensemble == "npt" or self.cell is not None):
            self._refuse(
                f"structure {flat[0]} is not periodic in three directions and has no cell to change"
            )

    def _first_temperature(self) -> float:
        if self.initial_temperature is not None:
            return self.initial_temperature
        return _schedule(self.temperature).value(0)


class _Run:
    """One trajectory while it is being made."""

    def __init__(
        self,
        scenario: MolecularDynamics,
        calculator: Calculator,
        thresholds: Thresholds,
        seed: int,
        progress: Progress | None,
        observer: Observer | None,
    ) -> None:
        self._scenario = scenario
        self._thresholds = thresholds
        self._progress = progress
        self._observer = observer
        self._generator = np.random.default_rng(seed)
        self._atoms = _bare(scenario.structures)
        self._atoms.calc = calculator
        self._first_cell = self._atoms.cell.array.copy()
        self._watch = Watch(scenario.limits, self._atoms.numbers)
        self._good = _Frame(self._atoms)
        self._kept: list[Atoms] = []
        self._rows: list[tuple[float, ...]] = []
        self._changing: list[tuple[Schedule, Callable[[float], None]]] = []
        self._step = 0

    def result(self) -> SamplingResult:
        """Run to the end."""
        scenario, begin = self._scenario, time.perf_counter()
        with threadpool_limits(limits=1, user_api="blas"):  # matrices are 3 x 3
            stop = self._run()
        columns = np.array(self._rows, float).reshape(-1, 6).T
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
            seconds=time.perf_counter() - begin,
            trace=trace,
        )

    def _run(self) -> Stop:
        scenario = self._scenario
        stop = self._geometry()
        try:
            if stop is None:
                dynamics = self._start()
                for step, _ in enumerate(dynamics.steps(scenario.steps)):
                    stop = self._judge(step)
                    if stop is not None:
                        break
                    self._prepare_next(step)
        except Exception as error:  # noqa: BLE001 (of whatever calculator; what was found counts)
            # It refused the next structure: the geometry says why, if anything does.
            stop = self._geometry() or Stop(StopReason.FAILED, f"{type(error).__name__}: {error}")
            self._remember()
        return stop or Stop(StopReason.FINISHED, f"{scenario.steps} steps")

    def _start(self) -> Integrator:
        scenario = self._scenario
        temperature, pressure = _schedule(scenario.temperature), _schedule(scenario.pressure)
        self._strain(0)
        draw_velocities(self._atoms, scenario._first_temperature(), self._generator)
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

    def _prepare_next(self, step: int) -> None:
        """Take temperature, pressure and cell along their schedules."""
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
        if stop is None:
            stop = self._thresholds.check(grade)
        self._remember()
        recorded = step % self._scenario.record_every == 0 or step == self._scenario.steps
        measured = stop is None or stop.reason is StopReason.GRADE
        if measured and (recorded or stop is not None):
            self._record(step, grade, results)
        if stop is None and step > 0:
            self._step = step
            if self._progress is not None:
                self._progress(1)
        return stop

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
            )
        )
        if self._thresholds.keeps(grade):
            self._kept.append(frame(atoms, self._scenario.name, self._scenario.part, step, grade))
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
        return atoms


def _bare(structures: Dataset) -> Atoms:
    """The one structure, without labels or velocities of its own."""
    atoms = structures[0]
    return Atoms(numbers=atoms.numbers, positions=atoms.positions, cell=atoms.cell, pbc=atoms.pbc)


def _schedule(value: Schedule | float) -> Schedule:
    return value if isinstance(value, Schedule) else hold(float(value))


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
