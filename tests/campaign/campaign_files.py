"""Small campaigns for tests."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from maxvolt.campaign import CampaignFolder, CampaignResult, Event

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


def write_campaign(folder: Path, text: str = SMALL, **replaced: str) -> Path:
    """Write a campaign file; `replaced` maps lines such as ``steps`` to new values."""
    lines = []
    for line in text.splitlines():
        key = line.partition(" =")[0]
        lines.append(f"{key} = {replaced.pop(key)}" if key in replaced else line)
    assert not replaced, f"keys that the file does not have: {replaced}"
    path = folder / "small.toml"
    path.write_text("\n".join(lines) + "\n")
    return path


@dataclass(frozen=True)
class Run:
    """A campaign that has ended, and what it told."""

    file: Path
    result: CampaignResult
    events: tuple[Event, ...]

    @property
    def folder(self) -> CampaignFolder:
        return CampaignFolder(self.result.folder)


class InThisProcess(Executor):
    """Runs everything at once, here: no process has to be started."""

    def submit(self, work: Callable[..., Any], /, *arguments: Any, **options: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(work(*arguments, **options))
        except BaseException as error:  # noqa: BLE001 (handed over, as executors do)
            future.set_exception(error)
        return future


def products(folder: Path) -> dict[str, bytes]:
    """Files of a campaign that depend on its file alone, neither on time nor on kills."""
    names = ("training.npz", "training.xyz", "potential.almtp", "potential.*.mtp")
    paths = [path for name in names for path in folder.rglob(name)]
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(paths)}
