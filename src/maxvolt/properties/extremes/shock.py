"""Supported shocks: points of the Hugoniot from profiles, and clusters for a reference."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from maxvolt.errors import MaxvoltError
from maxvolt.properties.arguments import Calculating, system_of
from maxvolt.properties.curves import Curve
from maxvolt.properties.dynamic.keeping import Keeping
from maxvolt.properties.dynamic.preparation import Prepared
from maxvolt.properties.dynamic.settings import SimulationSettings
from maxvolt.properties.elemental_crystals import reach_of
from maxvolt.properties.extremes.shock_clusters import cluster_errors
from maxvolt.properties.extremes.shock_front import Front, Jump, State, find_jump
from maxvolt.properties.extremes.shock_inputs import ShockPlan
from maxvolt.properties.extremes.shock_simulation import Shock, ShockSimulation
from maxvolt.properties.extremes.slabs import (
    Plane,
    crystal_at_temperature,
    require_plane,
    slab_across,
)
from maxvolt.properties.findings import Findings, Quantity
from maxvolt.properties.grade_recorder import meet_frames
from maxvolt.properties.lammps_stages import LammpsStages
from maxvolt.properties.melting.interaction import Interaction
from maxvolt.properties.same_potential import require_same_forces
from maxvolt.properties.statistics import weighted_line
from maxvolt.properties.written_potentials import held_interaction, require_written
from maxvolt.sampling.lammps.program import find_program
from maxvolt.units import G_CM3_PER_U_A3, KM_S_PER_A_PS

__all__ = ["ShockSettings", "shock"]

_PURPOSE = "shock"
_SHORTEST, _LONGEST = 150.0, 1e5
_NARROWEST = 10.0
_FASTEST = 20.0
_BIN = 5.0
"""Angstrom."""

_STIFFENING = 1.5
"""Shock speeds grow by about so much with the velocity of the piston, in metals and others."""

_SEGMENTS = 15
"""In the time in which the front passes, as it is estimated."""

_ALLOWED = 2.0
"""% by which a steady shock may miss the conservation laws."""

_STEEP, _RUNS_AHEAD = 5.0, 5.0
"""%."""

_AT_FRONT = 10.0
"""Angstrom."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShockSettings(SimulationSettings):
    """Settings of `shock`.

    Parameters
    ----------
    temperature, seed, members
        As of `SimulationSettings`.
    timestep : fs or None
        None: 0.2 times the root of the lightest mass, 1.5 at most (aluminium 1.04).
    pressure : GPa
        Before the shock; it can only be 0, for the far end of the slab is free.
    atoms
        Of the simulation that finds the lattice constants at the temperature.
    equilibration_time : ps
        Of that simulation, and of the slab before the piston starts.
    plane
        Miller indices of the plane across the shock: of the cell with right angles of a crystal of
        one element, of the given cell of another.
    piston_velocities : km/s
        A shock for each.
    length, width : Angstrom
        Of the slab, along the shock and across.
    cluster_radii : Angstrom
        Of clusters, whose forces a reference is asked for, where one is given.
    cluster_atoms
        Number of their centres, half of them at the front, half of them behind.
    command
        Command that starts LAMMPS, such as "mpiexec -n 2 lmp"; None: lmp, on one rank.
    """

    plane: Plane = (0, 0, 1)
    piston_velocities: tuple[float, ...] = (1.0, 2.0)
    length: float = 400.0
    width: float = 25.0
    cluster_radii: tuple[float, ...] = (5.0, 6.0, 7.0, 8.0, 9.0, 10.0)
    cluster_atoms: int = 8
    command: str | None = None

    def __post_init__(self) -> None:
        SimulationSettings.__post_init__(self)
        if self.pressure != 0:
            self._refuse("pressure must be 0: the far end of the slab is free")
        require_plane(self.plane)
        if not _SHORTEST <= self.length <= _LONGEST:
            self._refuse(
                f"length must be {_SHORTEST:g} to {_LONGEST:g} Angstrom: the front needs a way "
                f"behind it; got {self.length!r}"
            )
        if not _NARROWEST <= self.width <= _LONGEST:
            self._refuse(
                f"width must be {_NARROWEST:g} to {_LONGEST:g} Angstrom; got {self.width!r}"
            )
        speeds = self.piston_velocities
        if not speeds or len(set(speeds)) < len(speeds):
            self._refuse(f"piston_velocities must be one or more different ones; got {speeds!r}")
        if not all(0 < one <= _FASTEST for one in speeds):
            self._refuse(f"piston_velocities must be above 0, {_FASTEST:g} at most; got {speeds!r}")
        radii = self.cluster_radii
        if list(radii) != sorted(set(radii)) or (radii and not 1 <= radii[0] <= radii[-1] <= 100):
            self._refuse(f"cluster_radii must grow, from 1 to 100 Angstrom; got {radii!r}")
        if not 0 <= self.cluster_atoms <= 1000:
            self._refuse(f"cluster_atoms must be 0 to 1000; got {self.cluster_atoms!r}")

    def timestep_of(self, atoms: Atoms) -> float:
        """Half of the time step of equilibrium: behind the front it is hot and dense."""
        return self.timestep or round(SimulationSettings.timestep_of(self, atoms) / 2, 2)


