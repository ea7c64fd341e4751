"""The `mlp` command: the commands of MLIP-2 and MLIP-3 by their names, options and files.

`application` finds the command that a line names, `words` reads the line as MLIP does, `command` is
what a command is declared with, and `commands/` holds them, one module for those that belong
together.
"""

from maxvolt.mlp.application import main

__all__ = ["main"]
