"""Energy against volume of several crystal structures, over a wide range of volume."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms
from ase.build import bulk
from scipy.optimize import minimize_scalar

from maxvolt.errors import DataError
from maxvolt.properties.arguments import Calculating, require_known, system_of
from maxvolt.properties.curves import Curve
from maxvolt.properties.deformation import require_bulk
from maxvolt.properties.findings import Findings, Quantity

__all__ = ["PROTOTYPES", "ColdCurveSettings", "cold_curves"]

_IDEAL = float(np.sqrt(8 / 3))
"""c/a of touching spheres."""


def _hcp(symbol: str) -> Atoms:
    return bulk(symbol, "hcp", a=3.0, c=3.0 * _IDEAL)


def _dhcp(symbol: str) -> Atoms:
    """Layers ABAC."""
    cell = [[3.0, 0, 0], [-1.5, 1.5 * np.sqrt(3), 0], [0, 0, 6.0 * _IDEAL]]
    places = [[0, 0, 0], [1 / 3, 2 / 3, 1 / 4], [0, 0, 1 / 2], [2 / 3, 1 / 3, 3 / 4]]
    return Atoms(4 * symbol, cell=cell, scaled_positions=places, pbc=True)


def _a15(symbol: str) -> Atoms:
    chains = [[1, 0, 2], [3, 0, 2], [2, 1, 0], [2, 3, 0], [0, 2, 1], [0, 2, 3]]
    places = np.array([[0, 0, 0], [2, 2, 2], *chains]) / 4
    return Atoms(8 * symbol, cell=[5.0] * 3, scaled_positions=places, pbc=True)


def _omega(symbol: str) -> Atoms:
    """Hexagonal, c/a as it comes from bcc."""
    a = 4.6
    cell = [[a, 0, 0], [-a / 2, a * np.sqrt(3) / 2, 0], [0, 0, a * np.sqrt(3 / 8)]]
    places = [[0, 0, 0], [1 / 3, 2 / 3, 1 / 2], [2 / 3, 1 / 3, 1 / 2]]
    return Atoms(3 * symbol, cell=cell, scaled_positions=places, pbc=True)


PROTOTYPES: dict[str, Callable[[str], Atoms]] = {
    "fcc": lambda symbol: bulk(symbol, "fcc", a=4.0),
    "hcp": _hcp,
    "bcc": lambda symbol: bulk(symbol, "bcc", a=3.0),
    "sc": lambda symbol: bulk(symbol, "sc", a=2.5),
    "diamond": lambda symbol: bulk(symbol, "diamond", a=5.4),
    "a15": _a15,
    "dhcp": _dhcp,
    "omega": _omega,
}
"""Cells of one element, of any volume, by the name of the structure."""


@dataclass(frozen=True, slots=True)
class ColdCurveSettings:
    """Settings of `cold_curves`.

    Parameters
    ----------
    structures
        Names of crystals: fcc, hcp, bcc, sc, diamond, a15, dhcp, omega.
    smallest, largest
        Range of the volume per atom, relative to that of the crystal given.
    points
        Number of volumes.
    """

    structures: tuple[str, ...] = ("fcc", "hcp", "bcc", "sc", "diamond", "a15")
    smallest: float = 0.6
    largest: float = 2.2
    points: int = 33

    def __post_init__(self) -> None:
        require_known(self.structures, list(PROTOTYPES), "cold curves: unknown structure")
        if not 0 < self.smallest < self.largest or self.points < 5:
            raise DataError(
                "cold curves: expected 0 < smallest < largest and at least 5 points; got "
                f"{self.smallest!r}, {self.largest!r} and {self.points!r}"
            )


def cold_curves(
    calculator: Calculating,
    atoms: Atoms | None = None,
    settings: ColdCurveSettings = ColdCurveSettings(),
) -> Findings:
    """Compute energies of crystal structures of one element over a wide range of volume.

    Atoms stay on the places of the structure and c/a is ideal; the minimum of each curve is
    refined. Where a curve has several minima, it is the lowest.

    Parameters
    ----------
    calculator
        Any ASE calculator; it need not give stress.
    atoms
        A crystal of the element; only its volume per atom matters.
    settings
        Structures and volumes.

    Raises
    ------
    DataError
        The structure has several elements, or no volume.
    """
    purpose = "cold curves"
    calculator, atoms = system_of(calculator, atoms, purpose)
    require_bulk(atoms, purpose)
    symbols = sorted(set(atoms.get_chemical_symbols()))
    if len(symbols) > 1:
        raise DataError(f"{purpose}: expected one element; got {', '.join(symbols)}")
    volume = atoms.get_volume() / len(atoms)
    volumes = volume * np.linspace(settings.smallest, settings.largest, settings.points)
    quantities: dict[str, Quantity] = {}
    curves, warnings = [], []
    lowest = np.inf
    for name in settings.structures:
        energy = _energy_of(PROTOTYPES[name](symbols[0]), calculator)
        energies = np.array([energy(one) for one in volumes])
        curves.append(Curve.of(name, volumes, energies, ("volume (Å³/atom)", "energy (eV/atom)")))
        place = int(energies.argmin())
        found = (np.nan, np.nan)
        if 0 < place < len(volumes) - 1:
            bounds = (volumes[place - 1], volumes[place + 1])
            best = minimize_scalar(energy, bounds=bounds, method="bounded", options={"xatol": 1e-6})
            found = (float(best.x), float(best.fun))
            lowest = min(lowest, found[1])
        else:
            warnings.append(
                f"{name}: the energy has no minimum between {volumes[0]:.4g} and "
                f"{volumes[-1]:.4g} A^3/atom; it is lowest at {volumes[place]:.4g}: widen the "
                "range, or train on structures of this volume if the energy falls where atoms "
                "come close"
            )
        quantities[f"{name} volume"] = Quantity(found[0], "Å³/atom")
        quantities[f"{name} energy"] = Quantity(found[1], "eV/atom")
    for name in settings.structures:
        above = 1000 * (quantities[f"{name} energy"].value - lowest)
        quantities[f"{name} above the lowest"] = Quantity(above, "meV/atom")
    notes = ("atoms stay on the places of each structure; c/a is ideal",)
    return Findings("Cold curves", quantities, tuple(curves), tuple(warnings), notes)


def _energy_of(cell: Atoms, calculator: Any) -> Callable[[float], float]:
    """Energy in eV/atom as a function of the volume per atom."""

    def energy(volume: float) -> float:
        scaled = cell.copy()
        ratio = volume * len(cell) / cell.get_volume()
        scaled.set_cell(cell.cell.array * ratio ** (1 / 3), scale_atoms=True)
        scaled.calc = calculator
        return float(scaled.get_potential_energy()) / len(cell)

    return energy
