"""The inputs of LAMMPS of each stage of a melting point."""

from __future__ import annotations

from dataclasses import dataclass

from ase.data import atomic_masses, atomic_numbers
from ase.units import kB

from maxvolt.properties.lammps_lines import (
    BAROSTAT_PS,
    THERMOSTAT_PS,
    drawn_velocities,
    input_text,
    langevin,
)
from maxvolt.properties.lammps_stages import STATE, STRUCTURE
from maxvolt.properties.melting.interaction import Interaction
from maxvolt.properties.melting.settings import MeltingSettings
from maxvolt.units import BAR_PER_GPA

__all__ = [
    "ORDER",
    "ORDER_COLUMNS",
    "PROFILE",
    "TRACE",
    "TRACE_COLUMNS",
    "Inputs",
    "Start",
]

TRACE, ORDER, PROFILE = "trace.txt", "order.txt", "profile.txt"

TRACE_COLUMNS = ("step", "temperature", "pxx", "pyy", "pzz", "lx", "ly", "lz", "potential")
"""Of the trace: K, bar, Angstrom and eV."""

ORDER_COLUMNS = ("step", "order", "displacement")
"""Of the order: order parameter, and mean square displacement in Angstrom^2."""

HOT = 2.0
"""Times the temperature of coexistence: above it no crystal lasts for picoseconds."""

_SETTLING_PS = 3.0

_FASTEST_HEATING = 50.0
"""K/ps, by which a crystal is heated to find where it melts."""

_HOTTEST = 6000.0
"""K; tungsten melts at 3700 K, and a crystal without a surface a fifth above."""

_VIBRATION = 0.1
"""Root mean square displacement by the distance of neighbours: that of crystals near melting."""


@dataclass(frozen=True, slots=True)
class Start:
    """How half of a crystal is melted.

    Attributes
    ----------
    temperature : K
        Of both halves at the end of the preparation.
    solid_share
        Part of the length that is not heated.
    seed
        Of LAMMPS.
    """

    temperature: float
    solid_share: float
    seed: int


