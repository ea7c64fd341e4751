"""What every property from dynamics is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NoReturn

import numpy as np
from ase import Atoms

from maxvolt.errors import SettingsError
from maxvolt.limits import ATOMS, LARGEST_SEED, PRESSURE_GPA, STEPS, TEMPERATURE, TIMESTEP_FS

__all__ = ["Phase", "PhaseSettings", "SimulationSettings"]

Phase = Literal["solid", "melt"]

_FS_OF_UNIT_MASS = 0.4
_LONGEST_TIMESTEP = 3.0
"""fs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulationSettings:
    """Settings of every property from dynamics.

    Parameters
    ----------
    temperature : K
        Temperature of the simulation.
    pressure : GPa
        Pressure of the simulation, the same along all directions.
    atoms
        About how many atoms there are; whole cells are taken.
    timestep : fs or None
        None: 0.4 times the root of the lightest mass, 3 at most (aluminium 2.1).
    equilibration_time : ps
        Time at temperature and pressure, before anything counts.
    seed
        Seed of random numbers.
    members
        Of an ensemble: "simulate", each simulates; "frames", the first one does, and the others are
        asked for energies, forces and stress of frames.
    """

    temperature: float = 300.0
    pressure: float = 0.0
    atoms: int = 256
    timestep: float | None = None
    equilibration_time: float = 5.0
    seed: int = 1
    members: Literal["simulate", "frames"] = "simulate"

    def __post_init__(self) -> None:
        if self.members not in ("simulate", "frames"):
            self._refuse(f"members must be simulate or frames; got {self.members!r}")
        self._check_temperature("temperature", self.temperature)
        PRESSURE_GPA.check("pressure", self.pressure, SettingsError)
        ATOMS.check("atoms", self.atoms, SettingsError)
        if self.timestep is not None:
            TIMESTEP_FS.check("timestep", self.timestep, SettingsError)
        self._check_time("equilibration_time")
        if not 0 <= self.seed <= LARGEST_SEED:
            self._refuse(f"seed must be a whole number from 0 on; got {self.seed!r}")

    def _refuse(self, what: str) -> NoReturn:
        raise SettingsError(what)

    def _check_time(self, name: str) -> None:
        if not 0 < getattr(self, name) < np.inf:
            self._refuse(f"{name} must be a time above 0, in ps; got {getattr(self, name)!r}")

    def _check_temperature(self, name: str, value: float) -> None:
        TEMPERATURE.check(name, value, SettingsError)
        if value == 0:
            self._refuse(f"{name} must be above 0 K: nothing moves at 0")

    def timestep_of(self, atoms: Atoms) -> float:
        """Time step in fs, for the atoms of a structure."""
        if self.timestep is not None:
            return self.timestep
        lightest = float(np.sqrt(atoms.get_masses().min()))
        return round(min(_FS_OF_UNIT_MASS * lightest, _LONGEST_TIMESTEP), 2)

    def steps(self, picoseconds: float, timestep: float, multiple: int, least: int = 20) -> int:
        """Steps of a time: a multiple of some number of steps, and a least multiple of it."""
        count = multiple * max(least, round(picoseconds * 1e3 / timestep / multiple))
        STEPS.check("the number of steps", count, SettingsError)
        return count


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseSettings(SimulationSettings):
    """What is averaged over time in a crystal or a melt: `SimulationSettings`, and these.

    Parameters
    ----------
    phase
        "solid", the crystal that is given; "melt", a liquid made of it.
    production_time : ps
        Time that is averaged over.
    melting_temperature : K or None
        Temperature at which a crystal is made liquid at 15 % more volume, for a melt; None: 2.5
        times `temperature`.
    """

    phase: Phase = "solid"
    production_time: float = 20.0
    melting_temperature: float | None = None

    def __post_init__(self) -> None:
        SimulationSettings.__post_init__(self)
        if self.phase not in ("solid", "melt"):
            self._refuse(f"phase must be solid or melt; got {self.phase!r}")
        if self.melting_temperature is not None:
            self._check_temperature("melting_temperature", self.melting_temperature)
        self._check_time("production_time")
