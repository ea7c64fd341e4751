"""From labelled structures to a checked potential, in under two minutes.

    python run.py --output demo_output

makes a labelled set, trains a moment tensor potential, prints its errors on structures it has not
seen, says which errors were to be expected there, draws them, and uses it as an ASE calculator.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from ase import Atoms
from ase.calculators.emt import EMT
from figure import save_figure
from rich.console import Console
from structures import labelled_set, ordered_crystal

import maxvolt
from maxvolt.fitting import FitProgress
from maxvolt.fitting.prediction_errors import compute_ensemble_errors
from maxvolt.properties import equation_of_state, lattice_constant
from maxvolt.report import print_errors, write_errors_json
from maxvolt.uncertainty import held_out_errors, reliability_on

LEVEL, CUTOFF, MIN_DIST, RADIAL_BASIS_SIZE = 10, 5.5, 2.2, 8
COVERAGE, MEMBERS = 0.9, 5


def main() -> None:
    """Run the demo."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("demo_output"), help="folder to fill")
    parser.add_argument("--structures", type=int, default=160, help="size of the training set")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    started = time.perf_counter()

    print("1. Labels: ASE's EMT, a stand-in for a quantum-mechanical code")
    train = without_close_pairs(labelled_set(options.structures, seed=0))
    test = without_close_pairs(labelled_set(options.structures // 4, seed=1))
    maxvolt.write(options.output / "train.xyz", train)
    maxvolt.write(options.output / "test.xyz", test)
    print(f"   {train}")

    print(f"2. Training: level {LEVEL}, cutoff {CUTOFF} A")
    start = maxvolt.MTP(
        level=LEVEL,
        species=train.species,
        cutoff=CUTOFF,
        min_dist=MIN_DIST,
        radial_basis_size=RADIAL_BASIS_SIZE,
    )
    result = maxvolt.fit(start, train, validation=test, seed=0, progress=show)
    result.potential.write(options.output / "pot.mtp")

    print("3. Errors; the fit has not seen the validation set")
    errors = {"training": result.training_errors, "validation": result.validation_errors}
    print_errors(errors, Console(highlight=False))
    write_errors_json(errors, options.output / "errors.json")

    print("4. Expected force errors, from the training set alone, beside those found")
    print_expected_errors(result, train, test)

    print("5. Cu3Au with the potential and with its reference")
    curves = {}
    for name, calculator in (
        ("maxvolt", maxvolt.Calculator(result.potential)),
        ("EMT", EMT()),
    ):
        crystal = ordered_crystal("Cu3Au")
        curves[name] = equation_of_state(calculator, crystal)
        constant = lattice_constant(calculator, crystal)
        print(f"   {name:<8} lattice constant {constant.value:.4f} A")
    save_figure(options.output / "emt_demo.png", result.potential, test, curves)
    print(f"Done in {time.perf_counter() - started:.0f} s; see {options.output}")


def print_expected_errors(
    result: maxvolt.FitResult, train: maxvolt.Dataset, test: maxvolt.Dataset
) -> None:
    """Say how large errors are expected to be, how large they are, and what a spread is worth."""
    uncertainty = maxvolt.calibrate(result.potential, training=train, measures=["posterior forces"])
    found = reliability_on(
        uncertainty.calibration,
        held_out_errors(result.potential, uncertainty.measures, test),
    )
    bounds = next(row for row in found.coverage if row.stated == COVERAGE)
    print(
        f"   length of the error of a force, mean: expected {1000 * found.expected.mean():.1f}, "
        f"found {1000 * found.errors.mean():.1f} meV/A\n"
        f"   bounds that state {100 * COVERAGE:.0f} % hold for {100 * bounds.forces:.0f} % of the "
        f"atoms; rank correlation with the error {found.correlations['expected error']:.2f}"
    )
    # Samples of the posterior of the linear coefficients: an ensemble without a further fit.
    ensemble = maxvolt.Posterior.from_dataset(result.potential, train).ensemble(MEMBERS, seed=0)
    spread = compute_ensemble_errors(ensemble.members, test)
    error = spread.mean_prediction.total.force_components.rmse
    print(
        f"   a force component: spread of {MEMBERS} samples of the posterior "
        f"{1000 * spread.force_spread:.1f}, error of their mean {1000 * error:.1f} meV/A, "
        f"ratio {spread.force_spread / error:.2f}"
    )
    if doubt := spread.doubt("validation"):
        print(f"   warning: {doubt}")


def without_close_pairs(structures: list[Atoms]) -> maxvolt.Dataset:
    """Return the structures as a data set, without those that have a distance below MIN_DIST."""
    dataset = maxvolt.Dataset.from_atoms(structures)
    return dataset.select(maxvolt.minimum_distances(dataset).structures > MIN_DIST)


def show(progress: FitProgress) -> None:
    """Print every tenth iteration and the last."""
    if progress.finished or progress.iteration % 10 == 0:
        print(
            f"   iteration {progress.iteration:3d}   loss {progress.loss:.3e}   "
            f"energy {1000 * progress.energy_rmse:.3f} meV/atom   "
            f"force {1000 * progress.force_rmse:.2f} meV/A   {progress.finished}"
        )


if __name__ == "__main__":
    main()
