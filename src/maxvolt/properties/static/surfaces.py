"""Surface energies, and the distances of the layers below a surface."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from maxvolt.properties.arguments import Calculating, require_known, system_of
from maxvolt.properties.curves import Curve
from maxvolt.properties.elemental_crystals import ElementalCrystal, reach_of, resting_crystal
from maxvolt.properties.findings import Findings, Quantity
from maxvolt.properties.static.interfaces import (
    Directions,
    chosen_interfaces,
    interface_energy,
    layers_of,
    oriented,
    stacked,
)
from maxvolt.properties.static.side_by_side import relax_side_by_side

__all__ = ["SurfaceSettings", "surfaces"]

_CUBIC: dict[str, Directions] = {
    "100": ((0, 1, 0), (0, 0, 1), (1, 0, 0)),
    "110": ((0, 0, 1), (1, -1, 0), (1, 1, 0)),
    "111": ((1, -1, 0), (1, 1, -2), (1, 1, 1)),
}
_HEXAGONAL = {"0001": (0, 1, 2), "10-10": (2, 0, 1)}
"""Axes of the right-angled cell that become x, y and z."""

_INSIDE = 8.0
"""Angstrom of a slab beside what its two surfaces see."""

_SMALLEST_GAP = 12.0
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class SurfaceSettings:
    """Settings of `surfaces`.

    Parameters
    ----------
    surfaces
        Miller indices: 100, 110 and 111 of cubic crystals, 0001 and 10-10 of hcp; empty: all.
    thickness : Angstrom or None
        Of the slab at least; None: twice the cutoff and 8 Angstrom.
    force_tolerance : eV/Angstrom
        Largest force left on an atom after a relaxation.
    max_steps
        Of each relaxation.
    """

    surfaces: tuple[str, ...] = ()
    thickness: float | None = None
    force_tolerance: float = 2e-3
    max_steps: int = 500

    def __post_init__(self) -> None:
        require_known(self.surfaces, [*_CUBIC, *_HEXAGONAL], "surfaces: unknown surface")


def surfaces(
    calculator: Calculating,
    atoms: Atoms | None = None,
    settings: SurfaceSettings = SurfaceSettings(),
) -> Findings:
    """Compute energies of surfaces, and how the first layers move.

    A slab is cut where its layers are farthest apart, and its atoms are relaxed. Surfaces are not
    reconstructed: atoms go where their forces lead. Equation (83).

    Parameters
    ----------
    calculator
        Any ASE calculator.
    atoms
        Crystal near equilibrium; it is relaxed first.
    settings
        Which surfaces, and how thick.

    Raises
    ------
    DataError
        The structure is no crystal of one element, or has no such surface.
    MaxvoltError
        A relaxation did not converge.
    """
    calculator, atoms = system_of(calculator, atoms, "surfaces")
    crystal = resting_crystal(calculator, atoms, "surfaces")
    known = _HEXAGONAL if crystal.kind == "hcp" else _CUBIC
    chosen = chosen_interfaces(settings.surfaces, known, crystal.kind, "surfaces")
    reach, notes = reach_of(calculator)
    per_atom = crystal.energy_per_atom(calculator)
    thickness = settings.thickness or 2 * reach + _INSIDE
    slabs = [_slab(crystal, name, thickness, reach) for name in chosen]
    ended = relax_side_by_side(
        calculator, slabs, force_tolerance=settings.force_tolerance, max_steps=settings.max_steps
    )
    quantities: dict[str, Quantity] = {}
    curves = []
    for name, slab, attempt in zip(chosen, slabs, ended, strict=True):
        end = attempt.relaxed()
        slab.calc = calculator
        changes = 100 * (_gaps(end, layers_of(slab)) / _gaps(slab) - 1)
        quantities[f"({name})"] = Quantity(interface_energy(end, per_atom), "mJ/m²")
        quantities[f"({name}), not relaxed"] = Quantity(interface_energy(slab, per_atom), "mJ/m²")
        for index in range(min(_SHOWN, len(changes) // 2)):
            label = f"({name}) d{index + 1}{index + 2}"
            quantities[label] = Quantity(float(changes[index]), "%")
        half = np.arange(1, len(changes) // 2 + 1)
        labels = ("distance of layers, from the surface", "change (%)")
        curves.append(Curve.of(f"({name})", half, changes[: len(half)], labels))
    if crystal.kind == "diamond":
        notes += ("surfaces of this crystal reconstruct in nature; these are not reconstructed",)
    return Findings("Surfaces", quantities, tuple(curves), notes=notes)


def _slab(crystal: ElementalCrystal, name: str, thickness: float, reach: float) -> Atoms:
    """Layers with a gap, cut where the layers of the crystal are farthest apart."""
    if crystal.kind == "hcp":
        axes = list(_HEXAGONAL[name])
        cell = crystal.right_angled()
        turned = Atoms(
            cell.symbols,
            cell.positions[:, axes],
            cell=cell.cell.array[axes][:, axes],
            pbc=True,
        )
        slab = stacked(turned, thickness)
    else:
        slab = oriented(crystal, _CUBIC[name], thickness)
    heights = slab.positions[:, 2]
    levels = np.unique(heights.round(3))
    gaps = np.diff(levels, append=levels[0] + slab.cell[2, 2])
    # Of equal gaps the last, at the end of the cell.
    cut = levels[len(gaps) - 1 - int((gaps[::-1] > gaps.max() - 0.01).argmax())] + 0.01
    slab.positions[:, 2] = (heights - cut) % slab.cell[2, 2]
    slab.positions[:, 2] -= slab.positions[:, 2].min()
    height = float(np.ptp(slab.positions[:, 2])) + max(reach + 3, _SMALLEST_GAP)
    slab.set_cell([slab.cell[0], slab.cell[1], [0, 0, height]])
    slab.positions[:, 2] += (height - np.ptp(slab.positions[:, 2])) / 2
    return slab


def _gaps(slab: Atoms, layers: NDArray[np.int64] | None = None) -> NDArray[np.float64]:
    """Distances of layers from the top surface down, Angstrom."""
    layers = layers_of(slab) if layers is None else layers
    counts = np.bincount(layers)
    heights = np.bincount(layers, weights=slab.positions[:, 2]) / counts
    return np.asarray(np.diff(heights)[::-1])
