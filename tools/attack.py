"""Attack the package for a given time and count what happens.

    python tools/attack.py                              # the attacks there are
    python tools/attack.py neighbors --minutes 10       # one of them; exit status 1 with findings
    python tools/attack.py neighbors --seed 17 --count 1    # one trial again

Each attack is a module of tools/attacks with a function ``trial(seed, scratch)``: it makes an
attack from the seed, in an empty folder of its own, and returns one word for how it was met
("read", "refused", "held"). Whatever it raises is a finding: it is printed with its seed, and the
folder is kept.
"""

from __future__ import annotations

import argparse
import importlib
import json
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from pathlib import Path
from types import ModuleType

HERE = Path(__file__).resolve().parent
NO_ATTACKS = {"__init__", "finding", "mutations", "potentials", "round_trips"}


def main() -> int:
    """Run from the command line."""
    options = command_line()
    if options.attack is None:
        for name in names():
            print(f"{name:20} {(load(name).__doc__ or '').splitlines()[0]}")
        return 0
    return 1 if run(options.attack, load(options.attack), options) else 0


def command_line() -> argparse.Namespace:
    """Read the options."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("attack", nargs="?", choices=names(), help="none: list them")
    parser.add_argument("--minutes", type=float, default=1.0, help="when to stop (1)")
    parser.add_argument("--count", type=int, help="stop after so many trials, whenever that is")
    parser.add_argument("--seed", type=int, default=0, help="of the first trial; the next is + 1")
    parser.add_argument("--keep", type=Path, default=Path("attack-findings"), help="folder")
    return parser.parse_args()


def names() -> list[str]:
    """List the attacks."""
    found = (HERE / "attacks").glob("*.py")
    return sorted(path.stem for path in found if path.stem not in NO_ATTACKS)


def load(name: str) -> ModuleType:
    """Import an attack."""
    return importlib.import_module(f"attacks.{name}")


def run(name: str, attack: ModuleType, options: argparse.Namespace) -> int:
    """Try until the time is up or the count is reached; return the number of findings."""
    outcomes: Counter[str] = Counter()
    began, slowest, seed = time.monotonic(), 0.0, options.seed
    while not _is_over(options, began, seed - options.seed):
        scratch = Path(tempfile.mkdtemp(prefix=f"{name}-{seed}."))
        start = time.monotonic()
        try:
            outcome = attack.trial(seed, scratch)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a finding
            outcome = "findings"
            kept = options.keep / f"{name}-{seed}"
            shutil.copytree(scratch, kept, dirs_exist_ok=True)
            (kept / "traceback.txt").write_text(traceback.format_exc())
            print(f"{name} {seed}: {type(error).__name__}: {error} ({kept})", file=sys.stderr)
        slowest = max(slowest, time.monotonic() - start)
        shutil.rmtree(scratch, ignore_errors=True)
        outcomes[outcome] += 1
        seed += 1
    summary = {"attack": name, "trials": seed - options.seed, **outcomes}
    print(json.dumps({**summary, "slowest_s": round(slowest, 2)}))
    return outcomes["findings"]


def _is_over(options: argparse.Namespace, began: float, trials: int) -> bool:
    if options.count is not None:
        return trials >= int(options.count)
    return trials > 0 and time.monotonic() - began > 60.0 * options.minutes


if __name__ == "__main__":
    sys.exit(main())