def shock(
    calculator: Calculating,
    atoms: Atoms | None = None,
    settings: ShockSettings = ShockSettings(),
    *,
    keeping: Keeping = Keeping(),  # noqa: B008 (immutable)
    reference: Any = None,
    interaction: Interaction | None = None,
) -> Findings:
    """Drive pistons into a crystal, and read points of its Hugoniot from the profiles.

    Equations (151) to (155). The piston is a rigid piece of the crystal, LAMMPS simulates.

    Parameters
    ----------
    calculator
        Of a moment tensor potential or of embedded atoms; any other one with stress needs
        `interaction`.
    atoms
        Crystal near equilibrium.
    settings
        Plane, velocities, size.
    keeping
        Where segments are kept.
    reference
        ASE calculator: is asked for forces on atoms in clusters of growing radius.
    interaction
        The same potential as a pair style of LAMMPS; forces are compared. None: that of the
        calculator.

    Raises
    ------
    DataError
        LAMMPS does not know the potential, and no interaction was given; or it is another one.
    MaxvoltError
        LAMMPS is missing or fails, or no front comes through the slab.
    """
    calculator, atoms = system_of(calculator, atoms, _PURPOSE)
    if interaction is None:
        require_written(calculator, _PURPOSE, "shock")
    command = find_program(1, settings.command)
    cell, begin = crystal_at_temperature(calculator, atoms, settings, keeping, _PURPOSE)
    slab = slab_across(cell, settings.plane, settings.width, settings.length)
    holding = held_interaction(interaction, calculator, slab)
    with holding as held, keeping.somewhere() as folder:
        stages = LammpsStages(_PURPOSE, folder, command, keeping.progress)
        found = _Found(calculator, reference, settings, keeping, _at_rest(begin))
        for velocity in settings.piston_velocities:
            simulation = _simulation(calculator, slab, held, begin, velocity, settings, stages)
            one = simulation.run(velocity)
            if interaction is not None:
                require_same_forces(calculator, one.last, one.forces, _PURPOSE)
            found.add(velocity, one)
    return found.findings(begin, slab)


def _simulation(
    calculator: Any,
    slab: Atoms,
    held: Interaction,
    begin: Prepared,
    velocity: float,
    settings: ShockSettings,
    stages: LammpsStages,
) -> ShockSimulation:
    """Choose lengths of time by an estimate of the speed of the shock."""
    timestep = begin.timestep
    _, density = _at_rest(begin)
    sound = float(np.sqrt(begin.bulk_modulus / density))
    # The same for all velocities, which begin with the same slab at rest.
    fastest = _speed(sound, max(settings.piston_velocities))
    profile = 10 * max(1, round(_BIN / fastest * 1e3 / timestep / 10))
    time = settings.length / _speed(sound, velocity) * 1e3 / timestep
    segment = profile * max(1, round(time / _SEGMENTS / profile))
    plan = ShockPlan(
        held,
        settings.temperature,
        timestep,
        settings.steps(settings.equilibration_time, timestep, profile, least=1),
        float(slab.positions[:, 2].min()) + reach_of(calculator)[0],
        float(slab.cell[2, 2]),
        _BIN,
        profile,
        segment,
        settings.seed,
    )
    return ShockSimulation(slab, plan, stages, 3 * _SEGMENTS)


