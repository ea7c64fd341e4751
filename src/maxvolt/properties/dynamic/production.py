"""The simulation at constant volume from which structure and transport are read."""

from __future__ import annotations

from typing import Any

from ase import Atoms

from maxvolt.properties.dynamic.averages import averaged, off_temperature
from maxvolt.properties.dynamic.keeping import Keeping
from maxvolt.properties.dynamic.preparation import (
    Prepared,
    lost_crystal,
    phase_warnings,
    prepared,
)
from maxvolt.properties.dynamic.recorded import Recorded
from maxvolt.properties.dynamic.settings import PhaseSettings
from maxvolt.properties.dynamic.simulation import Plan, simulate
from maxvolt.properties.findings import Quantity
from maxvolt.units import GPA_PER_EV_A3

__all__ = ["Production", "produced"]

_VALUE_TIME, _FRAME_TIME = 5.0, 50.0
"""fs; the stress hardly changes in the first, atoms hardly move in the second."""

_THERMOSTAT_TIME = 500.0
"""fs; stochastic velocity rescaling leaves diffusion and viscosity as they are."""


class Production:
    """A structure at rest in temperature and pressure, and its simulation at constant volume.

    Parameters
    ----------
    begin
        Where it started.
    recorded
        What it recorded.
    """

    def __init__(self, begin: Prepared, recorded: Recorded) -> None:
        self.begin = begin
        self.recorded = recorded

    @property
    def atoms(self) -> Atoms:
        """The structure at the end; its cell is that of the whole simulation."""
        return self.recorded.last

    def state(self) -> dict[str, Quantity]:
        """Volume, temperature and pressure, as quantities."""
        recorded = self.recorded
        every = recorded.value_time
        return {
            "volume": Quantity(self.atoms.get_volume() / len(self.atoms), "Å³/atom"),
            "temperature": averaged(recorded.temperatures, "K", every),
            "pressure": averaged(recorded.pressures * GPA_PER_EV_A3, "GPa", every),
        }

    def warnings(self, settings: PhaseSettings) -> tuple[str, ...]:
        """What is wrong with the phase, at the start or at the end, and with the temperature."""
        found = (
            *self.begin.warnings,
            *phase_warnings(self.atoms, settings),
            *lost_crystal(self.begin, self.atoms, settings.temperature),
            *off_temperature(self.state()["temperature"], settings.temperature),
        )
        return tuple(dict.fromkeys(found))


def produced(
    calculator: Any,
    atoms: Atoms,
    settings: PhaseSettings,
    keeping: Keeping,
    purpose: str,
) -> Production:
    """Simulate at the mean volume, with a thermostat that does not disturb the motion.

    Stochastic velocity rescaling (G. Bussi, D. Donadio, M. Parrinello, J. Chem. Phys. 126, 014101
    (2007)).

    Parameters
    ----------
    calculator, atoms, settings, keeping, purpose
        As of `prepared`. With the same settings, properties go on from what others have kept.
    """
    begin = prepared(calculator, atoms, settings, keeping, purpose)
    value_every = max(1, round(_VALUE_TIME / begin.timestep))
    frame_every = value_every * max(1, round(_FRAME_TIME / begin.timestep / value_every))
    plan = Plan(
        "production",
        settings.steps(settings.production_time, begin.timestep, frame_every),
        begin.timestep,
        settings.temperature,
        thermostat="bussi",
        thermostat_time=_THERMOSTAT_TIME,
        value_every=value_every,
        frame_every=frame_every,
        seed=settings.seed + 1,
    )
    return Production(begin, simulate(calculator, begin.atoms, plan, keeping, purpose))
