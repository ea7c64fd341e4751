"""Names of a package that are imported when they are first used: the package costs nothing."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

__all__ = ["imported"]


def imported(package: str, homes: Mapping[str, str], name: str) -> Any:
    """Import a name of a package.

    Parameters
    ----------
    package
        The package, for the message.
    homes
        Module and attribute of each name, as in ``"maxvolt.fitting:fit"``.
    name
        The name.

    Raises
    ------
    AttributeError
        The package has no such name.
    """
    if name not in homes:
        raise AttributeError(f"module {package!r} has no attribute {name!r}")
    module, _, attribute = homes[name].partition(":")
    return getattr(import_module(module), attribute)