def _at_rest(begin: Prepared) -> tuple[float, float]:
    """Volume (Angstrom^3/atom) and density (g/cm^3) of the crystal before the shock."""
    atoms = begin.atoms
    volume = float(atoms.get_volume())
    return volume / len(atoms), G_CM3_PER_U_A3 * float(atoms.get_masses().sum()) / volume


def _speed(sound: float, velocity: float) -> float:
    """Estimate the speed of a shock, Angstrom/ps, from velocities in km/s."""
    return (sound + _STIFFENING * velocity) / KM_S_PER_A_PS


class _Found:
    """What all shocks have given."""

    def __init__(
        self,
        calculator: Any,
        reference: Any,
        settings: ShockSettings,
        keeping: Keeping,
        at_rest: tuple[float, float],
    ) -> None:
        self._at_rest = at_rest
        self._calculator, self._reference = calculator, reference
        self._settings, self._keeping = settings, keeping
        self._quantities: dict[str, Quantity] = {}
        self._curves: list[Curve] = []
        self._warnings: list[str] = []
        self._points: list[tuple[float, Front, Quantity]] = []

    def add(self, velocity: float, one: Shock) -> None:
        """Take the point of a Hugoniot, and compare clusters."""
        jump = find_jump(one.profiles, one.front, velocity, one.begin, one.end, self._at_rest)
        if jump is None:
            raise MaxvoltError(
                f"{_PURPOSE}: the slab is too short for states on both sides of the front at "
                f"{velocity:g} km/s; raise length"
            )
        ahead, behind, law = jump
        at = f" at {velocity:g} km/s"
        self._points.append((velocity, one.front, behind.pressure))
        named = _named(one.front, ahead, behind, law)
        self._quantities |= {f"{name}{at}": value for name, value in named.items()}
        self._curves += _profile_curves(at, one)
        self._warnings += _doubts(at, law)
        meet_frames(self._calculator, [one.last], above=one.begin)
        settings = self._settings
        if self._reference is not None and settings.cluster_atoms and settings.cluster_radii:
            self._compare(at, one)

    def _compare(self, at: str, one: Shock) -> None:
        """Clusters around atoms at the front and behind it."""
        settings = self._settings
        found = cluster_errors(
            self._reference,
            one.last,
            one.forces,
            _centres(one, settings),
            settings.cluster_radii,
            self._keeping,
            _PURPOSE,
        )
        for radius, error in zip(found.radii, found.errors, strict=True):
            name = f"force error, clusters of {radius:g} Å{at}"
            self._quantities[name] = Quantity(1e3 * float(error), "meV/Å")
        self._quantities[f"size of the reference's forces{at}"] = Quantity(
            1e3 * found.size, "meV/Å"
        )
        labels = ("radius of the clusters (Å)", "root mean square difference (meV/Å)")
        self._curves += [
            Curve.of(
                f"potential, reference in a cluster{at}", found.radii, 1e3 * found.errors, labels
            ),
            Curve.of(f"reference, in the largest{at}", found.radii, 1e3 * found.changes, labels),
        ]

    def findings(self, begin: Prepared, slab: Atoms) -> Findings:
        """All together, with the line of shock speeds where there are several."""
        notes = [
            *begin.notes,
            f"slab of {len(slab)} atoms, {_direction(self._settings)}, "
            f"timestep {begin.timestep:g} fs",
        ]
        return Findings(
            "Shock",
            {**self._line(), **self._quantities},
            (*self._hugoniot(), *self._curves),
            tuple(dict.fromkeys([*begin.warnings, *self._warnings])),
            tuple(notes),
        )

    def _line(self) -> dict[str, Quantity]:
        if len(self._points) < 2:
            return {}
        line, covariance = weighted_line(
            [one[0] for one in self._points],
            [one[1].speed for one in self._points],
            [one[1].error for one in self._points],
        )
        errors = np.sqrt(np.diag(covariance))
        return {
            "shock speed, at rest": Quantity(float(line[0]), "km/s", float(errors[0])),
            "shock speed, slope": Quantity(float(line[1]), "", float(errors[1])),
        }

    def _hugoniot(self) -> list[Curve]:
        ordered = sorted(self._points, key=lambda one: one[0])
        x = [one[0] for one in ordered]
        along = "velocity of the piston (km/s)"
        return [
            Curve.of("shock", x, [p[1].speed for p in ordered], (along, "shock speed (km/s)")),
            Curve.of("Hugoniot", x, [p[2].value for p in ordered], (along, "pressure (GPa)")),
        ]


