"""Energy against volume, and the third-order Birch-Murnaghan equation of state through it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator
from numpy.typing import NDArray

from maxvolt.errors import DataError, MaxvoltError
from maxvolt.properties.deformation import InternalRelaxation, deformed, require_bulk
from maxvolt.units import GPA_PER_EV_A3

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["EquationOfState", "equation_of_state", "fit_birch_murnaghan"]


@dataclass(frozen=True, slots=True)
class EquationOfState:
    """Energy-volume curve of a crystal under isotropic strain, all per atom.

    Attributes
    ----------
    volumes : shape (n,), Angstrom^3/atom
        Where the energy was computed, increasing.
    energies : shape (n,), eV/atom
    volume : Angstrom^3/atom
        Equilibrium volume of the fitted curve.
    energy : eV/atom
        Energy at the equilibrium volume.
    bulk_modulus : GPa
        At the equilibrium volume.
    bulk_modulus_derivative
        With respect to pressure, without unit.
    residual : eV/atom
        Root mean square distance of the points from the fitted curve.
    """

    volumes: NDArray[np.float64]
    energies: NDArray[np.float64]
    volume: float
    energy: float
    bulk_modulus: float
    bulk_modulus_derivative: float
    residual: float

    def energy_at(self, volumes: NDArray[np.float64] | float) -> NDArray[np.float64]:
        """Energy (eV/atom) of the fitted curve at `volumes` (Angstrom^3/atom)."""
        # E = E0 + 9/16 V0 B0 [(x-1)^3 B0' + (x-1)^2 (6-4x)],  x = (V0/V)^(2/3)
        excess = (self.volume / np.asarray(volumes, dtype=float)) ** (2 / 3) - 1
        stiffness = 9 / 16 * self.volume * self.bulk_modulus / GPA_PER_EV_A3
        return np.asarray(
            self.energy
            + stiffness * excess**2 * (excess * self.bulk_modulus_derivative + 2 - 4 * excess)
        )

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain numbers and lists, units in the keys."""
        return {
            "volumes_A3_per_atom": self.volumes.tolist(),
            "energies_eV_per_atom": self.energies.tolist(),
            "volume_A3_per_atom": self.volume,
            "energy_eV_per_atom": self.energy,
            "bulk_modulus_GPa": self.bulk_modulus,
            "bulk_modulus_derivative": self.bulk_modulus_derivative,
            "residual_eV_per_atom": self.residual,
        }

    def plot(self) -> Figure:
        """Draw the points and the fitted curve, energies relative to the equilibrium."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=(5, 4), layout="constrained")
        axes = figure.add_subplot()
        fine = np.linspace(self.volumes[0], self.volumes[-1], 200)
        axes.plot(fine, 1000 * (self.energy_at(fine) - self.energy), label="Birch-Murnaghan")
        axes.plot(self.volumes, 1000 * (self.energies - self.energy), "o", label="computed")
        axes.set_xlabel("volume (Å$^3$/atom)")
        axes.set_ylabel("energy above equilibrium (meV/atom)")
        axes.set_title(f"$V_0$ = {self.volume:.3f} Å$^3$, $B_0$ = {self.bulk_modulus:.1f} GPa")
        axes.legend()
        return figure


def equation_of_state(
    calculator: Calculator,
    atoms: Atoms,
    *,
    volume_range: float = 0.06,
    points: int = 13,
    relaxation: InternalRelaxation | None = InternalRelaxation(),  # noqa: B008 (immutable)
) -> EquationOfState:
    """Compute energies of an isotropically strained crystal and fit an equation of state.

    Parameters
    ----------
    calculator
        Any ASE calculator; it need not give stress.
    atoms
        Crystal near its equilibrium; left unchanged.
    volume_range
        The volumes run from ``1 - volume_range`` to ``1 + volume_range`` times that of `atoms`.
    points
        Number of volumes, at least 5.
    relaxation
        How atoms are relaxed at each volume; None keeps their fractional coordinates.

    Raises
    ------
    MaxvoltError
        The energy has no minimum inside the range of volumes.
    """
    require_bulk(atoms, "an equation of state")
    if not 0 < volume_range < 1:
        raise DataError(f"volume_range must lie between 0 and 1, not {volume_range!r}")
    if points < 5:
        raise DataError(f"points must be at least 5 to fit four parameters, not {points!r}")
    ratios = np.linspace(1 - volume_range, 1 + volume_range, points)
    energies = np.array(
        [
            deformed(
                atoms, ratio ** (1 / 3) * np.eye(3), calculator, relaxation
            ).get_potential_energy()
            for ratio in ratios
        ]
    )
    return fit_birch_murnaghan(ratios * atoms.get_volume() / len(atoms), energies / len(atoms))


def fit_birch_murnaghan(
    volumes: NDArray[np.float64], energies: NDArray[np.float64]
) -> EquationOfState:
    """Fit the third-order Birch-Murnaghan equation of state by linear least squares.

    The energy is a cubic polynomial in V^(-2/3), so the fit is linear and needs no start values.

    Parameters
    ----------
    volumes : shape (n,), Angstrom^3/atom
    energies : shape (n,), eV/atom

    Raises
    ------
    MaxvoltError
        The curve has no minimum between the smallest and the largest volume.
    """
    order = np.argsort(volumes)
    volumes, energies = np.asarray(volumes)[order], np.asarray(energies)[order]
    # Variable near 1 over the range, so that the powers are well conditioned.
    middle = float(np.mean(volumes))
    x = (middle / volumes) ** (2 / 3)
    curve = np.polynomial.Polynomial.fit(x, energies, 3)
    slope, curvature = curve.deriv(1), curve.deriv(2)
    roots = slope.roots()
    minima = [
        float(root.real)
        for root in roots
        if abs(root.imag) < 1e-12 and x[-1] <= root.real <= x[0] and curvature(root.real) > 0
    ]
    if not minima:
        raise MaxvoltError(
            "equation of state: the energy has no minimum between "
            f"{volumes[0]:.4g} and {volumes[-1]:.4g} A^3/atom (energies {energies[0]:.6g} to "
            f"{energies[-1]:.6g} eV/atom at the ends): start from a structure nearer to "
            "equilibrium or widen volume_range"
        )
    x0 = minima[0]
    volume = middle * x0**-1.5
    second, third = float(curvature(x0)), float(curve.deriv(3)(x0))
    # At the minimum, with y = V0^(2/3) V^(-2/3) = x/x0:  B0 = 4/(9 V0) E''(y), and from the
    # closed form E'''(y) = 27/8 V0 B0 (B0' - 4).
    bulk_modulus = 4 / (9 * volume) * second * x0**2
    derivative = 4 + third * x0**3 * 8 / (27 * volume * bulk_modulus)
    return EquationOfState(
        volumes=volumes,
        energies=energies,
        volume=volume,
        energy=float(curve(x0)),
        bulk_modulus=bulk_modulus * GPA_PER_EV_A3,
        bulk_modulus_derivative=derivative,
        residual=float(np.sqrt(np.mean((curve(x) - energies) ** 2))),
    )
