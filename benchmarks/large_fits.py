"""Fits to large training sets: time, loss, and what a Gauss-Newton pass costs.

    python benchmarks/large_fits.py --output docs/benchmarks
    python benchmarks/large_fits.py --output . --set tungsten --level 16 --tolerance 1e-4

Sets are the published ones of tungsten (Szlachta et al. 2014, 158,256 atoms) and of NbMoTaW (Li et
al. 2020, 108,464 atoms). Each level is fitted with the default tolerance and, to show what a longer
run would bring, with a smaller one. Processor seconds are of all threads together. The pass is
measured with one thread at random coefficients: times in evaluations (energies, forces and stresses
of the same structures), beside the operations that it needs. Needs the reference data; half an hour
of a core for everything. Writes large_fits.json; what is in it already stays.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np

import maxvolt
from grades_report import shared_folder, write_results
from maxvolt import Dataset
from performance.gauss_newton import pass_costs

SETS: dict[str, tuple[str, tuple[str, ...], tuple[int, ...]]] = {
    "tungsten": ("tungsten/W_szlachta2014.xyz", ("W",), (16, 20)),
    "nbmotaw": ("nbmotaw/MoNbTaW_train.xyz", ("Mo", "Nb", "Ta", "W"), (16,)),
}
"""File, species and levels."""

CUTOFF, MIN_DIST = 5.0, 1.9
TOLERANCES = (1e-4, 1e-6)


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, required=True, help="folder for the results")
    parser.add_argument("--set", choices=SETS, action="append", help="only this; may be repeated")
    parser.add_argument("--level", type=int, action="append", help="only this; may be repeated")
    parser.add_argument("--tolerance", type=float, action="append", help="of the fits")
    parser.add_argument("--threads", type=int, help="of the fits; all cores by default")
    parser.add_argument("--seed", type=int, default=0, help="of the random starts")
    parser.add_argument("--pass-only", action="store_true", help="no fits")
    parser.add_argument("--shared", type=Path, help="folder of the reference data")
    options = parser.parse_args()
    file = options.output / "large_fits.json"
    results: dict[str, Any] = json.loads(file.read_text()) if file.exists() else {}
    for stamp in ("maxvolt", "measured"):
        results.pop(stamp, None)
    for name in options.set or SETS:
        path, species, levels = SETS[name]
        dataset = maxvolt.read(shared_folder(options.shared) / "data" / path)
        for level in options.level or levels:
            found = results.setdefault(name, {}).setdefault(f"level {level}", {})
            potential = maxvolt.MTP(level, species, CUTOFF, MIN_DIST)
            found["gauss_newton_pass"] = pass_costs(potential, dataset, np.random.default_rng(0))
            print(name, level, found["gauss_newton_pass"], flush=True)
            write_results(file, results)
            for tolerance in () if options.pass_only else options.tolerance or TOLERANCES:
                fit = fitted(dataset, species, level, tolerance, options.threads, options.seed)
                found[f"fit, tolerance {tolerance:g}, seed {options.seed}"] = fit
                print(name, level, fit, flush=True)
                write_results(file, results)


def fitted(
    dataset: Dataset,
    species: tuple[str, ...],
    level: int,
    tolerance: float,
    threads: int | None,
    seed: int,
) -> dict[str, Any]:
    """Times, loss and training errors of one fit."""
    potential = maxvolt.MTP(level, species, CUTOFF, MIN_DIST)
    wall, processor = time.perf_counter(), time.process_time()
    result = maxvolt.fit(potential, dataset, tolerance=tolerance, threads=threads, seed=seed)
    (member,), errors = result.members, result.training_errors.total
    return {
        "atoms": dataset.n_atoms,
        "parameters": potential.n_parameters,
        "wall_seconds": time.perf_counter() - wall,
        "processor_seconds": time.process_time() - processor,
        "iterations_on_all_data": len(member.losses) - 1,
        "finished": member.finished,
        "loss": member.losses[-1],
        "force_rmse_eV_per_A": errors.force_components.rmse,
        "energy_rmse_eV_per_atom": errors.energy_per_atom.rmse,
    }


if __name__ == "__main__":
    main()
