"""One property in several states on a card: ``density:300 K`` and ``density:melt``."""

from __future__ import annotations

import re

from maxvolt.errors import SettingsError
from maxvolt.properties.named_property import Property
from maxvolt.properties.registry import find_property

__all__ = ["property_of", "state_of"]

_STATE = re.compile(r"\w[\w -]*")


def property_of(name: str) -> Property:
    """Find the property of an entry of a card, a name such as density or density:melt.

    Raises
    ------
    DataError
        There is no such property.
    SettingsError
        What follows the colon is no name of a state.
    """
    known, colon, state = name.partition(":")
    if colon and not _STATE.fullmatch(state):
        raise SettingsError(
            f"{name}: after the colon a name of the state is expected, of letters, digits, spaces, "
            f"_ and -, as in density:melt; got {state!r}"
        )
    return find_property(known)


def state_of(name: str) -> str:
    """Return what follows the colon; "" where there is none."""
    return name.partition(":")[2]
