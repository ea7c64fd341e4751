"""Calculators and structures in the forms that people have them in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from os import PathLike, fspath
from typing import Any

from ase import Atoms

from maxvolt.calculators import MaxvoltCalculator, member_calculators
from maxvolt.errors import DataError, nearest_name
from maxvolt.potentials import Potential

__all__ = ["Calculating", "calculators_of", "require_known", "system_of"]

Calculating = Any
"""An ASE calculator, a potential, an ensemble, or the path of a potential file."""

_EXPECTED = (
    "expected an ASE calculator, a potential or ensemble of maxvolt, the path of a potential file, "
    "or atoms that carry a calculator"
)


def system_of(
    calculator: Calculating | Atoms, atoms: Atoms | None, purpose: str
) -> tuple[Any, Atoms]:
    """Calculator and structure of a property.

    Parameters
    ----------
    calculator
        See `Calculating`; or atoms that carry a calculator, where no others are given.
    atoms
        The structure.
    purpose
        What is computed, for messages: "elastic constants".

    Raises
    ------
    DataError
        There is no calculator or no structure among them.
    """
    if isinstance(calculator, Atoms) and not isinstance(atoms, Atoms):
        calculator, atoms = (calculator.calc if atoms is None else atoms), calculator
        if calculator is None:
            raise DataError(f"{purpose}: the atoms carry no calculator; {_EXPECTED}")
    if not isinstance(atoms, Atoms):
        raise DataError(
            f"{purpose}: expected one structure as ase.Atoms after the calculator; got "
            f"{type(atoms).__name__} {atoms!r:.60}"
        )
    return _calculator(calculator, purpose), atoms


def calculators_of(given: Calculating | Iterable[Calculating]) -> list[Any]:
    """One calculator for each member of an ensemble.

    Parameters
    ----------
    given
        An ensemble or its path, or several calculators, potentials or paths.

    Raises
    ------
    DataError
        None of these.
    """
    if isinstance(given, str | PathLike):
        return list(member_calculators(fspath(given)))
    if isinstance(given, Potential):
        return list(member_calculators(given))
    if _calculates(given) or not isinstance(given, Iterable):
        return [_calculator(given, "ensemble_statistics")]
    return [_calculator(item, "ensemble_statistics") for item in given]


def require_known(names: Iterable[str], known: Sequence[str], unknown: str) -> None:
    """Refuse names that are not among the known ones.

    Parameters
    ----------
    names
        What somebody asks for.
    known
        What there is.
    unknown
        How the message begins: "surfaces: unknown surface".

    Raises
    ------
    DataError
        A name is not known.
    """
    for name in names:
        if name not in known:
            near = nearest_name(name, known)
            hint = f"did you mean {near}? " if near else ""
            raise DataError(f"{unknown} {name!r}; {hint}known are {', '.join(known)}")


def _calculates(given: Any) -> bool:
    return isinstance(given, Potential) or hasattr(given, "get_potential_energy")


def _calculator(given: Any, purpose: str) -> Any:
    if isinstance(given, str | PathLike):
        return MaxvoltCalculator(fspath(given))
    if isinstance(given, Potential):
        return MaxvoltCalculator(given)
    if isinstance(given, type | Atoms) or not _calculates(given):
        raise DataError(f"{purpose}: {_EXPECTED}; got {type(given).__name__} {given!r:.60}")
    return given
