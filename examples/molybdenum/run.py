"""The first example of the MLIP paper: an ensemble of potentials for molybdenum.

    python run.py train.xyz --validation test.xyz --output molybdenum_output

trains five potentials of level 16 from different starts, each with other random weights of the
structures, and computes with each the energy-volume curve, the lattice constant and the elastic
constants of bcc molybdenum. Beside each number stands twice the standard deviation over the
ensemble, and the paper's value (Novikov et al., Mach. Learn.: Sci. Technol. 2, 025002 (2021)). The
spread of the ensemble is compared with its error on the validation set, and calibrated on it.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from crystal import CrystalProperties, crystal_properties
from figures import elastic_figure, energy_volume_figure
from rich.console import Console
from tables import comparison_table, expected_table, spread_table

import maxvolt
from maxvolt.calculators import member_calculators
from maxvolt.fitting import FitProgress
from maxvolt.fitting.error_statistics import EnsembleErrors
from maxvolt.fitting.prediction_errors import compute_ensemble_errors
from maxvolt.report import (
    ensemble_error_table,
    print_fitted,
    save_figure,
    write_errors_json,
    write_json,
)
from maxvolt.uncertainty import (
    CommitteeMeasure,
    Reliability,
    held_out_errors,
    reliability_of_folds,
)
from maxvolt.units import GPA_PER_EV_A3

CUTOFF, MIN_DIST, RADIAL_BASIS_SIZE = 5.2, 1.9, 8
COVERAGE = 0.9

DEFAULT_DATA = Path(__file__).resolve().parents[3] / "shared" / "data" / "mlearn"


def main() -> None:
    """Train, check, compute, print and draw."""
    options = parse_arguments()
    options.output.mkdir(parents=True, exist_ok=True)
    console = Console(highlight=False)
    started = time.perf_counter()

    training = maxvolt.Dataset.concatenate([read(path) for path in options.data])
    validation = None if options.validation is None else read(options.validation)
    result = train(options, training, validation)
    potential = result.potential
    potential.write(options.output / "pot.mtp")
    print(f"trained in {time.perf_counter() - started:.0f} s")
    for warning in result.warnings:
        print(f"warning: {warning}")

    members = getattr(potential, "members", (potential,))
    errors = {"training": compute_ensemble_errors(members, training, threads=options.threads)}
    if validation is not None:
        errors["validation"] = compute_ensemble_errors(members, validation, threads=options.threads)
    print_fitted(ensemble_error_table(errors), console)
    expected = None
    if options.ensemble > 1:
        print_fitted(spread_table(errors), console)
        if validation is not None:
            expected = print_expected_errors(potential, validation, options.threads, console)

    crystal = crystal_properties(member_calculators(potential, threads=options.threads))
    print_fitted(comparison_table(errors["training"], crystal), console)
    for warning in property_warnings(crystal):
        print(f"warning: {warning}")
    save(options.output, errors, crystal)
    if expected is not None:
        save_figure(expected.figure(), options.output / "reliability.png")
    print(f"done in {time.perf_counter() - started:.0f} s; see {options.output}")


def parse_arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", type=Path, nargs="*", help="training set, in any format")
    parser.add_argument("--validation", type=Path, help="structures that the fit does not see")
    parser.add_argument("--level", type=int, default=16, help="level of the potentials (16)")
    parser.add_argument("--ensemble", type=int, default=5, help="number of potentials (5)")
    parser.add_argument(
        "--resampling",
        choices=("weights", "bootstrap", "none"),
        default="weights",
        help="data of each potential: structures with random weights (weights), drawn with "
        "replacement (bootstrap), or all alike (none)",
    )
    parser.add_argument(
        "--starts-apart", action="store_true", help="keep the potentials in different minima"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the random starts (0)")
    parser.add_argument("--threads", type=int, help="number of threads (all cores)")
    parser.add_argument("--output", type=Path, default=Path("molybdenum_output"), help="folder")
    options = parser.parse_args()
    if not options.data:
        options.data = [DEFAULT_DATA / "Mo_train.xyz"]
        if options.validation is None and (DEFAULT_DATA / "Mo_test.xyz").exists():
            options.validation = DEFAULT_DATA / "Mo_test.xyz"
    missing = [str(path) for path in options.data if not path.exists()]
    if missing:
        parser.error(
            f"no such file: {', '.join(missing)}; give labelled molybdenum structures, for "
            "instance those of Zuo et al. 2020 (github.com/materialsvirtuallab/mlearn)"
        )
    return options


def read(path: Path) -> maxvolt.Dataset:
    """Read structures and drop those whose atoms are closer than the basis reaches."""
    dataset = maxvolt.read(path, species=("Mo",))
    shortest = maxvolt.minimum_distances(dataset).structures
    kept = dataset.select(shortest >= MIN_DIST)
    dropped = len(dataset) - len(kept)
    print(
        f"{path}: {len(dataset)} structures, {dropped} dropped with a distance below {MIN_DIST} A"
    )
    return kept


def train(
    options: argparse.Namespace, training: maxvolt.Dataset, validation: maxvolt.Dataset | None
) -> maxvolt.FitResult:
    """Train the ensemble."""
    start = maxvolt.MTP(
        level=options.level,
        species=["Mo"],
        cutoff=CUTOFF,
        min_dist=MIN_DIST,
        radial_basis_size=RADIAL_BASIS_SIZE,
    )
    print(f"training {options.ensemble} potentials: {start}")
    return maxvolt.fit(
        start,
        training,
        validation=validation,
        ensemble=options.ensemble,
        resampling=options.resampling if options.ensemble > 1 else "none",
        starts_apart=options.starts_apart,
        seed=options.seed,
        threads=options.threads,
        progress=tell,
    )


def print_expected_errors(
    potential: maxvolt.Ensemble,
    validation: maxvolt.Dataset,
    threads: int | None,
    console: Console,
) -> Reliability | None:
    """Calibrate the spread on the validation set; say what it tells of structures left out."""
    try:
        measures = [CommitteeMeasure(potential)]
        errors = held_out_errors(potential, measures, validation, threads=threads)
        found = reliability_of_folds(errors)
    except maxvolt.DataError as error:
        print(f"no expected errors: {error}")
        return None
    print_fitted(expected_table(found), console)
    bounds = next(row for row in found.coverage if row.stated == COVERAGE)
    print(
        f"{100 * bounds.forces:.0f} % of the force errors lie inside bounds that state "
        f"{100 * COVERAGE:.0f} %; rank correlation of spread and force error of atoms "
        f"{found.correlations['committee']:.2f}"
    )
    return found


def tell(news: FitProgress) -> None:
    """Say now and then how the fit goes."""
    if news.finished or news.iteration % 25 == 0:
        print(
            f"  potential {news.member + 1} of {news.members}, iteration {news.iteration:3d}: "
            f"{1000 * news.energy_rmse:6.2f} meV/atom, {1000 * news.force_rmse:6.1f} meV/A, "
            f"{GPA_PER_EV_A3 * news.stress_rmse:5.2f} GPa, {news.elapsed:4.0f} s {news.finished}",
            flush=True,
        )


def property_warnings(crystal: CrystalProperties) -> list[str]:
    """Say which member's elastic constants or energy-volume curve are in doubt, and why."""
    return [
        f"potential {number}: {warning}"
        for number, (elastic, curve) in enumerate(
            zip(crystal.elastic.results, crystal.curve.results, strict=True), start=1
        )
        for warning in (*elastic.warnings, *curve.warnings)
    ]


def save(output: Path, errors: dict[str, EnsembleErrors], crystal: CrystalProperties) -> None:
    """Write numbers and plots."""
    reports = {name: one.mean_prediction for name, one in errors.items()}
    write_errors_json(reports, output / "errors.json")
    write_json(crystal.to_dict(), output / "properties.json")
    save_figure(energy_volume_figure(crystal), output / "energy_volume.png")
    save_figure(elastic_figure(crystal), output / "elastic_constants.png")


if __name__ == "__main__":
    try:
        main()
    except maxvolt.MaxvoltError as error:
        sys.exit(f"error: {error}")
