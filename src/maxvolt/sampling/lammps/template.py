"""An input of LAMMPS with variables: which it uses, and what it becomes."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Self

from maxvolt.errors import DataError, FileFormatError, nearest_name
from maxvolt.files import reading
from maxvolt.limits import SETTINGS_BYTES

__all__ = ["PAIR", "RESERVED", "VARIABLES", "Template"]

PAIR = "pair"
"""Stands for the lines of the potential; all else are variables of LAMMPS."""

VARIABLES: Mapping[str, str] = {
    PAIR: "on a line of its own: pair style, coefficients and what records the simulation",
    "data": "file of the structure to start from, for read_data",
    "steps": "time steps, for run",
    "temperature": "Kelvin, as the scenario says",
    "pressure": "bar, from the GPa of the scenario",
    "timestep": "picoseconds, from the fs of the scenario",
    "seed": "a whole number above 0 of its own for each run, for velocity, fix langevin and others",
    "elements": "elements of the atom types 1, 2, ..., for dump_modify",
    "boundary": "p or s for each direction, as the structure is periodic",
    "folder": "folder of the campaign file, for other files that the input reads",
}
"""What a template may use without defining it, and what it stands for."""

REQUIRED = (PAIR, "data", "steps")
"""What every template must use."""

RESERVED = "maxvolt_"
"""How names begin that the lines of the potential use."""

_USE = re.compile(r"\$\{(\w+)\}|\$(\w)|\bv_(\w+)")
_WORDS = re.compile(r"\S+")

_OURS = {
    "pair_style": "the line ${pair} chooses the potential",
    "pair_coeff": "the line ${pair} chooses the potential",
    "reset_timestep": "steps are counted from the start of the input",
    "clear": "it would remove the potential and what is recorded",
    "quit": "what stands after it would not run; the end of the input is written by maxvolt",
    "log": "maxvolt reads the log",
}
"""Commands that a template must leave out, and why."""


@dataclass(frozen=True)
class Template:
    """The text of an input, checked.

    Parameters
    ----------
    text
        The input, with ``${pair}`` on a line of its own.
    name
        Of its file, for messages.

    Raises
    ------
    DataError
        Names line and variable or command at fault, what is expected and what to do.
    """

    text: str
    name: str = field(default="template", repr=False)

    def __post_init__(self) -> None:
        for number, line in self._lines():
            self._check_line(number, line)
        pairs = [number for number, line in self._lines() if line == f"${{{PAIR}}}"]
        if len(pairs) > 1:
            self._refuse("has the line ${pair} twice; leave one", pairs[1])
        missing = [name for name in REQUIRED if name not in self.uses]
        if missing:
            name = missing[0]
            self._refuse(f"lacks ${{{name}}} ({VARIABLES[name]}); add it")

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a template from a file.

        Raises
        ------
        FileFormatError, DataError
            There is none, it is no text, or it cannot be used.
        """
        with reading(path) as stream:
            content = stream.read(SETTINGS_BYTES + 1)
        if len(content) > SETTINGS_BYTES:
            raise FileFormatError(path, f"is larger than {SETTINGS_BYTES} bytes: is it an input?")
        try:
            return cls(content.decode(), str(path))
        except UnicodeDecodeError as error:
            raise FileFormatError(path, f"is no text ({error}); expected an input") from error

    @cached_property
    def uses(self) -> frozenset[str]:
        """Names of all variables in it, of LAMMPS or ours."""
        return frozenset(name for _, line in self._lines() for name in _used(line))

    @cached_property
    def defines(self) -> frozenset[str]:
        """Names of variables that it defines itself."""
        words = [_WORDS.findall(line) for _, line in self._lines()]
        return frozenset(w[1] for w in words if len(w) > 1 and w[0] == "variable")

    @property
    def includes(self) -> bool:
        """Whether it reads other inputs, which may define variables."""
        return any(line.split()[:1] in (["include"], ["jump"]) for _, line in self._lines())

    def check_variables(self, given: Collection[str]) -> None:
        """Refuse variables that nobody defines, and values that nobody uses.

        Parameters
        ----------
        given
            Names of those that have a value.

        Raises
        ------
        DataError
            Names the variable.
        """
        known = {*given, *self.defines}
        for number, line in self._lines():
            for name in _used(line):
                if name not in known and not self.includes:
                    self._refuse(self._unknown(name, known), number)

    def filled(self, pair: Sequence[str], values: Mapping[str, str], end: Sequence[str]) -> str:
        """Give the input that LAMMPS runs.

        Parameters
        ----------
        pair
            Lines in the place of ``${pair}``.
        values
            Of the variables; the template's own default for one of them then does not count.
        end
            Lines after its own.
        """
        head = [f'variable {name} index "{value}"' for name, value in values.items()]
        body: list[str] = []
        for line in self.text.splitlines():
            is_pair = _bare(line) == f"${{{PAIR}}}"
            body += pair if is_pair else [line]
        return "\n".join([*head, *body, *end]) + "\n"

    def _lines(self) -> Iterator[tuple[int, str]]:
        """Lines without comments, those with ``&`` at the end joined, with their numbers."""
        begun, start = "", 0
        for number, line in enumerate(self.text.splitlines(), 1):
            start = start if begun else number
            bare = _bare(line)
            if bare.endswith("&"):
                begun += bare[:-1] + " "
                continue
            if whole := (begun + bare).strip():
                yield start, whole
            begun = ""
        if begun.strip():
            yield start, begun.strip()

    def _check_line(self, number: int, line: str) -> None:
        command = line.split()[0]
        if command in _OURS:
            self._refuse(f"has {command}, which must be left out: {_OURS[command]}", number)
        if command == "units" and line.split()[1:] != ["metal"]:
            self._refuse(f"has '{line}'; the potential needs units metal", number)
        if PAIR in _used(line) and line != f"${{{PAIR}}}":
            self._refuse("has ${pair} among other words; give it a line of its own", number)
        if RESERVED in line:
            self._refuse(f"uses a name with {RESERVED}; choose another one", number)

    def _unknown(self, name: str, known: set[str]) -> str:
        if name in VARIABLES:
            return f"uses ${{{name}}}, to which the scenario gives no value; add it there"
        near = nearest_name(name, [*VARIABLES, *sorted(known - VARIABLES.keys())])
        hint = f"did you mean ${{{near}}}?" if near else f"known are {', '.join(VARIABLES)}"
        return (
            f"uses the variable {name}, which nothing defines; {hint} Or define it, by 'variable "
            f"{name} ...' or under variables of the scenario"
        )

    def _refuse(self, what: str, number: int | None = None) -> None:
        line = "" if number is None else f", line {number}"
        raise DataError(f"{self.name}{line}: {what}")


def _used(line: str) -> list[str]:
    return [next(filter(None, groups)) for groups in _USE.findall(line)]


def _bare(line: str) -> str:
    """A line without its comment, which begins at a # that is not in quotes."""
    quote = ""
    for place, character in enumerate(line):
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
        elif character == "#":
            return line[:place].strip()
    return line.strip()
