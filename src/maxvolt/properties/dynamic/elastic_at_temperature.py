"""Isothermal elastic constants at temperature, from mean stresses of strained crystals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from maxvolt.errors import DataError
from maxvolt.properties.arguments import Calculating, system_of
from maxvolt.properties.deformation import strain_tensor
from maxvolt.properties.dynamic.averages import TimeMean, averaged, time_mean
from maxvolt.properties.dynamic.keeping import Keeping
from maxvolt.properties.dynamic.preparation import Prepared, prepared
from maxvolt.properties.dynamic.settings import SimulationSettings
from maxvolt.properties.dynamic.simulation import Plan, Recorded, simulate
from maxvolt.properties.elastic_constants import elastic_constants
from maxvolt.properties.elemental_crystals import ElementalCrystal
from maxvolt.properties.findings import Findings, Quantity
from maxvolt.properties.static.resting_cells import resting_cell
from maxvolt.units import GPA_PER_EV_A3

__all__ = ["ElasticTemperatureSettings", "elastic_at_temperature"]

_VALUE_EVERY = 5
_LARGEST_STRAIN = 0.05
_NAMES = ("xx", "yy", "zz", "yz", "xz", "xy")
_CUBIC = (0, 3)
"""Components of strain from which all constants of a cubic crystal follow."""

_SIGNIFICANT = 3.0
"""Errors by which a constant must differ from zero to be listed, where symmetry may forbid it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ElasticTemperatureSettings(SimulationSettings):
    """Settings of `elastic_at_temperature`.

    Parameters
    ----------
    temperature, pressure, atoms, timestep, equilibration_time, seed, members
        As of `SimulationSettings`.
    production_time : ps
        Of each strained crystal: of four for a cubic one, of twelve else.
    strain
        Each component, up and down; for shear the engineering strain.
    """

    production_time: float = 20.0
    strain: float = 0.01

    def __post_init__(self) -> None:
        SimulationSettings.__post_init__(self)
        self._check_time("production_time")
        if not 0 < self.strain <= _LARGEST_STRAIN:
            self._refuse(f"strain must lie above 0, at most {_LARGEST_STRAIN}; got {self.strain!r}")


def elastic_at_temperature(
    calculator: Calculating,
    atoms: Atoms | None = None,
    settings: ElasticTemperatureSettings = ElasticTemperatureSettings(),
    *,
    keeping: Keeping = Keeping(),  # noqa: B008 (immutable)
) -> Findings:
    """Strain a crystal at its mean volume and average the stress, equation (102).

    Parameters
    ----------
    calculator
        Any ASE calculator with stress.
    atoms
        Crystal near equilibrium; it is relaxed first.
    settings
        Temperature, pressure, size, times, strain.
    keeping
        Where segments are kept.

    Raises
    ------
    DataError
        The structure is not periodic, or the calculator gives no stress.
    MaxvoltError
        A simulation ended early.
    """
    purpose = "elastic constants at temperature"
    calculator, atoms = system_of(calculator, atoms, purpose)
    begin = prepared(calculator, atoms, settings, keeping, purpose)
    cubic = _is_cubic(calculator, atoms, purpose)
    components = _CUBIC if cubic else tuple(range(6))
    columns, errors = np.zeros((6, 6)), np.zeros((6, 6))
    temperatures: list[NDArray[np.float64]] = []
    means: list[TimeMean] = []
    for component in components:
        runs = [
            _strained(calculator, begin, component, sign, settings, keeping, purpose)
            for sign in (1, -1)
        ]
        temperatures += [run.temperatures for run in runs]
        for row in range(6):
            up, down = (time_mean(run.stresses[:, row], run.value_time) for run in runs)
            means += [up, down]
            columns[row, component] = (up.mean - down.mean) / (2 * settings.strain)
            errors[row, component] = np.hypot(up.error, down.error) / (2 * settings.strain)
    columns, errors = GPA_PER_EV_A3 * columns, GPA_PER_EV_A3 * errors
    named = _cubic_constants(columns, errors) if cubic else _constants(columns, errors)
    every = begin.timestep * _VALUE_EVERY
    quantities = {
        **named,
        "volume": Quantity(begin.atoms.get_volume() / len(begin.atoms), "Å³/atom"),
        "temperature": averaged(np.concatenate(temperatures), "K", every),
    }
    shortest = min(means, key=lambda one: one.blocks)
    notes = (
        *begin.notes,
        f"isothermal, strain {settings.strain:g}, {2 * len(components)} simulations",
        shortest.describe("stress"),
    )
    warnings = begin.warnings + shortest.doubts("stress")
    return Findings("Elastic constants at temperature", quantities, (), warnings, notes)


def _is_cubic(calculator: Any, atoms: Atoms, purpose: str) -> bool:
    """Whether the crystal is cubic, as its elastic constants at rest say."""
    try:
        return ElementalCrystal.of(atoms, purpose).kind != "hcp"
    except DataError:
        crystal = resting_cell(calculator, atoms, purpose, right_angled=True)
        return elastic_constants(calculator, crystal).is_cubic


def _strained(
    calculator: Any,
    begin: Prepared,
    component: int,
    sign: int,
    settings: ElasticTemperatureSettings,
    keeping: Keeping,
    purpose: str,
) -> Recorded:
    """Simulate with one component of strain, at constant volume and temperature."""
    strained = begin.atoms.copy()
    gradient = np.eye(3) + strain_tensor(component, sign * settings.strain)
    strained.set_cell(begin.atoms.cell.array @ gradient, scale_atoms=True)
    plan = Plan(
        f"strain {'+' if sign > 0 else '-'}{_NAMES[component]}",
        settings.steps(settings.production_time, begin.timestep, _VALUE_EVERY),
        begin.timestep,
        settings.temperature,
        value_every=_VALUE_EVERY,
        seed=settings.seed + 1,
    )
    return simulate(calculator, strained, plan, keeping, purpose)


def _cubic_constants(
    columns: NDArray[np.float64], errors: NDArray[np.float64]
) -> dict[str, Quantity]:
    c12 = columns[1:3, 0].mean()
    e12 = float(np.hypot(*errors[1:3, 0])) / 2
    c11, e11 = float(columns[0, 0]), float(errors[0, 0])
    return {
        "C11": Quantity(c11, "GPa", e11),
        "C12": Quantity(float(c12), "GPa", e12),
        "C44": Quantity(float(columns[3, 3]), "GPa", float(errors[3, 3])),
        "bulk modulus": Quantity(
            float(c11 + 2 * c12) / 3, "GPa", float(np.hypot(e11, 2 * e12)) / 3
        ),
    }


def _constants(columns: NDArray[np.float64], errors: NDArray[np.float64]) -> dict[str, Quantity]:
    """Those that differ from zero by more than their error; each is found twice."""
    found = {}
    for i in range(6):
        for j in range(i, 6):
            value = float(columns[i, j] + columns[j, i]) / 2
            error = float(errors[i, i] if i == j else np.hypot(errors[i, j], errors[j, i]) / 2)
            if abs(value) > _SIGNIFICANT * error:
                found[f"C{i + 1}{j + 1}"] = Quantity(value, "GPa", error)
    bulk = float(columns[:3, :3].sum()) / 9
    spread = float(np.sqrt((errors[:3, :3] ** 2).sum())) / 9
    return {**found, "bulk modulus": Quantity(bulk, "GPa", spread)}
