"""Names of output files that MLIP built for MPI gives to each of its processes."""

from __future__ import annotations

from pathlib import Path

from maxvolt.mlp.command import Call

__all__ = ["output_of_ranks"]


def output_of_ranks(call: Call, name: str) -> Path:
    """Where to write what each process of MLIP would write to a file of its own.

    MLIP built for MPI appends ``_0`` (MLIP-2) or ``.0`` (MLIP-3) and so on to these names, and
    scripts join the files with ``cat relaxed.cfg_* > relaxed.cfg``. So one file is written: under
    the name itself, and with several processes under that of the first of them.
    """
    if call.ranks.size == 1:
        return Path(name)
    return Path(f"{name}{'_0' if call.version == 2 else '.0'}")
