"""Learning on the fly, 128 atoms of lithium: how many reference calculations for which error.

    python run.py --output lithium_output          # an hour
    python run.py --dft --output lithium_output    # 16 atoms with DFT, beside it
    python run.py --quick --output quick_output    # a minute, everything smaller

Run it again after an interruption: it goes on.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import figures
from conditions import FILE, campaign_text, conditions
from prepare import prepare

from maxvolt.cli import main as command

DFT = FILE.with_name("lithium_dft.toml")


def main(arguments: list[str] | None = None) -> None:
    """Prepare, run a campaign for each condition and threshold, draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("lithium_output"))
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--quick", action="store_true", help="a minute; no number to rely on")
    which.add_argument("--dft", action="store_true", help="one campaign of 16 atoms with DFT")
    options = parser.parse_args(arguments)
    if options.dft:
        folder = options.output / "DFT"
        folder.mkdir(parents=True, exist_ok=True)
        run(Path(shutil.copy(DFT, folder)))
    else:
        run_all(options.output, quick=options.quick)
    figures.main([str(options.output), "--output", str(options.output)])


def run_all(output: Path, *, quick: bool) -> None:
    """Run a campaign for each condition and each of its thresholds, the highest first."""
    frames, every = (4, 50) if quick else (20, 200)
    for condition, thresholds in conditions(quick=quick):
        folder = output / condition.name
        prepare(folder, condition, frames=frames, every=every)
        for threshold in sorted(thresholds, reverse=True):
            file = folder / f"grade_{threshold:g}.toml"
            file.write_text(campaign_text(condition, threshold, quick=quick))
            run(file)


def run(file: Path) -> None:
    """Run a campaign, or go on with it."""
    if code := command(["run", str(file)]):
        raise SystemExit(code)


if __name__ == "__main__":
    main()
