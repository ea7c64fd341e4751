"""Lattice thermal conductivity from phonons that scatter each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from maxvolt.errors import SettingsError
from maxvolt.limits import TEMPERATURE
from maxvolt.properties.arguments import Calculating, system_of
from maxvolt.properties.conductivity.third_order import require_phono3py, third_order_of
from maxvolt.properties.curves import Curve
from maxvolt.properties.findings import Findings, Quantity
from maxvolt.properties.static.resting_cells import resting_cell

__all__ = ["BoltzmannSettings", "boltzmann_conductivity"]

_COARSER = (0.5, 0.75, 1.0)
"""Meshes that are compared, over the one that is asked for."""

_CONVERGED = 0.05
"""Relative change from the second finest mesh to the finest."""

_SPAN = (0.5, 0.75, 1.0, 1.5, 2.0)
"""Temperatures of the curve, over the one that is asked for."""

_HOT = 1e6
"""K, where all atoms are classical: the fastest vibrations have some thousand."""

_IMAGINARY = -0.05
"""THz; frequencies above are those of translations, not imaginary."""

_SAME = 1e-3
"""Relative difference of the diagonal of the conductivity up to which it is one number."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BoltzmannSettings:
    """Settings of `boltzmann_conductivity`.

    Parameters
    ----------
    temperature : K
        Of the phonons; the crystal has the volume at rest all the same, unless `volume` is given.
    volume : Angstrom^3/atom or None
        Of the crystal, instead of that at rest; its shape stays the same.
    size : Angstrom or None
        Height of the large cell along each vector; None: twice the cutoff, beyond which atoms do
        not feel their images.
    displacement : Angstrom
        How far atoms are moved; less where a neighbour shell would cross the cutoff.
    pair_cutoff : Angstrom or None
        Distance up to which both atoms of a pair are moved; None: all of the large cell.
    mesh
        Number of wave vectors along each reciprocal vector; half and three quarters of it are
        computed as well.
    solution
        "relaxation-time", each phonon decays on its own; "linearized", the whole linearized
        equation, for some hundred wave vectors.
    isotopes
        Whether the natural mixture of isotopes scatters phonons, too.
    """

    temperature: float = 300.0
    volume: float | None = None
    size: float | None = None
    displacement: float = 0.03
    pair_cutoff: float | None = None
    mesh: int = 11
    solution: Literal["relaxation-time", "linearized"] = "relaxation-time"
    isotopes: bool = False

    def __post_init__(self) -> None:
        TEMPERATURE.check("temperature", self.temperature, SettingsError)
        if self.temperature < 1:
            raise SettingsError(f"temperature must be 1 K or more; got {self.temperature!r}")
        for name in ("volume", "size", "pair_cutoff"):
            value = getattr(self, name)
            if value is not None and not 0 < value < np.inf:
                raise SettingsError(f"{name} must be a number above 0; got {value!r}")
        if not 0 < self.displacement < 0.5:
            raise SettingsError(
                f"displacement must lie between 0 and 0.5 A; got {self.displacement!r}"
            )
        if not 4 <= self.mesh <= 200:
            raise SettingsError(f"mesh must be a whole number from 4 to 200; got {self.mesh!r}")
        if self.solution not in ("relaxation-time", "linearized"):
            raise SettingsError(
                f"solution must be relaxation-time or linearized; got {self.solution!r}"
            )


@dataclass(frozen=True, slots=True, eq=False)
class _OfMesh:
    """Conductivities of one mesh.

    Attributes
    ----------
    mesh
        Number of wave vectors along each reciprocal vector.
    quantum, classical : shape (t, 3), W/m/K
        The diagonal of the tensor at t temperatures.
    frequencies : shape (k,), THz
        Of all modes.
    shares : shape (t, k), W/m/K
        Of them in the mean of the diagonal.
    """

    mesh: int
    quantum: NDArray[np.float64]
    classical: NDArray[np.float64]
    frequencies: NDArray[np.float64]
    shares: NDArray[np.float64]


