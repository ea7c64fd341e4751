"""The commands of `mlp`; a module for those that belong together, each with its ``COMMANDS``."""

from itertools import chain
from types import ModuleType

from maxvolt.mlp.command import Command
from maxvolt.mlp.commands import (
    cells,
    convert,
    databases,
    distances,
    evaluation,
    neighborhoods,
    recognition,
    relax,
    run,
    sample,
    selection,
    self_test,
    species,
    train,
    untrained,
)

__all__ = ["COMMANDS"]

_MODULES: tuple[ModuleType, ...] = (
    train,
    evaluation,
    selection,
    relax,
    sample,
    run,
    convert,
    distances,
    neighborhoods,
    self_test,
    species,
    untrained,
    cells,
    databases,
    recognition,
)

COMMANDS: tuple[Command, ...] = tuple(chain.from_iterable(m.COMMANDS for m in _MODULES))
"""All of them, in the order in which ``mlp list`` shows them."""
