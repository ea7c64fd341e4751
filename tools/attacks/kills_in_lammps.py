"""Kill a campaign that samples in LAMMPS on two ranks, 20 times; it must end as if never killed."""

from __future__ import annotations

import random
import tempfile
import time
from functools import cache
from pathlib import Path

from attacks.campaign_trials.small_campaign import SMALL, write_campaign
from attacks.finding import FindingError
from attacks.kills import check_end, run_with_kills, without_kills

TEMPLATE = """\
units       metal
boundary    ${boundary}
read_data   ${data}
${pair}
timestep    ${timestep}
velocity    all create $(2*v_temperature) ${seed} mom yes dist gaussian
fix         move all nve
fix         bath all langevin ${temperature} ${temperature} 0.1 ${seed}
run         ${steps}
"""

_ENDS_WITHIN = 10.0
"""Seconds after which nothing of LAMMPS may be left of a campaign that was killed."""


def trial(seed: int, scratch: Path, most: int = 20) -> str:
    """Kill it up to `most` times; with 20 it has hardly come to its end before the last of them."""
    expected, duration = undisturbed()
    temporary = scratch / "temporary"
    kills = run_with_kills(
        write_files(scratch),
        most,
        0.15 * duration,
        random.Random(seed),
        at_work=True,
        TMPDIR=str(temporary),
    )
    check_end(scratch, expected)
    check_nothing_runs(temporary)
    return f"killed {kills} times"


@cache
def undisturbed() -> tuple[dict[str, bytes], float]:
    """Products of a campaign without kills, and how long it took, s."""
    folder = Path(tempfile.mkdtemp(prefix="undisturbed."))
    return without_kills(write_files(folder), TMPDIR=str(folder / "temporary"))


def write_files(folder: Path) -> Path:
    """Write template and campaign file; the simulations are long enough to be hit."""
    (folder / "temporary").mkdir(parents=True, exist_ok=True)
    (folder / "in.warm").write_text(TEMPLATE)
    text = SMALL.replace('kind = "md"', 'kind = "lammps"\ntemplate = "in.warm"\nranks = 2')
    return write_campaign(folder, text, workers="1", steps="1000", timestep_fs="2.0")


def check_nothing_runs(temporary: Path) -> None:
    """Refuse processes and folders of runs that were killed."""
    end = time.monotonic() + _ENDS_WITHIN
    while left := [*temporary.glob("maxvolt-lammps-*"), *_working_below(temporary)]:
        if time.monotonic() > end:
            raise FindingError(f"{left[0]} is left of a run in LAMMPS")
        time.sleep(0.2)


def _working_below(folder: Path) -> list[str]:
    """Processes whose current folder lies in a folder (Linux)."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            place = (process / "cwd").readlink()
        except OSError:
            continue  # it has ended, or is somebody else's
        if place.is_relative_to(folder.resolve()):
            found.append(f"process {process.name}")
    return found
