"""Tungsten: force errors in training and held out, against basis functions and time.

    python benchmarks/tungsten_curve.py SHARED --output docs/benchmarks --levels 8 12 16 20 24
    python benchmarks/tungsten_curve.py SHARED --output docs/benchmarks --plot

The data are those of Szlachta, Bartok and Csanyi (Phys. Rev. B 90, 104108 (2014)), 9,691 structures
with 158,256 atoms, for which the talks about moment tensor potentials compare them with GAP: at
each level one potential is fitted to all structures, and one to four fifths of them, of which the
last fifth is held out. Each fit is written to tungsten_curve.json as soon as it ends, and not
repeated: hours in all, one after the other.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from ase.build import bulk

import maxvolt
from front.contest import per_atom
from front.moment_tensors import MomentTensor
from maxvolt.report.output import save_figure, write_json

DATA = Path("data", "tungsten", "W_szlachta2014.xyz")
TALKS = {
    "GAP": (134_000, 63, None),
    "MTP, large": (2_900, 43, 51),
    "MTP, small": (800, 63, 64),
}
"""Of the talks: microseconds per atom on their machine; force errors in training and in
cross-validation, meV/A."""

FOLDS = 5
SETTINGS = ("cutoff", "radial_basis_size", "force_weight")


def fitted(dataset: maxvolt.Dataset, options: argparse.Namespace, level: int) -> dict[str, Any]:
    """Fit one level, and give its errors and costs."""
    shortest = maxvolt.minimum_distances(dataset).overall
    start = maxvolt.MTP(
        level, ["W"], options.cutoff, min_dist=round(0.99 * shortest, 3),
        radial_basis_size=options.radial_basis_size,
    )  # fmt: skip
    weights = maxvolt.Weights(1, options.force_weight, 0.001)
    began, wall = time.process_time(), time.perf_counter()
    result = maxvolt.fit(start, dataset, weights=weights)
    seconds = time.process_time() - began, time.perf_counter() - wall
    total = result.training_errors.total
    crystal = bulk("W", cubic=True).repeat(8)
    crystal.rattle(0.1, seed=0)
    potential = result.potential
    assert isinstance(potential, maxvolt.MTP)
    return {
        "potential": potential,
        "basis_functions": len(potential.model.moment_coeffs) + 1,
        "parameters": potential.n_parameters,
        "loss": result.members[0].losses[-1],
        "iterations": len(result.members[0].losses) - 1,
        "energy (meV/atom)": 1000 * total.energy_per_atom.rmse,
        "force (meV/A)": 1000 * total.force_components.rmse,
        "processor (s)": seconds[0],
        "wall (s)": seconds[1],
        "microseconds": per_atom(MomentTensor(potential, potential.n_parameters), crystal),
    }


def measured(dataset: maxvolt.Dataset, options: argparse.Namespace, level: int) -> dict[str, Any]:
    """Fit to all, then to four fifths."""
    held_out = np.random.default_rng(0).permutation(len(dataset))[: len(dataset) // FOLDS]
    kept = np.setdiff1d(np.arange(len(dataset)), held_out)
    whole = fitted(dataset, options, level)
    whole.pop("potential")
    part = fitted(dataset.select(kept), options, level)
    errors = maxvolt.compute_errors(part["potential"], dataset.select(np.sort(held_out))).total
    return {
        "level": level,
        **{name: getattr(options, name) for name in SETTINGS},
        **whole,
        "held out": {
            "structures": len(held_out),
            "energy (meV/atom)": 1000 * errors.energy_per_atom.rmse,
            "force (meV/A)": 1000 * errors.force_components.rmse,
        },
    }


def picture(rows: list[dict[str, Any]], path: Path) -> None:
    """Draw force errors against basis functions and against time, with those of the talks."""
    figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained", sharey=True)
    rows = sorted(rows, key=lambda row: row["level"])
    forces = (
        [row["force (meV/A)"] for row in rows],
        [row["held out"]["force (meV/A)"] for row in rows],
    )
    for one, name in zip(axes, ("basis_functions", "microseconds"), strict=True):
        for values, label, style in zip(
            forces, ("training", "held out fifth"), ("o-", "s--"), strict=True
        ):
            one.loglog([row[name] for row in rows], values, style, label=label)
    for number, (name, (cost, training, _)) in enumerate(TALKS.items()):
        axes[1].loglog(cost, training, "x", color=f"C{number + 2}", label=f"{name} (talks)")
    axes[0].set(xlabel="basis functions", ylabel="force error (meV/Å)")
    axes[1].set(xlabel="µs/atom")
    axes[0].legend()
    axes[1].legend(fontsize="small")
    save_figure(figure, path)


def main() -> None:
    """Measure what is missing, and draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("shared", type=Path, help="folder of shared data")
    parser.add_argument("--output", type=Path, default=Path("tungsten_output"))
    parser.add_argument("--levels", type=int, nargs="+", default=[8, 12, 16, 20, 24])
    parser.add_argument("--cutoff", type=float, default=5.0)
    parser.add_argument("--radial-basis-size", type=int, default=12)
    parser.add_argument("--force-weight", type=float, default=0.01)
    parser.add_argument("--plot", action="store_true", help="draw what there is")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    path = options.output / "tungsten_curve.json"
    rows: list[dict[str, Any]] = json.loads(path.read_text())["fits"] if path.exists() else []
    if not options.plot:
        dataset = maxvolt.read(options.shared / DATA)
        for level in options.levels:
            if not any(
                row["level"] == level
                and all(row[name] == getattr(options, name) for name in SETTINGS)
                for row in rows
            ):
                rows.append(measured(dataset, options, level))
                print(rows[-1], flush=True)
                write_json({"fits": rows}, path)
    rows = [row for row in rows if all(row[name] == getattr(options, name) for name in SETTINGS)]
    picture(rows, options.output / "tungsten_curve.svg")


if __name__ == "__main__":
    main()
