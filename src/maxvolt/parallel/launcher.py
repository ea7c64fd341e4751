"""Tell whether MPI has started this process together with others, without importing MPI."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from maxvolt.errors import MaxvoltError

__all__ = ["VARIABLE", "Launch", "recognised_launch"]

VARIABLE = "MAXVOLT_MPI"
"""Environment variable: ``yes`` asks for MPI under a launcher that is not recognised, ``no`` lets
a process that a launcher has started work alone."""

_LAUNCHERS = (
    ("OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_RANK", "mpiexec of Open MPI"),
    ("PMI_SIZE", "PMI_RANK", "mpiexec"),
    ("MV2_COMM_WORLD_SIZE", "MV2_COMM_WORLD_RANK", "mpiexec of MVAPICH"),
    ("SLURM_STEP_NUM_TASKS", "SLURM_PROCID", "srun"),
)
"""What they call the number of processes and that of each. The script of a batch job has
SLURM_PROCID too, but is no step of its own."""


@dataclass(frozen=True, slots=True)
class Launch:
    """How a process was started.

    Attributes
    ----------
    launcher
        Program that started it.
    size, rank
        Number of processes and number of this one; 0 where they are not known.
    """

    launcher: str
    size: int
    rank: int


def recognised_launch(environment: Mapping[str, str] = os.environ) -> Launch | None:
    """How this process was started together with others; None where it works alone.

    Raises
    ------
    MaxvoltError
        The variable `VARIABLE` has a value that means nothing.
    """
    asked = environment.get(VARIABLE, "").lower()
    if asked not in ("", "yes", "no"):
        raise MaxvoltError(f"{VARIABLE}={asked}: expected yes or no, or leave the variable unset")
    if asked == "no":
        return None
    for size_name, rank_name, launcher in _LAUNCHERS:
        size, rank = (environment.get(name, "") for name in (size_name, rank_name))
        if size.isdigit() and rank.isdigit() and int(size) > 1:
            return Launch(launcher, int(size), int(rank))
    return Launch(f"{VARIABLE}=yes", 0, 0) if asked == "yes" else None
