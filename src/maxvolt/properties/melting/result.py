"""A melting point: of all sizes and seeds together, with its error and its trend with the size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from maxvolt.html_tables import TableOfNumbers
from maxvolt.properties.melting.coexistence import Coexistence
from maxvolt.properties.melting.phases import PhasePoint
from maxvolt.properties.melting.sizes import SizeMean
from maxvolt.units import GPA_PER_EV_A3

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["MeltingPoint", "plot_melting_curve"]

_STRESS = 0.05
"""GPa; it moves the melting point of a metal by a few Kelvin."""

_FEWEST_BLOCKS = 5


@dataclass(frozen=True, slots=True, eq=False)
class MeltingPoint(TableOfNumbers):
    """Temperature at which crystal and liquid last side by side.

    Attributes
    ----------
    value, error : K
        Mean of all sizes and its standard error.
    extrapolated, extrapolated_error : K
        By a line in 1 / atoms to the infinite size; NaN where there is one size only.
    pressure : GPa
        External pressure.
    heat_of_fusion : eV/atom
        Enthalpy of the liquid less that of the crystal, at `value`.
    volume_of_fusion : Angstrom^3/atom
        Volume of the liquid less that of the crystal, at `value`.
    sizes
        Each size.
    runs
        Each simulation.
    phases
        Crystal and liquid alone: the lattice constant against the temperature.
    potential
        Its name.
    """

    value: float
    error: float
    extrapolated: float
    extrapolated_error: float
    pressure: float
    heat_of_fusion: float
    volume_of_fusion: float
    sizes: tuple[SizeMean, ...]
    runs: tuple[Coexistence, ...]
    phases: tuple[PhasePoint, ...]
    potential: str

    def __repr__(self) -> str:
        """Write the melting point with its error, and warnings."""
        text = (
            f"MeltingPoint({self.value:.1f} +- {self.error:.1f} K at {self.pressure:g} GPa, "
            f"heat of fusion {1e3 * self.heat_of_fusion:.1f} meV/atom)"
        )
        return "\n".join([text, *(f"warning: {warning}" for warning in self.warnings)])

    @property
    def slope(self) -> float:
        """Slope of the melting curve by Clausius and Clapeyron, equation (55), K/GPa."""
        per_gpa = 1.0 / GPA_PER_EV_A3
        return self.value * self.volume_of_fusion * per_gpa / self.heat_of_fusion

    @property
    def warnings(self) -> tuple[str, ...]:
        """What speaks against the number; empty when nothing does."""
        found = [warning for run in self.runs for warning in _warnings(run, self.pressure)]
        difference = abs(self.extrapolated - self.value)
        if difference > 2 * np.hypot(self.extrapolated_error, self.error):
            found.append(
                f"the melting point depends on the size: {self.extrapolated:.1f} +- "
                f"{self.extrapolated_error:.1f} K for infinite size, {self.value:.1f} +- "
                f"{self.error:.1f} K as the mean; use larger sizes"
            )
        return tuple(found)

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain numbers and lists, units in the keys."""
        return {
            "potential": self.potential,
            "melting_point_K": self.value,
            "error_K": self.error,
            "pressure_GPa": self.pressure,
            "extrapolated_K": self.extrapolated,
            "extrapolated_error_K": self.extrapolated_error,
            "heat_of_fusion_eV_per_atom": self.heat_of_fusion,
            "volume_of_fusion_A3_per_atom": self.volume_of_fusion,
            "slope_K_per_GPa": self.slope,
            "sizes": [
                {
                    "cells": list(one.size),
                    "atoms": one.atoms,
                    "melting_point_K": one.temperature,
                    "error_K": one.error,
                }
                for one in self.sizes
            ],
            "runs": [one.to_dict() for one in self.runs],
            "phases": [one.to_dict() for one in self.phases],
            "warnings": list(self.warnings),
        }

    def plot(self) -> Figure:
        """Draw temperature, fraction, profile, lattice constant and the trend with the size."""
        from maxvolt.properties.melting.figure import draw_melting_point

        return draw_melting_point(
            f"{self.potential}: {self.value:.1f} ± {self.error:.1f} K at {self.pressure:g} GPa",
            self.value,
            (self.extrapolated, self.extrapolated_error),
            self.sizes,
            self.runs,
            self.phases,
        )


def plot_melting_curve(points: Sequence[MeltingPoint]) -> Figure:
    """Draw the melting point against the pressure, with the slope at each point.

    Parameters
    ----------
    points
        Of `maxvolt.properties.melting.melting_curve`.
    """
    from maxvolt.properties.melting.figure import draw_melting_curve

    columns = np.array([(one.pressure, one.value, one.error, one.slope) for one in points])
    return draw_melting_curve(*columns.T)


def _warnings(run: Coexistence, pressure: float) -> list[str]:
    found = []
    name = f"{'x'.join(map(str, run.size))} cells, seed {run.seed}"
    if run.temperature.blocks < _FEWEST_BLOCKS or not np.isfinite(run.temperature.error):
        found.append(
            f"{name}: too short for {_FEWEST_BLOCKS} independent blocks, so that its error is "
            "rough; use a longer production_time"
        )
    axial = abs(float(run.stress[2]) + pressure)
    if axial > max(_STRESS, 3 * run.stress_error):
        found.append(
            f"{name}: a stress of {axial:.2g} GPa is left along the axis; use a longer "
            "equilibration_time"
        )
    if run.attempts[-1].outcome != "both":
        found.append(
            f"{name}: the last start was {run.attempts[-1].outcome}: its lattice constant or its "
            "solid fraction is off; use more attempts"
        )
    return found
