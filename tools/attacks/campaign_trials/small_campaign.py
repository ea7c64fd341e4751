"""A campaign of seconds, for attacks and tests."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from concurrent.futures import Executor, Future
from functools import cache
from pathlib import Path
from typing import Any

from maxvolt.campaign import Campaign, CampaignResult

TOOLS = Path(__file__).resolve().parents[2]

SMALL = """\
[campaign]
seed = 1
workers = 2
max_iterations = 8

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
limit = 3

[fit]
starts = 1
start_iterations = 5
max_iterations = 10

[[training]]
kind = "perturbation"
structure = "fcc"
copies = 3
rattle = 0.02

[[validation]]
kind = "perturbation"
structure = "fcc"
copies = 2
rattle = 0.1

[[scenario]]
name = "warm"
kind = "md"
structure = "fcc"
temperature = 600
steps = 60
timestep_fs = 3.0
copies = 2

[reference]
calculator = "emt"
"""

_NETWORKS = """\
[potential]
family = "ani"
species = ["Al"]
members = 3
cutoff = 4.5
radial_functions = 6
angular_cutoff = 3.6
angular_functions = [2, 2]
layers = [8, 8]

[selection]
strategy = "committee"
select = 1.5
break = 3.0
limit = 3

[fit.network]
epochs = 30
batch_size = 4
learning_rate = 0.01
patience = 5
validation_share = 0.2

"""


def _with_networks(text: str) -> str:
    """Train an ensemble of neural networks in place of a moment tensor potential.

    With one worker: two threads of torch for networks this small take longer than one, and many
    times as long where other tests run beside them.
    """
    head = text[: text.index("[potential]")].replace("workers = 2", "workers = 1")
    return head + _NETWORKS + text[text.index("[[training]]") :]


SMALL_NETWORKS = _with_networks(SMALL)
"""The same with an ensemble of neural networks, whose spread grades."""

SMALL_BOXES = """\
[campaign]
seed = 2
workers = 1
max_iterations = 12

[potential]
species = ["Al"]
level = 4
cutoff = 4.5
radial_basis_size = 4

[selection]
mode = "neighborhood"
select = 1.1
break = 1.2
limit = 3

[fit]
starts = 1
start_iterations = 5
max_iterations = 10

[[training]]
kind = "boxes"
composition = { Al = 1 }
edges = [8.0, 9.0]
density = [1.8, 2.0]
count = 2

[stopping]
until = "no break"
finished = 0.5

[[scenario]]
name = "melts"
kind = "md"
copies = 4
steps = 60
timestep_fs = 2.0
keep_most = 2
start = { kind = "random", composition = { Al = 1 }, edges = [8.0, 9.0], density = [1.8, 3.0] }
temperature = { kind = "nonequilibrium", start = [10, 900], period_ps = [0.05, 0.1] }
strain = { kind = "oscillation", amplitude = [0.0, 0.03], period_ps = 0.1 }

[reference]
calculator = "emt"
"""
"""A campaign that begins with disordered boxes alone, each run in a box of its own."""

NETWORKS_FROM_BOXES = _with_networks(SMALL_BOXES)
"""The same with an ensemble of neural networks, whose spread grades."""


def write_campaign(folder: Path, text: str = SMALL, **replaced: str) -> Path:
    """Write a campaign file; `replaced` maps lines such as ``steps`` to new values."""
    lines = []
    for line in text.splitlines():
        key = line.partition(" =")[0]
        lines.append(f"{key} = {replaced.pop(key)}" if key in replaced else line)
    assert not replaced, f"keys that the file does not have: {replaced}"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "small.toml"
    path.write_text("\n".join(lines) + "\n")
    return path


class InThisProcess(Executor):
    """Runs everything at once, here: no process has to be started."""

    _max_workers = 1

    def submit(self, work: Callable[..., Any], /, *arguments: Any, **options: Any) -> Future[Any]:
        """Do the work; its result or error is in what is returned."""
        future: Future[Any] = Future()
        try:
            future.set_result(work(*arguments, **options))
        except BaseException as error:  # noqa: BLE001 (handed over, as executors do)
            future.set_exception(error)
        return future


def products(folder: Path) -> dict[str, bytes]:
    """Files of a campaign that depend on its file alone, neither on time nor on kills."""
    names = ("training.npz", "training.xyz", "committee.json", "potential.almtp", "potential.*.mtp")
    names += ("potential.*.ani.safetensors",)
    paths = [path for name in names for path in folder.rglob(name)]
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(paths)}


def run_here(file: Path) -> CampaignResult:
    """Run a campaign to its end in this process."""
    with InThisProcess() as executor:
        return Campaign(file).run(executor=executor)


@cache
def undisturbed() -> Path:
    """Folder with a campaign that ran to its end, made once in a process; not to be changed."""
    folder = Path(tempfile.mkdtemp(prefix="undisturbed."))
    run_here(write_campaign(folder))
    return folder


def copy_of_undisturbed(folder: Path) -> Path:
    """Copy that campaign; return its file."""
    shutil.copytree(undisturbed(), folder, dirs_exist_ok=True)
    return folder / "small.toml"


def environment(log: Path) -> dict[str, str]:
    """Environment in which calculators of this folder are found, and write into a file."""
    paths = [str(TOOLS), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "CALCULATION_LOG": str(log)}


def start(file: Path, environment: dict[str, str]) -> subprocess.Popen[str]:
    """Run a campaign in a process group of its own, with states kept all the time."""
    driver = Path(__file__).with_name("run_with_states.py")
    return subprocess.Popen(
        [sys.executable, str(driver), str(file)],
        env=environment,
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
