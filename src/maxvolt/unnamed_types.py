"""Elements that stand for types without names.

MLIP's files number the types of atoms and name no elements. Wherever elements are not needed, such
files are used as they are: type 0 becomes the first of `STAND_INS`, type 1 the second, and so on.
These are elements of which nobody has reference data, and whose radii nothing is known of, so that
no judgement of distances or energies is based on them. They are never written to a file.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from maxvolt.errors import SpeciesError

__all__ = ["STAND_INS", "are_stand_ins", "shown", "stand_ins"]

STAND_INS = (
    *("Rf", "Db", "Sg", "Bh", "Hs", "Mt", "Ds", "Rg"),
    *("Cn", "Nh", "Fl", "Mc", "Lv", "Ts", "Og"),
)
"""Rutherfordium to oganesson."""


def stand_ins(count: int) -> tuple[str, ...]:
    """Return symbols for so many types without names.

    Raises
    ------
    SpeciesError
        There are more types than symbols.
    """
    if count > len(STAND_INS):
        raise SpeciesError(
            f"{count} types without names are more than the {len(STAND_INS)} that can be told "
            "apart; name their elements (--species)"
        )
    return STAND_INS[:count]


def are_stand_ins(species: Sequence[str]) -> bool:
    """Whether symbols are those of types without names."""
    return len(species) > 0 and tuple(species) == STAND_INS[: len(species)]


def shown(symbols: Iterable[str]) -> str:
    """Symbols for a message: ``Ti, Al``, or ``type 0, type 1`` where they have no names."""
    return ", ".join(
        f"type {STAND_INS.index(symbol)}" if symbol in STAND_INS else symbol for symbol in symbols
    )
