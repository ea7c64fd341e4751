"""A sphere that is pressed into a slab and drawn back, in LAMMPS, segment by segment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from maxvolt.errors import MaxvoltError
from maxvolt.properties.dynamic.keeping import Progress
from maxvolt.properties.lammps_lines import drawn_velocities, input_text, langevin
from maxvolt.properties.lammps_stages import (
    STATE,
    STRUCTURE,
    LammpsStage,
    LammpsStages,
    damaged_stage,
    stage_digest,
)
from maxvolt.properties.melting.interaction import Interaction
from maxvolt.sampling.lammps.outputs import read_table
from maxvolt.sampling.lammps.turned import Turned

__all__ = ["SAMPLE_EVERY", "IndentationPlan", "IndentationRun", "simulate_indentation"]

_END, _LOAD, _POTENTIAL = "end.data", "load.txt", "energy.txt"

_COLUMNS = ("step", "displacement", "load", "energy", "temperature", "potential")
"""Of the table of loads: Angstrom, eV/Angstrom, eV, K and eV."""

_ENERGY = ("variable energy equal pe", f'print "0 ${{energy}}" file {_POTENTIAL}')
_LEFT = (f"write_restart {STATE}", f"write_data {_END} nocoeff")

SAMPLE_EVERY = 5
"""Steps from a load to the next; a vibration has at least ten times as many."""

_DECIMALS = 8
"""Of positions that are kept for grades, Angstrom."""


@dataclass(frozen=True, slots=True)
class IndentationPlan:
    """What is simulated.

    Attributes
    ----------
    interaction
        What holds the atoms together.
    radius : Angstrom
        Of the sphere.
    stiffness : eV/Angstrom^3
        K of the force K (radius - r)^2 on each atom within it, equation (159).
    top, ground, bath : Angstrom
        Heights of the surface; up to which atoms are held; up to which others have a thermostat.
    gap : Angstrom
        Distance of the sphere from the surface at the beginning.
    velocity : Angstrom/ps
    temperature : K
    timestep : fs
    equilibration_steps
    value_every
        Steps over which a load is averaged, a multiple of 5.
    turning_step
        At which the sphere turns, a multiple of `value_every`.
    segment_steps
        Between two kept states, a multiple of `value_every`; the last ones on the way down and on
        the way back are shorter.
    unloading
        Whether the sphere goes back.
    seed
        Of velocities and thermostats.
    """

    interaction: Interaction
    radius: float
    stiffness: float
    top: float
    ground: float
    bath: float
    gap: float
    velocity: float
    temperature: float
    timestep: float
    equilibration_steps: int
    value_every: int
    turning_step: int
    segment_steps: int
    unloading: bool
    seed: int

    @property
    def segments(self) -> tuple[int, ...]:
        """Steps of each segment of one way."""
        whole, rest = divmod(self.turning_step, self.segment_steps)
        return (self.segment_steps,) * whole + ((rest,) if rest else ())

    @property
    def path_of_step(self) -> float:
        """Of the sphere, Angstrom."""
        return self.velocity * self.timestep / 1e3


@dataclass(frozen=True, slots=True, eq=False)
class IndentationRun:
    """What was recorded: n means over `value_every` steps.

    Attributes
    ----------
    displacements : shape (n,), Angstrom
        How far the lowest point of the sphere is below the surface of the perfect slab.
    loads : shape (n,), eV/Angstrom
        Force on the sphere, upwards.
    penetrations : shape (n,), Angstrom
        How far atoms are within the sphere, weighted by their forces; 0 without a load.
    temperatures : shape (n,), K
        Of the atoms that move.
    energies : shape (n,), eV
        Potential energy of the slab, without the sphere.
    turning
        Index of the first value on the way back.
    ends
        Structures at the ends of segments, the first one that of the equilibration.
    end_energies : shape (ends,), eV
        Potential energies of them.
    """

    displacements: NDArray[np.float64]
    loads: NDArray[np.float64]
    penetrations: NDArray[np.float64]
    temperatures: NDArray[np.float64]
    energies: NDArray[np.float64]
    turning: int
    ends: tuple[Atoms, ...]
    end_energies: NDArray[np.float64]


def simulate_indentation(
    slab: Atoms, plan: IndentationPlan, stages: LammpsStages, progress: Progress | None = None
) -> IndentationRun:
    """Equilibrate a slab, press a sphere into it and draw it back, or go on from what is kept.

    The way back ends with the first segment in which nothing touches the sphere.

    Parameters
    ----------
    slab
        Periodic along x and y.
    plan
        What is simulated.
    stages
        What runs segments and keeps them.
    progress
        Is told how far the whole is.

    Raises
    ------
    MaxvoltError
        LAMMPS fails; the message cites what it said.
    FileFormatError
        A kept segment is damaged.
    """
    held = _Segments(slab, plan, stages)
    tables: list[NDArray[np.float64]] = []
    ends: list[Atoms] = []
    energies: list[float] = []
    down = len(plan.segments)
    count = down * (2 if plan.unloading else 1)
    for index in range(count + 1):
        table, end, energy = held.finish(index)
        tables.append(table)
        ends.append(end)
        energies.append(energy)
        if progress is not None:
            progress("nanoindentation", index + 1, count + 1)
        if index > down and not table[:, 2].any():
            break
    rows = np.concatenate(tables[1:])
    loads = rows[:, 2]
    touched = loads > 0
    penetrations = np.divide(3 * rows[:, 3], loads, out=np.zeros_like(loads), where=touched)
    return IndentationRun(
        rows[:, 1], loads, penetrations, rows[:, 4], rows[:, 5],
        plan.turning_step // plan.value_every, tuple(ends), np.array(energies),
    )  # fmt: skip


class _Segments:
    """The stages of one run: number 0 equilibrates, the others move the sphere."""

    def __init__(self, slab: Atoms, plan: IndentationPlan, stages: LammpsStages) -> None:
        self._slab, self._plan, self._stages = slab, plan, stages
        self._species = plan.interaction.types_of(slab, "nanoindentation")
        self._turned = Turned(slab, self._species)
        middle = np.asarray(slab.cell.array).sum(axis=0)[:2] / 2
        self._middle = " ".join(f"{one:.17g}" for one in middle)
        self._before: tuple[Path, str] | None = None

    def finish(self, index: int) -> tuple[NDArray[np.float64], Atoms, float]:
        """Table, structure at the end and its energy of a segment; those before it are done."""
        plan = self._plan
        steps = plan.equilibration_steps
        if index > 0:
            steps = plan.segments[(index - 1) % len(plan.segments)]
        text = self._equilibration() if index == 0 else self._pressing(index, steps)
        begin, known = (self._slab, "") if self._before is None else self._before
        stage = LammpsStage(
            f"indentation-{index:03d}",
            text,
            stage_digest(plan.interaction.digest, text, begin, known),
            steps,
            begin,
            self._species,
            self._harvest(0 if index == 0 else steps // plan.value_every),
            (_LOAD, len(_COLUMNS)),
        )
        path, document, state = self._stages.finish(stage)
        self._before = state, stage.digest
        try:
            table = np.array(document["loads"], float).reshape(-1, len(_COLUMNS))
            positions = np.array(document["positions"], float).reshape(len(self._slab), 3)
            energy = float(document["energy"])
        except (KeyError, ValueError, TypeError) as error:
            raise damaged_stage(path, error) from error
        end = self._slab.copy()
        end.positions = positions
        return table, end, energy

    def _harvest(self, rows: int) -> Callable[[Path], dict[str, Any]]:
        def harvest(folder: Path) -> dict[str, Any]:
            table = read_table(folder / _LOAD, len(_COLUMNS))
            table = table[len(table) - rows :]  # without the step that the segment before has
            _, end = self._turned.last(folder / _END)
            energy = read_table(folder / _POTENTIAL, 2)
            if len(table) != rows or not all(np.isfinite(one).all() for one in (table, energy)):
                raise MaxvoltError(
                    "nanoindentation: LAMMPS wrote no whole table of finite loads; the simulation "
                    "has exploded, or the disk is full: try a shorter timestep or a lower velocity"
                )
            positions = np.round(end.positions, _DECIMALS).ravel().tolist()
            return {
                "loads": table.ravel().tolist(),
                "positions": positions,
                "energy": float(energy[-1, 1]),
            }

        return harvest

    def _equilibration(self) -> str:
        plan = self._plan
        t = plan.temperature
        lines = [
            *self._head(f"read_data {STRUCTURE}"),
            f"region ground block INF INF INF INF INF {plan.ground:.17g}",
            "group held region ground",
            "group mobile subtract all held",
            f"region bath block INF INF INF INF INF {plan.bath:.17g}",
            "group low region bath",
            "group cooled subtract low held",
            drawn_velocities(2 * t, plan.seed),  # half of it goes into the potential energy
            "velocity held set 0 0 0",
            "fix integrate mobile nve",
            langevin("mobile", t, t, plan.seed + 1),
            f"run {plan.equilibration_steps}",
            *_ENERGY,
            "reset_timestep 0",
        ]
        return input_text([*lines, *_LEFT])

    def _pressing(self, index: int, steps: int) -> str:
        """Input of a segment: only the layer above the ground has a thermostat."""
        plan = self._plan
        t, every = plan.temperature, plan.value_every
        samples = every // SAMPLE_EVERY
        # Functions of the number of the step alone, so that nothing drifts between segments; those
        # on the way down do not depend on where it ends, so that another call can go deeper.
        passed = "step" if index <= len(plan.segments) else f"({2 * plan.turning_step}-step)"
        columns = "v_displacement f_indenter[3] f_indenter c_moving c_thermo_pe"
        lines = [
            *self._head(f"read_restart {STATE}.before"),
            "fix integrate mobile nve",
            langevin("cooled", t, t, plan.seed + 1 + index),
            f"variable displacement equal {passed}*{plan.path_of_step:.17g}-{plan.gap:.17g}",
            f"variable centre equal {plan.top + plan.radius:.17g}-v_displacement",
            f"fix indenter all indent {plan.stiffness:.17g} sphere {self._middle} v_centre "
            f"{plan.radius:.17g} units box",
            "compute moving mobile temp",
            f"fix load all ave/time {SAMPLE_EVERY} {samples} {every} {columns} "
            f'file {_LOAD} format " %.15g"',
            f"run {steps}",
            *_ENERGY,
        ]
        return input_text([*lines, *_LEFT])

    def _head(self, reading: str) -> list[str]:
        return [
            "units metal",
            "atom_style atomic",
            "boundary p p f",
            "neighbor 1.0 bin",  # atoms of a crystal go nowhere for long
            reading,
            *self._plan.interaction.lines,
            f"timestep {self._plan.timestep / 1e3:.17g}",
            "thermo 1000000000",
        ]
