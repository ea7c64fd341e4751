"""How much may be asked for: the limits of files and settings, in one place.

They lie far above anything of use, and keep a damaged file of a few hundred bytes from asking for
gigabytes of tables, and a typing error from starting work that no machine ends.
"""

from __future__ import annotations

from dataclasses import dataclass

from maxvolt.errors import MaxvoltError

__all__ = [
    "ATOMS",
    "ATOM_ENERGY",
    "CUTOFF",
    "DURATION_FS",
    "ITERATIONS",
    "LARGEST_SEED",
    "MEMBERS",
    "MOST_BASIC_MOMENTS",
    "MOST_FREE_BASIC_MOMENTS",
    "MOST_PARAMETERS",
    "MOST_SPECIES",
    "NARROWEST_BASIS",
    "PRESSURE_GPA",
    "RADIAL_SIZE",
    "RANDOM_ATOMS",
    "RETRIES",
    "SETTINGS_BYTES",
    "STARTS",
    "STEPS",
    "STRAIN",
    "STRUCTURES",
    "TEMPERATURE",
    "TIMESTEP_FS",
    "TOLERANCE",
    "VOLUME",
    "WEIGHT",
    "WORKERS",
    "Limit",
]


@dataclass(frozen=True, slots=True)
class Limit:
    """The least and the largest value of a quantity, both allowed."""

    least: float
    most: float
    unit: str = ""

    def holds(self, value: float) -> bool:
        """Say whether a value lies within; NaN does not."""
        return self.least <= value <= self.most

    def check(self, name: str, value: float, error: type[MaxvoltError] = MaxvoltError) -> None:
        """Refuse a value outside.

        Parameters
        ----------
        name
            Of the argument or setting, for the message.
        value
            What was given for it.
        error
            What to raise.
        """
        if not self.holds(value):
            raise error(f"{name} must lie between {self}; got {value:g}")

    def __str__(self) -> str:
        return f"{self.least:g} and {self.most:g} {self.unit}".rstrip()


# ------------------------------------------------------------------ potentials

CUTOFF = Limit(0.5, 30.0, "A")
"""Of a potential: an atom of a dense metal has ten thousand neighbours within 30 A."""

NARROWEST_BASIS = 0.01
"""A; least difference of the ends of a radial basis, which its functions divide by."""

RADIAL_SIZE = Limit(1, 100)
"""Functions of a radial basis."""

MOST_SPECIES = 118
"""Of a potential."""

MOST_PARAMETERS = 50_000
"""Of a new potential: fits and active sets hold square matrices of them, 20 GB at 50,000."""

MOST_BASIC_MOMENTS = 8
"""Basic moments of a potential that is read, for each that its file lists: the kernels hold all
components up to the highest rank, also those that a table leaves out."""

MOST_FREE_BASIC_MOMENTS = 20_000
"""Basic moments that any file may ask for, listed or not; level 28 has 866."""

# ------------------------------------------------------------------ fits

MEMBERS = Limit(1, 1000)
"""Potentials of an ensemble."""

STARTS = Limit(1, 10_000)
"""Random starts of a fit."""

ITERATIONS = Limit(1, 1_000_000)
"""Of a fit, or of a stage of a campaign."""

TOLERANCE = Limit(1e-15, 1.0)
"""Relative change at which something has converged."""

WEIGHT = Limit(0.0, 1e12)
"""Of a term of the loss or of the rows of an active set."""

ATOM_ENERGY = Limit(-1e9, 1e9, "eV")
"""Energy of an isolated atom: all electrons of uranium have -8e5 eV."""

# ------------------------------------------------------------------ simulations

STEPS = Limit(1, 1_000_000_000)
"""Of a simulation: a year of a thousand atoms."""

TIMESTEP_FS = Limit(1e-4, 100.0, "fs")
"""Of a simulation."""

DURATION_FS = Limit(1e-2, 1e9, "fs")
"""Time constant of a thermostat or barostat."""

TEMPERATURE = Limit(0.0, 1e6, "K")
"""Of a simulation; atoms of 1e6 K cross an Angstrom in a femtosecond."""

PRESSURE_GPA = Limit(-1e5, 1e5, "GPa")
"""External pressure."""

STRAIN = Limit(-0.95, 10.0)
"""Relative change of a cell."""

# ------------------------------------------------------------------ structures

ATOMS = Limit(1, 10_000_000)
"""Of a structure that is made, or of all that are made at once."""

RANDOM_ATOMS = Limit(1, 5_000)
"""Of a random structure, whose distances are all looked at together."""

STRUCTURES = Limit(1, 1_000_000)
"""That are made at once."""

VOLUME = Limit(0.1, 1e6, "A^3")
"""Of an atom of a random structure."""

# ------------------------------------------------------------------ campaigns

SETTINGS_BYTES = 1_000_000
"""Of a file of settings."""

LARGEST_SEED = 2**63 - 1
"""Of random numbers."""

WORKERS = Limit(1, 4096)
"""Processes or threads at once."""

RETRIES = Limit(0, 1000)
"""Of a calculation that failed."""
