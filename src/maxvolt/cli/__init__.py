"""The `maxvolt` command: one module a command, heavy modules imported only by the one that runs."""

from maxvolt.cli.application import main

__all__ = ["main"]
