"""Simulations with any ASE calculator: what is recorded, kept, and gone on from."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
from ase import Atoms
from ase.constraints import FixAtoms
from numpy.typing import NDArray

from maxvolt.constraints import constraint_records
from maxvolt.dataset import Dataset
from maxvolt.errors import MaxvoltError
from maxvolt.properties.dynamic.keeping import Keeping
from maxvolt.properties.dynamic.recorded import Recorded
from maxvolt.properties.dynamic.segments import Segment, SegmentFiles
from maxvolt.properties.elemental_crystals import has_stress
from maxvolt.properties.grade_recorder import GradeRecorder
from maxvolt.sampling import MolecularDynamics, Schedule, StopReason, Thresholds, TrajectoryState
from maxvolt.sampling.integrators import Ensemble, Thermostat, draw_velocities, hold_atoms
from maxvolt.sampling.schedules import as_schedule
from maxvolt.selection.strategy import unit_of
from maxvolt.units import GPA_PER_EV_A3

__all__ = ["Plan", "simulate"]

_RENEW_EVERY = 50
"""Steps after which a segment may be kept; little beside what a rebuilt neighbour list costs."""

_FEW_FRAMES = 10
"""Of a simulation, on which members of an ensemble are compared."""

_RATTLE = 0.05
"""Angstrom; a rattled crystal tells calculators apart better than a perfect one."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is simulated.

    Attributes
    ----------
    name
        For people, and for the name of its files.
    steps
        A multiple of `value_every`.
    timestep : fs
    temperature : K
        A number or a schedule.
    ensemble, thermostat
        As of `maxvolt.sampling.MolecularDynamics`.
    pressure : GPa
        For "npt".
    bulk_modulus : GPa
        Estimate, for the mass of the barostat.
    shape
        Whether "npt" changes the shape of the cell too.
    thermostat_time : fs
    value_every
        Steps from a recorded temperature, energy, stress and cell to the next.
    frame_every
        Steps from recorded positions to the next, a multiple of `value_every`; 0: none are.
    seed
        Of velocities and thermostat.
    held
        Atoms that do not move, but go along with the cell.
    """

    name: str
    steps: int
    timestep: float
    temperature: float | Schedule
    ensemble: Ensemble = "nvt"
    thermostat: Thermostat = "langevin"
    pressure: float = 0.0
    bulk_modulus: float = 100.0
    shape: bool = False
    thermostat_time: float = 100.0
    value_every: int = 10
    frame_every: int = 0
    seed: int = 1
    held: tuple[int, ...] = ()


def simulate(calculator: Any, atoms: Atoms, plan: Plan, keeping: Keeping, purpose: str) -> Recorded:
    """Simulate, or go on from what is kept.

    Parameters
    ----------
    calculator
        Any ASE calculator; a `GradeRecorder` hears of the grades of the recorded steps.
    atoms
        The structure. Its momenta are those of the start; where it has none they are drawn.
    plan
        What is simulated.
    keeping
        Where segments are kept.
    purpose
        What is computed, for messages.

    Raises
    ------
    MaxvoltError
        The simulation ended before its steps were done; the message says why.
    FileFormatError
        A kept segment is damaged.
    """
    inner = calculator.inner if isinstance(calculator, GradeRecorder) else calculator
    files = None
    if keeping.folder is not None:
        digest = _digest(inner, atoms, plan)
        files = SegmentFiles(keeping.folder, plan.name, digest, _maker(inner))
    segments = [] if files is None else files.read()
    state = segments[-1].state if segments else _start(atoms, plan)
    if state.step < plan.steps:
        segments += _simulated(inner, atoms, plan, keeping, files, state, purpose)
    found = _joined(segments, atoms, plan)
    if isinstance(calculator, GradeRecorder):
        calculator.frames += _some(found)
        if np.isfinite(found.grades).any():
            calculator.meet(float(np.nanmax(found.grades)))
    return found


def _some(found: Recorded) -> list[Atoms]:
    """Return a few frames, evenly chosen; the last structure where there are none."""
    if not len(found.frames):
        return [found.last]
    chosen = np.linspace(0, len(found.frames) - 1, _FEW_FRAMES).astype(int)
    return [_bare(found.last, found.frames[k], found.frame_cells[k]) for k in np.unique(chosen)]


def _simulated(
    inner: Any,
    atoms: Atoms,
    plan: Plan,
    keeping: Keeping,
    files: SegmentFiles | None,
    state: TrajectoryState,
    purpose: str,
) -> list[Segment]:
    """Run to the end, keeping segments; return them."""
    recorder = _Recorder(plan, stress=has_stress(inner, atoms))
    segments: list[Segment] = []
    written = time.monotonic()
    begin = state.step

    def end_segment(end: TrajectoryState) -> None:
        nonlocal begin
        segments.append(Segment(begin, recorder.take(), end))
        begin = end.step
        if files is not None:
            files.write(segments[-1])

    def keep(current: Callable[[], TrajectoryState]) -> None:
        nonlocal written
        if files is not None and time.monotonic() - written >= keeping.seconds:
            end_segment(replace(current(), rows=np.zeros((0, 6))))
            written = time.monotonic()

    result = _scenario(atoms, plan).run(
        inner,
        _never(inner),
        seed=plan.seed,
        progress=_telling(plan, keeping),
        observer=recorder.observe,
        keep=keep,
        state=state,
        renew_every=_RENEW_EVERY,
    )
    if result.reason is not StopReason.FINISHED:
        raise MaxvoltError(
            f"{purpose}: the simulation {plan.name!r} ended after {result.steps} of {plan.steps} "
            f"steps: {result.message}; try a shorter timestep or a lower temperature, or train "
            "the potential on structures of this kind"
        )
    last = result.last
    end_segment(
        replace(
            state,
            step=plan.steps,
            positions=last.positions,
            momenta=last.get_momenta(),
            cell=last.cell.array,
            integrator={},
        )
    )
    return segments


def _telling(plan: Plan, keeping: Keeping) -> Callable[[int], None]:
    done = 0

    def tell(steps: int) -> None:
        nonlocal done
        done += steps
        if keeping.progress is not None and (done % 10 == 0 or done == plan.steps):
            keeping.progress(plan.name, done, plan.steps)

    return tell


def _never(calculator: Any) -> Thresholds:
    """Stop at no grade: how far it extrapolated is told with the result."""
    query = _query(calculator)
    return Thresholds(math.inf, math.inf, unit="" if query is None else unit_of(query))


def _query(calculator: Any) -> Any:
    return getattr(calculator, "query", None)


class _Recorder:
    """Gathers values and frames until they are taken."""

    def __init__(self, plan: Plan, *, stress: bool) -> None:
        self._plan = plan
        self._stress = stress
        self._values: list[tuple[Any, ...]] = []
        self._frames: list[tuple[Any, ...]] = []

    def observe(self, step: int, atoms: Atoms) -> None:
        """Record the structure of a step."""
        results = atoms.calc.results
        unknown = np.full(6, np.nan)
        self._values.append(
            (
                step,
                atoms.get_temperature(),
                results["energy"],
                atoms.get_kinetic_energy(),
                atoms.get_stress(include_ideal_gas=True) if self._stress else unknown,
                atoms.cell.array.copy(),
                results.get("grade", np.nan),
            )
        )
        if self._plan.frame_every and step % self._plan.frame_every == 0:
            self._frames.append((step, atoms.cell.array.copy(), atoms.positions.copy()))

    def take(self) -> dict[str, NDArray[Any]]:
        """Give what was recorded, and begin anew."""
        names = ("steps", "temperatures", "energies", "kinetic", "stresses", "cells", "grades")
        found = _columns(names, self._values)
        found |= _columns(("frame_steps", "frame_cells", "frames"), self._frames)
        self._values, self._frames = [], []
        return found


def _columns(names: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> dict[str, NDArray[Any]]:
    """Arrays of columns; none where there is no row."""
    return {
        name: np.array(column) for name, column in zip(names, zip(*rows, strict=True), strict=False)
    }


_SHAPES: dict[str, tuple[int, ...]] = {
    "steps": (),
    "temperatures": (),
    "energies": (),
    "kinetic": (),
    "stresses": (6,),
    "cells": (3, 3),
    "grades": (),
    "frame_steps": (),
    "frame_cells": (3, 3),
}


def _joined(segments: Sequence[Segment], atoms: Atoms, plan: Plan) -> Recorded:
    arrays: dict[str, NDArray[Any]] = {}
    for name, shape in {**_SHAPES, "frames": (len(atoms), 3)}.items():
        parts = [one.recorded[name] for one in segments if name in one.recorded]
        kind = np.int64 if name.endswith("steps") else np.float64
        arrays[name] = np.concatenate([np.zeros((0, *shape), kind), *parts])
    state = segments[-1].state
    last = _bare(atoms, state.positions, state.cell)
    last.set_momenta(state.momenta)
    return Recorded(**arrays, timestep=plan.timestep, last=last)


def _bare(atoms: Atoms, positions: NDArray[np.float64], cell: NDArray[np.float64]) -> Atoms:
    return Atoms(numbers=atoms.numbers, positions=positions, cell=cell, pbc=True)


def _start(atoms: Atoms, plan: Plan) -> TrajectoryState:
    """State before the first step: with the momenta of the structure, or drawn ones."""
    generator = np.random.default_rng(plan.seed)
    begin = _bare(atoms, atoms.positions, atoms.cell.array)
    begin.set_constraint(_held(plan))
    hold_atoms(begin, constraint_records(begin))
    if atoms.has("momenta") and atoms.get_momenta().any():
        begin.set_momenta(atoms.get_momenta())
    else:
        draw_velocities(begin, as_schedule(plan.temperature).value(0), generator)
    at_rest = np.zeros((3, 3) if plan.shape else ())
    return TrajectoryState(
        step=0,
        positions=begin.positions,
        momenta=begin.get_momenta(),
        cell=begin.cell.array,
        integrator={"cell_momentum": at_rest} if plan.ensemble == "npt" else {},
        generator=generator.bit_generator.state,
        kept=(),
        rows=np.zeros((0, 6)),
        seconds=0.0,
    )


def _held(plan: Plan) -> list[FixAtoms]:
    return [FixAtoms(list(plan.held))] if plan.held else []


def _scenario(atoms: Atoms, plan: Plan) -> MolecularDynamics:
    structure = _bare(atoms, atoms.positions, atoms.cell.array)
    structure.set_constraint(_held(plan))
    return MolecularDynamics(
        plan.name,
        Dataset.from_atoms([structure]),
        plan.steps,
        plan.temperature,
        ensemble=plan.ensemble,
        thermostat=plan.thermostat,
        pressure=plan.pressure / GPA_PER_EV_A3,
        timestep_fs=plan.timestep,
        thermostat_time_fs=plan.thermostat_time,
        bulk_modulus=plan.bulk_modulus / GPA_PER_EV_A3,
        shape=plan.shape,
        record_every=plan.value_every,
        grade_every=plan.value_every,
    )


def _digest(calculator: Any, atoms: Atoms, plan: Plan) -> str:
    """Of all that decides about a simulation."""
    content = sha256(repr(plan).encode())
    content.update(_fingerprint(calculator, atoms).encode())
    momenta = atoms.get_momenta()
    for array in (atoms.numbers, atoms.positions, atoms.cell.array, momenta):
        content.update((np.round(array, 6) + 0.0).tobytes())  # no negative zeros
    return content.hexdigest()


def _maker(calculator: Any) -> str:
    """Name this package and that of the calculator, with their versions."""
    own = f"maxvolt {version('maxvolt')}"
    package = type(calculator).__module__.partition(".")[0]
    if package in ("maxvolt", "__main__"):
        return own
    try:
        return f"{own} with {package} {version(package)}"
    except PackageNotFoundError:
        return own


def _fingerprint(calculator: Any, atoms: Atoms) -> str:
    """Name a calculator by its potential, else by what it says of a rattled structure."""
    rattled = _bare(atoms, atoms.positions, atoms.cell.array)
    rattled.rattle(_RATTLE, seed=1)
    rattled.calc = calculator
    potential = getattr(calculator, "potential", None)
    if potential is None:
        return f"{type(calculator).__qualname__} {rattled.get_potential_energy():.6f}"
    if _query(calculator) is None:
        return str(potential.digest)
    rattled.get_potential_energy()
    return f"{potential.digest} {calculator.results['grade']:.5g}"
