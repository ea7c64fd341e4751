"""Melting points at one or several pressures, as a property of a calculator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from ase import Atoms

from maxvolt.errors import DataError, MaxvoltError, SettingsError
from maxvolt.properties.arguments import Calculating, system_of
from maxvolt.properties.curves import Curve
from maxvolt.properties.dynamic.keeping import Keeping
from maxvolt.properties.elemental_crystals import ElementalCrystal
from maxvolt.properties.findings import Findings, Quantity
from maxvolt.properties.melting.melting_point import melting_curve
from maxvolt.properties.melting.result import MeltingPoint
from maxvolt.properties.melting.settings import CoexistenceSettings, MeltingSettings
from maxvolt.properties.written_potentials import held_interaction, require_written

__all__ = ["MeltingCurveSettings", "melting_findings"]

_PURPOSE = "melting"


@dataclass(frozen=True, slots=True, kw_only=True)
class MeltingCurveSettings(CoexistenceSettings):
    """Settings of `melting_findings`.

    Parameters
    ----------
    pressures : GPa
        At each of them the melting point is sought; several give a melting curve.
    guess : K or None
        Melting point at the first pressure, to begin with; None: a crystal is heated until it
        melts.
    sizes, seeds, timestep, attempts
        As of `CoexistenceSettings`.
    bulk_time, preparation_time, equilibration_time, production_time, segment_time
        As of `CoexistenceSettings`.
    command
        Command that starts LAMMPS, such as "mpiexec -n 2 lmp"; None: lmp, on one rank.
    """

    pressures: tuple[float, ...] = (0.0,)
    command: str | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "pressures", tuple(self.pressures))
        if not self.pressures or len(set(self.pressures)) < len(self.pressures):
            raise SettingsError(
                f"melting: pressures must be one or more different numbers; got {self.pressures}"
            )
        try:
            for pressure in self.pressures:  # before anything runs, with some crystal
                self.of_crystal(ElementalCrystal("Al", "fcc", 4.05)).at(pressure, self.guess)
        except DataError as error:
            raise SettingsError(str(error)) from error

    def of_crystal(self, crystal: ElementalCrystal) -> MeltingSettings:
        """Settings of `melting_point` for a crystal, at the first pressure."""
        return MeltingSettings(
            species=crystal.symbol,
            structure=crystal.kind,
            lattice_constant=crystal.a,
            pressure=self.pressures[0],
            **{one.name: getattr(self, one.name) for one in fields(CoexistenceSettings)},
        )


def melting_findings(
    calculator: Calculating,
    atoms: Atoms | None = None,
    settings: MeltingCurveSettings = MeltingCurveSettings(),
    *,
    keeping: Keeping = Keeping(),  # noqa: B008 (immutable)
) -> Findings:
    """Find melting points by coexistence in LAMMPS, equations (51) to (55).

    Where one is not found at a later pressure, those before count, and a warning says why.

    Parameters
    ----------
    calculator
        Of a moment tensor potential or of embedded atoms; for any other one see `melting_curve`.
    atoms
        Crystal near equilibrium.
    settings
        Pressures, sizes, times.
    keeping
        Where stages are kept.

    Raises
    ------
    DataError
        It is no crystal that can be melted, or LAMMPS does not know the potential.
    MaxvoltError
        LAMMPS is missing or fails, or no start is found from which both phases last, at the first
        pressure.
    """
    calculator, atoms = system_of(calculator, atoms, _PURPOSE)
    require_written(calculator, _PURPOSE, "melting_curve")
    asked = settings.of_crystal(ElementalCrystal.of(atoms, _PURPOSE))
    points: list[MeltingPoint] = []
    failure: list[str] = []
    with held_interaction(None, calculator, atoms) as held, keeping.somewhere() as folder:
        try:
            melting_curve(
                held,
                asked,
                settings.pressures,
                folder / _PURPOSE,
                command=settings.command,
                progress=keeping.progress,
                found=points.append,
            )
        except MaxvoltError as error:
            if not points:
                raise
            pressure = settings.pressures[len(points)]
            failure = [f"no melting point at {pressure:g} GPa, and none was sought after: {error}"]
    numbers: dict[str, Quantity] = {}
    for point in points:
        numbers |= _quantities(point)
    warnings = [f"at {point.pressure:g} GPa: {text}" for point in points for text in point.warnings]
    return Findings(
        "Melting", numbers, _curves(points), (*warnings, *failure), _notes(points, settings)
    )


def _quantities(point: MeltingPoint) -> dict[str, Quantity]:
    at = f"at {point.pressure:g} GPa"
    found = {f"melting point {at}": Quantity(point.value, "K", point.error)}
    if len(point.sizes) > 1:
        found[f"melting point {at}, infinite size"] = Quantity(
            point.extrapolated, "K", point.extrapolated_error
        )
    return found | {
        f"heat of fusion {at}": Quantity(1e3 * point.heat_of_fusion, "meV/atom"),
        f"volume of fusion {at}": Quantity(point.volume_of_fusion, "Å³/atom"),
        f"slope of the melting curve {at}": Quantity(point.slope, "K/GPa"),
    }


def _curves(points: Sequence[MeltingPoint]) -> tuple[Curve, ...]:
    if len(points) < 2:
        return ()
    ordered = sorted(points, key=lambda point: point.pressure)
    x, y = ([getattr(one, name) for one in ordered] for name in ("pressure", "value"))
    return (Curve.of("melting curve", x, y, ("pressure (GPa)", "melting point (K)")),)


def _notes(points: Sequence[MeltingPoint], settings: MeltingCurveSettings) -> tuple[str, ...]:
    atoms: dict[str, Any] = dict.fromkeys(str(size.atoms) for one in points for size in one.sizes)
    return (
        f"crystal and liquid side by side: {' and '.join(atoms)} atoms, timestep "
        f"{settings.timestep:g} fs; grades are not told of these simulations",
    )
