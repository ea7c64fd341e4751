"""A line read as MLIP reads it: options are ``--name=value``, a bare ``--name`` means true."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from maxvolt.cli.console import note
from maxvolt.errors import MaxvoltError, nearest_name
from maxvolt.mlp.command import Call, Command, Option
from maxvolt.mlp.versions import fits, version_of

__all__ = ["FALSE", "TRUE", "read_call"]

TRUE, FALSE = ("true", "1", "yes", "on"), ("false", "0", "no", "off")
"""Words of MLIP, in any case."""


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
        Too few or too many files, an option that the command does not have or that is refused, or
        a value that is none.
    """
    files, written = _split(command, words)
    named = [version for version, known in command.names.items() if known == name]
    _check_files(command, name, named, files)
    version = version_of(command, name, files, written)
    known = {option.name: option for option in command.options_of(version)}
    values: dict[str, Any] = {option.name: option.default for option in known.values()}
    for key, text in written:
        values[key] = _value(known, command, key, text)
    _check_files(command, name, [version], files)
    return Call(name, files, values, frozenset(key for key, _ in written), version=version)


def _split(command: Command, words: Sequence[str]) -> tuple[list[str], list[tuple[str, str]]]:
    """Tell files from options, whose values are still text."""
    letters = {f"-{option.short}": option.name for option in command.options if option.short}
    files: list[str] = []
    written: list[tuple[str, str]] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word == "--":
            return [*files, *rest], written
        if word in letters:
            if not rest:
                raise MaxvoltError(f"{word}: expected a value behind it")
            written.append((letters[word], rest.pop(0)))
        elif word.startswith("--"):
            key, equals, text = word[2:].partition("=")
            written.append((key, text if equals else "true"))
        else:
            files.append(word)
    return files, written


def _check_files(
    command: Command, name: str, versions: Sequence[int], files: Sequence[str]
) -> None:
    """Refuse files that none of the versions would take."""
    if any(fits(command, version, len(files)) for version in versions):
        return
    shapes = {command.files[version] or "no files": version for version in versions}
    expected = " or ".join(
        shape if len(shapes) == 1 else f"{shape} (MLIP-{version})"
        for shape, version in shapes.items()
    )
    got = " ".join(files) or "none"
    raise MaxvoltError(f"expected {expected}; got {got} (see 'mlp help {name}')")


def _value(known: dict[str, Option], command: Command, key: str, text: str) -> Any:
    option = known.get(key)
    if option is None:
        if command.takes_others:
            return text
        near = nearest_name(key, list(known))
        hint = f"; did you mean --{near}?" if near else ""
        raise MaxvoltError(f"--{key} is no option of this command{hint}")
    value = _converted(option, text)
    if option.refused and value != option.default:
        raise MaxvoltError(f"--{key} is not available here: {option.refused}")
    if option.ignored:
        note(f"mlp: note: --{key} makes no difference here: {option.ignored}")
    return value


def _converted(option: Option, text: str) -> Any:
    expected = type(option.default)
    if expected is bool:
        if text.lower() not in (*TRUE, *FALSE):
            raise MaxvoltError(f"--{option.name}: expected true or false, got '{text}'")
        return text.lower() in TRUE
    if expected in (int, float):
        try:
            return expected(text)
        except ValueError:
            kind = "a whole number" if expected is int else "a number"
            raise MaxvoltError(f"--{option.name}: expected {kind}, got '{text}'") from None
    return text
