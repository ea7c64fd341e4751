"""Crystal and liquid alone: lattice constant against temperature, heat of fusion, order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms
from ase.units import kB
from numpy.typing import NDArray

from maxvolt.errors import MaxvoltError
from maxvolt.properties.melting.inputs import Inputs
from maxvolt.properties.melting.settings import MeltingSettings
from maxvolt.properties.melting.stages import Finished, Recorder, Stage
from maxvolt.properties.statistics import SeriesMean, series_mean
from maxvolt.units import GPA_PER_EV_A3

__all__ = ["PhasePoint", "Phases", "heated_guess"]

_ATOMS = 500
"""Of a phase alone, about."""

_AROUND = (1.0, 0.9, 1.1, 0.8, 1.2, 0.7)
"""Times the guess, at which both phases are tried: liquids cool below it, crystals heat above."""

_POINTS = 3
"""At which both phases last, and which are enough."""

_LEAST_CONTRAST = 0.05
"""Relative difference of the orders of both phases, by which they can be told apart."""

_SUPERHEATING = 1.3
"""A crystal without a surface melts so much above the melting point when it is heated fast."""


@dataclass(frozen=True, slots=True)
class PhasePoint:
    """Crystal and liquid alone at a temperature.

    Attributes
    ----------
    temperature : K
    edges : Angstrom
        Of the cell of the crystal.
    edge_error : Angstrom
        Standard error of the first.
    enthalpies : eV/atom
        Of crystal and liquid.
    volumes : Angstrom^3/atom
        Of crystal and liquid.
    orders
        Of crystal and liquid.
    """

    temperature: float
    edges: tuple[float, float, float]
    edge_error: float
    enthalpies: tuple[float, float]
    volumes: tuple[float, float]
    orders: tuple[float, float]

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain numbers, units in the keys."""
        return {
            "temperature_K": self.temperature,
            "edges_A": list(self.edges),
            "edge_error_A": self.edge_error,
            "enthalpy_crystal_eV_per_atom": self.enthalpies[0],
            "enthalpy_liquid_eV_per_atom": self.enthalpies[1],
            "volume_crystal_A3_per_atom": self.volumes[0],
            "volume_liquid_A3_per_atom": self.volumes[1],
            "order_crystal": self.orders[0],
            "order_liquid": self.orders[1],
        }


class Phases:
    """Points at which both phases have been simulated alone, and what lies between them.

    Parameters
    ----------
    inputs
        Of LAMMPS.
    recorder
        Runs them.
    guess : K
        About which the points lie.

    Raises
    ------
    MaxvoltError
        The phases cannot be told from each other: one has become the other.
    """

    def __init__(self, inputs: Inputs, recorder: Recorder, guess: float) -> None:
        self._inputs = inputs
        self._recorder = recorder
        self.points: list[PhasePoint] = []
        failed: list[PhasePoint] = []
        for factor in _AROUND:
            point = self._at(factor * guess)
            (self.points if _have_contrast(point) else failed).append(point)
            if len(self.points) == _POINTS:
                return
        raise _no_contrast(failed)

    def cover(self, temperature: float) -> None:
        """Simulate both phases at a temperature that lies outside what is known."""
        known = [one.temperature for one in self.points]
        if min(known) <= temperature <= max(known):
            return
        point = self._at(temperature)
        if _have_contrast(point):  # else the parabola must do, and the search goes elsewhere
            self.points.append(point)

    def edges(self, temperature: float) -> tuple[float, float, float]:
        """Edges of the cell of the crystal, by a parabola through all points, Angstrom."""
        x, y, z = (self._fitted([p.edges[k] for p in self.points], temperature) for k in range(3))
        return x, y, z

    def solid_fraction(self, order: float, temperature: float) -> float:
        """Part of the atoms in the crystal, by the mean order of all of them, equation (52)."""
        crystal = self._fitted([p.orders[0] for p in self.points], temperature)
        liquid = self._fitted([p.orders[1] for p in self.points], temperature)
        return (order - liquid) / (crystal - liquid)

    def heat_of_fusion(self, temperature: float) -> float:
        """Enthalpy of the liquid less that of the crystal, eV/atom."""
        return self._fitted([p.enthalpies[1] - p.enthalpies[0] for p in self.points], temperature)

    def volume_of_fusion(self, temperature: float) -> float:
        """Volume of the liquid less that of the crystal, Angstrom^3/atom."""
        return self._fitted([p.volumes[1] - p.volumes[0] for p in self.points], temperature)

    def _fitted(self, values: list[float], temperature: float) -> float:
        known = np.array([one.temperature for one in self.points])
        scaled = known / known.mean() - 1
        coefficients = np.polyfit(scaled, values, min(2, len(known) - 1))
        return float(np.polyval(coefficients, temperature / known.mean() - 1))

    def _at(self, temperature: float) -> PhasePoint:
        crystal = self._phase(temperature, liquid=False)
        liquid = self._phase(temperature, liquid=True)
        settings = self._inputs.settings
        atoms, repeats = _crystal(settings)
        n = len(atoms)
        solid_means, liquid_means = _means(crystal, settings), _means(liquid, settings)
        lengths = [solid_means[name] for name in ("lx", "ly", "lz")]
        x, y, z = (one.mean / r for one, r in zip(lengths, repeats, strict=True))
        if settings.crystal.is_cubic:
            x = y = z = (x + y + z) / 3
        return PhasePoint(
            temperature,
            (x, y, z),
            lengths[0].error / repeats[0],
            (_enthalpy(crystal, settings, n), _enthalpy(liquid, settings, n)),
            (_volume(crystal, settings) / n, _volume(liquid, settings) / n),
            (solid_means["order"].mean, liquid_means["order"].mean),
        )

    def _phase(self, temperature: float, *, liquid: bool) -> Finished:
        text, steps = self._inputs.phase(temperature, 17, liquid=liquid)
        name = f"{'liquid' if liquid else 'crystal'}-{temperature:.0f}K"
        atoms, _ = _crystal(self._inputs.settings)
        digest = self._inputs.interaction.digest
        return self._recorder.finish(Stage(name, text, steps, digest, atoms))


