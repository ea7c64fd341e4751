"""Energy against volume, and the third-order Birch-Murnaghan equation of state through it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from maxvolt.errors import DataError, MaxvoltError
from maxvolt.html_tables import TableOfNumbers
from maxvolt.properties.arguments import Calculating, system_of
from maxvolt.properties.deformation import InternalRelaxation, deformed, require_bulk
from maxvolt.properties.shells import Shell, crossing_volumes, interaction_cutoff
from maxvolt.units import GPA_PER_EV_A3

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["EquationOfState", "equation_of_state", "fit_birch_murnaghan"]

_ALLOWED_CHANGE = 0.05
"""Relative change of the bulk modulus with the range of volumes above which it is doubted."""

_ALLOWED_RESIDUAL = 0.01
"""Part of the depth of the curve above which the residual of the fit is large."""


@dataclass(frozen=True, slots=True)
class EquationOfState(TableOfNumbers):
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
        Root mean square distance of the fitted points from the curve.
    inner_bulk_modulus : GPa
        Bulk modulus of a curve through the half of the volumes nearest to equilibrium alone; NaN
        where that curve has no minimum, None where there are too few volumes (fewer than 5).
    fitted
        First of the volumes that the curve is fitted to, and the one behind the last; None where it
        is fitted to all. Others lie beyond a volume at which a neighbour shell crosses the cutoff,
        where the second derivative of the energy jumps.
    crossings
        Volumes (Angstrom^3/atom) inside the range at which a shell crosses the cutoff, and the
        shells; empty where the calculator does not say its cutoff.
    """

    volumes: NDArray[np.float64]
    energies: NDArray[np.float64]
    volume: float
    energy: float
    bulk_modulus: float
    bulk_modulus_derivative: float
    residual: float
    inner_bulk_modulus: float | None = None
    fitted: tuple[int, int] | None = None
    crossings: tuple[tuple[float, Shell], ...] = ()

    def __repr__(self) -> str:
        """Write the parameters of the curve with their units, and warnings."""
        text = (
            f"EquationOfState(volume = {self.volume:.4f} A^3/atom, energy = {self.energy:.6f} "
            f"eV/atom, bulk modulus = {self.bulk_modulus:.1f} GPa, its derivative = "
            f"{self.bulk_modulus_derivative:.2f}; {len(self.volumes)} volumes from "
            f"{self.volumes[0]:.4f} to {self.volumes[-1]:.4f} A^3/atom, residual "
            f"{self.residual:.2g} eV/atom)"
        )
        said = [f"warning: {warning}" for warning in self.warnings]
        return "\n".join([text, *said, *(f"note: {note}" for note in self.notes)])

    @property
    def depth(self) -> float:
        """Energy (eV/atom) of the lower end of the fitted points above the minimum."""
        energies = self.energies[self._fitted]
        return float(min(energies[0], energies[-1])) - self.energy

    @property
    def warnings(self) -> tuple[str, ...]:
        """What speaks against the numbers; empty when nothing does."""
        found = []
        if self.residual > _ALLOWED_RESIDUAL * self.depth:
            found.append(
                f"the equation of state misses the energies by {self.residual:.2g} eV/atom (root "
                f"mean square), more than {_ALLOWED_RESIDUAL:.0%} of the depth of the curve, "
                f"{self.depth:.2g} eV/atom: look at plot(), use a smaller volume_range or a "
                "structure nearer to equilibrium"
            )
        inner = self.inner_bulk_modulus
        if inner is not None and np.isnan(inner):
            found.append(
                "the half of the volumes nearest to equilibrium has no minimum of its own: look "
                "at plot(), use a smaller volume_range or a structure nearer to equilibrium"
            )
        elif inner is not None:
            change = abs(self.bulk_modulus - inner) / inner
            if change > _ALLOWED_CHANGE:
                found.append(
                    f"the bulk modulus changes by {change:.0%} with the range of volumes: "
                    f"{self.bulk_modulus:.1f} GPa from all, {inner:.1f} GPa from the half nearest "
                    "to equilibrium; use a smaller volume_range, until it no longer changes"
                )
        crossing = self._crossing_inside()
        return tuple(warning + crossing for warning in found)

    @property
    def notes(self) -> tuple[str, ...]:
        """What the curve is not fitted to, and why."""
        used = self.volumes[self._fitted]
        if len(used) == len(self.volumes):
            return ()
        outside = [
            f"{shell} crosses it at {volume:.4g} A^3/atom"
            for volume, shell in self.crossings
            if not used[0] <= volume <= used[-1]
        ]
        return (
            f"the curve is fitted to the {len(used)} volumes from {used[0]:.4g} to {used[-1]:.4g} "
            "A^3/atom, which have the same neighbours inside the cutoff as equilibrium: "
            + ", ".join(outside),
        )

    @property
    def _fitted(self) -> slice:
        return slice(None) if self.fitted is None else slice(*self.fitted)

    def _crossing_inside(self) -> str:
        used = self.volumes[self._fitted]
        inside = [item for item in self.crossings if used[0] <= item[0] <= used[-1]]
        if not inside:
            return ""
        volume, shell = min(inside, key=lambda item: abs(item[0] - self.volume))
        return f" ({shell} crosses it at {volume:.4g} A^3/atom)"

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
            "inner_bulk_modulus_GPa": self._inner_or_none(),
            "fitted_volumes_A3_per_atom": self.volumes[self._fitted].tolist(),
            "warnings": list(self.warnings),
            "notes": list(self.notes),
        }

    def _inner_or_none(self) -> float | None:
        # JSON has no NaN.
        inner = self.inner_bulk_modulus
        return None if inner is None or np.isnan(inner) else inner

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
        title = f"$V_0$ = {self.volume:.3f} Å$^3$, $B_0$ = {self.bulk_modulus:.1f} GPa"
        inner = self._inner_or_none()
        if self.warnings and inner is not None:
            title += f" (inner half: {inner:.1f} GPa)"
        axes.set_title(title, color="red" if self.warnings else "black")
        axes.legend()
        return figure


