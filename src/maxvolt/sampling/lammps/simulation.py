"""Molecular dynamics in LAMMPS as a scenario: a template, one structure per part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ase.calculators.calculator import Calculator

from maxvolt.errors import DataError
from maxvolt.sampling.lammps.grading import Grading
from maxvolt.sampling.lammps.program import find_program
from maxvolt.sampling.lammps.run import Run, try_input
from maxvolt.sampling.lammps.settings import LammpsSettings
from maxvolt.sampling.results import SamplingResult
from maxvolt.sampling.rule import Thresholds
from maxvolt.sampling.scenario import OnePartPerStructure, Progress

__all__ = ["LammpsDynamics"]


@dataclass(frozen=True, slots=True, eq=False)
class LammpsDynamics(LammpsSettings, OnePartPerStructure):
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
        Distances that structures above a threshold must keep; the first that does not is not kept
        and counts as the end of the simulation.
    ranks
        Number of MPI ranks.
    command
        Words that start LAMMPS, without arguments, instead of ``lmp`` on these ranks.
    timeout : s, optional
        How long a part may take; what takes longer has failed.
    part
        Number of this part.
    """

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
            There are several structures: `split` comes first; or the calculator is graded neither
            by an active set nor by expected errors whose measures LAMMPS computes.
        MaxvoltError
            LAMMPS is not there.
        """
        if len(self.structures) != 1:
            self._refuse(f"has {len(self.structures)} structures; run each part of split()")
        try:
            grading = Grading.of(calculator, thresholds)
        except DataError as error:
            self._refuse(str(error))
        command = find_program(self.ranks, self.command)
        return Run(self, grading, seed).result(command, progress)

    def check(self, species: Sequence[str], thresholds: Thresholds) -> None:
        """Let LAMMPS read the input of the first structure, without a step and without a potential.

        Parameters
        ----------
        species
            Elements of the potential.
        thresholds
            Of the rule.

        Raises
        ------
        DataError
            LAMMPS says that the input is wrong, or it lacks the plugin.
        MaxvoltError
            LAMMPS is not there.
        """
        command = find_program(self.ranks, self.command)
        complaint = try_input(self, command, tuple(species), thresholds)
        if complaint is not None:
            self._refuse(f"{self.template.name}: LAMMPS cannot use it: {complaint}")
