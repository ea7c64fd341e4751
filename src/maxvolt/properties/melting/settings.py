"""What a melting point is asked for, checked before anything runs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NoReturn, Self

from maxvolt.errors import DataError
from maxvolt.limits import ATOMS, PRESSURE_GPA, TEMPERATURE, TIMESTEP_FS
from maxvolt.properties.melting.crystals import Crystal, crystal_of

__all__ = ["CoexistenceSettings", "MeltingSettings", "Size"]

Size = tuple[int, int, int]
"""Cubic (or orthorhombic) cells along x, y and z; the interfaces stand across z."""

_LEAST_REPEATS = (3, 3, 6)
"""Below them the two halves are no bulk phases."""

_LONGEST_PS = 1e6

_VALUE_EVERY_FS = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CoexistenceSettings:
    """How carefully crystal and liquid are simulated side by side.

    Parameters
    ----------
    guess : K or None
        Melting point to begin with; None: a crystal is heated until it melts.
    sizes
        Numbers of cells along x, y and z of each simulation, 3 x 3 x 6 at least; z, across the
        interfaces, is the longest.
    seeds
        Of random numbers; each size is simulated once with each of them.
    timestep : fs
        Of all simulations.
    bulk_time : ps
        Over which lattice constant, enthalpy and order of each phase alone are averaged.
    preparation_time : ps
        Of each of the three parts of a preparation: half of the crystal melts, cools, settles.
    equilibration_time : ps
        Of both phases together without a thermostat, before they are judged.
    production_time : ps
        In which the temperature is read off.
    segment_time : ps
        Time between two kept states: at most that much is lost in an interruption.
    attempts
        How many temperatures are tried at most, until one is found from which both phases last.
    """

    guess: float | None = None
    sizes: tuple[Size, ...] = ((6, 6, 12), (8, 8, 16))
    seeds: tuple[int, ...] = (1, 2)
    timestep: float = 2.0
    bulk_time: float = 15.0
    preparation_time: float = 4.0
    equilibration_time: float = 40.0
    production_time: float = 200.0
    segment_time: float = 10.0
    attempts: int = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class MeltingSettings(CoexistenceSettings):
    """What is melted, and how carefully.

    Parameters
    ----------
    species
        Element.
    structure
        Crystal: fcc, bcc, hcp or diamond.
    lattice_constant : Angstrom or None
        To begin with; None: that of ASE.
    pressure : GPa
        External pressure.
    guess, sizes, seeds, timestep, attempts
        As of `CoexistenceSettings`.
    bulk_time, preparation_time, equilibration_time, production_time, segment_time
        As of `CoexistenceSettings`.
    """

    species: str
    structure: str
    lattice_constant: float | None = None
    pressure: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "sizes", tuple(tuple(size) for size in self.sizes))
        object.__setattr__(self, "seeds", tuple(self.seeds))
        crystal, known = crystal_of(self.species, self.structure)
        if self.lattice_constant is None and known is None:
            self._refuse(
                f"the lattice constant of {self.species} in {self.structure} is not known here; "
                "give lattice_constant, in Angstrom"
            )
        self._check_numbers()
        self._check_sizes(crystal)
        if not self.seeds or min(self.seeds) < 0 or len(set(self.seeds)) < len(self.seeds):
            self._refuse(f"seeds must be different whole numbers from 0 on; got {self.seeds}")

    @property
    def crystal(self) -> Crystal:
        """The kind of crystal."""
        return crystal_of(self.species, self.structure)[0]

    @property
    def start(self) -> float:
        """Lattice constant to begin with, Angstrom."""
        known = crystal_of(self.species, self.structure)[1]
        found = self.lattice_constant or known
        assert found is not None
        return found

    def at(self, pressure: float, guess: float | None) -> Self:
        """Return the same at another pressure (GPa), with another guess (K)."""
        return replace(self, pressure=pressure, guess=guess)

    @property
    def every(self) -> int:
        """Steps between values of a trace, about 0.1 ps: a multiple of 5."""
        return 5 * max(1, round(_VALUE_EVERY_FS / self.timestep / 5))

    def steps(self, picoseconds: float) -> int:
        """Return the number of steps of a time, a multiple of `every`."""
        return self.every * max(1, round(picoseconds * 1e3 / self.timestep / self.every))

    def _check_numbers(self) -> None:
        PRESSURE_GPA.check("melting: pressure", self.pressure, DataError)
        TIMESTEP_FS.check("melting: timestep", self.timestep, DataError)
        if self.guess is not None:
            TEMPERATURE.check("melting: guess", self.guess, DataError)
            if self.guess < 1:
                self._refuse(f"guess must be at least 1 K; got {self.guess:g}")
        if self.lattice_constant is not None and not 1 < self.lattice_constant < 20:
            self._refuse(
                f"lattice_constant must lie between 1 and 20 A; got {self.lattice_constant:g}"
            )
        for name in ("bulk", "preparation", "equilibration", "production", "segment"):
            value = getattr(self, f"{name}_time")
            if not 0 < value <= _LONGEST_PS:
                self._refuse(f"{name}_time must be above 0 and at most 1e6 ps; got {value:g}")
        if self.segment_time > self.production_time:
            self._refuse(
                f"segment_time = {self.segment_time:g} ps is longer than production_time = "
                f"{self.production_time:g} ps; make it shorter"
            )
        if self.attempts < 1:
            self._refuse(f"attempts must be at least 1; got {self.attempts}")

    def _check_sizes(self, crystal: Crystal) -> None:
        if not self.sizes or len(set(self.sizes)) < len(self.sizes):
            self._refuse(f"sizes must be one or more different sizes; got {self.sizes}")
        per_cell = len(crystal.cell(self.species, crystal.edges(self.start)))
        for size in self.sizes:
            if len(size) != 3 or any(n < m for n, m in zip(size, _LEAST_REPEATS, strict=False)):
                self._refuse(
                    f"a size is three numbers of cells, at least 3 x 3 across and 6 along the "
                    f"axis; got {'x'.join(map(str, size))}"
                )
            ATOMS.check("melting: atoms", per_cell * size[0] * size[1] * size[2], DataError)

    def _refuse(self, what: str) -> NoReturn:
        raise DataError(f"melting: {what}")
