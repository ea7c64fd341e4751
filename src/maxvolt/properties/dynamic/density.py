"""Density of a crystal or melt at temperature and pressure."""

from __future__ import annotations

from ase import Atoms, units

from maxvolt.errors import DataError
from maxvolt.properties.arguments import Calculating, system_of
from maxvolt.properties.curves import Curve
from maxvolt.properties.dynamic.averages import averaged, off_pressure, off_temperature, time_mean
from maxvolt.properties.dynamic.keeping import Keeping
from maxvolt.properties.dynamic.preparation import lost_crystal, phase_warnings, prepared
from maxvolt.properties.dynamic.settings import PhaseSettings
from maxvolt.properties.dynamic.simulation import Plan, simulate
from maxvolt.properties.elemental_crystals import ElementalCrystal
from maxvolt.properties.findings import Findings, Quantity
from maxvolt.units import GPA_PER_EV_A3

__all__ = ["density"]

_VALUE_EVERY = 10
_G_PER_CM3 = units.kg**-1 * 1e3 * 1e24
"""Of one atomic mass unit per cubic Angstrom."""


def density(
    calculator: Calculating,
    atoms: Atoms | None = None,
    settings: PhaseSettings = PhaseSettings(),  # noqa: B008 (immutable)
    *,
    keeping: Keeping = Keeping(),  # noqa: B008 (immutable)
) -> Findings:
    """Average the volume at constant temperature and pressure.

    Parameters
    ----------
    calculator
        Any ASE calculator with stress.
    atoms
        Crystal near equilibrium; it is relaxed first.
    settings
        Temperature, pressure, phase, size and times.
    keeping
        Where segments are kept.

    Raises
    ------
    MaxvoltError
        The simulation ended early, or the crystal did not melt.
    """
    purpose = "density"
    calculator, atoms = system_of(calculator, atoms, purpose)
    begin = prepared(calculator, atoms, settings, keeping, purpose)
    plan = Plan(
        "density",
        settings.steps(settings.production_time, begin.timestep, _VALUE_EVERY),
        begin.timestep,
        settings.temperature,
        "npt",
        pressure=settings.pressure,
        bulk_modulus=begin.bulk_modulus,
        shape=begin.shape,
        value_every=_VALUE_EVERY,
        seed=settings.seed + 1,
    )
    found = simulate(calculator, begin.atoms, plan, keeping, purpose)
    count = len(found.last)
    every = found.value_time
    volume = time_mean(found.volumes / count, every)
    mass = float(found.last.get_masses().sum()) / count * _G_PER_CM3
    lost = lost_crystal(begin, found.last, settings.temperature)
    energies = (found.energies + found.kinetic) / count
    quantities = {
        "density": Quantity(mass / volume.mean, "g/cm³", mass * volume.error / volume.mean**2),
        "volume": Quantity(volume.mean, "Å³/atom", volume.error),
        **({} if lost else _lattice(atoms, settings, volume.mean, volume.error)),
        "energy": averaged(energies, "eV/atom", every, volume.start),
        "temperature": averaged(found.temperatures, "K", every, volume.start),
        "pressure": averaged(found.pressures * GPA_PER_EV_A3, "GPa", every, volume.start),
    }
    time = found.steps * found.timestep / 1e3
    curve = Curve.of("volume", time, found.volumes / count, ("time (ps)", "volume (Å³/atom)"))
    warnings = (
        *begin.warnings,
        *phase_warnings(found.last, settings),
        *lost,
        *off_temperature(quantities["temperature"], settings.temperature),
        *off_pressure(quantities["pressure"], settings.pressure),
        *volume.doubts("volume"),
    )
    notes = (*begin.notes, volume.describe("volume"))
    return Findings("Density", quantities, (curve,), tuple(dict.fromkeys(warnings)), notes)


def _lattice(
    atoms: Atoms, settings: PhaseSettings, volume: float, error: float
) -> dict[str, Quantity]:
    """Lattice constant of a cubic crystal of one element, from its volume."""
    try:
        crystal = ElementalCrystal.of(atoms, "density")
    except DataError:
        return {}
    if settings.phase == "melt" or crystal.kind == "hcp":
        return {}
    a = crystal.a * (volume / crystal.volume) ** (1 / 3)
    return {"a": Quantity(a, "Å", a * error / volume / 3)}
