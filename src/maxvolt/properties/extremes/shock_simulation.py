"""A shock in LAMMPS, segment by segment, until the front has come through the slab."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from maxvolt.errors import MaxvoltError
from maxvolt.properties.extremes.shock_front import Front, find_front
from maxvolt.properties.extremes.shock_inputs import (
    FRAME,
    PISTON,
    PROFILE,
    PROFILE_VALUES,
    ShockPlan,
)
from maxvolt.properties.extremes.shock_profiles import ShockProfiles
from maxvolt.properties.lammps_stages import (
    LammpsStage,
    LammpsStages,
    damaged_stage,
    stage_digest,
)
from maxvolt.sampling.lammps.outputs import read_table
from maxvolt.sampling.lammps.turned import Turned

__all__ = ["Shock", "ShockSimulation"]

_COLUMNS = 3 + len(PROFILE_VALUES)
"""Of profiles: number, place, atoms, then values."""

_FRAME_COLUMNS = 8

_KEPT = 2
"""States of a shock, which are large: the newest, and one before it."""


@dataclass(frozen=True, slots=True, eq=False)
class Shock:
    """What a simulation has given.

    Attributes
    ----------
    profiles
        From the start of the piston on.
    front
        Of the shock.
    begin, end : Angstrom
        Lowest and highest atom that the piston moves, before the shock.
    last
        The structure at the end.
    forces : shape (N, 3), eV/Angstrom
        On its atoms.
    """

    profiles: ShockProfiles
    front: Front
    begin: float
    end: float
    last: Atoms
    forces: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class _Left:
    """The state that a stage has left."""

    file: Path
    digest: str


@dataclass(frozen=True, slots=True, eq=False)
class ShockSimulation:
    """Simulates shocks in one slab.

    Parameters
    ----------
    slab
        Before the shock, as `slab_across` gives it.
    plan
        What is simulated.
    stages
        Where what is found is kept.
    most_segments
        By then the front has come through.
    """

    slab: Atoms
    plan: ShockPlan
    stages: LammpsStages
    most_segments: int

    def run(self, velocity: float) -> Shock:
        """Drive the piston at a velocity, in km/s.

        Raises
        ------
        MaxvoltError
            LAMMPS fails, or no front comes through.
        """
        heights = self.slab.positions[:, 2]
        begin = float(heights[heights > self.plan.piston_top].min())
        end = float(heights.max())
        states = [self._rest()]
        parts: list[ShockProfiles] = []
        for index in range(self.most_segments):
            part, state = self._segment(states[-1], velocity, index)
            states.append(state)
            parts.append(part)
            if len(states) > _KEPT + 1:  # the first is that of the slab at rest, for all velocities
                states[-_KEPT - 1].file.unlink(missing_ok=True)
            profiles = ShockProfiles.joined(parts)
            front = find_front(profiles, velocity, begin, end)
            if front is not None:
                return Shock(
                    profiles,
                    front,
                    begin,
                    end,
                    *self._frame(states[-1], velocity),
                )
        raise MaxvoltError(
            f"shock: no front came through the slab at {velocity:g} km/s; take a faster piston "
            "(piston_velocities), or a longer slab"
        )

    def _rest(self) -> _Left:
        plan = self.plan
        return self._left(
            "rest", plan.rest(), plan.rest_steps, self.slab, "", lambda folder: {"rest": True}
        )[1]

    def _segment(self, state: _Left, velocity: float, index: int) -> tuple[ShockProfiles, _Left]:
        plan = self.plan
        name = f"shock-{velocity:g}km_s.{index:03d}"
        text = plan.shock(velocity)
        document, left = self._left(
            name, text, plan.segment_steps, state.file, state.digest, self._harvest
        )
        steps = np.array(document["steps"], float)
        times = (steps - plan.rest_steps - plan.profile_steps / 2) * plan.timestep / 1e3
        area = float(np.linalg.det(self.slab.cell.array[:2, :2]))
        rows = np.array(document["profiles"], float)
        rows[:, :, 0] *= plan.height
        return ShockProfiles.of(times, rows, np.array(document["forces"], float), area), left

    def _frame(self, state: _Left, velocity: float) -> tuple[Atoms, NDArray[np.float64]]:
        turned = Turned(self.slab, self._species())

        def harvest(folder: Path) -> dict[str, Any]:
            rows = read_table(folder / FRAME, _FRAME_COLUMNS)
            if len(rows) != len(self.slab) or not np.isfinite(rows).all():
                raise MaxvoltError("shock: atoms have left the slab; take a shorter timestep")
            return {"frame": rows[:, 2:].tolist()}

        name = f"frame-{velocity:g}km_s"
        document, _ = self._left(name, self.plan.frame(), 1, state.file, state.digest, harvest)
        rows = np.array(document["frame"], float)
        last = self.slab.copy()
        last.positions = turned.vectors_back(rows[:, :3])
        return last, turned.vectors_back(rows[:, 3:])

    def _harvest(self, folder: Path) -> dict[str, Any]:
        steps = read_table(folder / PROFILE, 3)[:, 0]
        rows = read_table(folder / PROFILE, _COLUMNS)
        forces = read_table(folder / PISTON, 2)
        expected = self.plan.segment_steps // self.plan.profile_steps
        if not len(rows) or len(steps) != expected or len(forces) != expected:
            raise MaxvoltError("shock: LAMMPS wrote no whole profiles; the disk may be full")
        return {
            "steps": steps.tolist(),
            "profiles": rows.reshape(expected, -1, _COLUMNS)[:, :, 1:].tolist(),
            "forces": forces[:, 1].tolist(),
        }

    def _species(self) -> tuple[str, ...]:
        return self.plan.interaction.types_of(self.slab, "shock")

    def _left(
        self,
        name: str,
        text: str,
        steps: int,
        begin: Atoms | Path,
        before: str,
        harvest: Callable[[Path], dict[str, Any]],
    ) -> tuple[dict[str, Any], _Left]:
        digest = stage_digest(self.plan.interaction.digest, text, begin, before)
        stage = LammpsStage(name, text, digest, steps, begin, self._species(), harvest, (PISTON, 2))
        path, document, state = self.stages.finish(stage)
        if len(document) < 3:
            raise damaged_stage(path, ValueError("it holds nothing"))
        return document, _Left(state, digest)
