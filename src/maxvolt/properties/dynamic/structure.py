"""Radial distribution function and static structure factor at temperature and pressure."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from ase import Atoms
from ase.data import chemical_symbols
from numpy.typing import NDArray

from maxvolt.errors import SettingsError
from maxvolt.properties.arguments import Calculating, system_of
from maxvolt.properties.curves import Curve
from maxvolt.properties.dynamic.keeping import Keeping
from maxvolt.properties.dynamic.pair_distribution import pair_distribution
from maxvolt.properties.dynamic.production import produced
from maxvolt.properties.dynamic.settings import PhaseSettings
from maxvolt.properties.dynamic.structure_factor import structure_factor
from maxvolt.properties.findings import Findings, Quantity

__all__ = ["StructureSettings", "structure"]

_BLOCKS = 10
_MOST_FRAMES = 200

_Q_WIDTH = 0.1
"""1/Angstrom."""

_PEAK = 2
"""Bins on each side of a peak through which a parabola is laid."""

_LABELS = ("distance (Å)", "g(r)")


@dataclass(frozen=True, slots=True, kw_only=True)
class StructureSettings(PhaseSettings):
    """Settings of `structure`: those of `PhaseSettings`, and these.

    Parameters
    ----------
    bin_width : Angstrom
        Of g(r).
    largest_wave_vector : 1/Angstrom
        Of S(q).
    """

    bin_width: float = 0.05
    largest_wave_vector: float = 10.0

    def __post_init__(self) -> None:
        PhaseSettings.__post_init__(self)
        for name in ("bin_width", "largest_wave_vector"):
            if not 0 < getattr(self, name) < np.inf:
                raise SettingsError(f"{name} must be a number above 0; got {getattr(self, name)!r}")


def structure(
    calculator: Calculating,
    atoms: Atoms | None = None,
    settings: StructureSettings = StructureSettings(),
    *,
    keeping: Keeping = Keeping(),  # noqa: B008 (immutable)
) -> Findings:
    """Average g(r) and S(q) at constant volume, that of temperature and pressure.

    Equations (96) and (97); errors from ten blocks of frames.

    Parameters
    ----------
    calculator
        Any ASE calculator with stress.
    atoms
        Crystal near equilibrium; it is relaxed first.
    settings
        Temperature, pressure, phase, size, times, bins.
    keeping
        Where segments are kept.

    Raises
    ------
    MaxvoltError
        The simulation ended early, or the crystal did not melt.
    """
    purpose = "structure"
    calculator, atoms = system_of(calculator, atoms, purpose)
    run = produced(calculator, atoms, settings, keeping, purpose)
    cell = run.atoms.cell.array
    frames = list(run.recorded.frames[:: math.ceil(len(run.recorded.frames) / _MOST_FRAMES)])
    pairs = pair_distribution(
        frames, cell, run.atoms.numbers, width=settings.bin_width, blocks=_BLOCKS
    )
    lengths, factors = structure_factor(
        frames, cell, largest=settings.largest_wave_vector, width=_Q_WIDTH, blocks=_BLOCKS
    )
    curves = [Curve.of("all atoms", pairs.radii, pairs.total.mean(axis=0), _LABELS)]
    curves += [
        Curve.of(
            "-".join(chemical_symbols[number] for number in pair),
            pairs.radii,
            values.mean(axis=0),
            _LABELS,
        )
        for pair, values in pairs.partial.items()
    ]
    labels = ("wave vector (1/Å)", "S(q)")
    curves.append(Curve.of("all atoms", lengths, factors.mean(axis=0), labels))
    quantities = {
        **_peak("first peak of g(r)", pairs.radii, pairs.total, "Å"),
        **_first_shell(pairs.radii, pairs.total, (len(run.atoms) - 1) / run.atoms.get_volume()),
        **_peak("first peak of S(q)", lengths, factors, "1/Å"),
        **run.state(),
    }
    notes = (*run.begin.notes, f"{len(frames)} frames in {_BLOCKS} blocks")
    return Findings("Structure", quantities, tuple(curves), run.warnings(settings), notes)


def _peak(
    name: str, x: NDArray[np.float64], blocks: NDArray[np.float64], unit: str
) -> dict[str, Quantity]:
    """Place and height of the highest bin, by a parabola through it and its neighbours."""
    place, height = _parabola(x, blocks.mean(axis=0))
    each = np.array([_parabola(x, one) for one in blocks])
    errors = each.std(axis=0, ddof=1) / np.sqrt(len(each))
    return {
        name: Quantity(place, unit, float(errors[0])),
        f"height of the {name}": Quantity(height, "", float(errors[1])),
    }


def _parabola(x: NDArray[np.float64], y: NDArray[np.float64]) -> tuple[float, float]:
    top = int(y.argmax())
    near = slice(max(top - _PEAK, 0), top + _PEAK + 1)
    if len(x[near]) < 4:
        return float(x[top]), float(y[top])
    c, b, a = np.polynomial.polynomial.polyfit(x[near] - x[top], y[near], 2)
    if a >= 0 or abs(b / (2 * a)) > x[near][-1] - x[top]:
        return float(x[top]), float(y[top])
    return float(x[top] - b / (2 * a)), float(c - b**2 / (4 * a))


def _first_shell(
    radii: NDArray[np.float64], blocks: NDArray[np.float64], density: float
) -> dict[str, Quantity]:
    """First minimum behind the first peak, and the atoms nearer than it; `density` of others."""
    mean = blocks.mean(axis=0)
    top = int(mean.argmax())
    width = radii[1] - radii[0]
    smooth = np.convolve(mean, np.ones(3) / 3, mode="same")[:-1]  # the last one is cut off
    rises = np.flatnonzero((smooth[top:-1] < 1) & (smooth[top + 1 :] >= 1))
    if not len(rises):
        return {}  # the cell is too small to see a second shell
    lowest = top + int(smooth[top : top + int(rises[0]) + 1].argmin())
    shells = 4 * np.pi * density * width * radii**2
    counts = (blocks * shells)[:, : lowest + 1].sum(axis=1)
    error = float(counts.std(ddof=1) / np.sqrt(len(counts)))
    return {
        "first minimum of g(r)": Quantity(float(radii[lowest]), "Å"),
        "coordination": Quantity(float(counts.mean()), "", error),
    }
