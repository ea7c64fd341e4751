"""What a free energy is asked for, checked before anything runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NoReturn

from maxvolt.errors import SettingsError
from maxvolt.limits import ATOMS, LARGEST_SEED, PRESSURE_GPA, TEMPERATURE, TIMESTEP_FS

__all__ = ["FreeEnergySettings"]

_LONGEST_PS = 1e6
_VALUE_EVERY = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeEnergySettings:
    """Of which state the free energy is, and how carefully it is found.

    Parameters
    ----------
    temperatures : K
        Each is a state of its own.
    phase
        "solid", the crystal that is given; "liquid", a melt made of it.
    pressure : GPa
    atoms
        About how many there are; whole cells are taken.
    seeds
        Of random numbers; it is switched both ways once with each.
    timestep : fs
    equilibration_time : ps
        At temperature and pressure, before anything counts; a liquid is hot for as long before.
    averaging_time : ps
        Over which the cell, and then energies and displacements, are averaged.
    switching_time : ps
        From the potential to the reference, and back.
    settling_time : ps
        Before each switching.
    harmonic
        Whether the harmonic crystal at the same volume is calculated too, for a solid.
    snapshots
        Structures of the state that are kept, for `free_energy_correction`.
    """

    temperatures: tuple[float, ...]
    phase: Literal["solid", "liquid"] = "solid"
    pressure: float = 0.0
    atoms: int = 500
    seeds: tuple[int, ...] = (1, 2, 3)
    timestep: float = 2.0
    equilibration_time: float = 5.0
    averaging_time: float = 20.0
    switching_time: float = 25.0
    settling_time: float = 2.0
    harmonic: bool = True
    snapshots: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "temperatures", tuple(self.temperatures))
        object.__setattr__(self, "seeds", tuple(self.seeds))
        if self.phase not in ("solid", "liquid"):
            self._refuse(f"phase must be solid or liquid; got {self.phase!r}")
        if not self.temperatures or len(set(self.temperatures)) < len(self.temperatures):
            self._refuse(
                f"temperatures must be one or more different numbers; got {self.temperatures}"
            )
        for one in self.temperatures:
            TEMPERATURE.check("free energy: temperature", one, SettingsError)
            if one == 0:
                self._refuse("a temperature must be above 0 K: nothing moves at 0")
        PRESSURE_GPA.check("free energy: pressure", self.pressure, SettingsError)
        ATOMS.check("free energy: atoms", self.atoms, SettingsError)
        TIMESTEP_FS.check("free energy: timestep", self.timestep, SettingsError)
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            self._refuse(f"seeds must be one or more different whole numbers; got {self.seeds}")
        if min(self.seeds) < 0 or max(self.seeds) > LARGEST_SEED:
            self._refuse(f"seeds must be from 0 to {LARGEST_SEED}; got {self.seeds}")
        for name in ("equilibration", "averaging", "switching", "settling"):
            value = getattr(self, f"{name}_time")
            if not 0 < value <= _LONGEST_PS:
                self._refuse(f"{name}_time must be above 0 and at most 1e6 ps; got {value:g}")
        if self.snapshots < 0:
            self._refuse(f"snapshots must be a whole number from 0 on; got {self.snapshots}")

    @property
    def every(self) -> int:
        """Steps between recorded values."""
        return _VALUE_EVERY

    def steps(self, picoseconds: float) -> int:
        """Return the number of steps of a time, a multiple of `every`."""
        return self.every * max(20, round(picoseconds * 1e3 / self.timestep / self.every))

    def _refuse(self, what: str) -> NoReturn:
        raise SettingsError(f"free energy: {what}")
