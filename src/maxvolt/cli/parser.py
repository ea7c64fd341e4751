"""The parser of the command line: errors in one line that say what may have been meant."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any, NoReturn

from maxvolt.cli.program import BAD_INPUT
from maxvolt.errors import nearest_name

__all__ = ["CommandParser", "Parser", "ShowVersion"]


_FEW = 6
"""So many choices are all shown, whatever is nearest."""


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line and a hint, not the whole usage."""

    def error(self, message: str) -> NoReturn:
        """End with a message."""
        self.exit(BAD_INPUT, f"{self.prog}: error: {message} (see '{self.prog} --help')\n")

    def refuse_unknown(self, words: Sequence[str]) -> NoReturn:
        """End because of words that mean nothing here; name the options that are nearly theirs."""
        known = list(self._option_string_actions)
        options = [word.partition("=")[0] for word in words if word.startswith("-")]
        meant = [near for near in (nearest_name(name, known) for name in options) if near]
        hint = f"; did you mean {' '.join(meant)}?" if meant else ""
        self.error(f"unrecognized arguments: {' '.join(words)}{hint}")

    def _check_value(self, action: argparse.Action, value: object) -> None:
        if action.choices is None or value in action.choices:
            return
        known = [str(choice) for choice in action.choices]
        near = None if len(known) <= _FEW else nearest_name(str(value), known)
        hint = f"did you mean '{near}'?" if near else f"expected one of {', '.join(known)}"
        raise argparse.ArgumentError(action, f"invalid choice: '{value}'; {hint}")


class CommandParser(Parser):
    """A parser of one command, whose options may stand before, between and after its files."""

    _is_mixing = False

    def parse_known_args(  # type: ignore[override]  # typeshed: generic in the namespace
        self, args: Sequence[str] | None = None, namespace: argparse.Namespace | None = None
    ) -> tuple[Any, list[str]]:
        """Parse; where words are left over, options and files apart.

        Files that may be missing are looked for only before the first option otherwise.
        """
        first = None if namespace is None else argparse.Namespace(**vars(namespace))
        found, unknown = super().parse_known_args(args, first)
        if self._is_mixing or all(word.startswith("-") for word in unknown):
            return found, unknown
        self._is_mixing = True
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self._is_mixing = False


class ShowVersion(argparse.Action):
    """Say version, threads and instruction set, looked up only when they are asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        """Print and end."""
        import maxvolt
        from maxvolt.potentials.mtp.binding.kernels import instruction_sets
        from maxvolt.processors import thread_count

        best = instruction_sets()[0]
        print(f"maxvolt {maxvolt.__version__}")
        print(f"threads: {thread_count(None)}; instruction set: {best}")
        parser.exit()
