"""One run of LAMMPS in a folder of its own, and what is made of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from maxvolt.dataset import Dataset
from maxvolt.errors import MaxvoltError
from maxvolt.sampling.lammps.grading import Grading
from maxvolt.sampling.lammps.outputs import last_step, read_trace, reason_of, said
from maxvolt.sampling.lammps.program import SCREEN, run_folder, run_lammps
from maxvolt.sampling.lammps.settings import DATA, LammpsSettings
from maxvolt.sampling.lammps.turned import Frame, Turned
from maxvolt.sampling.results import SamplingResult, Trace, frame
from maxvolt.sampling.rule import Stop, StopReason, Thresholds
from maxvolt.sampling.scenario import Progress
from maxvolt.sampling.watch import Watch

__all__ = ["Run", "try_input"]

_INPUT = "in.lammps"
_MODEL = "potential.maxvolt"
_FRAMES = "frames.xyz"
_TRACE = "trace.txt"
_LAST = "last.data"
_OPTIONS = ("-in", _INPUT, "-log", "none", "-nocite")

_TRIAL_SECONDS = 600.0
"""For an input of which nothing is computed; a launcher may have to wait."""

_TRIAL_CUTOFF = 5.0
"""Angstrom; of a pair style that computes nothing."""


def try_input(
    scenario: LammpsSettings,
    command: Sequence[str],
    elements: tuple[str, ...],
    thresholds: Thresholds,
) -> str | None:
    """Let LAMMPS read an input without a step; return what it complains of, None for nothing."""
    with run_folder() as name:
        folder = Path(name)
        Turned(scenario.structures[0], elements).write(folder / DATA)
        pair = [
            _style(scenario, thresholds),  # to see whether the plugin is there
            f"pair_style zero {_TRIAL_CUTOFF}",
            "pair_coeff * *",
            *_recording(scenario, "c_thermo_temp"),
        ]
        (folder / _INPUT).write_text(_filled(scenario, elements, pair, 0))
        code = run_lammps([*command, *_OPTIONS, "-skiprun"], folder, _TRIAL_SECONDS)
        complaint = None if code == 0 else said(folder / SCREEN)
    if complaint is not None and "pair style 'maxvolt'" in complaint:
        return f"it lacks the plugin of maxvolt, pip install maxvolt-lammps: {complaint}"
    return complaint


class Run:
    """A simulation of the one structure of a scenario.

    Parameters
    ----------
    scenario
        What is run.
    grading
        Active set with its potential, and thresholds.
    seed
        Random seed.
    """

    def __init__(self, scenario: LammpsSettings, grading: Grading, seed: int) -> None:
        self._scenario = scenario
        self._grading = grading
        self._seed = seed
        self._start = scenario.structures[0]
        self._turned = Turned(self._start, grading.species)
        self._began = time.perf_counter()

    def result(self, command: Sequence[str], progress: Progress | None) -> SamplingResult:
        """Run it to its end with the words of a command."""
        with run_folder() as name:
            folder = Path(name)
            self._write(folder)
            watch = _telling(progress, folder / _TRACE, self._scenario.steps)
            code = run_lammps([*command, *_OPTIONS], folder, self._scenario.timeout, watch)
            return self._result(folder, code)

    def _write(self, folder: Path) -> None:
        """Write structure, model and input."""
        scenario = self._scenario
        elements = self._grading.species
        self._turned.write(folder / DATA)
        self._grading.by.write(folder / _MODEL)
        pair = [
            _style(scenario, self._grading.thresholds),
            f"pair_coeff * * {_MODEL} {' '.join(elements)}",
            "compute maxvolt_grade all pair maxvolt",
            *_recording(scenario, f"c_maxvolt_grade[{self._grading.column}]"),
        ]
        end = f"write_data {_LAST} nocoeff"
        (folder / _INPUT).write_text(_filled(scenario, elements, pair, self._seed, end))

    def _result(self, folder: Path, code: int | None) -> SamplingResult:
        """Make a result of what is in the folder."""
        scenario = self._scenario
        rows = read_trace(folder / _TRACE)
        kept, end = self._judged(self._turned.frames(folder / _FRAMES))
        if end is not None:
            stop, at = end
            steps, last = max(at.step - 1, 0), at.atoms
            if not (rows[:, 0] == at.step).any():
                volume = abs(np.linalg.det(last.cell.array))
                rows = np.vstack([rows, [at.step, at.grade, np.nan, np.nan, np.nan, volume]])
        else:
            stop, steps, last = self._without_break(folder, code, rows)
        trace = Trace(rows[:, 0].astype(np.int64), *rows[:, 1:].T)
        found = [
            frame(one.atoms, scenario.name, scenario.part, one.step, one.grade) for one in kept
        ]
        return SamplingResult(
            scenario=scenario.name,
            part=scenario.part,
            reason=stop.reason,
            message=stop.message,
            steps=min(steps, scenario.steps),
            total_steps=scenario.steps,
            extrapolative=Dataset.from_atoms(found),
            last=last,
            grades=trace.grades,
            seconds=time.perf_counter() - self._began,
            trace=trace,
        )

    def _judged(self, frames: Iterable[Frame]) -> tuple[list[Frame], tuple[Stop, Frame] | None]:
        """Choose the frames that are kept; say which ends the simulation, and why."""
        watch = Watch(self._scenario.limits, self._start.numbers)
        watch.check(self._start)  # atoms that are alone from the start are not lost
        kept: list[Frame] = []
        for one in frames:
            if one.step % self._scenario.record_every and not one.is_break:
                continue
            limit = watch.check(one.atoms)
            if limit is not None:
                return kept, (limit, one)
            kept.append(one)
            if one.is_break:
                return kept, (self._break(one.grade), one)
        return kept, None

    def _break(self, grade: float) -> Stop:
        """Say what broke; LAMMPS wrote the grade, perhaps with fewer digits than it compared."""
        stop, unit = self._grading.thresholds.stop, self._grading.thresholds.unit
        message = f"grade {grade:.4g}, break threshold {stop:g}"
        if unit:
            message = f"expected force error {grade:.4g} {unit}, break threshold {stop:g} {unit}"
        return Stop(StopReason.GRADE, message)

    def _without_break(
        self, folder: Path, code: int | None, rows: NDArray[np.float64]
    ) -> tuple[Stop, int, Atoms]:
        """Say how it ended where no frame ended it; the steps done; the last structure."""
        total = self._scenario.steps
        reached = int(rows[-1, 0]) if len(rows) else 0
        if code is None:
            message = f"LAMMPS took longer than {self._scenario.timeout:g} s, the given timeout"
            return Stop(StopReason.FAILED, message), reached, self._start
        if code:
            complaint = said(folder / SCREEN)
            message = f"LAMMPS ended with exit code {code}: {complaint}"
            return Stop(reason_of(complaint), message), reached, self._start
        try:
            steps, last = self._turned.last(folder / _LAST)
        except MaxvoltError as error:
            return Stop(StopReason.FAILED, str(error)), reached, self._start
        if steps < total:
            message = (
                f"LAMMPS came to the end of its input after {steps} of {total} steps; the runs of "
                "the template must add up to ${steps}"
            )
            return Stop(StopReason.FAILED, message), steps, last
        return Stop(StopReason.FINISHED, f"{total} steps"), total, last


def _style(scenario: LammpsSettings, thresholds: Thresholds) -> str:
    return (
        f"pair_style maxvolt select {thresholds.select:.17g} break {thresholds.stop:.17g} "
        f"every {scenario.grade_every} frames {_FRAMES}"
        f"{' unit ' + thresholds.unit if thresholds.unit else ''}"
    )


def _recording(scenario: LammpsSettings, grade: str) -> list[str]:
    """Lines that write the trace."""
    every = scenario.record_every
    columns = [grade, "c_thermo_temp", "c_thermo_pe", "c_maxvolt_kinetic", "v_maxvolt_volume"]
    return [
        "compute maxvolt_kinetic all ke",
        "variable maxvolt_volume equal vol",
        f"fix maxvolt_trace all ave/time {every} 1 {every} {' '.join(columns)} "
        f'file {_TRACE} format " %.17g"',
    ]


def _filled(
    scenario: LammpsSettings, elements: Sequence[str], pair: Sequence[str], seed: int, *end: str
) -> str:
    values = {**scenario.values(0, seed), "elements": " ".join(elements)}
    return scenario.template.filled(pair, values, end)


def _telling(progress: Progress | None, trace: Path, total: int) -> Callable[[], None]:
    """Give what tells how far a run has come, by its trace."""
    told = 0

    def tell() -> None:
        nonlocal told
        done = min(last_step(trace), total)
        if progress is not None and done > told:
            progress(done - told)
            told = done

    return tell
