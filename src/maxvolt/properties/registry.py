"""Properties by name, and their settings from plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from maxvolt.errors import DataError, SettingsError, nearest_name
from maxvolt.properties.named_property import Property

__all__ = ["find_property", "register", "registered", "settings_of"]


_REGISTERED: dict[str, Property] = {}


def register(one: Property) -> Property:
    """Make a property known by its name.

    Raises
    ------
    DataError
        There is another of this name.
    """
    known = _REGISTERED.setdefault(one.name, one)
    if known is not one:
        raise DataError(f"there is a property {one.name!r} already: give this one another name")
    return one


def registered() -> dict[str, Property]:
    """All properties by their names, those of this package first."""
    from maxvolt.properties.conductivity.all_properties import CONDUCTIVITIES
    from maxvolt.properties.dynamic.all_properties import DYNAMIC
    from maxvolt.properties.extremes.all_properties import EXTREMES
    from maxvolt.properties.free_energy.all_properties import FREE_ENERGIES
    from maxvolt.properties.melting.all_properties import MELTING
    from maxvolt.properties.static.all_properties import STATIC

    ours = (*STATIC, *DYNAMIC, *CONDUCTIVITIES, *FREE_ENERGIES, *MELTING, *EXTREMES)
    for one in ours:
        register(one)
    own = {one.name: one for one in ours}
    return {**own, **_REGISTERED}


def find_property(name: str) -> Property:
    """Find a property by its name.

    Raises
    ------
    DataError
        There is none; the message names the nearest.
    """
    known = registered()
    if name in known:
        return known[name]
    near = nearest_name(name, list(known))
    hint = f"did you mean {near}?" if near else f"expected one of {', '.join(known)}"
    raise DataError(f"there is no property {name!r}; {hint}")


def settings_of(one: Property, values: Mapping[str, Any]) -> Any:
    """Make the settings of a property from plain values, as a TOML file has them.

    Raises
    ------
    SettingsError
        A name or a value that is none; the message says which.
    """
    from pydantic import TypeAdapter, ValidationError

    known = [field.name for field in fields(one.settings)]
    for name in values:
        if name not in known:
            near = nearest_name(name, known)
            hint = f"did you mean {near}? It" if near else "it"
            raise SettingsError(
                f"{one.name} has no setting {name!r}; {hint} takes {', '.join(known) or 'none'}"
            )
    try:
        return TypeAdapter(one.settings).validate_python(dict(values))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "settings"
        raise SettingsError(f"{one.name}: {where}: {first['msg']}") from error
