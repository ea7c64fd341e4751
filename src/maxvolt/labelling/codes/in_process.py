"""What codes that compute inside Python have in common."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from ase import Atoms

from maxvolt.labelling.codes.programs import write_script
from maxvolt.labelling.codes.protocol import MisconfiguredError, UnfinishedError

__all__ = ["InProcess", "require"]


class InProcess:
    """The part of `Code` that is the same for all that compute inside Python."""

    @property
    def machine_keys(self) -> frozenset[str]:
        """There is nothing to say of the machine but the environment."""
        return frozenset()

    def try_out(self, machine: Mapping[str, Any], environment: Mapping[str, str]) -> None:
        """There is no program to start."""

    def processes(self, machine: Mapping[str, Any]) -> int | None:
        """One calculation per core."""
        return None

    def write_input(
        self, atoms: Atoms, settings: Mapping[str, Any], machine: Mapping[str, Any], folder: Path
    ) -> None:
        """Write ``run.sh``, which calculates the job of its folder: its description is enough.

        It takes this Python where there is one, elsewhere the one on the PATH.
        """
        lines = (
            f"python={shlex.quote(sys.executable)}",
            '[ -x "$python" ] || python=python3',
            '"$python" -m maxvolt.labelling .',
        )
        write_script(folder, "\n".join(lines), machine.get("environment", {}))

    def read_output(
        self, atoms: Atoms, settings: Mapping[str, Any], folder: Path
    ) -> dict[str, Any]:
        """Nothing to read: a finished calculation leaves its result by itself."""
        raise UnfinishedError("run.sh has not finished")


def require(module: str, extra: str) -> None:
    """Import what an optional extra of this package brings.

    Raises
    ------
    MisconfiguredError
        It cannot be imported; the message names the extra.
    """
    try:
        import_module(module)
    except ImportError as error:
        raise MisconfiguredError(
            f"cannot import {module}: {error}; install it with: pip install maxvolt[{extra}]"
        ) from error
