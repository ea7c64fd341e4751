"""HTML that cannot go wrong: text is escaped, elements are closed."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

__all__ = ["Markup", "element", "join"]

_VOID = frozenset({"img", "meta", "link", "br", "source"})


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def element(tag: str, *children: str, **attributes: str | bool | None) -> Markup:
    """Return an element.

    Parameters
    ----------
    tag
        Its name.
    children
        What is in it; plain text is escaped.
    attributes
        ``class_`` is written class, ``aria_label`` aria-label; None and False are left out.
    """
    written = "".join(
        f" {_name(name)}" if value is True else f' {_name(name)}="{escape(str(value))}"'
        for name, value in attributes.items()
        if value is not None and value is not False
    )
    if tag in _VOID:
        return Markup(f"<{tag}{written}>")
    return Markup(f"<{tag}{written}>{join(children)}</{tag}>")


def join(children: Iterable[str]) -> Markup:
    """Put text and elements one behind the other."""
    return Markup(
        "".join(child if isinstance(child, Markup) else escape(child) for child in children)
    )


def _name(name: str) -> str:
    return name.rstrip("_").replace("_", "-")
