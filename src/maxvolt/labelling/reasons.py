"""Reasons that can be stored and shown, whatever a calculator said."""

from __future__ import annotations

__all__ = ["described", "readable"]

_LONGEST = 2000


def readable(text: str) -> str:
    """Return text that every file, database and terminal takes: no lone surrogate, no control."""
    cut = text if len(text) <= _LONGEST else f"{text[:_LONGEST]} ..."
    return "".join(_shown(character) for character in cut)


def described(error: BaseException) -> str:
    """Return the kind of an exception and what it says, also where it cannot say it."""
    try:
        said = str(error)
    except Exception as failure:  # noqa: BLE001 - an exception of a calculator may raise any other
        said = f"its message cannot be shown: {type(failure).__name__}"
    return readable(f"{type(error).__name__}: {said}")


def _shown(character: str) -> str:
    if character.isprintable() or character in "\n\t":
        return character
    return (
        character.encode("ascii", "backslashreplace").decode()
        if ord(character) > 127
        else (f"\\x{ord(character):02x}")
    )
