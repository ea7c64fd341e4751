"""Thermal expansion, heat capacity and bulk modulus from phonons at several volumes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from maxvolt.errors import DataError, MaxvoltError
from maxvolt.properties.arguments import Calculating, system_of
from maxvolt.properties.curves import Curve
from maxvolt.properties.deformation import InternalRelaxation, deformed
from maxvolt.properties.findings import Findings, Quantity
from maxvolt.properties.shells import crossing_volumes, interaction_cutoff
from maxvolt.properties.static.force_constants import PhononSettings, phonons_of, require_phonopy
from maxvolt.properties.static.resting_cells import resting_cell
from maxvolt.units import GPA_PER_EV_A3

__all__ = ["QuasiHarmonicSettings", "quasi_harmonic"]

_J_PER_MOL = 96485.33212331
"""Of one eV."""

_IMAGINARY = -0.05


@dataclass(frozen=True, slots=True)
class QuasiHarmonicSettings(PhononSettings):
    """Settings of `quasi_harmonic`.

    Parameters
    ----------
    size, displacement, mesh
        As of `maxvolt.properties.static.force_constants.PhononSettings`.
    volumes
        Number of volumes, at least 5.
    smallest, largest
        Range of the volume, relative to that at rest.
    highest : K
        Temperatures go up to this.
    temperature : K
        For which numbers are given.
    """

    volumes: int = 7
    smallest: float = 0.97
    largest: float = 1.07
    highest: float = 600.0
    temperature: float = 300.0

    def __post_init__(self) -> None:
        PhononSettings.__post_init__(self)
        if self.volumes < 5 or not 0 < self.smallest < 1 < self.largest:
            raise DataError(
                "quasi-harmonic: expected at least 5 volumes on both sides of 1; got "
                f"{self.volumes!r} from {self.smallest!r} to {self.largest!r}"
            )
        if not 0 < self.temperature <= self.highest:
            raise DataError(
                "quasi-harmonic: expected 0 < temperature <= highest; got "
                f"{self.temperature!r} and {self.highest!r}"
            )


def quasi_harmonic(
    calculator: Calculating,
    atoms: Atoms | None = None,
    settings: QuasiHarmonicSettings = QuasiHarmonicSettings(),
) -> Findings:
    """Compute expansion, heat capacity and bulk modulus against temperature, at zero pressure.

    Free energies of the harmonic crystal at several volumes, by phonopy; at each temperature the
    volume is that of the least free energy. The shape of the cell is that at rest at all volumes.
    Equation (88).

    Parameters
    ----------
    calculator
        Any ASE calculator.
    atoms
        Any crystal near equilibrium; it is relaxed first.
    settings
        Volumes and temperatures.

    Raises
    ------
    MaxvoltError
        phonopy is not installed, the crystal did not relax, or the free energy has no minimum.
    """
    purpose = "quasi-harmonic"
    phonopy = require_phonopy(purpose)
    calculator, atoms = system_of(calculator, atoms, purpose)
    crystal = resting_cell(calculator, atoms, purpose)
    ratios = np.linspace(settings.smallest, settings.largest, settings.volumes)
    energies, found = [], []
    warnings: tuple[str, ...] = ()
    for ratio in ratios:
        gradient = ratio ** (1 / 3) * np.eye(3)
        cell = deformed(crystal, gradient, calculator, InternalRelaxation())
        phonons, warned, notes = phonons_of(calculator, cell, settings, purpose)
        primitive = len(phonons.primitive)
        energies.append(float(cell.get_potential_energy()) * primitive / len(cell))
        found.append(phonons)
        warnings = tuple(dict.fromkeys((*warnings, *warned)))
    odd = settings.mesh // 2 * 2 + 1  # such a mesh has Γ, and the symmetry of the crystal
    step = settings.highest / max(round(settings.highest / 10), 4)
    temperatures = np.arange(0, settings.highest + 2.5 * step, step)
    try:
        # Acoustic modes at Γ are zero but for rounding, of which the logarithm must not be taken.
        result = phonopy.run_qha(
            found,
            temperatures,
            internal_energies=energies,
            mesh=[odd] * 3,
            exclude_gamma_acoustic=True,
        )
    except (RuntimeError, ValueError, TypeError) as error:
        raise MaxvoltError(
            f"{purpose}: phonopy finds no equation of state ({error}); use other volumes, look at "
            "the phonons for imaginary frequencies"
        ) from error
    warnings += _warnings(calculator, crystal, found, result, settings)
    quantities, curves = _read(result, primitive, settings)
    return Findings("Quasi-harmonic approximation", quantities, curves, warnings, notes)


def _warnings(
    calculator: Any,
    crystal: Atoms,
    found: list[Any],
    result: Any,
    settings: QuasiHarmonicSettings,
) -> tuple[str, ...]:
    said = []
    lowest = min(float(one.mesh.frequencies.min()) for one in found)
    if lowest < _IMAGINARY:
        said.append(
            f"a frequency is imaginary, down to {lowest:.3g} THz, and left out: the free energy is "
            "wrong there; use volumes nearer to equilibrium"
        )
    if float(result.equilibrium_volumes.max()) > float(result.volumes.max()):
        said.append("the crystal expands beyond the largest volume: raise largest")
    cutoff = interaction_cutoff(calculator)
    if cutoff is not None:
        crossed = crossing_volumes(crystal, cutoff, settings.smallest, settings.largest)
        for ratio, shell in crossed:
            said.append(
                f"{shell} crosses it at {ratio:.3f} of the volume at rest: force constants jump "
                "there, and expansion and bulk modulus are less certain"
            )
    return tuple(said)


def _read(
    result: Any, atoms: int, settings: QuasiHarmonicSettings
) -> tuple[dict[str, Quantity], tuple[Curve, ...]]:
    """Numbers at one temperature and curves, per atom."""
    kelvin = np.asarray(result.temperatures)
    series: dict[str, tuple[NDArray[np.float64], str]] = {
        "volume": (np.asarray(result.equilibrium_volumes) / atoms, "Å³/atom"),
        "linear expansion": (1e6 * np.asarray(result.thermal_expansion) / 3, "1e-6/K"),
        "bulk modulus": (GPA_PER_EV_A3 * np.asarray(result.bulk_moduli), "GPa"),
        "heat capacity": (
            _J_PER_MOL * np.asarray(result.heat_capacity_P.heat_capacities) / atoms,
            "J/K/mol",
        ),
    }
    quantities, curves = {}, []
    for name, (values, unit) in series.items():
        at = float(np.interp(settings.temperature, kelvin, values))
        quantities[f"{name} at {settings.temperature:g} K"] = Quantity(at, unit)
        labels = ("temperature (K)", f"{name} ({unit})")
        curves.append(Curve.of(name, kelvin, values, labels))
    zero_point = float(series["volume"][0][0])
    quantities["volume at 0 K"] = Quantity(zero_point, "Å³/atom")
    return quantities, tuple(curves)