@dataclass(frozen=True, slots=True)
class Inputs:
    """Texts for LAMMPS.

    Parameters
    ----------
    settings, interaction
        What is simulated.
    """

    settings: MeltingSettings
    interaction: Interaction

    def heating(self, seed: int) -> tuple[str, int]:
        """Heat a crystal until its atoms leave their places; return the text and its steps."""
        cold = 100.0
        settings = self.settings
        nearest = settings.crystal.nearest(settings.species, settings.crystal.edges(settings.start))
        steps = self.settings.steps((_HOTTEST - cold) / _FASTEST_HEATING)
        lines = [
            *self._head(),
            drawn_velocities(2 * cold, seed),
            f"fix integrate all npt temp {cold:g} {_HOTTEST:g} {THERMOSTAT_PS} {self._pressure()}",
            "variable displacement equal c_displacement[4]",
            f"fix melted all halt {self.settings.every} v_displacement > "
            f"{(0.5 * nearest) ** 2:.17g} error continue message no",
            *self._trace(),
            f"run {steps}",
        ]
        return input_text(lines), steps

    def phase(self, temperature: float, seed: int, *, liquid: bool) -> tuple[str, int]:
        """Keep one phase alone at a temperature; return the text and its steps."""
        settings = self.settings
        settle, average = settings.steps(_SETTLING_PS), settings.steps(settings.bulk_time)
        melt = settings.steps(settings.preparation_time)
        hot = HOT * temperature
        first = hot if liquid else temperature
        lines = [
            *self._head(),
            drawn_velocities(2 * first, seed),
            *self._trace(),
        ]
        if liquid:
            lines += [*self._thermostat(hot, hot), f"run {melt}"]
            lines += [*self._thermostat(hot, temperature), f"run {melt}"]
        lines += [*self._thermostat(temperature, temperature), f"run {settle + average}"]
        return input_text(lines), (2 * melt if liquid else 0) + settle + average

    def coexistence(
        self, start: Start, edges: tuple[float, float, float], cells: int
    ) -> tuple[str, int]:
        """Melt a part of a crystal, then leave both alone; return the text and its steps.

        While it is prepared, each half has a thermostat of its own, and springs hold the atoms of
        the crystal, so that the hot liquid does not melt it. Then nothing adds or takes energy:
        the cell changes its length along z at constant pressure, its edges along x and y are those
        of the crystal.

        Parameters
        ----------
        start
            Temperature, share and seed.
        edges : Angstrom
            Of a cell of the crystal.
        cells
            Along z; as many slabs has the profile.
        """
        settings, t = self.settings, start.temperature
        part = settings.steps(settings.preparation_time)
        wait = settings.steps(settings.equilibration_time)
        end, hot = start.solid_share * cells * edges[2], HOT * t
        spring = 3 * kB * t / (_VIBRATION * settings.crystal.nearest(settings.species, edges)) ** 2
        lines = [
            *self._head(),
            f"region solid block INF INF INF INF 0 {end:.17g} units box",
            "group solid region solid",
            "group liquid subtract all solid",
            drawn_velocities(2 * t, start.seed),
            *self._trace(),
            *self._profile(cells),
            f"fix integrate all nph {self._axial()} drag 0.5 fixedpoint 0 0 {end / 2:.17g}",
            f"fix springs solid spring/self {spring:.17g}",
            langevin("solid", t, t, start.seed + 1),
            langevin("liquid", hot, hot, start.seed + 2),
            f"run {part}",
            langevin("liquid", hot, t, start.seed + 3),
            f"run {part}",
            "unfix springs",
            langevin("liquid", t, t, start.seed + 4),
            f"run {part}",
            "unfix bath_solid",
            "unfix bath_liquid",
            "unfix integrate",
            "velocity all zero linear",
            f"fix integrate all nph {self._axial()}",
            f"run {wait}",
            f"write_restart {STATE}",
        ]
        return input_text(lines), 3 * part + wait

    def production(self, bins: int) -> tuple[str, int]:
        """Go on with both phases for one segment; return the text and its steps."""
        steps = self.settings.steps(self.settings.segment_time)
        lines = [
            *self._head(f"read_restart {STATE}.before"),
            f"fix integrate all nph {self._axial()}",
            *self._trace(),
            *self._profile(bins),
            f"run {steps}",
            f"write_restart {STATE}",
        ]
        return input_text(lines), steps

    def _head(self, read: str = f"read_data {STRUCTURE}") -> list[str]:
        settings, crystal = self.settings, self.settings.crystal
        mass = atomic_masses[atomic_numbers[settings.species]]
        return [
            "units metal",
            "atom_style atomic",
            "boundary p p p",
            read,
            f"mass 1 {mass:.17g}",
            *self.interaction.lines,
            f"timestep {settings.timestep / 1e3:.17g}",
            f"compute order all orientorder/atom degrees 1 {crystal.degree} nnn "
            f"{crystal.neighbors}",
            "compute mean all reduce ave c_order[1]",
            "compute displacement all msd com yes",
            "thermo 1000000000",
        ]

    def _trace(self) -> list[str]:
        every = self.settings.every
        columns = (
            "c_thermo_temp c_thermo_press[1] c_thermo_press[2] c_thermo_press[3] v_lx v_ly v_lz"
        )
        return [
            *(f"variable {edge} equal {edge}" for edge in ("lx", "ly", "lz")),
            f"fix trace all ave/time 5 {every // 5} {every} {columns} c_thermo_pe "
            f'file {TRACE} format " %.12g"',
            f"fix order all ave/time {every} 1 {every} c_mean c_displacement[4] "
            f'file {ORDER} format " %.12g"',
        ]

    def _profile(self, bins: int) -> list[str]:
        every = self.settings.every
        return [
            f"compute slabs all chunk/atom bin/1d z lower {1 / bins:.17g} units reduced",
            f"fix profile all ave/chunk {every} 10 {10 * every} slabs density/number c_order[1] "
            f'file {PROFILE} format " %.9g"',
        ]

    def _thermostat(self, begin: float, end: float) -> list[str]:
        bath = f"{begin:.17g} {end:.17g} {THERMOSTAT_PS}"
        return [f"fix integrate all npt temp {bath} {self._pressure()}"]

    def _pressure(self) -> str:
        kind = "iso" if self.settings.crystal.is_cubic else "aniso"
        return f"{kind} {self._bar()} {self._bar()} {BAROSTAT_PS}"

    def _axial(self) -> str:
        return f"z {self._bar()} {self._bar()} {BAROSTAT_PS}"

    def _bar(self) -> str:
        return f"{self.settings.pressure * BAR_PER_GPA:.12g}"
