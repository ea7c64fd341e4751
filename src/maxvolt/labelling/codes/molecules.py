"""Molecules as a reference code needs them: not periodic, with a charge and unpaired electrons."""

from __future__ import annotations

from ase import Atoms

from maxvolt.labelling.codes.protocol import MisconfiguredError

__all__ = ["charge_of", "require_molecule", "unpaired_electrons"]

_WHOLE = 1e-3
"""How far sums of charges and moments may be from whole numbers: they are given with digits."""


def require_molecule(atoms: Atoms, code: str, instead: str) -> None:
    """Refuse a structure that is periodic in any direction.

    Raises
    ------
    MisconfiguredError
        Says which code to take instead.
    """
    if atoms.pbc.any():
        raise MisconfiguredError(
            f"{code} calculates molecules here, and {atoms.get_chemical_formula()} is periodic; "
            f"take {instead} for it, or remove the periodicity (pbc) from the file"
        )


def charge_of(atoms: Atoms, given: int | None) -> int:
    """Return the total charge, e: as given, else the sum of the structure's initial charges.

    Raises
    ------
    MisconfiguredError
        The sum is no whole number.
    """
    if given is not None:
        return given
    return _whole(float(atoms.get_initial_charges().sum()), "initial charges", "charge")


def unpaired_electrons(atoms: Atoms, charge: int, given: int | None) -> int:
    """Return the number of unpaired electrons: as given, else as the structure's moments say.

    Without initial magnetic moments it is the lowest: 0 for an even number of electrons, else 1.

    Raises
    ------
    MisconfiguredError
        The sum of the moments is no whole number, or there cannot be so many with this charge.
    """
    electrons = int(atoms.numbers.sum()) - charge
    moments = atoms.get_initial_magnetic_moments()
    if given is not None:
        unpaired = given
    elif moments.any():
        unpaired = abs(_whole(float(moments.sum()), "initial magnetic moments", "spin"))
    else:
        unpaired = electrons % 2
    if not 0 <= unpaired <= electrons or (electrons - unpaired) % 2:
        raise MisconfiguredError(
            f"{atoms.get_chemical_formula()} with charge {charge} has {electrons} electrons, of "
            f"which {unpaired} cannot be unpaired; give another charge or spin in the settings"
        )
    return unpaired


def _whole(value: float, what: str, setting: str) -> int:
    if abs(value - round(value)) > _WHOLE:
        raise MisconfiguredError(
            f"the {what} of the structure sum to {value:g}; expected a whole number: change them, "
            f'or give "{setting}" in the settings'
        )
    return round(value)
