"""Kill a campaign again and again at random instants; in the end nothing must have been lost.

    python tools/campaigns/kills.py --kills 50

Runs a small campaign to its end, then the same campaign with SIGKILL to its process group at random
instants until it ends, as often as it takes to have killed so many times. Checked of each: training
set and potential of every iteration equal to the last bit, no label calculated twice, no half file.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import sqlite3
import subprocess
import tempfile
import time
from collections import Counter
from pathlib import Path

from small_campaign import environment, start, write_campaign

from maxvolt.campaign.journal import read_journal
from maxvolt.campaign.storage import read_result

CALCULATOR = "reporting_calculators:ReportingEMT"


def main() -> None:
    """Run the trial."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0, help="of the instants")
    parser.add_argument("--folder", type=Path, help="kept; by default a temporary one")
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.mkdtemp(prefix="kills."))
    generator = random.Random(options.seed)
    began = time.perf_counter()
    undisturbed = run_to_the_end(folder / "undisturbed")
    duration = time.perf_counter() - began
    print(f"undisturbed: {duration:.1f} s, {len(products(undisturbed)[0])} files compared")
    kills = campaigns = 0
    while kills < options.kills:
        trial = folder / f"trial{campaigns}"
        done = run_with_kills(trial, options.kills - kills, duration, generator)
        problems = compare(undisturbed, trial / "small") + check_calculations(trial / "log")
        if problems:
            raise SystemExit("\n".join([f"{trial}:", *problems]))
        kills, campaigns = kills + done, campaigns + 1
        print(f"campaign {campaigns}: {done} kills, everything equal; {kills} kills so far")
    print(f"{kills} kills in {campaigns} campaigns: nothing lost, nothing twice, no half file")


def run_to_the_end(folder: Path) -> Path:
    """Run the campaign without a kill; return its folder."""
    file = write_campaign(folder, calculator=CALCULATOR)
    process = start(file, environment(folder / "log"))
    output, errors = process.communicate()
    if process.returncode or json.loads(output)["status"] != "finished":
        raise SystemExit(f"the campaign did not finish:\n{output}\n{errors}")
    return folder / "small"


def run_with_kills(
    folder: Path, most: int, duration: float, generator: random.Random, *, longest: float = 0.5
) -> int:
    """Run the campaign to its end with up to so many kills; return how many there were.

    Parameters
    ----------
    folder
        Where to; made.
    most
        Number of kills.
    duration
        Time an undisturbed campaign takes, s.
    generator
        Draws the instants: up to the part `longest` of the duration after each start.
    """
    file = write_campaign(folder, calculator=CALCULATOR)
    kills = 0
    while True:
        process = start(file, environment(folder / "log"))
        try:
            wait = generator.uniform(0, longest * duration) if kills < most else None
            output, errors = process.communicate(timeout=wait)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
            kills += 1
            continue
        if process.returncode or json.loads(output)["status"] != "finished":
            raise SystemExit(f"{folder}: the campaign did not finish:\n{output}\n{errors}")
        return kills


def products(campaign: Path) -> tuple[dict[str, bytes], list[str]]:
    """Files that must not depend on kills, and files that cannot be read."""
    found, broken = {}, []
    for path in sorted(campaign.rglob("*")):
        name = str(path.relative_to(campaign))
        if path.is_dir() or name.startswith("labels.db"):
            continue
        if path.name.startswith(".") and path.name != ".lock":
            broken.append(f"{name} is left over")
        if path.name in ("training.npz", "training.xyz") or path.name.startswith("potential."):
            found[name] = path.read_bytes()
        if path.suffix == ".npz":
            read_result(path)
        if path.suffix == ".json":
            json.loads(path.read_bytes())
    list(read_journal(campaign / "journal.jsonl"))
    database = sqlite3.connect(campaign / "labels.db")
    if database.execute("PRAGMA integrity_check").fetchone()[0] != "ok":
        broken.append("labels.db is damaged")
    database.close()
    left = [path.name for path in (campaign / "labels.db.work").glob("*") if path.name != "claims"]
    return found, broken + [f"labels.db.work/{name} is left over" for name in left]


def compare(undisturbed: Path, disturbed: Path) -> list[str]:
    """Say what differs."""
    expected, _ = products(undisturbed)
    found, problems = products(disturbed)
    for name in sorted(expected.keys() | found.keys()):
        if expected.get(name) != found.get(name):
            problems.append(f"{name} differs from that of the undisturbed campaign")
    return problems


def check_calculations(log: Path) -> list[str]:
    """Say which labels were calculated to the end more than once."""
    ended = Counter(line.split()[2] for line in log.read_text().splitlines() if " end " in line)
    return [f"{key} was calculated {n} times" for key, n in ended.items() if n > 1]


if __name__ == "__main__":
    main()
