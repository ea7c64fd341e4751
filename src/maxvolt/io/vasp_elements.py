"""Elements as VASP names them: in VRHFIN, in titles of pseudopotentials, in old spellings."""

from __future__ import annotations

import re

from ase.data import atomic_numbers

__all__ = ["element_of_symbol", "element_of_title"]

# VASP reads two characters after VRHFIN; some old POTCAR files have a blank in the wrong place.
_LEGACY = {"X": "Xe", "r": "Zr"}

# The element within a word such as Ti_pv, H1.25, Fe_sv_GW or, of VASP 6, Fe/2d9cf3ab.
_SYMBOL = re.compile(r"([A-Z][a-z]?)(?=$|[_.\d/])")


def element_of_symbol(word: str) -> str | None:
    """Return the element of a symbol as VASP prints it; None when it is not one."""
    word = word.strip()
    word = _LEGACY.get(word, word)
    return word if atomic_numbers.get(word, 0) > 0 else None


def element_of_title(title: str) -> str | None:
    """Return the element of a pseudopotential, as in ``PAW_PBE Ti_pv 07Sep2000``.

    Also of the name alone, as in the line of symbols of a POSCAR (``Ti_pv``); None when there is
    none.
    """
    for word in title.split():
        if word in _LEGACY:
            return _LEGACY[word]
        match = _SYMBOL.match(word)
        if match is not None and atomic_numbers.get(match[1], 0) > 0:
            return match[1]
    return None