def boltzmann_conductivity(
    calculator: Calculating,
    atoms: Atoms | None = None,
    settings: BoltzmannSettings = BoltzmannSettings(),
) -> Findings:
    """Compute the lattice thermal conductivity by the Boltzmann equation of phonons.

    By phono3py. Phonons scatter each other by the third-order force constants, and the isotopes.
    Equations (120) to (123).

    Parameters
    ----------
    calculator
        Any ASE calculator.
    atoms
        Any crystal near equilibrium; it is relaxed first.
    settings
        Temperature, volume, size, displacement, mesh, solution.

    Raises
    ------
    MaxvoltError
        phono3py is not installed, or the crystal did not relax.
    """
    purpose = "thermal conductivity (Boltzmann)"
    require_phono3py(purpose)
    calculator, atoms = system_of(calculator, atoms, purpose)
    crystal = resting_cell(calculator, atoms, purpose)
    if settings.volume is not None:
        scale = (settings.volume * len(crystal) / crystal.get_volume()) ** (1 / 3)
        crystal.set_cell(scale * crystal.cell.array, scale_atoms=True)
    phonons, warnings, notes = third_order_of(
        calculator,
        crystal,
        size=settings.size,
        displacement=settings.displacement,
        pair_cutoff=settings.pair_cutoff,
        purpose=purpose,
    )
    temperatures = settings.temperature * np.array(_SPAN)
    meshes = sorted({round(share * settings.mesh) for share in _COARSER})
    found = [_of_mesh(phonons, mesh, temperatures, settings) for mesh in meshes]
    before, finest = found[-2:]
    at = _SPAN.index(1.0)
    change = float(np.max(np.abs(finest.quantum[at] / before.quantum[at] - 1)))
    quantities = _named("thermal conductivity", finest.quantum[at])
    if not settings.isotopes:
        quantities |= _named("thermal conductivity, classical", finest.classical[at])
    quantities |= {
        "change from the mesh before": Quantity(100 * change, "%"),
        "volume": Quantity(crystal.get_volume() / len(crystal), "Å³/atom"),
    }
    without = "" if settings.isotopes else ", isotopes"
    notes += (
        f"meshes of {', '.join(map(str, meshes))} wave vectors along each axis, "
        f"{settings.solution.replace('-', ' ')}",
        f"without scattering of four phonons, boundaries{without}; no non-analytic terms",
    )
    return Findings(
        "Thermal conductivity (Boltzmann)",
        quantities,
        _curves(found, temperatures, settings),
        (*warnings, *_doubts(finest, change)),
        notes,
    )


def _of_mesh(
    phonons: Any, mesh: int, temperatures: NDArray[np.float64], settings: BoltzmannSettings
) -> _OfMesh:
    """Solve the equation on a mesh, at the temperatures and where atoms are classical."""
    phonons.mesh_numbers = [mesh] * 3
    phonons.init_phph_interaction()
    phonons.run_thermal_conductivity(
        is_LBTE=settings.solution == "linearized",
        temperatures=[*temperatures, _HOT],
        is_isotope=settings.isotopes,
    )
    found = phonons.thermal_conductivity
    kappa = np.asarray(found.kappa)[0, :, :3]
    modes = np.asarray(found.mode_kappa)[0, :-1, :, :, :3].mean(axis=-1)
    return _OfMesh(
        mesh,
        kappa[:-1],
        kappa[-1] * _HOT / temperatures[:, None],  # equation (123)
        np.asarray(found.frequencies).ravel(),
        modes.reshape(len(temperatures), -1) / mesh**3,
    )


def _named(name: str, diagonal: NDArray[np.float64]) -> dict[str, Quantity]:
    """One number where all directions are the same, else three."""
    if np.ptp(diagonal) <= _SAME * np.abs(diagonal).max():
        return {name: Quantity(float(diagonal.mean()), "W/m/K")}
    axes = zip(("xx", "yy", "zz"), diagonal.tolist(), strict=True)
    return {f"{name} {axis}": Quantity(one, "W/m/K") for axis, one in axes}


def _doubts(finest: _OfMesh, change: float) -> tuple[str, ...]:
    """Say what is wrong with a conductivity."""
    doubts: tuple[str, ...] = ()
    if change > _CONVERGED:
        doubts += (
            f"the conductivity changes by {change:.0%} from the mesh before to that of "
            f"{finest.mesh}; raise mesh",
        )
    lowest = float(finest.frequencies.min())
    if lowest < _IMAGINARY:
        doubts += (
            f"a frequency is imaginary, down to {lowest:.3g} THz, and is left out: the crystal is "
            "not stable with this potential, or the large cell is too small; look at the bands "
            "(phonons), and raise size",
        )
    return doubts


def _curves(
    found: list[_OfMesh], temperatures: NDArray[np.float64], settings: BoltzmannSettings
) -> tuple[Curve, ...]:
    finest, at = found[-1], _SPAN.index(1.0)
    unit = "conductivity (W/m/K)"
    of_heat = ("temperature (K)", unit)
    curves = [Curve.of("conductivity", temperatures, finest.quantum.mean(axis=1), of_heat)]
    if not settings.isotopes:
        classical = finest.classical.mean(axis=1)
        curves.append(Curve.of("classical atoms", temperatures, classical, of_heat))
    order = np.argsort(finest.frequencies)
    summed = np.cumsum(finest.shares[at][order])
    means = [one.quantum[at].mean() for one in found]
    of_mesh = ("wave vectors along an axis", unit)
    return (
        *curves,
        Curve.of("meshes", [one.mesh for one in found], means, of_mesh),
        Curve.of(
            f"up to a frequency, at {settings.temperature:g} K",
            finest.frequencies[order],
            summed,
            ("frequency (THz)", "conductivity of all below (W/m/K)"),
        ),
    )
