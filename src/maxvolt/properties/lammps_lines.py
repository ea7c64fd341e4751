"""Lines of inputs of LAMMPS that several properties need."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["BAROSTAT_PS", "THERMOSTAT_PS", "drawn_velocities", "input_text", "langevin"]

THERMOSTAT_PS = 0.1
BAROSTAT_PS = 1.0
"""Relaxation times."""

_LARGEST_SEED = 900_000_000


def langevin(group: str, begin: float, end: float, seed: int) -> str:
    """Thermostat of a group, ``fix bath_GROUP``, which leaves its centre of mass at rest.

    Parameters
    ----------
    group
        Of atoms.
    begin, end : K
        Temperatures at the beginning and at the end of the run.
    seed
        Of random numbers.
    """
    return (
        f"fix bath_{group} {group} langevin {begin:.17g} {end:.17g} {THERMOSTAT_PS} "
        f"{_seed_of_lammps(seed)} zero yes"
    )


def drawn_velocities(temperature: float, seed: int) -> str:
    """Draw velocities of all atoms at a temperature (K), with the centre of mass at rest."""
    return (
        f"velocity all create {temperature:.17g} {_seed_of_lammps(seed)} mom yes rot no "
        "dist gaussian"
    )


def _seed_of_lammps(seed: int) -> int:
    """Return a seed that LAMMPS takes, which is above zero and fits into its integers."""
    return 1 + seed % _LARGEST_SEED


def input_text(lines: Sequence[str]) -> str:
    """Join lines to an input."""
    return "\n".join(lines) + "\n"
