"""The inputs of LAMMPS for a shock: a slab at rest, then a piston that drives into it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from maxvolt.properties.lammps_lines import drawn_velocities, input_text, langevin
from maxvolt.properties.lammps_stages import STATE, STRUCTURE
from maxvolt.properties.melting.interaction import Interaction

__all__ = ["FRAME", "PISTON", "PROFILE", "PROFILE_VALUES", "ShockPlan"]

PISTON, PROFILE, FRAME = "piston.txt", "profile.txt", "frame.txt"
"""Steps and forces on the piston (eV/Angstrom); profiles along z; one frame."""

PROFILE_VALUES = (
    "density/number",
    "v_mass",
    "v_momentum",
    "v_pushx",
    "v_pushy",
    "v_pushz",
    "c_energy",
    "c_virial[1]",
    "c_virial[2]",
    "c_virial[3]",
)
"""Of a bin, all but the first means over its atoms: atoms/Angstrom^3, masses and velocities in the
units of LAMMPS, m v^2 along each axis, eV, bar Angstrom^3."""

_VARIABLES = (
    "variable mass atom mass",
    "variable momentum atom mass*vz",
    "variable pushx atom mass*vx*vx",
    "variable pushy atom mass*vy*vy",
    "variable pushz atom mass*vz*vz",
)

_SAMPLES = 10
"""Of a profile."""


@dataclass(frozen=True, slots=True)
class ShockPlan:
    """What is simulated.

    Attributes
    ----------
    interaction
        What holds the atoms together.
    temperature : K
        Before the shock.
    timestep : fs
    rest_steps
        With a thermostat, before the piston starts.
    piston_top : Angstrom
        Atoms below are the piston.
    height : Angstrom
        Of the cell, of which places in profiles are parts: LAMMPS knows no others in cells without
        right angles.
    bin_width : Angstrom
        Of profiles.
    profile_steps
        A profile is the mean over these steps; a multiple of 10.
    segment_steps
        From a kept state to the next, a multiple of `profile_steps`.
    seed
        Of velocities and of the thermostat.
    """

    interaction: Interaction
    temperature: float
    timestep: float
    rest_steps: int
    piston_top: float
    height: float
    bin_width: float
    profile_steps: int
    segment_steps: int
    seed: int

    def rest(self) -> str:
        """Input that brings the slab to its temperature, with the piston at rest."""
        t = self.temperature
        return self._input(
            [
                f"read_data {STRUCTURE}",
                f"region bottom block INF INF INF INF INF {self.piston_top:.17g}",
                "group piston region bottom",
                "group body subtract all piston",
            ],
            [
                drawn_velocities(2 * t, self.seed),  # half goes into the potential energy
                "velocity piston set 0 0 0",
                "fix integrate body nve",
                langevin("body", t, t, self.seed + 1),
                f"fix hold piston setforce 0 0 0\nfix trace all ave/time {self.profile_steps} 1 "
                f"{self.profile_steps} f_hold[3] file {PISTON}",
                f"run {self.rest_steps}",
                "unfix bath_body",
                "velocity body zero linear",
            ],
        )

    def shock(self, velocity: float) -> str:
        """Input of one segment with the piston at this velocity, in km/s.

        Equation (151). The piston is rigid: no force changes its velocity.
        """
        every = self.profile_steps // _SAMPLES
        steps = f"{every} {_SAMPLES} {self.profile_steps}"
        return self._input(
            [f"read_restart {STATE}.before"],
            [
                f"velocity piston set 0 0 {10 * velocity:.17g}",
                "fix integrate all nve",
                "fix hold piston setforce 0 0 0",
                *_VARIABLES,
                "compute energy all pe/atom",
                "compute virial all stress/atom NULL virial",
                f"compute bins body chunk/atom bin/1d z lower "
                f"{self.bin_width / self.height:.17g} units reduced",
                f"fix profile body ave/chunk {steps} bins {' '.join(PROFILE_VALUES)} norm all "
                f'file {PROFILE} format " %.10g"',
                f"fix trace all ave/time {steps} f_hold[3] file {PISTON}",
                f"run {self.segment_steps}",
            ],
        )

    def frame(self) -> str:
        """Input that writes positions and forces of a state."""
        return self._input(
            [f"read_restart {STATE}.before"],
            [
                f"dump frame all custom 1 {FRAME} id type x y z fx fy fz",
                'dump_modify frame sort id format float "%.10g"',
                "run 0",
            ],
            keeps=False,
        )

    def _input(self, begin: Sequence[str], then: Sequence[str], *, keeps: bool = True) -> str:
        return input_text(
            [
                "units metal",
                "atom_style atomic",
                "boundary p p f",
                *begin,
                *self.interaction.lines,
                f"timestep {self.timestep / 1e3:.17g}",
                "thermo 1000000000",
                *then,
                *([f"write_restart {STATE}"] if keeps else []),
            ]
        )
