"""Crystals as the command line names them: a file, or a kind of crystal and an element."""

from __future__ import annotations

import argparse
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from maxvolt.cli.console import note
from maxvolt.cli.options import positive_float
from maxvolt.errors import DataError, MaxvoltError, nearest_name

if TYPE_CHECKING:
    from ase import Atoms

    from maxvolt.properties import Property

__all__ = [
    "KINDS",
    "add_comparison",
    "add_settings",
    "crystal_of",
    "named_crystal",
    "note_simulations_of",
    "settings_from",
]

KINDS = ("fcc", "bcc", "sc", "hcp", "diamond")


def named_crystal(species: str, kind: str | None, a: float | None) -> tuple[Atoms, str]:
    """Make a crystal of an element, and say what it is: "fcc Al".

    Parameters
    ----------
    species
        Chemical symbol.
    kind
        One of `KINDS`; None: the one of the element in ASE.
    a : Angstrom or None
        Lattice constant; None: from the volume of an atom in ASE.

    Raises
    ------
    DataError
        There is no such element, or ASE does not know its crystal.
    """
    from ase.build import bulk
    from ase.data import atomic_numbers, reference_states

    from maxvolt.properties.elemental_crystals import DENSE_RATIO, length_by_volume

    if "," in species:
        raise DataError(f"--species: expected one element; got {species}")
    if species not in atomic_numbers or species == "X":
        near = nearest_name(species, list(atomic_numbers)[1:])
        hint = f"; did you mean {near}?" if near else ""
        raise DataError(f"{species!r} is no element{hint}")
    known = reference_states[atomic_numbers[species]] or {}
    own = known.get("symmetry")
    chosen = kind or own
    if chosen not in KINDS:
        raise DataError(
            f"{species}: its crystal in ASE is {own or 'not known'}, and there is none of "
            f"{', '.join(KINDS)}: name one with --structure, and --lattice-constant"
        )
    if a is None:
        a = length_by_volume(species, chosen)
        if a is None:
            raise DataError(f"{species}: no lattice constant is known; give --lattice-constant")
        if chosen == own:
            return bulk(species), f"{chosen} {species}"
    ideal = DENSE_RATIO * a if chosen == "hcp" else None
    return bulk(species, chosen, a=a, c=ideal), f"{chosen} {species}"


def crystal_of(given: str) -> tuple[Atoms, str]:
    """Read the first structure of a file, or make one of ``fcc:Al`` or ``Al``.

    Raises
    ------
    MaxvoltError
        It is neither.
    """
    path = Path(given)
    if path.exists():
        from maxvolt.cli.inputs import read_structures

        atoms = read_structures(path, None)[0]
        return atoms, f"{atoms.get_chemical_formula()} of {path.name}"
    kind, colon, rest = given.partition(":")
    if not colon and "." not in given and "/" not in given:
        return named_crystal(given, None, None)
    if colon and kind in KINDS:
        species, _, length = rest.partition(":")
        try:
            a = positive_float(length) if length else None
        except argparse.ArgumentTypeError:
            raise MaxvoltError(
                f"{given}: {length!r} is no lattice constant; expected a number of A above 0, as "
                f"{kind}:{species}:4.05"
            ) from None
        return named_crystal(species, kind, a)
    raise MaxvoltError(
        f"{given}: there is no such file; expected structures, an element such as Al, or a crystal "
        f"as fcc:Al or fcc:Al:4.05 ({', '.join(KINDS)})"
    )


def add_settings(parser: argparse.ArgumentParser, metavar: str, of: str) -> None:
    """Declare ``--set``."""
    parser.add_argument(
        "--set",
        dest="settings",
        type=_setting,
        action="append",
        metavar=metavar,
        help=f"a setting of {of}; may be repeated",
    )


def add_comparison(parser: argparse.ArgumentParser) -> None:
    """Declare ``--reference``."""
    parser.add_argument(
        "--reference", metavar="REF", help="compare with a potential, a code, or a TOML file"
    )


def note_simulations_of(reference: Any, properties: Sequence[Property]) -> None:
    """Say which properties a code simulates for, which takes it long."""
    from maxvolt.properties.reference_calculator import ReferenceCalculator

    names = [one.name for one in properties if one.simulates and not one.checks_frames]
    if names and isinstance(reference, ReferenceCalculator):
        note(
            f"--reference: {reference.reference.calculator} simulates as many steps as the "
            f"potential for {', '.join(names)}; where that is too slow, leave --reference out"
        )


def _setting(text: str) -> tuple[str, Any]:
    """Read ``name=value``; the value as TOML has it, or None, else as a word."""
    name, equals, value = text.partition("=")
    name = name.strip().replace("-", "_")
    if not equals or not name:
        raise argparse.ArgumentTypeError(f"{text!r}: expected NAME=VALUE, as points=21")
    if value.strip() == "None":  # as --settings tells defaults
        return name, None
    try:
        return name, tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return name, value


def settings_from(given: list[tuple[str, Any]] | None) -> dict[str, Any]:
    """Settings by their names; the last of equal names counts."""
    return dict(given or [])
