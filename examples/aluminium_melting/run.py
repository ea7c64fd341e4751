"""The melting point of aluminium from few reference calculations: the whole example.

    python run.py --output aluminium_output          # an hour
    python run.py --dft --output dft_output          # hours: Quantum ESPRESSO, 32 atoms
    python run.py --quick --output quick_output      # minutes, everything smaller

Run it again after an interruption: it goes on.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import figures
import prepare

from maxvolt.cli import main as command

FILE = Path(__file__).with_name("aluminium.toml")

QUICK = {
    "level = 12": "level = 8",
    "cutoff = 6.5 ": "cutoff = 5.0 ",
    "calibrate = false": "calibrate = false\nlimit = 10",
    "break = 10.0": "break = 3.0",
    "[fit]\nstarts = 2\nmax_iterations = 100": "[fit]\nstarts = 1\nmax_iterations = 50",
    "steps = 5000": "steps = 200",
    "steps = 2000": "steps = 150",
    "hold 2500 300; ramp 2500": "hold 2500 80; ramp 2500",
    " 300; hold": " 40; hold",
    ' 1400"': ' 60"',
    "ramp 300 2200 1500; hold 2200 1500; ramp 2200 900 1000": (
        "ramp 300 2200 150; hold 2200 200; ramp 2200 900 50"
    ),
    "best_of = 5": "best_of = 2",
    "sizes = [[5, 5, 16]]\nseeds = [1, 2]": "sizes = [[3, 3, 14]]\nseeds = [1]\nguess = 930.0",
    "equilibration_time = 20.0\nproduction_time = 100.0": (
        "timestep = 4.0\nbulk_time = 1.0\npreparation_time = 1.5\nequilibration_time = 3.0\n"
        "production_time = 3.0\nsegment_time = 1.5"
    ),
}
"""What the quick form has in place of what; its melting point is a number without worth."""

DFT = ("aluminium_dft.toml", "dft_labels.xyz", "dft_start.xyz")
"""What the form with DFT takes along, its campaign file first."""


def campaign_text(*, quick: bool, cells: int = 3) -> str:
    """Give the campaign file, its quick form, or that with other cells."""
    repeat = {"repeat = [3, 3, 3]       # 108 atoms": f"repeat = [{cells}, {cells}, {cells}]"}
    text = FILE.read_text()
    for old, new in {**(QUICK if quick else {}), **repeat}.items():
        if old not in text:
            raise SystemExit(f"{FILE}: {old!r} is gone; correct {Path(__file__).name}")
        text = text.replace(old, new)
    return text


def main(arguments: list[str] | None = None) -> None:
    """Prepare, run the campaign, draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("aluminium_output"))
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--quick", action="store_true", help="minutes; no number to rely on")
    which.add_argument("--dft", action="store_true", help="stages 2 and 3 with DFT; hours")
    which.add_argument("--cells", type=int, default=3, help="cells of 4 atoms along each axis (3)")
    options = parser.parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    cells = 2 if options.dft else options.cells
    prepare.main([str(options.output), "--repeat", str(cells)])
    if options.dft:
        for name in DFT:
            shutil.copyfile(FILE.with_name(name), options.output / name)
        file = options.output / DFT[0]
    else:
        file = options.output / FILE.name
        file.write_text(campaign_text(quick=options.quick, cells=cells))
    if code := command(["run", str(file)]):
        raise SystemExit(code)
    figures.main([str(file.with_suffix("")), "--output", str(options.output)])


if __name__ == "__main__":
    main()
