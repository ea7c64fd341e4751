"""What level, structures, cutoff and radial basis give and cost: errors and times of many fits.

    python benchmarks/learning_curves.py               # an hour; needs the reference data
    python benchmarks/learning_curves.py --minutes 20  # stop after the fit that ends then
    python benchmarks/learning_curves.py --time        # times only, once more; the least count
    python benchmarks/learning_curves.py --report      # figures and tables of docs/choosing.md only

Four systems: molybdenum, silicon and copper (Zuo et al. 2020) and NbMoTaW (Li et al. 2020). The
potentials of a system see nested parts of one shuffled training set and are tried on its test set.
Every fit is written to learning_curves.json as soon as it ends, and is not repeated: the command
goes on where it was stopped. The most telling fits come first.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

import maxvolt
from grade_speed import random_potential
from grades_report import shared_folder
from learning_curves_report import write_report
from maxvolt.files import replacing
from performance.timing import smallest_times

ITERATIONS = 50
STARTS = 4
ATOMS_TIMED = 1000


@dataclass(frozen=True, slots=True)
class System:
    """A material with published training and test data.

    `sizes` are those of the training sets.
    """

    name: str
    files: tuple[str, str]
    species: tuple[str, ...]
    cutoff: float
    weights: maxvolt.Weights
    sizes: tuple[int, int, int, int] = (25, 50, 100, 194)


@dataclass(frozen=True, slots=True)
class Trial:
    """One fit."""

    system: str
    level: int
    structures: int
    cutoff: float
    radial_basis_size: int = 8
    force_weight: float = 0.01


SYSTEMS = (
    System("Si", ("mlearn/Si_train.xyz", "mlearn/Si_test.xyz"), ("Si",), 5.0, maxvolt.Weights()),
    System("Mo", ("mlearn/Mo_train.xyz", "mlearn/Mo_test.xyz"), ("Mo",), 5.2, maxvolt.Weights()),
    # Stresses of copper carry a constant offset and are not fitted.
    System(
        "Cu",
        ("mlearn/Cu_train.xyz", "mlearn/Cu_test.xyz"),
        ("Cu",),
        5.2,
        maxvolt.Weights(stress=0.0),
    ),
    System(
        "NbMoTaW",
        ("nbmotaw/MoNbTaW_train.xyz", "nbmotaw/MoNbTaW_test.xyz"),
        ("Nb", "Mo", "Ta", "W"),
        5.0,
        maxvolt.Weights(),
        sizes=(50, 100, 200, 800),
    ),
)


def plan() -> list[Trial]:
    """All fits, the most telling for their time first, none twice."""
    middle = [Trial(s.name, level, s.sizes[2], s.cutoff) for level in (8, 12, 16) for s in SYSTEMS]
    return list(dict.fromkeys([*middle, *_scans(), *_cheap_curves(), *_everything_else()]))


def _scans() -> Iterator[Trial]:
    """Cutoff, radial basis size and force weight, of molybdenum at level 12."""
    for cutoff in (4.0, 4.5, 5.2, 6.0, 7.0):
        yield Trial("Mo", 12, 100, cutoff)
    for size in (4, 6, 8, 10, 14):
        yield Trial("Mo", 12, 100, 5.2, size)
    for weight in (0.0001, 0.001, 0.01, 0.1, 1.0):
        yield Trial("Mo", 12, 100, 5.2, force_weight=weight)


def _cheap_curves() -> Iterator[Trial]:
    """Sizes of the elements at low levels, all levels with a middling training set."""
    elements = [system for system in SYSTEMS if len(system.species) == 1]
    for level, numbers in ((12, (0, 1, 3)), (10, (2,)), (20, (2,)), (8, (0, 1, 3))):
        for number in numbers:
            for system in elements:
                yield Trial(system.name, level, system.sizes[number], system.cutoff)


def _everything_else() -> Iterator[Trial]:
    """The alloy, and high levels."""
    for system in reversed(SYSTEMS):
        for level, numbers in (
            (8, (3, 1, 0)),
            (10, (2,)),
            (12, (3,)),
            (16, (1, 3, 0)),
            (20, (3, 1)),
        ):
            for number in numbers:
                if len(system.species) == 1 or level <= 12 or (level, number) == (16, 3):
                    yield Trial(system.name, level, system.sizes[number], system.cutoff)


def main() -> None:
    """Fit what is not yet in the file, then write figures and tables."""
    options = _options()
    path = options.output / "learning_curves.json"
    found = json.loads(path.read_text(encoding="utf-8"))["fits"] if path.exists() else []
    if options.time:
        _time_again(found, path, shared_folder(options.shared) / "data")
    elif not options.report:
        found = _measure_missing(found, path, shared_folder(options.shared), options.minutes)
    write_report(found, options.output)


def _measure_missing(
    found: list[dict[str, Any]], path: Path, shared: Path, minutes: float
) -> list[dict[str, Any]]:
    began = time.perf_counter()
    done = {_key(fit["trial"]) for fit in found}
    missing = [trial for trial in plan() if _key(asdict(trial)) not in done]
    for count, trial in enumerate(missing, start=1):
        if time.perf_counter() - began > 60 * minutes:
            print(f"{len(missing) - count + 1} fits are left; the command goes on with them")
            break
        fit = measure(trial, shared / "data")
        found.append(fit)
        _write(path, found)
        print(f"{count}/{len(missing)} {trial}: {fit['outcome']}", flush=True)
    return found


def _time_again(found: list[dict[str, Any]], path: Path, data: Path) -> None:
    """Measure the times of all fitted models; other work on the machine only makes them longer."""
    datasets = {system.name: maxvolt.read(data / system.files[0]) for system in SYSTEMS}
    same: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for fit in found:
        if fit["outcome"] == "fitted":
            trial = Trial(**fit["trial"])
            model = (trial.system, trial.level, trial.cutoff, trial.radial_basis_size)
            same.setdefault(model, []).append(fit)
    for (system, level, cutoff, size), fits in same.items():
        species = next(one.species for one in SYSTEMS if one.name == system)
        potential = random_potential(level, species, cutoff, size)
        again = round(_cost(potential, datasets[system]), 3)
        least = min(again, *(fit["evaluation_us_per_atom"] for fit in fits))
        for fit in fits:
            fit["evaluation_us_per_atom"] = least
    _write(path, found)


def _key(trial: dict[str, Any]) -> str:
    return json.dumps(trial, sort_keys=True)


def _write(path: Path, fits: list[dict[str, Any]]) -> None:
    document = {
        "maxvolt": maxvolt.__version__,
        "command": "python benchmarks/learning_curves.py",
        "settings": {"max_iterations": ITERATIONS, "starts": STARTS, "threads": 1},
        "fits": fits,
    }
    with replacing(path) as file:
        file.write((json.dumps(document, indent=1) + "\n").encode())


def measure(trial: Trial, data: Path) -> dict[str, Any]:
    """Fit once; errors on training and test set, times."""
    system = next(system for system in SYSTEMS if system.name == trial.system)
    training, test = (maxvolt.read(data / name) for name in system.files)
    shortest = maxvolt.minimum_distances(training).overall
    part = training.select(_chosen(len(training), trial.structures))
    potential = maxvolt.MTP(
        level=trial.level,
        species=system.species,
        cutoff=trial.cutoff,
        min_dist=round(0.99 * shortest, 3),
        radial_basis_size=trial.radial_basis_size,
    )
    weights = maxvolt.Weights(system.weights.energy, trial.force_weight, system.weights.stress)
    began = time.process_time()
    try:
        result = maxvolt.fit(
            potential,
            part,
            validation=test,
            weights=weights,
            max_iterations=ITERATIONS,
            starts=STARTS,
            threads=1,
        )
    except maxvolt.FitError as error:  # what the data do not determine is a finding
        return {"trial": asdict(trial), "outcome": f"refused: {error}"}
    seconds = time.process_time() - began
    if result.validation_errors is None:
        raise RuntimeError("a validation set gives validation errors")
    fitted = result.potential
    return {
        "trial": asdict(trial),
        "outcome": "fitted",
        "atoms": part.n_atoms,
        "parameters": potential.n_parameters,
        "training": _errors(result.training_errors),
        "test": _errors(result.validation_errors),
        "fit_processor_s": round(seconds, 1),
        "evaluation_us_per_atom": round(_cost(fitted, training), 3),
        "load": round(os.getloadavg()[0], 1),
    }


def _chosen(n: int, size: int) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Mark the first `size` of n structures in an order that is drawn once."""
    if size > n:
        raise ValueError(f"expected at most {n} structures, got {size}")
    chosen = np.zeros(n, bool)
    chosen[np.random.default_rng(0).permutation(n)[:size]] = True
    return chosen


