"""What a campaign gains whose runs overlap with its fits, with a reference that takes a known time.

python benchmarks/campaign_overlap.py --output docs/scaling.md

The reference is EMT that sleeps: one calculation at a time, which keeps no core busy, so that all
that the second worker can do meanwhile is to sample.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.emt import EMT

from grades_report import markdown_table, update_page
from maxvolt.campaign import Campaign, CampaignFolder, summarize

_FILE = """\
[campaign]
seed = 1
workers = 2
max_iterations = {iterations}
overlap = {overlap}

[potential]
species = ["Al"]
level = 16
cutoff = 5.0

[selection]
mode = "neighborhood"
select = 1.1
break = 100.0
limit = 4
calibrate = false

[fit]
starts = 1
start_iterations = 10
max_iterations = 30

[[training]]
kind = "boxes"
count = 3
edges = [6.0, 7.5]
density = [1.8, 3.2]
composition = {{ Al = 1 }}

[[scenario]]
name = "boxes"
kind = "md"
copies = 6
steps = 400
timestep_fs = 2.0
temperature = 3000
record_every = 50
keep_most = 1

[scenario.start]
kind = "random"
composition = {{ Al = 1 }}
edges = [6.0, 7.5]
density = [1.8, 3.2]

[reference]
calculator = "campaign_overlap:SleepingEMT"
settings = {{ seconds = {seconds} }}
workers = 1
"""


class SleepingEMT(EMT):
    """EMT that takes so many seconds longer."""

    def __init__(self, seconds: float = 1.0) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._seconds = seconds

    def calculate(self, atoms: Atoms | None = None, *arguments: Any, **options: Any) -> None:
        """Wait, then calculate."""
        time.sleep(self._seconds)
        super().calculate(atoms, *arguments, **options)  # type: ignore[no-untyped-call]


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--seconds", type=float, default=2.0, help="of a calculation, s")
    parser.add_argument("--iterations", type=int, default=6)
    parser.add_argument("--output", type=Path, help="page with the marks of the table")
    options = parser.parse_args()
    here = str(Path(__file__).parent)
    os.environ["PYTHONPATH"] = os.pathsep.join(
        [here, *filter(None, [os.environ.get("PYTHONPATH")])]
    )
    found = {overlap: _measured(overlap, options) for overlap in (False, True)}
    page = _page(found, options)
    print(page)
    if options.output is not None:
        update_page(options.output, "overlap", page)


def _measured(overlap: bool, options: argparse.Namespace) -> dict[str, Any]:
    """Run the campaign; what its iterations took."""
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "boxes.toml"
        text = _FILE.format(
            overlap=str(overlap).lower(), seconds=options.seconds, iterations=options.iterations
        )
        file.write_text(text)
        ends: list[float] = []
        result = Campaign(file).run(
            [lambda event: ends.append(time.perf_counter()) if event.kind == "outcome" else None]
        )
        rows = summarize(CampaignFolder(result.folder)).iterations
    print(overlap, ends, [row["reason"] for row in rows], flush=True)
    steady = rows[2:]  # the first iteration of runs starts the processes

    def median(step: str) -> float:
        return float(statistics.median(row["seconds"].get(step, 0.0) for row in steady))

    return {
        "iteration": statistics.median(np.diff(ends[1:]).tolist()),
        "iterations": len(steady),
        "stale": sum(row.get("is_stale", False) for row in steady),
        **{step: median(step) for step in ("sampling", "labels", "fit")},
        "n_labels": sum(row["n_labelled"] for row in steady),
    }


def _page(found: dict[bool, dict[str, Any]], options: argparse.Namespace) -> str:
    rows = [
        [
            "`overlap = true`" if overlap else "one after the other",
            f"{one['iteration']:.1f} s",
            f"{one['sampling']:.1f} s",
            f"{one['labels']:.1f} s",
            f"{one['fit']:.1f} s",
            f"{one['n_labels']}",
            f"{one['stale']} of {one['iterations']}",
        ]
        for overlap, one in found.items()
    ]
    heads = ["", "an iteration", "all its runs", "labels", "fit", "labels in all", "stale"]
    gain = found[False]["iteration"] / found[True]["iteration"]
    return (
        f"{markdown_table(heads, rows)}\n\n"
        f"Two workers; a reference of {options.seconds:g} s a label, one at a time; medians of "
        f"{found[True]['iterations']} iterations, without that which starts the processes; load "
        f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} cores. An iteration is done {gain:.2f} "
        "times as fast."
    )


if __name__ == "__main__":
    main()
