"""Self-diffusion of a crystal by vacancies, in the harmonic approximation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from ase import Atoms, units
from ase.constraints import FixedPlane
from numpy.typing import NDArray

from maxvolt.errors import DataError, MaxvoltError, SettingsError
from maxvolt.limits import TEMPERATURE
from maxvolt.properties.arguments import Calculating, system_of
from maxvolt.properties.curves import Curve
from maxvolt.properties.deformation import InternalRelaxation
from maxvolt.properties.dynamic.harmonic_rates import (
    Vibrations,
    formation_entropy,
    vineyard_frequency,
)
from maxvolt.properties.findings import Findings, Quantity
from maxvolt.properties.static.elastic_band import lowest_path
from maxvolt.properties.static.point_defects import DefectSettings, Host

__all__ = ["VacancyDiffusionSettings", "vacancy_diffusion"]

_CORRELATION: Mapping[str, float] = {"fcc": 0.78146, "bcc": 0.72722}
"""A jump is more likely than not followed by its reversal (K. Compaan, Y. Haven, Trans. Faraday
Soc. 52, 786 (1956))."""

_M2_PER_S = 1e-8
"""Of one Angstrom^2 THz."""

_IMAGES = 5
_BAND_TOLERANCE = 5e-3
"""eV/Angstrom."""

_POINTS = 25
_RANGE = (0.6, 1.2)
"""Temperatures of the curve, over the one asked for."""


@dataclass(frozen=True, slots=True)
class VacancyDiffusionSettings(DefectSettings):
    """Settings of `vacancy_diffusion`: those of `DefectSettings`, and these.

    Parameters
    ----------
    force_tolerance : eV/Angstrom
        Largest force left on an atom after a relaxation.
    temperature : K
        At which diffusion is told; the curve is drawn from 0.6 to 1.2 times it.
    """

    force_tolerance: float = 5e-4
    temperature: float = 900.0

    def __post_init__(self) -> None:
        DefectSettings.__post_init__(self)
        TEMPERATURE.check("temperature", self.temperature, SettingsError)
        if self.temperature == 0:
            raise SettingsError("temperature must be above 0 K: nothing moves at 0")


def vacancy_diffusion(
    calculator: Calculating,
    atoms: Atoms | None = None,
    settings: VacancyDiffusionSettings = VacancyDiffusionSettings(),
) -> Findings:
    """Multiply the concentration of vacancies by the rate of their jumps, equations (103), (104).

    Formation energy and barrier are those at rest, entropy and attempt frequency those of harmonic
    vibrations; thermal expansion and vacancies in pairs are left out. The saddle lies, by symmetry,
    in the plane between both places.

    Parameters
    ----------
    calculator
        Any ASE calculator.
    atoms
        An fcc or bcc crystal near equilibrium; it is relaxed first.
    settings
        Size of the cell, temperature.

    Raises
    ------
    DataError
        The structure is no fcc or bcc crystal of one element.
    MaxvoltError
        A relaxation did not converge, or there is no saddle between both places.
    """
    purpose = "vacancy diffusion"
    calculator, atoms = system_of(calculator, atoms, purpose)
    host = Host(calculator, atoms, settings, purpose)
    kind = host.crystal.kind
    if kind not in _CORRELATION:
        raise DataError(
            f"{purpose}: expected an fcc or bcc crystal; this one is {kind}, in which jumps differ"
        )
    hole = host.middle()
    (rest,) = host.relaxed(host.without(hole))
    saddle = _saddle(host, hole, rest, purpose)
    barrier = saddle.energy - float(rest.get_potential_energy())
    formation = host.formation(rest)
    crystal = Vibrations.of_crystal(calculator, host.perfect).logarithms(0, purpose)
    at_rest = Vibrations.of(calculator, rest).logarithms(0, purpose)
    attempt = saddle.share * vineyard_frequency(at_rest, saddle.logarithms)
    entropy = formation_entropy(at_rest, crystal)
    factor = _CORRELATION[kind] * host.crystal.a**2 * attempt * np.exp(entropy) * _M2_PER_S
    energy = formation + barrier

    def diffusion(temperature: NDArray[np.float64] | float) -> NDArray[np.float64]:
        return np.asarray(factor * np.exp(-energy / (units.kB * np.asarray(temperature))))

    at = settings.temperature
    concentration = float(np.exp(entropy - formation / (units.kB * at)))
    quantities = {
        "vacancy formation": Quantity(formation, "eV"),
        "formation entropy": Quantity(entropy, "kB"),
        "vacancy migration": Quantity(barrier, "eV"),
        "attempt frequency": Quantity(attempt, "THz"),
        "activation energy": Quantity(energy, "eV"),
        "prefactor": Quantity(float(factor), "m²/s"),
        f"vacancies at {at:g} K": Quantity(concentration),
        f"self-diffusion at {at:g} K": Quantity(float(diffusion(at)), "m²/s"),
    }
    temperatures = np.linspace(_RANGE[0] * at, _RANGE[1] * at, _POINTS)[::-1]
    labels = ("1000 K / temperature", "log10 of self-diffusion (m²/s)")
    curve = Curve.of("vacancies", 1e3 / temperatures, np.log10(diffusion(temperatures)), labels)
    notes = (
        *host.notes,
        "harmonic approximation at the volume of rest: no thermal expansion, no divacancies",
        f"correlation factor {_CORRELATION[kind]:g}; {saddle.where}",
    )
    return Findings("Self-diffusion by vacancies", quantities, (curve,), host.warnings, notes)


@dataclass(frozen=True, slots=True, eq=False)
class _Saddle:
    """Between two places.

    Attributes
    ----------
    energy : eV
    logarithms : shape (n,)
        Of its frequencies in THz.
    share
        Of crossings that are jumps.
    where
        It lies, for people.
    """

    energy: float
    logarithms: NDArray[np.float64]
    share: float
    where: str


def _saddle(host: Host, hole: int, rest: Atoms, purpose: str) -> _Saddle:
    middle = _middle(host, hole)
    vibrations = Vibrations.of(host.calculator, middle)
    if vibrations.unstable:
        where = "the saddle is in the middle of the jump"
        energy = float(middle.get_potential_energy())
        return _Saddle(energy, vibrations.logarithms(1, purpose), 1.0, where)
    # The middle is a minimum between two saddles, from which half of the atoms go back.
    path = lowest_path(
        (rest, middle),
        host.calculator,
        images=_IMAGES,
        force_tolerance=_BAND_TOLERANCE,
        max_steps=host.settings.max_steps,
        purpose=purpose,
        remedy="raise max_steps",
    )
    saddle = max(path[1:-1], key=lambda image: float(image.get_potential_energy()))
    logarithms = Vibrations.of(host.calculator, saddle).logarithms(1, purpose)
    energy = float(saddle.get_potential_energy())
    depth = energy - float(middle.get_potential_energy())
    where = f"the middle of the jump is a minimum {depth:.2g} eV below two saddles: half go on"
    return _Saddle(energy, logarithms, 0.5, where)


def _middle(host: Host, hole: int) -> Atoms:
    """Relax everything but the way of the atom that jumps, which stands in the middle of it."""
    jumper = host.neighbour(hole)
    way = host.perfect.get_distance(jumper, hole, mic=True, vector=True)
    moved = jumper - (jumper > hole)
    middle = host.without(hole)
    middle.positions[moved] += way / 2
    middle.set_constraint(FixedPlane(moved, way))
    middle.calc = host.calculator
    InternalRelaxation(host.settings.force_tolerance, host.settings.max_steps).run(middle)
    left = float(np.linalg.norm(middle.get_forces(apply_constraint=False), axis=1).max())
    if left > 10 * host.settings.force_tolerance:
        raise MaxvoltError(
            f"vacancy diffusion: a force of {left:.2g} eV/A is left in the middle of the jump, "
            "which is no saddle: give a larger size, of a cell that is alike in all directions"
        )
    middle.set_constraint()
    return middle
