"""Arguments that several commands share, and the checks of single values."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable
from typing import TypeVar

__all__ = [
    "add_json",
    "add_species",
    "add_threads",
    "finite_float",
    "non_negative_float",
    "non_negative_int",
    "numbers_by_name",
    "positive_float",
    "positive_int",
    "positive_numbers",
    "share",
    "species_list",
    "whole_numbers",
]

Number = TypeVar("Number", int, float)


def add_json(parser: argparse._ActionsContainer) -> None:
    """Add ``--json``."""
    parser.add_argument(
        "--json", action="store_true", help="print JSON instead of tables, for other programs"
    )


def add_species(parser: argparse._ActionsContainer) -> None:
    """Add ``--species``."""
    parser.add_argument(
        "--species",
        type=species_list,
        metavar="A,B,...",
        help="element of type 0, 1, ..., for files that hold no element names (.cfg, MLIP's .mtp)",
    )


def add_threads(parser: argparse._ActionsContainer) -> None:
    """Add ``--threads``."""
    parser.add_argument(
        "--threads",
        type=positive_int,
        metavar="N",
        help="threads to compute with (default: OMP_NUM_THREADS, else all cores it may use)",
    )


def species_list(text: str) -> tuple[str, ...]:
    """Split ``Ti,Al`` into element symbols; which of them exist is checked where they are used."""
    symbols = tuple(part.strip() for part in text.split(","))
    if not all(symbols):
        raise argparse.ArgumentTypeError(f"{text!r}: expected symbols like Mo or Ti,Al")
    if len(set(symbols)) < len(symbols):
        raise argparse.ArgumentTypeError(f"{text!r}: a symbol occurs twice")
    return symbols


def numbers_by_name(text: str) -> dict[str, float]:
    """Read numbers with names, as in ``Ti=-1.5,Al=-0.2``.

    Raises
    ------
    ValueError
        It is something else.
    """
    pairs = [part.split("=") for part in text.split(",")]
    return {name.strip(): float(value) for name, value in pairs}


def positive_int(text: str) -> int:
    """Read an integer of at least 1."""
    value = _number(text, int, "a whole number")
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text}: expected a whole number of at least 1")
    return value


def positive_float(text: str) -> float:
    """Read a finite number above 0."""
    value = _number(text, float, "a number")
    if not (value > 0 and math.isfinite(value)):
        raise argparse.ArgumentTypeError(f"{text}: expected a number above 0")
    return value


def share(text: str) -> float:
    """Read a part of a whole, ``20%`` or ``0.2``."""
    if text.endswith("%"):
        return positive_float(text[:-1]) / 100
    return positive_float(text)


def whole_numbers(text: str) -> tuple[int, ...]:
    """Read whole numbers of at least 1 with commas; of equal ones, one."""
    return tuple(dict.fromkeys(positive_int(part) for part in text.split(",")))


def positive_numbers(text: str) -> tuple[float, ...]:
    """Read numbers above 0 with commas; of equal ones, one."""
    return tuple(dict.fromkeys(positive_float(part) for part in text.split(",")))


def finite_float(text: str) -> float:
    """Read a finite number."""
    value = _number(text, float, "a number")
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"{text}: expected a finite number")
    return value


def non_negative_float(text: str) -> float:
    """Read a finite number of at least 0."""
    value = _number(text, float, "a number")
    if not (value >= 0 and math.isfinite(value)):
        raise argparse.ArgumentTypeError(f"{text}: expected a number of at least 0")
    return value


def non_negative_int(text: str) -> int:
    """Read an integer of at least 0."""
    value = _number(text, int, "a whole number")
    if value < 0:
        raise argparse.ArgumentTypeError(f"{text}: expected a whole number of at least 0")
    return value


def _number(text: str, kind: Callable[[str], Number], expected: str) -> Number:
    try:
        return kind(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r}: expected {expected}") from None
