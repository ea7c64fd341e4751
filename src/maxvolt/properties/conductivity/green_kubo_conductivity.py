"""Thermal conductivity of a crystal from the fluctuations of its heat flux."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from ase import Atoms, units

from maxvolt.errors import SettingsError
from maxvolt.properties.arguments import Calculating, system_of
from maxvolt.properties.conductivity.flux_correlation import FluxIntegral, integrate_flux
from maxvolt.properties.conductivity.heat_flux import FluxPlan, FluxRun, simulate_flux
from maxvolt.properties.curves import Curve
from maxvolt.properties.dynamic.averages import few_blocks, off_temperature, time_mean
from maxvolt.properties.dynamic.keeping import Keeping
from maxvolt.properties.dynamic.preparation import (
    Prepared,
    lost_crystal,
    phase_of,
    prepared,
    supercell,
)
from maxvolt.properties.dynamic.settings import SimulationSettings
from maxvolt.properties.findings import Findings, Quantity
from maxvolt.properties.grade_recorder import meet_frames
from maxvolt.properties.melting.interaction import Interaction
from maxvolt.properties.same_potential import require_same_energies
from maxvolt.properties.written_potentials import held_interaction, require_written
from maxvolt.sampling.lammps.program import find_program

__all__ = ["GreenKuboSettings", "green_kubo_conductivity"]

_VALUE_EVERY = 5
"""Steps from a flux to the next: a small part of the fastest vibration, as the timestep is."""

_LONGEST_PS = 1e6
_GW_M2 = 16021.76634
"""Of one eV / (ps Angstrom^2) in GW/m^2."""

_ERRORS_AWAY = 4.0
"""Standard errors by which the mean flux may differ from none."""

_MOST_DRIFT = 0.02
"""Share of the thermal energy 3 k T of an atom by which the total energy may change in a run."""

_AXES = ("x", "y", "z")


@dataclass(frozen=True, slots=True, kw_only=True)
class GreenKuboSettings(SimulationSettings):
    """Settings of `green_kubo_conductivity`.

    Parameters
    ----------
    temperature, pressure, atoms, timestep, equilibration_time, seed, members
        As of `SimulationSettings`.
    volume : Angstrom^3/atom or None
        Of the crystal, instead of that at temperature and pressure.
    runs
        Number of independent simulations, each with velocities of its own.
    production_time : ps
        Length of each of them, without a thermostat.
    cutoff_time : ps or None
        Time up to which the autocorrelation of the heat flux is integrated; None: until a second
        stretch of the same length adds no more than its own error.
    segment_time : ps
        Time between two kept states: at most that much is lost in an interruption.
    command
        Command that starts LAMMPS, such as "mpiexec -n 2 lmp"; None: lmp, on one rank.
    """

    volume: float | None = None
    runs: int = 4
    production_time: float = 100.0
    cutoff_time: float | None = None
    segment_time: float = 10.0
    command: str | None = None

    def __post_init__(self) -> None:
        SimulationSettings.__post_init__(self)
        for name in ("volume", "production_time", "cutoff_time", "segment_time"):
            value = getattr(self, name)
            if value is not None and not 0 < value < _LONGEST_PS:
                self._refuse(f"{name} must be a number above 0 and below 1e6; got {value!r}")
        if not 1 <= self.runs <= 1000:
            self._refuse(f"runs must be a whole number from 1 to 1000; got {self.runs!r}")
        if self.segment_time > self.production_time:
            self._refuse(
                f"segment_time ({self.segment_time:g} ps) must not exceed production_time "
                f"({self.production_time:g} ps)"
            )
        if self.cutoff_time is not None and self.cutoff_time > self.production_time / 4:
            raise SettingsError(
                f"cutoff_time ({self.cutoff_time:g} ps) must be a quarter of production_time "
                f"({self.production_time:g} ps) at most; raise production_time"
            )


def green_kubo_conductivity(
    calculator: Calculating,
    atoms: Atoms | None = None,
    settings: GreenKuboSettings = GreenKuboSettings(),
    *,
    keeping: Keeping = Keeping(),  # noqa: B008 (immutable)
    interaction: Interaction | None = None,
) -> Findings:
    """Compute the thermal conductivity of a crystal by the formula of Green and Kubo.

    Equations (124) to (126). Independent simulations without a thermostat run in LAMMPS, with the
    heat flux of centroid virials. Their atoms are classical.

    Parameters
    ----------
    calculator
        Of a moment tensor potential or of embedded atoms; any other one with stress needs
        `interaction`.
    atoms
        Crystal near equilibrium.
    settings
        Temperature, pressure or volume, size, runs, times.
    keeping
        Where segments are kept.
    interaction
        The same potential as a pair style of LAMMPS, which must give centroid virials; energies
        are compared. None: the potential of the calculator, with the plugin.

    Raises
    ------
    DataError
        LAMMPS does not know the potential of the calculator, and no interaction was given.
    MaxvoltError
        LAMMPS is missing or fails, or its energies are others than those of the calculator.
    """
    purpose = "thermal conductivity (Green-Kubo)"
    calculator, atoms = system_of(calculator, atoms, purpose)
    if interaction is None:
        require_written(calculator, purpose, "green_kubo_conductivity")
    command = find_program(1, settings.command)
    begin = _begin(calculator, atoms, settings, keeping, purpose)
    with held_interaction(interaction, calculator, begin.atoms) as held:
        plan = _plan(held, begin, settings)
        seeds = range(settings.seed, settings.seed + settings.runs)
        runs = [simulate_flux(begin.atoms, plan, seed, keeping, command, purpose) for seed in seeds]
    _require_same(calculator, runs, purpose)
    meet_frames(calculator, [end for run in runs for end in run.ends])
    return _findings(begin, runs, plan, settings)


def _begin(
    calculator: Any, atoms: Atoms, settings: GreenKuboSettings, keeping: Keeping, purpose: str
) -> Prepared:
    """Perfect crystal at the volume that it has at temperature and pressure, or at a given one."""
    perfect = supercell(calculator, atoms, settings.atoms, purpose)
    if settings.volume is None:
        found = prepared(calculator, atoms, settings, keeping, purpose)
        perfect.set_cell(found.atoms.cell, scale_atoms=True)
        return replace(found, atoms=perfect)
    scale = (settings.volume * len(perfect) / perfect.get_volume()) ** (1 / 3)
    perfect.set_cell(scale * perfect.cell.array, scale_atoms=True)
    timestep = settings.timestep_of(perfect)
    note = f"{len(perfect)} atoms, timestep {timestep:g} fs, seed {settings.seed}"
    places = perfect.get_scaled_positions()
    return Prepared(perfect, timestep, np.nan, False, (note,), (), places, phase_of(perfect))


def _plan(held: Interaction, begin: Prepared, settings: GreenKuboSettings) -> FluxPlan:
    segment = settings.steps(settings.segment_time, begin.timestep, _VALUE_EVERY, least=1)
    time = segment * begin.timestep / 1e3
    return FluxPlan(
        held,
        settings.temperature,
        begin.timestep,
        settings.steps(settings.equilibration_time, begin.timestep, _VALUE_EVERY, least=1),
        max(1, round(settings.production_time / time)),
        segment,
        _VALUE_EVERY,
    )


def _require_same(calculator: Any, runs: list[FluxRun], purpose: str) -> None:
    first = runs[0]
    ends = [first.ends[0], *(run.ends[-1] for run in runs)]
    energies = [first.end_energies[0], *(run.end_energies[-1] for run in runs)]
    spread = float(np.std(np.concatenate([run.energies for run in runs])))
    require_same_energies(calculator, ends, energies, spread, purpose)


def _findings(
    begin: Prepared, runs: list[FluxRun], plan: FluxPlan, settings: GreenKuboSettings
) -> Findings:
    volume = float(begin.atoms.get_volume())
    temperature = _temperature(runs, len(begin.atoms))
    axes = [[0, 1, 2]] if _is_cubic(begin.atoms) else [[0], [1], [2]]
    quantities: dict[str, Quantity] = {}
    curves: list[Curve] = []
    warnings = [*begin.warnings, *off_temperature(temperature, settings.temperature)]
    notes = [*begin.notes, "atoms are classical: below the Debye temperature that matters"]
    for columns in axes:
        of = "" if len(columns) == 3 else f" {_AXES[columns[0]] * 2}"
        found = integrate_flux(
            [run.fluxes[:, columns] for run in runs],
            plan.value_time,
            volume,
            temperature.value,
            settings.cutoff_time,
        )
        quantities[f"thermal conductivity{of}"] = Quantity(found.value, "W/m/K", found.error)
        quantities[f"cutoff time{of}"] = Quantity(found.cutoff_time, "ps")
        curves += _curves(of, found)
        warnings += _doubts(f"thermal conductivity{of}", found)
        notes.append(
            f"heat flux{of} integrated up to {found.cutoff_time:.3g} ps, error from "
            f"{found.blocks} blocks of all runs and components"
        )
    flux, flux_warnings = _mean_flux(runs, plan, volume)
    drift, drift_warnings = _drift(runs, plan, len(begin.atoms), settings.temperature)
    quantities |= {
        **flux,
        "temperature": temperature,
        "volume": Quantity(volume / len(begin.atoms), "Å³/atom"),
        "energy drift": drift,
    }
    lost = (lost_crystal(begin, run.ends[-1], settings.temperature) for run in runs)
    warnings += [*flux_warnings, *drift_warnings, *(text for one in lost for text in one)]
    title = "Thermal conductivity (Green-Kubo)"
    return Findings(title, quantities, tuple(curves), tuple(dict.fromkeys(warnings)), tuple(notes))


def _is_cubic(crystal: Atoms) -> bool:
    """Whether x, y and z are the same by the lattice."""
    return crystal.cell.get_bravais_lattice().name in ("CUB", "FCC", "BCC")


def _temperature(runs: list[FluxRun], atoms: int) -> Quantity:
    """Mean over runs; each keeps the energy that the thermostat left it with.

    The error is that of their means, and at least what the energy of N harmonic atoms leaves to
    chance, one part in the root of 3 N.
    """
    means = np.array([run.temperatures.mean() for run in runs])
    error = float(means.mean() / np.sqrt(3 * atoms * len(runs)))
    if len(runs) > 1:
        error = max(error, float(means.std(ddof=1) / np.sqrt(len(runs))))
    return Quantity(float(means.mean()), "K", error)


def _curves(of: str, found: FluxIntegral) -> list[Curve]:
    decay = ("time (ps)", "autocorrelation of the heat flux")
    integral = ("time (ps)", "integral (W/m/K)")
    pairs = (("", 0.0), (" + error", 1.0), (" - error", -1.0))
    return [
        Curve.of(f"heat flux{of}", found.times, found.correlation, decay),
        *(
            Curve.of(
                f"conductivity{of}{name}",
                found.times,
                found.running + sign * found.running_error,
                integral,
            )
            for name, sign in pairs
            if sign == 0 or np.isfinite(found.running_error).all()
        ),
    ]


def _doubts(what: str, found: FluxIntegral) -> tuple[str, ...]:
    """Say what is wrong with an integral."""
    doubts = few_blocks(what, found.blocks)
    if not found.converged:
        doubts += (
            f"{what}: the integral still grows at {found.cutoff_time:.3g} ps, a quarter of a run: "
            "it is too small; raise production_time",
        )
    if not found.error <= 0.5 * found.value:
        doubts += (
            f"{what}: the statistical error is as large as the number; raise production_time or "
            "runs",
        )
    return doubts


def _mean_flux(
    runs: list[FluxRun], plan: FluxPlan, volume: float
) -> tuple[dict[str, Quantity], tuple[str, ...]]:
    """Mean flux along each axis, which is none in equilibrium."""
    found: dict[str, Quantity] = {}
    warnings: tuple[str, ...] = ()
    for axis, name in enumerate(_AXES):
        means = [time_mean(run.fluxes[:, axis], 1e3 * plan.value_time, 0) for run in runs]
        mean = float(np.mean([one.mean for one in means]))
        error = float(np.sqrt(np.sum([one.error**2 for one in means])) / len(means))
        scale = _GW_M2 / volume
        found[f"mean heat flux {name}"] = Quantity(scale * mean, "GW/m²", scale * error)
        if abs(mean) > _ERRORS_AWAY * error:
            warnings += (
                f"the mean heat flux along {name} is {scale * mean:.3g} ± {scale * error:.2g} "
                "GW/m², and none in equilibrium; raise equilibration_time",
            )
    return found, warnings


def _drift(
    runs: list[FluxRun], plan: FluxPlan, atoms: int, temperature: float
) -> tuple[Quantity, tuple[str, ...]]:
    """Largest change of the total energy of a run, which is none without errors of the steps."""
    slopes = []
    for run in runs:
        kinetic = 1.5 * (atoms - 1) * units.kB * run.temperatures
        times = np.arange(len(run.energies)) * plan.value_time
        slopes.append(float(np.polyfit(times, run.energies + kinetic, 1)[0]) / atoms)
    largest = max(slopes, key=abs)
    change = abs(largest) * plan.segments * plan.segment_steps * plan.timestep / 1e3
    warnings: tuple[str, ...] = ()
    if change > _MOST_DRIFT * 3 * units.kB * temperature:
        warnings = (
            f"the total energy of a run changes by {1e3 * change:.2g} meV/atom, though nothing "
            "adds or takes any: take a shorter timestep",
        )
    return Quantity(1e6 * largest, "meV/atom/ns"), warnings
