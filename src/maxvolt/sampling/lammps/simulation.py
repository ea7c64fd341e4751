"""Molecular dynamics in LAMMPS as a scenario: a template, one structure per part."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator

from maxvolt.calculators.ase import MaxvoltCalculator
from maxvolt.dataset import Dataset
from maxvolt.errors import DataError, MaxvoltError
from maxvolt.potentials.protocol import WritesCompiled
from maxvolt.sampling.lammps.outputs import (
    Frame,
    Turned,
    last_step,
    read_trace,
    said,
    stop_of,
)
from maxvolt.sampling.lammps.program import SCREEN, find_program, run_lammps
from maxvolt.sampling.lammps.settings import DATA, LammpsSettings
from maxvolt.sampling.results import SamplingResult, Trace, frame
from maxvolt.sampling.rule import Stop, StopReason, Thresholds
from maxvolt.sampling.scenario import Progress
from maxvolt.sampling.watch import Watch
from maxvolt.selection import ActiveSet, QueryStrategy

__all__ = ["LammpsDynamics"]

_INPUT = "in.lammps"
_MODEL = "potential.maxvolt"
_FRAMES = "frames.xyz"
_TRACE = "trace.txt"
_LAST = "last.data"
_TRIED = 60.0
"""Seconds for an input of which nothing is computed."""


@dataclass(frozen=True, slots=True, eq=False)
class LammpsDynamics(LammpsSettings):
    """A simulation that LAMMPS runs from a template, under the rule of two thresholds.

    The pair style of the plugin maxvolt-lammps grades structures, writes those above `select` and
    stops above `break`.

    Parameters
    ----------
    name
        Name of the scenario; it becomes the group of the structures found.
    structures
        Structures to start from: a `Dataset`, or one or several ``ase.Atoms`` with a cell. Each is
        a part of its own.
    template
        The input; `VARIABLES` lists what it may use.
    steps
        Number of steps of each part, ``${steps}`` of the template.
    temperature : K, optional
        ``${temperature}`` of the template.
    pressure : eV/Angstrom^3, optional
        ``${pressure}`` of the template, there in bar.
    timestep_fs : fs, optional
        ``${timestep}`` of the template, there in ps.
    variables
        Further variables of the template and their values.
    folder
        ``${folder}`` of the template.
    record_every
        Structures are kept for selection at every so many steps and at the break; so is the trace.
    grade_every
        Steps between those that are graded.
    limits
        Distances that structures must keep to be kept; the first that does not ends the simulation.
    ranks
        Number of MPI ranks.
    command
        Words that start LAMMPS, without arguments, instead of ``lmp`` on these ranks.
    timeout : s, optional
        How long a part may take.
    part
        Number of this part.
    """

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
    ) -> SamplingResult:
        """Run the template for the one structure; see `Scenario.run`.

        Raises
        ------
        DataError
            The calculator has no potential that LAMMPS can evaluate, or is graded by a committee.
        MaxvoltError
            LAMMPS is not there, or took longer than the timeout.
        """
        if len(self.structures) != 1:
            self._refuse(f"has {len(self.structures)} structures; run each part of split()")
        command = find_program(self.ranks, self.command)
        with tempfile.TemporaryDirectory(prefix="maxvolt-lammps-") as folder:
            return _Run(self, Path(folder), calculator, thresholds, seed).result(command, progress)

    def check(self, species: Sequence[str], cutoff: float) -> None:
        """Let LAMMPS read the input of the first structure, without a step and without a potential.

        Parameters
        ----------
        species
            Elements of the potential.
        cutoff : Angstrom
            How far it reaches.

        Raises
        ------
        MaxvoltError
            LAMMPS is not there, or says that the input is wrong.
        """
        command = find_program(1, self.command)
        elements = tuple(species)
        with tempfile.TemporaryDirectory(prefix="maxvolt-lammps-") as name:
            folder = Path(name)
            Turned(self.structures[0], elements).write(folder / DATA)
            pair = [f"pair_style zero {cutoff:.15g}", "pair_coeff * *", *_traced(self, graded=False)]
            values = {**self.values(0, 0), "elements": " ".join(elements)}
            (folder / _INPUT).write_text(self.template.filled(pair, values, ()))
            code = run_lammps(
                [*command, "-in", _INPUT, "-log", "none", "-nocite", "-skiprun"],
                folder,
                lambda: None,
                _TRIED,
            )
            if code:
                self._refuse(f"{self.template.name}: LAMMPS says: {said(folder / SCREEN)}")


class _Run:
    """One run in a folder of its own."""

    def __init__(
        self,
        scenario: LammpsDynamics,
        folder: Path,
        calculator: Calculator,
        thresholds: Thresholds,
        seed: int,
    ) -> None:
        self._scenario = scenario
        self._folder = folder
        self._thresholds = thresholds
        self._began = time.perf_counter()
        self._start = scenario.structures[0]
        if not isinstance(calculator, MaxvoltCalculator):
            raise DataError(f"LAMMPS has no {type(calculator).__name__}; it needs a potential")
        elements = tuple(calculator.potential.species)
        self._turned = Turned(self._start, elements)
        self._turned.write(folder / DATA)
        graded = _write_model(calculator, folder / _MODEL)
        pair = [*self._pair(elements, graded), *_traced(scenario, graded=graded)]
        values = {**scenario.values(0, seed), "elements": " ".join(elements)}
        end = [f"write_data {_LAST} nocoeff"]
        (folder / _INPUT).write_text(scenario.template.filled(pair, values, end))

    def result(self, command: Sequence[str], progress: Progress | None) -> SamplingResult:
        """Run it to its end."""
        scenario = self._scenario
        told = 0

        def watch() -> None:
            nonlocal told
            done = min(last_step(self._folder / _TRACE), scenario.steps)
            if progress is not None and done > told:
                progress(done - told)
                told = done

        code = run_lammps(
            [*command, "-in", _INPUT, "-log", "none", "-nocite"],
            self._folder,
            watch,
            scenario.timeout,
        )
        kept, stop = self._judge(list(self._turned.frames(self._folder / _FRAMES)))
        last = kept[-1].atoms if stop is not None else self._start
        if stop is None and code:
            message = f"LAMMPS ended with exit code {code}: {said(self._folder / SCREEN)}"
            stop = stop_of(message)
        if stop is None:
            last = self._turned.last(self._folder / _LAST)
            stop = Stop(StopReason.FINISHED, f"{scenario.steps} steps")
        return self._gathered(kept, stop, last)

    def _pair(self, elements: Sequence[str], graded: bool) -> list[str]:
        """Lines that choose the potential."""
        rule = self._thresholds
        style = "pair_style maxvolt"
        if graded:
            style += (
                f" select {rule.select:.17g} break {rule.stop:.17g}"
                f" every {self._scenario.grade_every} frames {_FRAMES}"
            )
        return [style, f"pair_coeff * * {_MODEL} {' '.join(elements)}"]

    def _judge(self, frames: Sequence[Frame]) -> tuple[list[Frame], Stop | None]:
        """Choose what is kept, and say where the rule or a limit ends the simulation."""
        scenario = self._scenario
        watch = Watch(scenario.limits, self._start.numbers)
        watch.check(self._start)  # atoms that are alone from the start are not lost
        kept: list[Frame] = []
        for one in frames:
            if one.step % scenario.record_every and not one.is_break:
                continue
            limit = watch.check(one.atoms)
            if limit is not None:
                return [*kept, one], limit
            kept.append(one)
            if one.is_break:
                said_so = self._thresholds.check(one.grade)
                message = f"grade {one.grade:.4g}, break threshold {self._thresholds.stop:g}"
                return kept, said_so or Stop(StopReason.GRADE, message)
        return kept, None

    def _gathered(self, kept: Sequence[Frame], stop: Stop, last: Atoms) -> SamplingResult:
        scenario = self._scenario
        table = read_trace(self._folder / _TRACE)
        steps, temperatures, potential, kinetic, volumes, grades = table.T
        ended = kept[-1].step if stop.reason.is_break and kept else 0
        if stop.reason is StopReason.FINISHED:
            done = scenario.steps
        elif stop.reason in (StopReason.GRADE, StopReason.TOO_CLOSE, StopReason.LOST_ATOM) and kept:
            done = max(ended - 1, 0)
        else:
            done = int(steps[-1]) if len(steps) else 0
        trace = Trace(steps.astype(np.int64), grades, temperatures, potential, kinetic, volumes)
        if stop.reason.is_break and stop.reason is not StopReason.GRADE:
            kept = [one for one in kept if one.atoms is not last]
        found = [
            frame(one.atoms, scenario.name, scenario.part, one.step, one.grade) for one in kept
        ]
        seen = [one.grade for one in kept]
        return SamplingResult(
            scenario=scenario.name,
            part=scenario.part,
            reason=stop.reason,
            message=stop.message,
            steps=min(done, scenario.steps),
            total_steps=scenario.steps,
            extrapolative=Dataset.from_atoms(found),
            last=last,
            grades=np.array([*grades, *seen]),
            seconds=time.perf_counter() - self._began,
            trace=trace,
        )
