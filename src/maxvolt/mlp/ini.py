"""Files of settings of MLIP, ``mlip.ini`` and ``relax.ini``: a key and its value on each line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maxvolt.cli.console import note
from maxvolt.errors import FileFormatError, MaxvoltError, nearest_name
from maxvolt.files import reading
from maxvolt.limits import SETTINGS_BYTES
from maxvolt.mlp.words import FALSE, TRUE

__all__ = ["Entry", "Key", "Settings", "is_true", "read_ini", "understood"]

_FALSE = (*FALSE, "")


@dataclass(frozen=True, slots=True)
class Key:
    """A key that is known.

    Attributes
    ----------
    name
        As MLIP-3 writes it; hyphens may stand for underscores.
    default
        Value where it is not given; its class says what is expected, None stands for text without
        a default.
    help
        What it does.
    ignored
        Why it makes no difference here; empty where it does.
    refused
        Why it cannot be honoured; empty where it can. Both are said where a value other than the
        default is asked for.
    differs
        What is different here; empty where nothing is.
    """

    name: str
    default: bool | int | float | str | None
    help: str
    ignored: str = ""
    refused: str = ""
    differs: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """A value, and where it was given: the line of a file, or the command line."""

    text: str
    where: str


@dataclass(frozen=True, slots=True)
class Settings:
    """Values by the names of `Key`, defaults included, and where those were given that were."""

    values: Mapping[str, Any]
    given: Mapping[str, str]

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    def where(self, name: str) -> str:
        """Where a value was given, for a message."""
        return self.given.get(name, name)


def read_ini(path: str | Path) -> dict[str, Entry]:
    """Read the lines of a file of settings; what follows a ``#`` is a comment.

    Returns
    -------
    entries
        By key with underscores; the last line of a key counts, as in MLIP.

    Raises
    ------
    FileFormatError
        A line that is not a key and a value, or a file that is no text or far too long.
    """
    with reading(path) as stream:
        data = stream.read(SETTINGS_BYTES + 1)
    if len(data) > SETTINGS_BYTES:
        raise FileFormatError(
            path,
            f"has more than {SETTINGS_BYTES} bytes; expected a file of settings such as mlip.ini",
        )
    entries: dict[str, Entry] = {}
    for number, line in enumerate(data.splitlines(), 1):
        try:
            words = line.partition(b"#")[0].decode().split()
        except UnicodeDecodeError as error:
            raise FileFormatError(
                path, "expected text: a key and its value", line=number
            ) from error
        if not words:
            continue
        if len(words) > 2:
            equals = words[1] == "="
            hint = "leave out the =" if equals else "expected one value, and comments behind #"
            raise FileFormatError(
                path,
                f"{' '.join(words[2:])!r} follows the key {words[0]!r} and the value {words[1]!r}; "
                f"{hint}",
                line=number,
            )
        value = words[1] if len(words) == 2 else ""
        entries[_name(words[0])] = Entry(value, f"{path}, line {number}: {words[0]}")
    return entries


def understood(entries: Mapping[str, Entry], keys: Sequence[Key]) -> Settings:
    """Convert entries to values; say which are unknown and which make no difference.

    Raises
    ------
    MaxvoltError
        A value that is none, or that cannot be honoured; names line or option.
    """
    known = {_name(key.name): key for key in keys}
    values: dict[str, Any] = {key.name: key.default for key in keys}
    given: dict[str, str] = {}
    for name, entry in entries.items():
        key = known.get(name)
        if key is None:
            near = nearest_name(name, list(known))
            hint = f"; did you mean {known[near].name}?" if near else ""
            note(f"mlp: warning: {entry.where}: is no key that mlp knows, ignored{hint}")
            continue
        values[key.name] = _value(key, entry)
        given[key.name] = entry.where
        if key.refused and values[key.name] != key.default:
            raise MaxvoltError(f"{entry.where}: is not available here: {key.refused}")
        if key.ignored and values[key.name] != key.default:
            note(f"mlp: note: {entry.where}: makes no difference here: {key.ignored}")
    return Settings(values, given)


def is_true(entry: Entry | None, default: bool) -> bool:
    """Read TRUE or FALSE, in any case, as MLIP does."""
    if entry is None:
        return default
    text = entry.text.lower()
    if text not in (*TRUE, *_FALSE):
        raise MaxvoltError(f"{entry.where}: expected TRUE or FALSE, got '{entry.text}'")
    return text in TRUE


def _name(key: str) -> str:
    return key.replace("-", "_")


def _value(key: Key, entry: Entry) -> Any:
    expected = type(key.default)
    if expected is bool:
        return is_true(entry, bool(key.default))
    if expected in (int, float):
        try:
            number = float(entry.text)
            if expected is int and number != int(number):
                raise ValueError
            return expected(number)
        except (ValueError, OverflowError):
            kind = "a whole number" if expected is int else "a number"
            raise MaxvoltError(f"{entry.where}: expected {kind}, got '{entry.text}'") from None
    return entry.text
