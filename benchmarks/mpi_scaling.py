"""How much faster are training and grading on several MPI ranks? One thread each.

python benchmarks/mpi_scaling.py --shared ../shared
python benchmarks/mpi_scaling.py --shared ../shared --ranks 1 2 4 8 --output docs/scaling.md

Needs the extra mpi and an mpiexec; the reference data are structures of tungsten. Numbers of ranks
take turns, and the least time of each counts.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import maxvolt
from grades_report import markdown_table, shared_folder, update_page
from maxvolt.fitting.variable_projection.training import TRAINING
from maxvolt.parallel.ranks import Ranks
from maxvolt.parallel.session import started_ranks
from maxvolt.selection import ActiveSet

_LOADED = (TRAINING, maxvolt.fit)
"""Imported by all ranks in the beginning, as the command line does, and not by their first work."""

_DATA = Path("data/tungsten/W_szlachta2014.xyz")


def main() -> None:
    """Measure, print, write."""
    options = _options()
    if options.child:
        _child(options)
        return
    found: dict[int, list[dict[str, Any]]] = {ranks: [] for ranks in options.ranks}
    for _ in range(options.repeats):
        for ranks in options.ranks:
            measured = _on_ranks(ranks, options)
            print(ranks, "ranks:", measured, flush=True)
            found[ranks].append(measured)
    results = {measured["result"] for of_ranks in found.values() for measured in of_ranks}
    if len(results) > 1:
        raise SystemExit(f"results differ: {results}")
    table = _table(found, options)
    print(table)
    if options.output is not None:
        update_page(options.output, "mpi", table)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--shared", type=Path, help="folder of the reference data")
    parser.add_argument("--ranks", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--level", type=int, default=16)
    parser.add_argument("--iterations", type=int, default=30)
    parser.add_argument("--every", type=int, default=4, help="take every so many structures")
    parser.add_argument("--output", type=Path, help="page with the marks of the table")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    return parser.parse_args()


def _on_ranks(ranks: int, options: argparse.Namespace) -> dict[str, Any]:
    mpiexec = shutil.which("mpiexec", path=str(Path(sys.executable).parent)) or "mpiexec"
    words = [mpiexec, "-n", str(ranks), sys.executable, __file__, "--child"]
    for name in ("level", "iterations", "every"):
        words += [f"--{name}", str(getattr(options, name))]
    words += ["--shared", str(shared_folder(options.shared))]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _child(options: argparse.Namespace) -> None:
    """Train and grade on the ranks of this run; print how long it took."""
    with started_ranks() as ranks:
        if ranks is not None:
            print(json.dumps(_measured(options, ranks)))


def _measured(options: argparse.Namespace, ranks: Ranks) -> dict[str, Any]:
    dataset = maxvolt.read(options.shared / _DATA).select(slice(None, None, options.every))
    start = maxvolt.MTP(options.level, dataset.species, 5.0, 1.9)
    found: dict[str, Any] = {"structures": len(dataset), "atoms": dataset.n_atoms}
    limits: dict[str, Any] = {"starts": 1, "max_iterations": options.iterations, "seed": 1}
    with _timed(found, "training", ranks):
        fitted = maxvolt.fit(start, dataset, threads=1, ranks=ranks, **limits).potential
    assert isinstance(fitted, maxvolt.MTP)
    with _timed(found, "active set", ranks):
        active = ActiveSet.from_dataset(fitted, dataset, threads=1, ranks=ranks)
    sites = ActiveSet.from_dataset(
        fitted, active.structures, mode="neighborhood", threads=1, ranks=ranks
    )
    with _timed(found, "grades of atoms", ranks):
        grades = sites.grade_dataset(dataset, threads=1, ranks=ranks)
    found["result"] = f"{fitted.digest} {active.log_determinant!r} {grades.structures.sum()!r}"
    return found


@contextmanager
def _timed(found: dict[str, Any], name: str, ranks: Ranks) -> Iterator[None]:
    """Note the time that passes and the processor time of the busiest process."""
    each = ranks.place(range(ranks.size), [1.0] * ranks.size)
    wall, before = time.perf_counter(), list(each.each(_processor_time))
    yield
    found[name] = time.perf_counter() - wall
    spent = [after - begun for after, begun in zip(each.each(_processor_time), before, strict=True)]
    found[f"{name}, processor"] = max(spent)


def _processor_time() -> Callable[[int], float]:
    return lambda _: time.process_time()


def _table(found: dict[int, list[dict[str, Any]]], options: argparse.Namespace) -> str:
    first = found[options.ranks[0]][0]
    rows = []
    for name in ("training", "active set", "grades of atoms"):
        for key, unit in ((name, "s"), (f"{name}, processor", "s of the busiest rank")):
            least = [min(one[key] for one in found[ranks]) for ranks in options.ranks]
            times = [f"{least[0] / one:.2f} × ({one:.2f})" for one in least]
            rows.append([f"{key} ({unit})", *times])
    names = [f"{ranks} rank{'s' * (ranks > 1)}" for ranks in options.ranks]
    return (
        f"{first['structures']:,} structures, {first['atoms']:,} atoms of tungsten; level "
        f"{options.level}, one random start, {options.iterations} iterations, one thread per rank; "
        f"{len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[0]:.1f}. All results are "
        f"equal to the last bit.\n\n{markdown_table(['times faster (time)', *names], rows)}"
    )


if __name__ == "__main__":
    main()