def equation_of_state(
    calculator: Calculating,
    atoms: Atoms | None = None,
    *,
    volume_range: float = 0.06,
    points: int = 13,
    relaxation: InternalRelaxation | None = InternalRelaxation(),  # noqa: B008 (immutable)
) -> EquationOfState:
    """Compute energies of an isotropically strained crystal and fit an equation of state.

    Where a neighbour shell crosses the cutoff of the potential, the second derivative of the energy
    jumps. Where the calculator says its cutoff, the curve is therefore fitted only to the volumes
    around equilibrium that are free of it, if there are at least 5; `EquationOfState.notes` says
    so. Where the curve is not smooth over the range, `EquationOfState.warnings` says so.

    Parameters
    ----------
    calculator
        Any ASE calculator; it need not give stress, a potential or ensemble, the path of its file,
        or atoms that carry a calculator.
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
    calculator, atoms = system_of(calculator, atoms, "an equation of state")
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
    volume = atoms.get_volume() / len(atoms)
    curve = fit_birch_murnaghan(ratios * volume, energies / len(atoms))
    cutoff = interaction_cutoff(calculator)
    if cutoff is None:
        return curve
    found = crossing_volumes(atoms, cutoff, float(ratios[0]), float(ratios[-1]))
    return _between_crossings(curve, tuple((ratio * volume, shell) for ratio, shell in found))


def _between_crossings(
    curve: EquationOfState, crossings: tuple[tuple[float, Shell], ...]
) -> EquationOfState:
    """Fit again to the volumes around equilibrium that lie between crossings, if they suffice."""
    below = max((v for v, _ in crossings if v <= curve.volume), default=-np.inf)
    above = min((v for v, _ in crossings if v > curve.volume), default=np.inf)
    first, end = np.searchsorted(curve.volumes, [below, above]).tolist()
    refitted = None
    if end - first >= 5:
        refitted = _fit_with_inner(curve.volumes[first:end], curve.energies[first:end])
    if refitted is None:
        return replace(curve, crossings=crossings)
    return replace(
        refitted,
        volumes=curve.volumes,
        energies=curve.energies,
        fitted=(first, end),
        crossings=crossings,
    )


def fit_birch_murnaghan(
    volumes: NDArray[np.float64], energies: NDArray[np.float64]
) -> EquationOfState:
    """Fit the third-order Birch-Murnaghan equation of state by linear least squares.

    The energy is a cubic polynomial in V^(-2/3), so the fit is linear and needs no start values.
    A second fit, through the half of the volumes nearest to equilibrium, tells whether the bulk
    modulus depends on the range.

    Parameters
    ----------
    volumes : shape (n,), Angstrom^3/atom
        At least 4.
    energies : shape (n,), eV/atom

    Raises
    ------
    DataError
        Fewer than 4 volumes.
    MaxvoltError
        The curve has no minimum between the smallest and the largest volume.
    """
    order = np.argsort(volumes)
    volumes, energies = np.asarray(volumes)[order], np.asarray(energies)[order]
    if len(volumes) < 4:
        raise DataError(f"an equation of state needs at least 4 volumes, not {len(volumes)}")
    curve = _fit_with_inner(volumes, energies)
    if curve is None:
        raise MaxvoltError(
            "equation of state: the energy has no minimum between "
            f"{volumes[0]:.4g} and {volumes[-1]:.4g} A^3/atom (energies {energies[0]:.6g} to "
            f"{energies[-1]:.6g} eV/atom at the ends): start from a structure nearer to "
            "equilibrium or widen volume_range"
        )
    return curve


def _fit_with_inner(
    volumes: NDArray[np.float64], energies: NDArray[np.float64]
) -> EquationOfState | None:
    """Fit through volumes in increasing order, and through the half nearest to equilibrium."""
    curve = _fit_once(volumes, energies)
    if curve is None or len(volumes) == 4:
        return curve
    # Nearest to equilibrium rather than to the middle, so that the minimum stays inside.
    nearest = np.argsort(np.abs(volumes - curve.volume), kind="stable")
    inner = np.sort(nearest[: max(4, (len(volumes) + 1) // 2)])
    inner_curve = _fit_once(volumes[inner], energies[inner])
    return replace(
        curve, inner_bulk_modulus=np.nan if inner_curve is None else inner_curve.bulk_modulus
    )


def _fit_once(
    volumes: NDArray[np.float64], energies: NDArray[np.float64]
) -> EquationOfState | None:
    """Fit one curve through volumes in increasing order; None where it has no minimum."""
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
        return None
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
