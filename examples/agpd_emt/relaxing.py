"""Relax many structures; each part of them is written as it is done, and not done again."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import maxvolt
from maxvolt.sampling import Relaxation, Thresholds, iterate_scenarios

__all__ = ["relax_in_parts"]

NEVER = Thresholds(1e9, 1e9)
"""These relaxations go to their ends: the campaigns have seen to it that none extrapolates."""

FEW = 400
"""Relaxed in this process: to start others takes longer."""


def relax_in_parts(
    structures: maxvolt.Dataset,
    calculator: Callable[[], Any],
    folder: Path,
    *,
    workers: int,
    **tolerances: float,
) -> tuple[maxvolt.Dataset, float]:
    """Relax structures, with what a folder holds of it.

    Parameters
    ----------
    structures
        What to relax.
    calculator
        Makes a calculator, in each process.
    folder
        Gets a file for each part.
    workers
        Processes.
    **tolerances
        As of `maxvolt.sampling.Relaxation`.

    Returns
    -------
    relaxed
        All of them in their order. Their infos are those of the structures, and ``candidate``
        (their number, unless they have one), ``steps`` and ``status``.
    seconds
        That the parts took, summed over the processes.
    """
    folder.mkdir(exist_ok=True)
    scenario = Relaxation("relaxation", structures, **tolerances)
    files = {part.part: folder / f"{part.part:05d}.xyz" for part in scenario.split()}
    done = [(scenario.name, part) for part, file in files.items() if file.exists()]
    told = time.monotonic()
    executor = None if len(structures) < FEW else workers
    for result in iterate_scenarios(
        [scenario], calculator, NEVER, seed=0, executor=executor, done=done
    ):
        if not result.candidates:
            raise SystemExit(f"part {result.part} was lost: {result.message}")
        relaxed = []
        for end in sorted(result.candidates, key=lambda end: end.index):
            end.structure.info |= structures.infos[end.index]
            end.structure.info.setdefault("candidate", end.index)
            end.structure.info |= {"steps": end.steps, "status": str(end.status)}
            end.structure.info["seconds"] = result.seconds / len(result.candidates)
            relaxed.append(end.structure)
        maxvolt.write(files[result.part], relaxed)
        done.append((scenario.name, result.part))
        if time.monotonic() - told > 30:
            told = time.monotonic()
            print(f"  {len(done)} of {len(files)} parts", flush=True)
    everything = maxvolt.Dataset.concatenate([maxvolt.read(file) for file in files.values()])
    return everything, float(sum(info["seconds"] for info in everything.infos))
