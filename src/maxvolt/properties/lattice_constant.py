"""Equilibrium lattice constant of a cubic crystal, from vanishing pressure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray
from scipy.optimize import brentq

from maxvolt.errors import DataError, MaxvoltError
from maxvolt.html_tables import TableOfNumbers
from maxvolt.properties.arguments import Calculating, system_of
from maxvolt.properties.deformation import (
    InternalRelaxation,
    deformed,
    require_bulk,
    require_interaction,
)
from maxvolt.units import GPA_PER_EV_A3

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["LatticeConstant", "lattice_constant"]

_NO_PRESSURE = 1e-9
"""GPa; so little is left by chance only, or where atoms are too far apart to interact."""


@dataclass(frozen=True, slots=True)
class LatticeConstant(TableOfNumbers):
    """Lattice constant of a cubic crystal at zero pressure.

    Attributes
    ----------
    value : Angstrom
        Lattice constant of the cubic lattice (sc, fcc or bcc) that the cell spans; of a supercell
        it is the constant of the supercell.
    energy : eV/atom
        At equilibrium.
    pressure : GPa
        What is left of the pressure.
    lattice_constants : shape (n,), Angstrom
        The values tried, increasing.
    pressures : shape (n,), GPa
        The pressure at each of them.
    atoms
        The structure at equilibrium, without a calculator.
    """

    value: float
    energy: float
    pressure: float
    lattice_constants: NDArray[np.float64]
    pressures: NDArray[np.float64]
    atoms: Atoms

    def __repr__(self) -> str:
        """Write the lattice constant, energy and pressure with their units."""
        return (
            f"LatticeConstant({self.value:.5f} A, energy = {self.energy:.6f} eV/atom, "
            f"pressure = {self.pressure:.2g} GPa)"
        )

    def to_dict(self) -> dict[str, Any]:
        """Everything but the structure as plain numbers and lists, units in the keys."""
        return {
            "lattice_constant_A": self.value,
            "energy_eV_per_atom": self.energy,
            "pressure_GPa": self.pressure,
            "tried_lattice_constants_A": self.lattice_constants.tolist(),
            "tried_pressures_GPa": self.pressures.tolist(),
        }

    def plot(self) -> Figure:
        """Draw the pressure against the lattice constant."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=(5, 4), layout="constrained")
        axes = figure.add_subplot()
        axes.axhline(0.0, color="0.7", linewidth=1)
        axes.plot(self.lattice_constants, self.pressures, "o-")
        axes.axvline(self.value, linestyle="--", label=f"a = {self.value:.4f} Å")
        axes.set_xlabel("lattice constant (Å)")
        axes.set_ylabel("pressure (GPa)")
        axes.legend()
        return figure


def lattice_constant(
    calculator: Calculating,
    atoms: Atoms | None = None,
    *,
    search_range: float = 0.10,
    tolerance: float = 1e-6,
    relaxation: InternalRelaxation | None = InternalRelaxation(),  # noqa: B008 (immutable)
) -> LatticeConstant:
    """Scale a cubic crystal until its pressure vanishes.

    Parameters
    ----------
    calculator
        Any ASE calculator that gives stress, a potential or ensemble, the path of its file,
        or atoms that carry a calculator.
    atoms
        Cubic crystal near equilibrium, primitive or conventional cell; left unchanged.
    search_range
        The lattice constant is sought within this relative distance of the one given.
    tolerance
        Relative accuracy of the lattice constant.
    relaxation
        How atoms are relaxed at each value; None keeps their fractional coordinates.

    Raises
    ------
    DataError
        The lattice is not cubic, or its atoms do not interact.
    MaxvoltError
        The pressure does not pass from positive to negative inside the range.
    """
    calculator, atoms = system_of(calculator, atoms, "a lattice constant")
    require_bulk(atoms, "a lattice constant")
    lattice = atoms.cell.get_bravais_lattice()
    if lattice.crystal_family != "cubic":
        raise DataError(
            f"lattice_constant needs a cubic lattice; this cell is {lattice.longname}: "
            "use equation_of_state, or relax the cell with ase.filters.FrechetCellFilter"
        )
    samples: dict[float, float] = {}

    def pressure(scale: float) -> float:
        if scale not in samples:
            copy = deformed(atoms, scale * np.eye(3), calculator, relaxation)
            stress = copy.get_stress(voigt=True)
            samples[scale] = -float(np.mean(stress[:3])) * GPA_PER_EV_A3
        return samples[scale]

    scale = _zero_of_pressure(pressure, search_range, tolerance)
    final_pressure = pressure(scale)
    equilibrium = deformed(atoms, scale * np.eye(3), calculator, relaxation)
    energy = equilibrium.get_potential_energy() / len(atoms)
    if abs(final_pressure) < _NO_PRESSURE:
        require_interaction(equilibrium, calculator, "lattice constant")
    equilibrium.calc = None
    scales = np.array(sorted(samples))
    return LatticeConstant(
        value=float(lattice.a * scale),
        energy=float(energy),
        pressure=final_pressure,
        lattice_constants=lattice.a * scales,
        pressures=np.array([samples[s] for s in scales]),
        atoms=equilibrium,
    )


def _zero_of_pressure(
    pressure: Callable[[float], float], search_range: float, tolerance: float
) -> float:
    """Find the scale of zero pressure, walking outwards from 1 in steps of 1 %.

    Short steps, because far from its training data a fitted potential may have other zeros.
    """
    step = min(0.01, search_range)
    # Under pressure the crystal wants to expand.
    direction = 1.0 if pressure(1.0) > 0 else -1.0
    here = 1.0
    while abs(here - 1.0) < search_range - 1e-12:
        ahead = here + direction * step
        if pressure(ahead) * direction <= 0:
            return float(brentq(pressure, here, ahead, xtol=tolerance))
        here = ahead
    raise MaxvoltError(
        f"lattice constant: the pressure is {pressure(here):.4g} GPa at {here:.3f} times the "
        f"lattice constant given and {pressure(1.0):.4g} GPa at 1, without passing zero between: "
        "start nearer to equilibrium or widen search_range"
    )
