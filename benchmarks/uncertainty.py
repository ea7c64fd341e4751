"""Which measure tells the true force error, and do calibrated intervals hold? Five systems.

    python benchmarks/uncertainty.py                # hours; needs the reference data
    python benchmarks/uncertainty.py --minutes 30   # stop after the trial that ends then
    python benchmarks/uncertainty.py --report       # tables and figures only

Molybdenum, silicon (Zuo et al. 2020), tungsten (Szlachta et al. 2014), NbMoTaW (Li et al. 2020) and
ethanol (revised MD17), each with two splits: `exchangeable`, where training set and held-out
structures are drawn from the same ones at random, and `shifted`, where the held-out ones are of
other kinds (other phases, mixtures, surfaces, higher energies) than the training set. A trial is
one split with one way to measure: a single potential with its grades and its posterior, or an
ensemble of five. Each goes to uncertainty.json as soon as it ends and is not repeated.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

import grade_correlation
import maxvolt
from grade_correlation import BAD
from grades_report import shared_folder
from maxvolt import MTP, ActiveSet, Dataset, FitSettings
from maxvolt.files import replacing
from maxvolt.potentials import Potential
from maxvolt.uncertainty import (
    CommitteeMeasure,
    ForceDeviationMeasure,
    GradeMeasure,
    HeldOutErrors,
    Measure,
    Posterior,
    PosteriorMeasure,
    held_out_errors,
)
from uncertainty_report import write_report
from uncertainty_statistics import statistics

MEMBERS = 5
ITERATIONS = 40
KINDS = ("single", "weights", "bootstrap", "apart", "starts")
"""A single potential with grade and posterior; ensembles with random weights of the structures, of
structures drawn with replacement, of starts kept apart, and of starts alone."""
OF_ENSEMBLES: dict[str, dict[str, Any]] = {
    "weights": {"resampling": "weights"},
    "bootstrap": {"resampling": "bootstrap"},
    "apart": {"resampling": "none", "starts_apart": True},
    "starts": {"resampling": "none", "starts": 1},
}

Split = Literal["exchangeable", "shifted"]
SPLITS: tuple[Split, ...] = get_args(Split)
Chooser = Callable[[str, int], bool]


@dataclass(frozen=True, slots=True)
class System:
    """A material, how its potential is fitted, and how many structures are used.

    `training` and `held_out` are numbers of structures of the exchangeable split; `of_training`
    and `of_held_out` choose those of the shifted one by group and number in the group. Where there
    are no groups, the training set has structures of the lower half of the energies.
    """

    name: str
    files: tuple[str, ...]
    level: int
    cutoff: float
    min_dist: float
    training: int
    held_out: int
    of_training: Chooser | None = None
    of_held_out: Chooser | None = None


def _silicon_training(group: str, index: int) -> bool:
    return group == "Elastic" or (group == "AIMD-NVT" and index % 3 == 0)


def _of_the_other_benchmark(name: str, training: int, held_out: int) -> System:
    one = next(one for one in grade_correlation.SYSTEMS if one.name == name)
    return System(
        *(one.name, one.files, one.level, one.cutoff, one.min_dist, training, held_out),
        of_training=one.training,
        of_held_out=one.held_out,
    )


SYSTEMS = (
    _of_the_other_benchmark("Mo", 90, 129),
    _of_the_other_benchmark("W", 300, 300),
    _of_the_other_benchmark("NbMoTaW", 150, 200),
    System(
        *("Si", ("mlearn/Si_train.xyz", "mlearn/Si_test.xyz"), 12, 5.0, 1.8, 100, 139),
        of_training=_silicon_training,
        of_held_out=lambda group, index: not _silicon_training(group, index),
    ),
    System(
        "ethanol",
        ("rmd17/ethanol_train01.xyz", "rmd17/ethanol_test01.xyz"),
        12,
        5.0,
        0.85,
        200,
        400,
    ),
)


@dataclass(frozen=True, slots=True)
class Trial:
    """One split of one system, measured in one way."""

    system: str
    split: Split
    kind: str


def plan() -> list[Trial]:
    """All trials, the most telling for their time first."""
    order = ("Mo", "ethanol", "Si", "W", "NbMoTaW")
    return [
        Trial(name, split, kind)
        for kinds in (KINDS[:1], KINDS[1:3], KINDS[3:])
        for split in SPLITS
        for name in order
        for kind in kinds
    ]


def main() -> None:
    """Measure what is not yet in the file, then write tables and figures."""
    options = _options()
    path = options.output / "uncertainty.json"
    found = json.loads(path.read_text(encoding="utf-8"))["trials"] if path.exists() else []
    if not options.report:
        data = shared_folder(options.shared) / "data"
        _measure_missing(found, path, data, options)
    write_report(found, options.output, options.page)


def _measure_missing(
    found: list[dict[str, Any]], path: Path, data: Path, options: argparse.Namespace
) -> None:
    began = time.perf_counter()
    done = [one["trial"] for one in found]
    wanted = [one for one in plan() if not options.only or one.system in options.only]
    missing = [trial for trial in wanted if asdict(trial) not in done]
    for count, trial in enumerate(missing, start=1):
        if time.perf_counter() - began > 60 * options.minutes:
            print(f"{len(missing) - count + 1} trials are left; the command goes on with them")
            break
        found.append(measure(trial, data))
        _write(path, found)
        print(f"{count}/{len(missing)} {trial}", flush=True)


def _write(path: Path, trials: Sequence[dict[str, Any]]) -> None:
    document = {
        "maxvolt": maxvolt.__version__,
        "command": "python benchmarks/uncertainty.py",
        "settings": {"max_iterations": ITERATIONS, "members": MEMBERS, "threads": 1},
        "trials": list(trials),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as file:
        file.write((json.dumps(document, indent=1) + "\n").encode())


def measure(trial: Trial, data: Path) -> dict[str, Any]:
    """Fit, measure held-out structures, compare with their labels."""
    system = next(one for one in SYSTEMS if one.name == trial.system)
    training, held_out = split(system, trial.split, data)
    began = time.process_time()
    changes = OF_ENSEMBLES.get(trial.kind)
    members = 1 if changes is None else MEMBERS
    settings = FitSettings(
        max_iterations=ITERATIONS,
        ensemble=members,
        **({"starts": 2} if changes is None else changes),
    )
    untrained = MTP(system.level, training.species, system.cutoff, system.min_dist)
    result = maxvolt.fit(untrained, training, settings, validation=held_out, threads=1)
    seconds = time.process_time() - began
    assert result.validation_errors is not None
    limit = BAD * result.training_errors.total.force_components.rmse
    known = np.isin(np.array(held_out.groups), list(set(training.groups)))
    measures: dict[str, dict[str, Any]] = {}
    for name, make in _measures(trial.kind, result.potential, training, settings).items():
        try:
            one = make()
        except maxvolt.MaxvoltError as error:  # what cannot be made is a finding
            measures[name] = {"refused": str(error)}
            continue
        found, cost = _timed(result.potential, one, held_out)
        largest = float(_timed(result.potential, one, training)[0].sites.max())
        measures[name] = {
            **statistics(found, limit, largest, known if trial.split == "shifted" else None),
            "us_per_atom": round(cost, 2),
        }
    return {
        "trial": asdict(trial),
        "training": len(training),
        "held_out": len(held_out),
        "held_out_atoms": held_out.n_atoms,
        "parameters": untrained.n_parameters,
        "fit_processor_s": round(seconds, 1),
        "training_rmse": result.training_errors.total.force_components.rmse,
        "held_out_rmse": result.validation_errors.total.force_components.rmse,
        "spread": _spread(result),
        "warnings": list(result.warnings),
        "measures": measures,
    }


def split(system: System, how: Split, data: Path) -> tuple[Dataset, Dataset]:
    """Training set and held-out structures; the latter have forces that do not vanish."""
    everything = Dataset.concatenate([maxvolt.read(data / name) for name in system.files])
    usable = grade_correlation.with_forces(everything)
    if how == "shifted" and system.of_training is not None and system.of_held_out is not None:
        training = grade_correlation.chosen(everything, system.of_training)
        held_out = grade_correlation.chosen(everything, system.of_held_out) & usable
        return everything.select(training), everything.select(held_out)
    order = np.random.default_rng(0).permutation(len(everything))
    first, rest = order, order[system.training :]
    if how == "shifted":
        low = everything.energies < np.median(everything.energies)
        first = order[low[order]]
        rest = np.setdiff1d(order, first[: system.training])
        rest = np.random.default_rng(1).permutation(rest)
    chosen = rest[usable[rest]][: system.held_out]
    return everything.select(np.sort(first[: system.training])), everything.select(np.sort(chosen))


def _measures(
    kind: str, potential: Potential, training: Dataset, settings: FitSettings
) -> dict[str, Callable[[], Measure]]:
    """What makes the measures of the error of a potential, by name."""
    if kind != "single":
        assert isinstance(potential, maxvolt.Ensemble)
        committee = CommitteeMeasure(potential)
        return {kind: lambda: committee}
    assert isinstance(potential, MTP)
    posterior = Posterior.from_dataset(potential, training, settings, threads=1)
    of_atoms = partial(ActiveSet.from_dataset, potential, training, mode="neighborhood", threads=1)
    return {
        "grade": lambda: GradeMeasure(of_atoms()),
        "posterior": lambda: PosteriorMeasure(posterior),
        "posterior forces": lambda: ForceDeviationMeasure(posterior),
        "posterior samples": lambda: CommitteeMeasure(posterior.ensemble(MEMBERS, seed=0)),
    }


def _timed(potential: Potential, one: Measure, dataset: Dataset) -> tuple[HeldOutErrors, float]:
    """Measures and errors, and processor time in microseconds per atom, evaluation included."""
    began = time.process_time()
    found = held_out_errors(potential, [one], dataset, threads=1)
    return found, 1e6 * (time.process_time() - began) / dataset.n_atoms


def _spread(result: maxvolt.FitResult) -> float | None:
    """Root mean square spread of held-out force components, eV/Angstrom."""
    errors = result.ensemble_validation_errors
    return None if errors is None else errors.force_spread


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measures of uncertainty against force errors.")
    parser.add_argument("--shared", type=Path, help="folder of the reference data")
    parser.add_argument("--only", nargs="+", choices=[system.name for system in SYSTEMS])
    parser.add_argument("--minutes", type=float, default=float("inf"), help="stop after so many")
    parser.add_argument("--report", action="store_true", help="write tables and figures only")
    parser.add_argument("--output", type=Path, default=Path("docs/uncertainty"), help="folder")
    parser.add_argument("--page", type=Path, default=Path("docs/uncertainty_measured.md"))
    return parser.parse_args()


if __name__ == "__main__":
    main()
