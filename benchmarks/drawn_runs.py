"""What thousands of drawn runs cost beside their steps: time, memory of the head, disk.

python benchmarks/drawn_runs.py --output docs/scaling.md

One iteration of a campaign whose runs, each from a random box of its own, are so short that what
each costs once is most of it: drawing it, reading the potential, writing its result.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from grades_report import markdown_table, update_page
from maxvolt.campaign import Campaign, CampaignFolder, summarize

_FILE = """\
[campaign]
seed = 1
workers = {workers}
max_iterations = 1

[potential]
species = ["Al"]
level = 8
cutoff = 5.0

[selection]
mode = "neighborhood"
select = 2.0
break = 1000.0
limit = 1
calibrate = false

[fit]
starts = 1
max_iterations = 20

[[training]]
kind = "boxes"
count = 10
edges = [8.0, 9.0]
density = [1.8, 3.0]
composition = {{ Al = 1 }}

[[scenario]]
name = "boxes"
kind = "md"
copies = {runs}
steps = {steps}
timestep_fs = 1.0
record_every = 100
keep_most = 1
temperature = {{ kind = "nonequilibrium", period_ps = [0.005, 0.02] }}

[scenario.start]
kind = "random"
composition = {{ Al = 1 }}
edges = [8.0, 9.0]
density = [1.8, 3.0]

[reference]
calculator = "emt"
"""


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--runs", type=int, default=2000)
    parser.add_argument("--steps", type=int, default=20)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--output", type=Path, help="page with the marks of the table")
    options = parser.parse_args()
    page = _page(_measured(options), options)
    print(page)
    if options.output is not None:
        update_page(options.output, "drawn runs", page)


def _measured(options: argparse.Namespace) -> dict[str, float]:
    """Run the iteration; what its runs took, and what is left of them."""
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "boxes.toml"
        file.write_text(
            _FILE.format(runs=options.runs, steps=options.steps, workers=options.workers)
        )
        before: list[float] = []

        def note(event: Any) -> None:
            if event.kind == "outcome" and not before:  # of the first fit, before any run
                before.append(_memory())

        with ProcessPoolExecutor(options.workers) as executor:
            result = Campaign(file).run([note], executor=executor)
        after = _memory()
        folder = CampaignFolder(result.folder)
        row = summarize(folder).iterations[-1]
        files = [folder.iteration(1).part_file("boxes", k) for k in range(options.runs)]
        sizes = [path.stat().st_size for path in files]
    steps = [one["steps"] for one in row["scenarios"]]
    return {
        "seconds": row["seconds"]["sampling"],
        "before": before[0],
        "after": after,
        "disk": float(sum(sizes)),
        "finished": sum(count == options.steps for count in steps),
    }


def _memory() -> float:
    """Most memory of this process so far, MiB; its workers do not count."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _page(found: dict[str, float], options: argparse.Namespace) -> str:
    each = options.workers * found["seconds"] / options.runs
    rows = [
        ["all runs", f"{found['seconds']:.1f} s"],
        ["a run, of one worker", f"{1e3 * each:.0f} ms"],
        ["runs that came to their end", f"{found['finished']:.0f} of {options.runs}"],
        [
            "memory of the head, before the runs and at the end",
            f"{found['before']:.0f} and {found['after']:.0f} MiB",
        ],
        [
            "results on the disk",
            f"{found['disk'] / 2**20:.1f} MiB, {found['disk'] / options.runs / 1024:.1f} kiB a run",
        ],
    ]
    return (
        f"{markdown_table([f'{options.runs:,} runs of {options.steps} steps', ''], rows)}\n\n"
        f"{options.workers} workers in a `ProcessPoolExecutor`, level 8, boxes of about 30 atoms; "
        f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores at the end."
    )


if __name__ == "__main__":
    main()
