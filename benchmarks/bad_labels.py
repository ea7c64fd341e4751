"""Bad labels: what they do to a fit with and without a robust loss, and whether honest data pass.

    python benchmarks/bad_labels.py --json docs/benchmarks/bad_labels.json   # Mo of ../shared
    python benchmarks/bad_labels.py --honest ../shared/data/*/*.xyz          # no finding is right

Of a share of the structures the energy is shifted by half an eV per atom at random (normal) and the
forces are those of other atoms of the structure. Errors are those on clean structures that are not
fitted.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

import maxvolt
from maxvolt.dataset import Dataset
from maxvolt.fitting.data_check import check_data

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "mlearn"
SHIFT = 0.5  # eV/atom


def spoilt(dataset: Dataset, share: float, seed: int) -> tuple[Dataset, list[int]]:
    """The same with bad labels in a share of the structures, and their numbers."""
    rng = np.random.default_rng(seed)
    count = round(share * len(dataset))
    bad = np.sort(rng.choice(len(dataset), count, replace=False))
    energies, forces = dataset.energies.copy(), dataset.forces.copy()
    for s in bad:
        atoms = dataset.atoms_of(int(s))
        energies[s] += SHIFT * rng.normal() * dataset.counts[s]
        forces[atoms] = rng.permutation(forces[atoms])
    return replace(dataset, energies=energies, forces=forces), bad.tolist()


def measure(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Errors for each share of bad labels, with squares and with the robust loss."""
    train = maxvolt.read(options.train).select(slice(None, None, options.every))
    test = maxvolt.read(options.test)
    shortest = maxvolt.neighbors.minimum_distances(train).overall
    found = []
    for share in options.shares:
        data, bad = spoilt(train, share, options.seed)
        for robust in (False, True):
            began = time.perf_counter()
            result = maxvolt.fit(
                maxvolt.MTP(options.level, train.species, 5.0, 0.95 * shortest),
                data,
                starts=2,
                max_iterations=options.max_iterations,
                robust=robust,
                progress=False,
            )
            total = maxvolt.compute_errors(result.potential, test).total
            named = [one.structure for one in result.robust.structures] if result.robust else []
            found.append(
                {
                    "share": share,
                    "bad": len(bad),
                    "structures": len(train),
                    "robust": robust,
                    "energy_rmse_meV_per_atom": 1000 * total.energy_per_atom.rmse,
                    "force_rmse_meV_per_A": 1000 * total.force_components.rmse,
                    "bad_among_the_ten_lowest_weights": len(set(named) & set(bad)),
                    "seconds": time.perf_counter() - began,
                }
            )
    return found


def show(found: list[dict[str, Any]]) -> None:
    """Print a table."""
    table = Table("bad", "loss", "energy\nmeV/atom", "force\nmeV/A", "named", "time\ns")
    for row in found:
        table.add_row(
            f"{row['bad']} of {row['structures']}",
            "robust" if row["robust"] else "squares",
            f"{row['energy_rmse_meV_per_atom']:.1f}",
            f"{row['force_rmse_meV_per_A']:.0f}",
            str(row["bad_among_the_ten_lowest_weights"]) if row["robust"] else "",
            f"{row['seconds']:.0f}",
        )
    Console().print(table)


def honest(files: list[Path]) -> int:
    """Check files that are known to be right; the number of problems found."""
    wrong = 0
    for file in files:
        dataset = maxvolt.read(file)
        began = time.perf_counter()
        messages = check_data(dataset).messages(dataset)
        seconds = time.perf_counter() - began
        print(f"{file}: {len(dataset)} structures, {len(messages)} problems, {seconds:.1f} s")
        for message in messages:
            print(f"  {message}")
        wrong += len(messages)
    return wrong


def main() -> None:
    """Measure, or check files."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--train", type=Path, default=DATA / "Mo_train.xyz")
    parser.add_argument("--test", type=Path, default=DATA / "Mo_test.xyz")
    parser.add_argument("--every", type=int, default=2, help="take every so many structures")
    parser.add_argument("--level", type=int, default=8)
    parser.add_argument("--max-iterations", type=int, default=40)
    parser.add_argument("--shares", type=float, nargs="+", default=[0.0, 0.01, 0.05])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--honest", type=Path, nargs="+", help="files without bad labels")
    options = parser.parse_args()
    if options.honest:
        raise SystemExit(1 if honest(options.honest) else 0)
    found = measure(options)
    show(found)
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