def _errors(report: maxvolt.ErrorReport) -> dict[str, float]:
    """Root mean square errors; forces by component."""
    total = report.total
    return {
        "energy_meV_per_atom": round(1e3 * total.energy_per_atom.rmse, 4),
        "force_meV_per_A": round(1e3 * total.force_components.rmse, 3),
    }


def _cost(potential: maxvolt.Potential, dataset: maxvolt.Dataset) -> float:
    """Processor time of a call of the calculator after atoms moved, microseconds per atom."""
    atoms = dataset[0]
    repeats = int(np.ceil((ATOMS_TIMED / len(atoms)) ** (1 / 3)))
    atoms = atoms * (repeats, repeats, repeats)
    calculator = maxvolt.Calculator(potential, threads=1)
    moved = [atoms.copy(), atoms.copy()]
    moved[1].positions[0, 0] += 1e-6
    turns = iter(range(10**9))

    def step() -> None:
        calculator.calculate(moved[next(turns) % 2], ["forces"])

    step()
    return 1e6 * smallest_times({"step": step}, 0.3)["step"] / len(atoms)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Learning curves.")
    parser.add_argument("--shared", type=Path, help="folder of the reference data")
    parser.add_argument("--minutes", type=float, default=1e6, help="start no fit after so long")
    parser.add_argument("--time", action="store_true", help="only times, of all fitted models")
    parser.add_argument("--report", action="store_true", help="only figures and tables")
    parser.add_argument("--output", type=Path, default=Path("docs/choosing"), help="folder")
    return parser.parse_args()


if __name__ == "__main__":
    main()
