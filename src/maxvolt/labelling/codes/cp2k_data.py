"""The files of basis sets and pseudopotentials that come with CP2K."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from maxvolt.labelling.codes.protocol import MisconfiguredError

__all__ = ["check_data", "name_of", "pseudopotential_of"]

_VARIABLE = "CP2K_DATA_DIR"
_DEBIAN = Path("/usr/share/cp2k")
_WITH_POTENTIALS = ("LDA", "PADE", "BP", "BLYP", "PBE")


def name_of(given: str | Mapping[str, str], symbol: str, setting: str) -> str:
    """Return what a setting says of an element: one name for all, or a table by symbol."""
    named = given if isinstance(given, str) else given.get(symbol)
    if named is None:
        raise MisconfiguredError(f'{setting} has nothing for {symbol}; add {symbol} = "..." to it')
    return named


def pseudopotential_of(settings: Mapping[str, Any], symbol: str) -> str:
    """Return the name of an element's pseudopotential; "auto" follows the functional."""
    named = name_of(settings["pseudo_potential"], symbol, "pseudo_potential")
    if named != "auto":
        return named
    functional = str(settings["xc"]).upper()
    return f"GTH-{functional}" if functional in _WITH_POTENTIALS else "GTH-PBE"


def check_data(
    settings: Mapping[str, Any], machine: Mapping[str, Any], symbols: Sequence[str]
) -> None:
    """Look for each element in the files of CP2K, where those are on this machine.

    Raises
    ------
    MisconfiguredError
        An element is in none of the files; the message says which names there are for it.
    """
    environment = machine.get("environment", {})
    given = environment.get(_VARIABLE) or os.environ.get(_VARIABLE) or _DEBIAN
    folder = Path(str(given)).expanduser()
    for symbol in symbols:
        basis = name_of(settings["basis_set"], symbol, "basis_set")
        _look_up(folder, settings, "basis_set_file", symbol, basis)
        potential = pseudopotential_of(settings, symbol)
        _look_up(folder, settings, "potential_file", symbol, potential)


def _look_up(
    folder: Path, settings: Mapping[str, Any], setting: str, symbol: str, name: str
) -> None:
    given = settings[setting]
    paths = [folder / file for file in ([given] if isinstance(given, str) else given)]
    if not all(path.is_file() for path in paths):
        return  # they are where the program runs; it says what it misses
    known = [entry for path in paths for entry in _entries(path, symbol)]
    if name not in known:
        raise MisconfiguredError(
            f"{', '.join(map(str, paths))}: no {name} for {symbol}; there is "
            f"{', '.join(known) or 'nothing for this element'}"
        )


def _entries(path: Path, symbol: str) -> list[str]:
    """Return the names that a file has for an element; its lines begin with the symbol."""
    lines = (line.split() for line in path.read_text(errors="replace").splitlines())
    return [name for words in lines if words and words[0] == symbol for name in words[1:]]
