"""Bain and trigonal paths: homogeneous deformations from one crystal into another."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms
from ase.cell import Cell
from numpy.typing import NDArray

from maxvolt.errors import DataError
from maxvolt.properties.arguments import Calculating, system_of
from maxvolt.properties.curves import Curve
from maxvolt.properties.elemental_crystals import resting_crystal
from maxvolt.properties.findings import Findings, Quantity

__all__ = ["TransformationSettings", "transformation_paths"]

_BCC_ANGLE = float(np.degrees(np.arccos(-1 / 3)))
"""Angle between the edges of the primitive bcc cell as a rhombohedron; that of fcc is 60."""

_FCC, _BCC, _SC = "fcc", "bcc", "sc"


@dataclass(frozen=True, slots=True)
class TransformationSettings:
    """Settings of `transformation_paths`.

    Parameters
    ----------
    points
        Of each path.
    ratios
        Range of c/a of the body-centred tetragonal cell: 1 is bcc, the root of 2 fcc.
    angles : degrees
        Range of the angle of the rhombohedral cell: 60 is fcc, 90 sc, 109.47 bcc.
    """

    points: int = 41
    ratios: tuple[float, float] = (0.8, 1.8)
    angles: tuple[float, float] = (50.0, 115.0)

    def __post_init__(self) -> None:
        (low, high), (narrow, wide) = self.ratios, self.angles
        if self.points < 5 or not 0 < low < high or not 20 <= narrow < wide < 119:
            raise DataError(
                "transformation paths: expected at least 5 points, increasing positive ratios and "
                f"increasing angles from 20 to 119 degrees; got {self}"
            )


def transformation_paths(
    calculator: Calculating,
    atoms: Atoms | None = None,
    settings: TransformationSettings = TransformationSettings(),
) -> Findings:
    """Compute the energy along the Bain path and the trigonal path, at constant volume.

    The Bain path stretches a crystal along <100> from bcc to fcc, the trigonal path along <111>
    from fcc by sc to bcc. The volume per atom is that of the crystal given, at rest.

    Parameters
    ----------
    calculator
        Any ASE calculator.
    atoms
        Crystal of one element near equilibrium; it is relaxed first.
    settings
        Ranges of the paths.

    Raises
    ------
    DataError, MaxvoltError
        As of `maxvolt.properties.elemental_crystals.resting_crystal`.
    """
    purpose = "transformation paths"
    calculator, atoms = system_of(calculator, atoms, purpose)
    crystal = resting_crystal(calculator, atoms, purpose)
    at = {
        "Bain": (_tetragonal, settings.ratios, [(1.0, _BCC), (np.sqrt(2), _FCC)], "c/a"),
        "trigonal": (
            _rhombohedral,
            settings.angles,
            [(60.0, _FCC), (90.0, _SC), (_BCC_ANGLE, _BCC)],
            "angle (degrees)",
        ),
    }
    curves: list[Curve] = []
    known: dict[str, float] = {}
    for name, (cell_of, bounds, ticks, label) in at.items():
        energy = _energy_of(crystal.symbol, crystal.volume, cell_of, calculator)
        for place, structure in ticks:
            known.setdefault(structure, energy(place))
        places = np.linspace(*bounds, settings.points)
        inside = [(place, tick) for place, tick in ticks if bounds[0] <= place <= bounds[1]]
        zero = known[_FCC]
        energies = [1000 * (energy(place) - zero) for place in places]
        labels = (label, f"energy above fcc, {name} path (meV/atom)")
        curves.append(Curve.of(name, places, energies, labels, inside))
    quantities = {
        f"{name} above fcc": Quantity(1000 * (known[name] - known[_FCC]), "meV/atom")
        for name in (_BCC, _SC)
    }
    note = f"all at the volume of the {crystal.kind} crystal at rest, {crystal.volume:.4f} A^3/atom"
    return Findings("Transformation paths", quantities, tuple(curves), (), (note,))


def _energy_of(
    symbol: str,
    volume: float,
    cell_of: Callable[[float, float], NDArray[np.float64]],
    calculator: Any,
) -> Callable[[float], float]:
    def energy(place: float) -> float:
        atoms = Atoms(symbol, cell=cell_of(place, volume), pbc=True)
        atoms.calc = calculator
        return float(atoms.get_potential_energy())

    return energy


def _tetragonal(ratio: float, volume: float) -> NDArray[np.float64]:
    """Primitive body-centred tetragonal cell with c/a = ratio."""
    a = (2 * volume / ratio) ** (1 / 3)
    return np.array([[a, 0, 0], [0, a, 0], [a / 2, a / 2, ratio * a / 2]])


def _rhombohedral(angle: float, volume: float) -> NDArray[np.float64]:
    """Rhombohedral cell with this angle, degrees, between all edges."""
    unit = Cell.fromcellpar([1, 1, 1, angle, angle, angle])
    return np.asarray(unit.array * (volume / unit.volume) ** (1 / 3))
