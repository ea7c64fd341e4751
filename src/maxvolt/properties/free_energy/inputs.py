"""The inputs of LAMMPS of each stage of a free energy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

import numpy as np
from ase import Atoms, units
from ase.data import atomic_masses, atomic_numbers

from maxvolt.properties.free_energy.settings import FreeEnergySettings
from maxvolt.properties.lammps_lines import (
    BAROSTAT_PS,
    THERMOSTAT_PS,
    drawn_velocities,
    input_text,
    langevin,
)
from maxvolt.properties.lammps_stages import STATE, STRUCTURE
from maxvolt.properties.melting.interaction import Interaction
from maxvolt.units import BAR_PER_GPA

__all__ = [
    "CELL_COLUMNS",
    "FRAMES",
    "MATRIX",
    "STATE_COLUMNS",
    "SWITCH_COLUMNS",
    "TRACE",
    "Inputs",
    "ReferenceLiquid",
]

TRACE, FRAMES, MATRIX = "trace.txt", "frames.txt", "matrix.txt"

CELL_COLUMNS = ("step", "lx", "ly", "lz", "xy", "xz", "yz", "potential")
STATE_COLUMNS = ("step", "potential", "pressure", "displacement")
SWITCH_COLUMNS = ("step", "share", "reference", "potential")
"""Of the traces: Angstrom, eV, bar; mean of mass times displacement squared, Angstrom^2 u."""

_HOT = 2.5
"""Times the temperature, at which a crystal is made liquid."""

_HOTTEST = 6000.0

_ROOM = 1.15
"""Volume over that of the crystal, in which it is made liquid."""

_CUTOFF = 5.0
"""Of the reference liquid, in its lengths; its force there is 1e-11 of that at one length."""

_DISPLACEMENT = 0.005
"""Angstrom."""


@dataclass(frozen=True, slots=True)
class ReferenceLiquid:
    """Parameters of the reference liquid, equation (148).

    Attributes
    ----------
    strength
        p, with kT the unit of energy.
    length : Angstrom
        sigma.
    """

    strength: int
    length: float


@dataclass(frozen=True, slots=True)
class Inputs:
    """Texts for LAMMPS.

    Parameters
    ----------
    settings, interaction
        What is simulated.
    species
        Chemical symbols in the order of the types.
    """

    settings: FreeEnergySettings
    interaction: Interaction
    species: tuple[str, ...]

    def cell(self, temperature: float, atoms: Atoms) -> tuple[str, int]:
        """Keep the structure at temperature and pressure; return the text and its steps."""
        settings = self.settings
        wait, average = (
            settings.steps(settings.equilibration_time),
            settings.steps(settings.averaging_time),
        )
        liquid = settings.phase == "liquid"
        hot = min(_HOT * temperature, _HOTTEST) if liquid else temperature
        bath = f"iso {self._bar()} {self._bar()} {BAROSTAT_PS}"
        if not liquid:
            bath = f"{_freedom(atoms)} {self._bar()} {self._bar()} {BAROSTAT_PS}"
        lines = [
            *self._head(),
            drawn_velocities(2 * hot if not liquid else hot, _stream(1, temperature)),
            *(f"variable {name} equal {name}" for name in CELL_COLUMNS[1:7]),
            self._trace(TRACE, [f"v_{name}" for name in CELL_COLUMNS[1:7]] + ["c_thermo_pe"]),
        ]
        steps = wait + average
        if liquid:
            lines += _scaled(_ROOM * atoms.get_volume())
            for end in (hot, temperature):  # in a cell of its own, so that it does not evaporate
                lines.append(f"fix integrate all nvt temp {hot:.17g} {end:.17g} {THERMOSTAT_PS}")
                lines += [f"run {wait}", "unfix integrate"]
            steps += 2 * wait
        lines += [self._barostat(temperature, temperature, bath), f"run {wait + average}"]
        lines += [f"write_restart {STATE}"]
        return input_text(lines), steps

    def state(self, temperature: float, volume: float | None = None) -> tuple[str, int]:
        """Keep the structure at temperature in its cell; return the text and its steps.

        Parameters
        ----------
        temperature : K
        volume : Angstrom^3, optional
            Go on from the state before, with its cell scaled to this volume.
        """
        settings = self.settings
        wait, average = (
            settings.steps(settings.equilibration_time),
            settings.steps(settings.averaging_time),
        )
        if volume is None:
            lines = [*self._head(), drawn_velocities(2 * temperature, _stream(2, temperature))]
        else:
            lines = [*self._head(f"read_restart {STATE}.before"), *_scaled(volume)]
        lines += [
            *_constant_volume(temperature, 3),
            f"run {wait}",
            "reset_timestep 0",
            *self._displacements(),
            self._trace(TRACE, ["c_thermo_pe", "c_thermo_press", "v_displacement"]),
            *self._frames(average),
            f"run {average}",
            f"write_restart {STATE}",
        ]
        return input_text(lines), wait + average

    def to_einstein(self, temperature: float, frequency: float, seed: int) -> tuple[str, int]:
        """Switch from the potential to springs and back; return the text and its steps.

        Parameters
        ----------
        temperature : K
        frequency
            Angular, of all springs, in the inverse unit of time of ASE.
        seed
            Of random numbers.
        """
        settings = self.settings
        wait, switch = (
            settings.steps(settings.settling_time),
            settings.steps(settings.switching_time),
        )
        springs = []
        for k, symbol in enumerate(self.species):
            constant = atomic_masses[atomic_numbers[symbol]] * frequency**2
            springs += [
                f"group type{k + 1} type {k + 1}",
                f"fix springs{k + 1} type{k + 1} ti/spring {constant:.17g} {switch} {wait} "
                "function 2",
            ]
        energies = "+".join(f"f_springs{k + 1}" for k in range(len(self.species)))
        steps = 2 * (wait + switch)
        lines = [
            *self._head(),
            drawn_velocities(2 * temperature, _stream(seed, temperature)),
            "fix integrate all nve",
            *springs,
            langevin("all", temperature, temperature, _stream(seed, temperature)),
            f"variable springs equal {energies}",
            self._trace(TRACE, ["f_springs1[1]", "v_springs", "c_thermo_pe"]),
            f"run {steps}",
        ]
        return input_text(lines), steps

    def to_reference_liquid(
        self, temperature: float, reference: ReferenceLiquid, seed: int
    ) -> tuple[str, int]:
        """Switch from the potential to the reference liquid and back, from the state before."""
        settings = self.settings
        wait, switch = (
            settings.steps(settings.settling_time),
            settings.steps(settings.switching_time),
        )
        style, kt = self._style(), units.kB * temperature
        lines = [
            *self._head(f"read_restart {STATE}.before", potential=False),
            "variable time equal 0.0",
            'variable share equal "v_time^5*(70*v_time^4-315*v_time^3+540*v_time^2'
            '-420*v_time+126)"',
            'variable rest equal "1.0-v_share"',
            f"pair_style hybrid/scaled v_rest {' '.join(style)} v_share ufm "
            f"{_CUTOFF * reference.length:.17g}",
            *self._coefficients(style[0]),
            f"pair_coeff * * ufm {reference.strength * kt:.17g} {reference.length:.17g}",
            f"compute own all pair {style[0]}",
            "compute reference all pair ufm",
            "reset_timestep 0",
            drawn_velocities(temperature, _stream(seed, temperature)),
            "fix integrate all nve",
            langevin("all", temperature, temperature, _stream(seed, temperature)),
            self._trace(TRACE, ["v_share", "c_reference", "c_own"]),
        ]
        for begin, end in ((0, 1), (1, 0)):
            lines += [
                f"variable time equal {begin}.0",
                f"run {wait}",
                f"variable time equal ramp({begin}.0,{end}.0)",
                f"run {switch}",
            ]
        return input_text(lines), 2 * (wait + switch)

    def matrix(self) -> str:
        """Bring the atoms to rest in their cell, and write the dynamical matrix."""
        return input_text(
            [
                *self._head(),
                "min_style cg",
                "minimize 0 1e-8 10000 100000",
                f"dynamical_matrix all regular {_DISPLACEMENT} file {MATRIX}",
                "run 0",
                self._trace(TRACE, ["c_thermo_pe"], every=1),
                "run 1",
            ]
        )

    def _head(self, read: str = f"read_data {STRUCTURE}", *, potential: bool = True) -> list[str]:
        masses = [atomic_masses[atomic_numbers[symbol]] for symbol in self.species]
        return [
            "units metal",
            "atom_style atomic",
            "atom_modify map array",
            "boundary p p p",
            read,
            *(f"mass {k + 1} {mass:.17g}" for k, mass in enumerate(masses)),
            *(self.interaction.lines if potential else ()),
            f"timestep {self.settings.timestep / 1e3:.17g}",
            "thermo 1000000000",
        ]

    def _style(self) -> list[str]:
        return self.interaction.lines[0].split()[1:]

    def _coefficients(self, style: str) -> list[str]:
        """Lines of the coefficients with the name of the style, as a hybrid style wants it."""
        found = []
        for line in self.interaction.lines[1:]:
            words = line.split()
            found.append(" ".join([*words[:3], style, *words[3:]]))
        return found

    def _barostat(self, begin: float, end: float, bath: str) -> str:
        return f"fix integrate all npt temp {begin:.17g} {end:.17g} {THERMOSTAT_PS} {bath}"

    def _trace(self, file: str, columns: Sequence[str], every: int | None = None) -> str:
        every = self.settings.every if every is None else every
        return (
            f"fix trace all ave/time {every} 1 {every} {' '.join(columns)} file {file} "
            'format " %.14g"'
        )

    def _displacements(self) -> list[str]:
        """Mean of mass times displacement squared, from where each atom was at the beginning.

        (From mean places, ``average yes``, LAMMPS gives nonsense in triangular cells.)
        """
        lines, terms = [], []
        for k, symbol in enumerate(self.species):
            mass = atomic_masses[atomic_numbers[symbol]]
            lines += [
                f"group type{k + 1} type {k + 1}",
                f"compute moved{k + 1} type{k + 1} msd com yes",
            ]
            terms.append(f"{mass:.17g}*count(type{k + 1})*c_moved{k + 1}[4]/atoms")
        return [*lines, f'variable displacement equal "{"+".join(terms)}"']

    def _frames(self, steps: int) -> list[str]:
        count = self.settings.snapshots
        if not count:
            return []
        every = self.settings.every * max(1, steps // count // self.settings.every)
        return [
            f"dump frames all custom {every} {FRAMES} id x y z",
            f'dump_modify frames sort id format float "%.10g" delay {every}',
        ]

    def _bar(self) -> str:
        return f"{self.settings.pressure * BAR_PER_GPA:.12g}"


def _scaled(volume: float) -> list[str]:
    """Scale cell and atoms to a volume."""
    return [
        f"variable factor equal ({volume:.17g}/vol)^(1/3)",
        "variable scale equal ${factor}",
        "change_box all x scale ${scale} y scale ${scale} z scale ${scale} remap",
    ]


def _constant_volume(temperature: float, seed: int) -> list[str]:
    return [
        "fix integrate all nve",
        langevin("all", temperature, temperature, _stream(seed, temperature)),
        "velocity all zero linear",
    ]


def _stream(seed: int, temperature: float) -> int:
    """Random numbers of their own at each temperature: else errors would be the same at all."""
    return crc32(f"{seed} {temperature:.17g}".encode())


def _freedom(atoms: Atoms) -> str:
    """How the cell of a crystal may change, for a barostat of LAMMPS."""
    lengths, angles = atoms.cell.lengths(), atoms.cell.angles()
    if not np.allclose(angles, 90):
        return "flip no tri"  # where LAMMPS flips a cell, its vectors are others, and have no mean
    return "iso" if math.isclose(lengths.min(), lengths.max(), rel_tol=1e-6) else "aniso"
