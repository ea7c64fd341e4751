"""A line read as MLIP reads it: options are ``--name=value``, a bare ``--name`` means true."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from maxvolt.cli.console import note
from maxvolt.errors import MaxvoltError, nearest_name
from maxvolt.mlp.command import Call, Command, Option

__all__ = ["read_call"]

_TRUE, _FALSE = ("true", "1", "yes", "on"), ("false", "0", "no", "off")


def read_call(command: Command, name: str, words: Sequence[str]) -> Call:
    """Read what is behind the name of a command.

    Parameters
    ----------
    command
        That the name stands for.
    name
        As it was written.
    words
        Behind it; after a bare ``--`` all are files.

    Raises
    ------
    MaxvoltError
        An option that the command does not have or that is refused, or a value that is none.
    """
    known = {option.name: option for option in command.options}
    files: list[str] = []
    values: dict[str, Any] = {option.name: option.default for option in command.options}
    given: list[str] = []
    only_files = False
    for word in words:
        if only_files or not word.startswith("--"):
            files.append(word)
        elif word == "--":
            only_files = True
        else:
            key, _, text = word[2:].partition("=")
            values[key] = _value(known, command, key, text if "=" in word else "true")
            given.append(key)
    return Call(name, files, values, frozenset(given))


def _value(known: dict[str, Option], command: Command, key: str, text: str) -> Any:
    option = known.get(key)
    if option is None:
        if command.takes_others:
            return text
        near = nearest_name(key, list(known))
        hint = f"; did you mean --{near}?" if near else ""
        raise MaxvoltError(f"--{key} is no option of this command{hint}")
    if option.refused:
        raise MaxvoltError(f"--{key} is not available here: {option.refused}")
    if option.ignored:
        note(f"mlp: note: --{key} makes no difference here: {option.ignored}")
    return _converted(option, text)


def _converted(option: Option, text: str) -> Any:
    expected = type(option.default)
    if expected is bool:
        if text.lower() not in (*_TRUE, *_FALSE):
            raise MaxvoltError(f"--{option.name}: expected true or false, got '{text}'")
        return text.lower() in _TRUE
    if expected in (int, float):
        try:
            return expected(text)
        except ValueError:
            kind = "a whole number" if expected is int else "a number"
            raise MaxvoltError(f"--{option.name}: expected {kind}, got '{text}'") from None
    return text
