"""The words, numbers and brace lists of .mtp files, read from bytes.

Every pattern is possessive (it never goes back over what it has read), so that reading takes
time proportional to the length of the file whatever the file holds.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from maxvolt.errors import FileFormatError

__all__ = ["MtpScanner"]

# Repetitions of several characters are in atomic groups, (?>(...)*), not possessive, (...)*+: up
# to Python 3.11.4 these stay where a try that failed had come to (issue 106052 of CPython).
_INTEGER = rb"[+-]?+\d{1,9}+(?!\d)"
_REAL = rb"[+-]?+(?:\d++(?>(?:\.\d*+)?)|\.\d++)(?>(?:[eE][+-]?+\d++)?)(?![\w.])"
_NEXT = rb"\s*+(?:,\s*+(?!\})|(?=\}))"
_ROW = rb"\{\s*+" + rb"\s*+,\s*+".join([_INTEGER] * 4) + rb"\s*+\}"

_SPACE = re.compile(rb"\s*+")
_WORD = re.compile(rb"[A-Za-z_]\w*+")
_EQUALS = re.compile(rb"[ \t]*+=")
_LINE = re.compile(rb"[^\n]*+")
_VALUE = re.compile(rb"\s*+([^\s{}]++)(?=\s|$)")
_LABELS = re.compile(rb"(\d{1,9}+)-(\d{1,9}+)(?=\s)")
_INTEGER_VALUE = re.compile(_INTEGER)
_REAL_VALUE = re.compile(_REAL)
_INTEGERS = re.compile(rb"\{\s*+(?>(?:" + _INTEGER + _NEXT + rb")*)")
_REALS = re.compile(rb"\{\s*+(?>(?:" + _REAL + _NEXT + rb")*)")
_ROWS = re.compile(rb"\{\s*+(?>(?:" + _ROW + _NEXT + rb")*)")
_PUNCTUATION = b"{} \t\r\n\f\v"


class MtpScanner:
    """Position in the bytes of a .mtp file, and what can be read from there.

    Parameters
    ----------
    data
        The whole file.
    path
        Its name, for error messages.
    """

    __slots__ = ("data", "path", "position")

    def __init__(self, data: bytes, path: str | Path) -> None:
        self.data = data
        self.path = path
        self.position = 0

    def fail(self, message: str, position: int | None = None) -> NoReturn:
        """Raise FileFormatError for a byte position, by default the present one."""
        at = self.position if position is None else position
        raise FileFormatError(self.path, message, line=self.data.count(b"\n", 0, at) + 1)

    def skip_space(self) -> None:
        """Go to the next byte that is not white space."""
        match = _SPACE.match(self.data, self.position)
        assert match is not None
        self.position = match.end()

    def word(self) -> str | None:
        """Read the next word; None, with the position unchanged, if something else follows."""
        space = _SPACE.match(self.data, self.position)
        assert space is not None
        match = _WORD.match(self.data, space.end())
        if match is None:
            return None
        self.position = match.end()
        return match[0].decode("ascii")

    def equals(self, key: str) -> None:
        """Read the '=' between a key and its value."""
        match = _EQUALS.match(self.data, self.position)
        if match is None:
            self.fail(f"expected '=' after '{key}'")
        self.position = match.end()

    def text(self) -> str:
        """Read the rest of the line, without outer blanks, as UTF-8 or else Latin-1."""
        match = _LINE.match(self.data, self.position)
        assert match is not None
        self.position = match.end()
        raw = match[0].strip()
        try:
            return raw.decode("utf-8").strip()
        except UnicodeDecodeError:
            return raw.decode("latin-1").strip()

    def value(self, key: str) -> bytes:
        """Read one value without blanks."""
        match = _VALUE.match(self.data, self.position)
        if match is None:
            self.fail(f"expected one value after '{key} ='")
        self.position = match.end()
        return match[1]

    def integer(self, key: str) -> int:
        """Read an integer of at most nine digits."""
        raw = self.value(key)
        if not _INTEGER_VALUE.fullmatch(raw):
            self.fail(
                f"expected an integer of at most nine digits after '{key} =', found {_quote(raw)}"
            )
        return int(raw)

    def real(self, key: str) -> float:
        """Read a finite number."""
        raw = self.value(key)
        if not _REAL_VALUE.fullmatch(raw) or not np.isfinite(float(raw)):
            self.fail(f"expected a finite number after '{key} =', found {_quote(raw)}")
        return float(raw)

    def labels(self) -> tuple[int, int] | None:
        """Read the label of a pair of species such as 0-1; None if something else follows."""
        space = _SPACE.match(self.data, self.position)
        assert space is not None
        match = _LABELS.match(self.data, space.end())
        if match is None:
            return None
        self.position = match.end()
        return int(match[1]), int(match[2])

    def at_brace(self) -> bool:
        """Say whether a list in braces follows; go to it if so."""
        space = _SPACE.match(self.data, self.position)
        assert space is not None
        if not self.data.startswith(b"{", space.end()):
            return False
        self.position = space.end()
        return True

    def integers(self, key: str) -> NDArray[np.int64]:
        """Read {1, 2, ...}, shape=(n,)."""
        block = self._braces(_INTEGERS, key, "a list of integers of at most nine digits in braces")
        return np.array([int(item) for item in block], dtype=np.int64)

    def rows(self, key: str) -> NDArray[np.int64]:
        """Read {{1, 2, 3, 4}, ...}, shape=(n, 4)."""
        block = self._braces(_ROWS, key, "a list of rows {i, i, i, i} of integers in braces")
        return np.array(list(map(int, block)), dtype=np.int64).reshape(-1, 4)

    def reals(self, key: str) -> NDArray[np.float64]:
        """Read {1.0, 2.0, ...}, all finite, shape=(n,)."""
        start = self.position
        block = self._braces(_REALS, key, "a list of finite numbers in braces")
        values = np.array([float(item) for item in block], dtype=np.float64)
        if not np.isfinite(values).all():
            self.fail(f"a number of '{key}' is too large", start)
        return values

    def _braces(self, pattern: re.Pattern[bytes], key: str, expected: str) -> list[bytes]:
        """Read a brace list that `pattern` matches up to its last brace; return its items."""
        if not self.at_brace():
            self.fail(f"expected {expected} for '{key}'")
        match = pattern.match(self.data, self.position)
        assert match is not None
        if not self.data.startswith(b"}", match.end()):
            found = _quote(self.data[match.end() : match.end() + 20])
            self.fail(f"expected {expected} for '{key}', found {found}", match.end())
        items = match[0].translate(None, _PUNCTUATION)
        self.position = match.end() + 1
        return items.split(b",") if items else []


def _quote(raw: bytes) -> str:
    """Show bytes of a file in a message, cut to a readable length."""
    return repr(raw[:40].decode("ascii", "backslashreplace")) if raw else "the end of the file"
