"""An extension of griffe: types of parameters that a docstring describes together.

Where a docstring says `settings, folder` without types, griffe shows all of them with the type and
the default of the first. Here each gets its own, from the signature; mkdocs.yml names this file.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from griffe import Alias, Class, DocstringSectionParameters, Extension, Function, Module, Object


class TypesOfParameters(Extension):
    """Give each described parameter the type and default that it has in the signature."""

    def on_package(self, *, pkg: Module, **_: Any) -> None:
        """Correct everything that a package holds."""
        for found in _described(pkg):
            _correct(found)


def _described(found: Object) -> Iterator[Function | Class]:
    """Functions and classes in it, at any depth."""
    for member in found.members.values():
        if isinstance(member, Alias):
            continue
        if isinstance(member, (Function, Class)):
            yield member
        yield from _described(member)


def _correct(found: Function | Class) -> None:
    if found.docstring is None:
        return
    signature = {parameter.name: parameter for parameter in found.parameters}
    for section in found.docstring.parsed:
        if not isinstance(section, DocstringSectionParameters):
            continue
        for described in section.value:
            own = signature.get(described.name)
            others = [one for name, one in signature.items() if name != described.name]
            if own is None:
                continue
            if any(described.annotation is one.annotation for one in others):
                described.annotation = own.annotation
            if any(described.value is one.default for one in others):
                described.value = own.default