def _direction(settings: ShockSettings) -> str:
    """Say which way the shock goes."""
    return f"shock across ({' '.join(map(str, settings.plane))})"


def _named(front: Front, ahead: State, behind: State, law: Jump) -> dict[str, Quantity]:
    ratio = behind.volume.value / ahead.volume.value
    relative = math.hypot(
        *((one.volume.statistical_error or 0.0) / one.volume.value for one in (ahead, behind))
    )
    gain = behind.energy.value - ahead.energy.value
    error = math.hypot(*(one.energy.statistical_error or 0.0 for one in (ahead, behind)))
    return {
        "shock speed": Quantity(front.speed, "km/s", front.error),
        "pressure": behind.pressure,
        "volume before": ahead.volume,
        "volume over that before": Quantity(ratio, "", ratio * relative),
        "temperature": behind.temperature,
        "shear stress": behind.shear,
        "energy gained": Quantity(gain, "eV/atom", error),
        "mass missed by": Quantity(law.mass, "%"),
        "momentum missed by": Quantity(law.momentum, "%"),
        "energy missed by": Quantity(law.energy, "%"),
    }


def _profile_curves(at: str, one: Shock) -> list[Curve]:
    """Profiles when the front is farthest."""
    k = int(np.flatnonzero(one.front.used)[-1])
    profiles = one.profiles
    shown = ~np.isnan(profiles.velocity[k])
    x = profiles.places[shown] - one.begin
    along = "place (Å)"
    values: dict[str, NDArray[np.float64]] = {
        "pressure (GPa)": profiles.pressure[k, :, 2],
        "density (g/cm³)": profiles.density[k],
        "temperature (K)": profiles.temperature[k],
    }
    return [Curve.of(f"profile{at}", x, y[shown], (along, label)) for label, y in values.items()]


def _doubts(at: str, law: Jump) -> list[str]:
    worst = max((law.mass, law.momentum, law.energy), key=abs)
    doubts = []
    if not np.isfinite([law.mass, law.momentum, law.energy]).all():
        doubts.append(
            f"a conservation law of the shock{at} gives no number: a state beside the front is not "
            "known; raise length"
        )
    elif abs(worst) > _ALLOWED:
        doubts.append(
            f"the shock{at} misses a conservation law by {worst:.2g} %: it is not steady, or has "
            "an elastic wave ahead; raise length and width, or take a faster piston"
        )
    if abs(law.runs_ahead) > _RUNS_AHEAD:
        doubts.append(
            f"an elastic wave runs ahead of the shock{at} (velocity {law.runs_ahead:.2g} % of the "
            "piston's before the front): the numbers are those of the second wave"
        )
    if abs(law.slope) > _STEEP:
        doubts.append(
            f"the pressure behind the shock{at} changes by {law.slope:.2g} % from the piston to "
            "the front: it is not steady yet; raise length"
        )
    return doubts


def _centres(one: Shock, settings: ShockSettings) -> list[int]:
    """Atoms at the front and behind it, by chance."""
    k = int(np.flatnonzero(one.front.used)[-1])
    times, z = one.profiles.times, one.last.positions[:, 2]
    place = float(one.front.places[k] + one.front.speed / KM_S_PER_A_PS * (times[-1] - times[k]))
    random = np.random.default_rng(settings.seed)
    piston = float(z.min())
    half = settings.cluster_atoms // 2
    chosen: list[int] = []
    for count, inside in (
        (settings.cluster_atoms - half, np.abs(z - place) < _AT_FRONT),
        (half, (z > piston + 0.5 * (place - piston)) & (z < place - _AT_FRONT)),
    ):
        among = np.flatnonzero(inside)
        chosen += random.choice(among, min(count, len(among)), replace=False).tolist()
    return chosen
