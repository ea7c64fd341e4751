"""The commands of `mlp`; a module for those that belong together, each with its ``COMMANDS``."""

from maxvolt.mlp.command import Command

__all__ = ["COMMANDS"]

COMMANDS: tuple[Command, ...] = ()
"""All of them, in the order in which ``mlp list`` shows them."""
