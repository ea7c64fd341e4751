"""A campaign of seconds, with a reference that writes down what it is asked."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

TEXT = """\
[campaign]
seed = {seed}
workers = 2

[structures.fcc]
crystal = "fcc"
species = "Al"
a = 4.05
repeat = [2, 2, 2]

[potential]
species = ["Al"]
level = 4
cutoff = 4.5
radial_basis_size = 4

[selection]
mode = "neighborhood"
select = 1.5
break = 3.0
limit = {limit}

[fit]
starts = 1
start_iterations = 5
max_iterations = 10

[[training]]
kind = "perturbation"
structure = "fcc"
copies = 3
rattle = 0.02

[[scenario]]
name = "warm"
kind = "md"
structure = "fcc"
temperature = 600
steps = {steps}
timestep_fs = 3.0
copies = 2

[reference]
calculator = "{calculator}"
timeout = {timeout}
retries = 2
"""


def write_campaign(
    folder: Path,
    *,
    calculator: str,
    seed: int = 1,
    steps: int = 60,
    limit: int = 3,
    timeout: float = 60.0,
) -> Path:
    """Write the campaign file; its results go to ``folder/small``."""
    folder.mkdir(parents=True)
    path = folder / "small.toml"
    path.write_text(
        TEXT.format(calculator=calculator, seed=seed, steps=steps, limit=limit, timeout=timeout)
    )
    return path


def environment(log: Path, **more: str) -> dict[str, str]:
    """Environment in which the calculators of this folder are found, and write into a file."""
    paths = [str(Path(__file__).parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(paths),
        "CALCULATION_LOG": str(log),
        **more,
    }


def start(file: Path, environment: dict[str, str]) -> subprocess.Popen[str]:
    """Start ``maxvolt run`` in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "maxvolt", "run", str(file), "--json", "--no-report"],
        env=environment,
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
