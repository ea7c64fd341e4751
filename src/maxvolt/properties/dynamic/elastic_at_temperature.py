"""Isothermal elastic constants at temperature, from mean stresses of strained crystals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms

from maxvolt.errors import DataError
from maxvolt.properties.arguments import Calculating, system_of
from maxvolt.properties.deformation import strain_tensor
from maxvolt.properties.dynamic.averages import TimeMean, averaged, off_temperature, time_mean
from maxvolt.properties.dynamic.keeping import Keeping
from maxvolt.properties.dynamic.preparation import Prepared, lost_crystal, prepared
from maxvolt.properties.dynamic.recorded import Recorded
from maxvolt.properties.dynamic.settings import SimulationSettings
from maxvolt.properties.dynamic.simulation import Plan, simulate
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
    """Settings of `elastic_at_temperature`: those of `SimulationSettings`, and these.

    Parameters
    ----------
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
    pairs = {
        component: _Pair(
            settings.strain,
            *(
                _strained(calculator, begin, component, sign, settings, keeping, purpose)
                for sign in (1, -1)
            ),
        )
        for component in components
    }
    named = _cubic_constants(pairs) if cubic else _constants(pairs)
    runs = [run for pair in pairs.values() for run in (pair.up, pair.down)]
    temperatures = [run.temperatures for run in runs]
    every = begin.timestep * _VALUE_EVERY
    quantities = {
        **named,
        "volume": Quantity(begin.atoms.get_volume() / len(begin.atoms), "Å³/atom"),
        "temperature": averaged(np.concatenate(temperatures), "K", every),
    }
    means = (mean for j, pair in pairs.items() for mean in pair.means(_share(j)))
    shortest = min(means, key=lambda one: one.blocks)
    notes = (
        *begin.notes,
        f"isothermal, strain {settings.strain:g}, {2 * len(components)} simulations",
        shortest.describe("stress"),
    )
    lost = (lost_crystal(begin, run.last, settings.temperature) for run in runs)
    warnings = (
        *begin.warnings,
        *next((found for found in lost if found), ()),
        *off_temperature(quantities["temperature"], settings.temperature),
        *shortest.doubts("stress"),
    )
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


@dataclass(frozen=True, slots=True, eq=False)
class _Pair:
    """Simulations with one component of strain up and down."""

    strain: float
    up: Recorded
    down: Recorded

    def means(self, shares: Sequence[float]) -> tuple[TimeMean, TimeMean]:
        """Means of a sum over components of the stress, each with its share."""
        up, down = (
            time_mean(run.stresses @ shares, run.value_time) for run in (self.up, self.down)
        )
        return up, down

    def constant(self, shares: Sequence[float]) -> tuple[float, float]:
        """Change of that sum with the strain and its error, GPa.

        Components of one simulation fluctuate together, so that their sum is averaged, not errors
        added.
        """
        up, down = self.means(shares)
        per_strain = GPA_PER_EV_A3 / (2 * self.strain)
        return (up.mean - down.mean) * per_strain, float(
            np.hypot(up.error, down.error)
        ) * per_strain


def _share(*components: int) -> list[float]:
    """Equal shares of some components, none of the others."""
    return [(component in components) / len(components) for component in range(6)]


def _cubic_constants(pairs: Mapping[int, _Pair]) -> dict[str, Quantity]:
    stretched, sheared = (pairs[component] for component in _CUBIC)

    def quantity(pair: _Pair, *components: int) -> Quantity:
        value, error = pair.constant(_share(*components))
        return Quantity(value, "GPa", error)

    return {
        "C11": quantity(stretched, 0),
        "C12": quantity(stretched, 1, 2),
        "C44": quantity(sheared, 3),
        "bulk modulus": quantity(stretched, 0, 1, 2),
    }


def _constants(pairs: Mapping[int, _Pair]) -> dict[str, Quantity]:
    """Those that differ from zero by more than their error; each is found twice."""
    columns, errors = np.array(
        [[pairs[j].constant(_share(i)) for j in range(6)] for i in range(6)]
    ).transpose(2, 0, 1)
    found = {}
    for i in range(6):
        for j in range(i, 6):
            value = float(columns[i, j] + columns[j, i]) / 2
            error = float(errors[i, i] if i == j else np.hypot(errors[i, j], errors[j, i]) / 2)
            if abs(value) > _SIGNIFICANT * error:
                found[f"C{i + 1}{j + 1}"] = Quantity(value, "GPa", error)
    bulk = np.array([pairs[j].constant(_share(0, 1, 2)) for j in range(3)])
    spread = float(np.sqrt((bulk[:, 1] ** 2).sum())) / 3
    return {**found, "bulk modulus": Quantity(float(bulk[:, 0].mean()), "GPa", spread)}