def heated_guess(inputs: Inputs, recorder: Recorder) -> float:
    """Heat a crystal until it melts, and return a melting point to begin with, K.

    Raises
    ------
    MaxvoltError
        It does not melt.
    """
    atoms, _ = _crystal(inputs.settings)
    text, steps = inputs.heating(17)
    stage = Stage("heating", text, steps, inputs.interaction.digest, atoms, may_end_early=True)
    found = recorder.finish(stage)
    if found.column("step")[-1] >= steps:
        raise MaxvoltError(
            f"melting: the crystal has not melted up to {found.column('temperature')[-1]:.0f} K; "
            "is it the right potential? Else give guess"
        )
    return float(found.column("temperature")[-5:].mean()) / _SUPERHEATING


def _kept(found: Finished, settings: MeltingSettings) -> NDArray[np.bool_]:
    """Rows of the last part of a stage of one phase, without its settling."""
    end = found.column("step")[-1]
    last: NDArray[np.bool_] = found.column("step") > end - settings.steps(settings.bulk_time)
    return last


def _crystal(settings: MeltingSettings) -> tuple[Atoms, tuple[int, int, int]]:
    """Crystal of about 500 atoms, nearly a cube, and how many cells it has."""
    cell = settings.crystal.cell(settings.species, settings.crystal.edges(settings.start))
    side = (cell.get_volume() * _ATOMS / len(cell)) ** (1 / 3)
    x, y, z = (max(2, round(side / length)) for length in cell.cell.lengths())
    return cell * (x, y, z), (x, y, z)


def _means(found: Finished, settings: MeltingSettings) -> dict[str, SeriesMean]:
    rows = _kept(found, settings)
    return {name: series_mean(found.column(name)[rows], 0) for name in ("lx", "ly", "lz", "order")}


def _volume(found: Finished, settings: MeltingSettings) -> float:
    rows = _kept(found, settings)
    x, y, z = (found.column(name)[rows] for name in ("lx", "ly", "lz"))
    return float((x * y * z).mean())


def _enthalpy(found: Finished, settings: MeltingSettings, atoms: int) -> float:
    rows = _kept(found, settings)
    kinetic = 1.5 * kB * float(found.column("temperature")[rows].mean())
    work = settings.pressure / GPA_PER_EV_A3 * _volume(found, settings) / atoms
    return float(found.column("potential")[rows].mean()) / atoms + kinetic + work


def _have_contrast(point: PhasePoint) -> bool:
    """Say whether crystal and liquid are different: else one has become the other."""
    crystal, liquid = point.orders
    return crystal - liquid >= _LEAST_CONTRAST * crystal


def _no_contrast(failed: Sequence[PhasePoint]) -> MaxvoltError:
    seen = ", ".join(
        f"{p.orders[0]:.3f} and {p.orders[1]:.3f} at {p.temperature:.0f} K" for p in failed
    )
    return MaxvoltError(
        f"melting: crystal and liquid have the same order, {seen}: one has become the other. Is "
        "the structure stable with this potential, and guess near the melting point? A guess that "
        "is too high melts the crystal, one that is too low freezes the liquid"
    )
