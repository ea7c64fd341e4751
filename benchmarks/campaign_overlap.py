"""What a campaign gains whose runs overlap with its fits, with a reference that takes a known time.

python benchmarks/campaign_overlap.py --output docs/scaling.md

The reference is EMT that sleeps: one calculation at a time, which keeps no core busy, so that all
that the second worker can do meanwhile is to sample.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

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
    parser.add_argument("--iterations", type=int, default=4)
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
    """Run the campaign; what its iterations took after the first fit."""
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "boxes.toml"
        text = _FILE.format(
            overlap=str(overlap).lower(), seconds=options.seconds, iterations=options.iterations
        )
        file.write_text(text)
        begins: list[float] = []
        result = Campaign(file).run(
            [lambda event: begins.append(time.perf_counter()) if event.kind == "outcome" else None]
        )
        rows = summarize(CampaignFolder(result.folder)).iterations
    print(overlap, begins, json.dumps([row["reason"] for row in rows]), flush=True)
    return {
        "seconds": begins[-1] - begins[0],
        "iterations": len(rows) - 1,
        "labels": sum(row["n_labelled"] for row in rows[1:]),
        "stale": sum(row.get("is_stale", False) for row in rows),
        "sampling": sum(row["seconds"]["sampling"] for row in rows[1:]),
        "labelling": sum(row["seconds"]["labels"] for row in rows[1:] if row["n_labelled"]),
        "fitting": sum(row["seconds"]["fit"] for row in rows[1:] if row["n_labelled"]),
    }


def _page(found: dict[bool, dict[str, Any]], options: argparse.Namespace) -> str:
    rows = [
        [
            "`overlap = true`" if overlap else "one after the other",
            f"{one['seconds']:.1f} s",
            f"{one['iterations']} ({one['stale']})",
            f"{one['labels']}",
            f"{one['sampling']:.1f} s",
            f"{one['labelling']:.1f} s",
            f"{one['fitting']:.1f} s",
        ]
        for overlap, one in found.items()
    ]
    heads = ["", "time", "iterations (stale)", "new labels", "all runs", "labelling", "fits"]
    gain = found[False]["seconds"] / found[True]["seconds"]
    return (
        f"{markdown_table(heads, rows)}\n\n"
        f"Two workers; a reference of {options.seconds:g} s a label, one at a time; load "
        f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} cores. The same number of iterations is "
        f"done {gain:.2f} times as fast."
    )


if __name__ == "__main__":
    main()
