"""Molecular dynamics as a scenario: schedules, the two-threshold rule, one structure per part."""

from __future__ import annotations

from dataclasses import dataclass

from ase.calculators.calculator import Calculator

from maxvolt.errors import DataError
from maxvolt.sampling.dynamics_settings import DynamicsSettings
from maxvolt.sampling.results import SamplingResult
from maxvolt.sampling.rule import Thresholds
from maxvolt.sampling.scenario import OnePartPerStructure, Progress
from maxvolt.sampling.trajectory import Observer, Trajectory
from maxvolt.sampling.trajectory_state import RENEW_EVERY, KeepState, TrajectoryState

__all__ = ["MolecularDynamics"]


@dataclass(frozen=True, slots=True, eq=False)
class MolecularDynamics(DynamicsSettings, OnePartPerStructure):
    """Molecular dynamics that ends after its steps, or where the potential extrapolates too far.

    Parameters
    ----------
    name
        Name of the scenario; it becomes the group of the structures found.
    structures
        Structures to start from: a `Dataset`, or one or several ``ase.Atoms``. Each is a part of
        its own, with velocities of its own. Constraints FixAtoms, FixCartesian and FixScaled hold
        in "nve" and "nvt", FixAtoms also in "npt", where held atoms keep their scaled coordinates;
        temperatures mean the degrees of freedom that are left.
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
        directions alike, six numbers are the components xx, yy, zz, yz, xz, xy. Atoms that are held
        keep their scaled coordinates.
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
    grade_every
        Steps from one grade to the next; `record_every` must be a multiple. Steps in between are
        graded afterwards where the simulation may have had to stop there, see docs/sampling.
        Distances and numbers that are not finite are looked for at each step.
    keep_most
        Structures that each part keeps for selection, those of the highest grades; None: all.
    """

    def run(
        self,
        calculator: Calculator,
        thresholds: Thresholds,
        *,
        seed: int,
        progress: Progress | None = None,
        observer: Observer | None = None,
        keep: KeepState | None = None,
        state: TrajectoryState | None = None,
        renew_every: int = RENEW_EVERY,
    ) -> SamplingResult:
        """Run the dynamics of the one structure; see `Scenario.run`.

        Parameters
        ----------
        calculator, thresholds, seed, progress
            As of `Scenario.run`.
        observer
            Called at each recorded step with the step and the structure.
        keep
            Called now and then with a function that gives the state, from which it can go on.
        state
            Where to go on, of a trajectory with the same arguments: the result is that of a
            trajectory that was not interrupted, to the last bit. The observer hears of later steps
            only.
        renew_every
            Steps after which calculator and neighbour lists are rebuilt, which is where states
            can be kept. The last bits of a trajectory depend on it.

        Raises
        ------
        DataError
            There are several structures: `split` comes first; or `renew_every` is below 1.
        """
        if len(self.structures) != 1:
            raise DataError(
                f"molecular dynamics {self.name!r}: has {len(self.structures)} structures; run "
                "each part of split()"
            )
        if renew_every < 1:
            raise DataError(
                f"molecular dynamics {self.name!r}: renew_every must be at least 1, not "
                f"{renew_every!r}"
            )
        trajectory = Trajectory(
            self,
            calculator,
            thresholds,
            seed,
            progress=progress,
            observer=observer,
            keep=keep,
            renew_every=renew_every,
        )
        return trajectory.result(state)
