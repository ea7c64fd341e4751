"""From labelled structures to a checked potential, in under two minutes: what `make demo` runs.

    python run.py --output demo_output

makes a labelled set, trains a moment tensor potential, prints its errors on structures it has not
seen, draws them, and uses it as an ASE calculator.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from ase.calculators.emt import EMT
from figure import save_figure
from structures import labelled_set, ordered_crystal

import maxvolt
from maxvolt.properties import equation_of_state, lattice_constant
from maxvolt.report import print_errors, write_errors_json

LEVEL, CUTOFF, RADIAL_BASIS_SIZE = 10, 5.5, 8


def main() -> None:
    """Run the demo."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("demo_output"), help="folder to fill")
    parser.add_argument("--structures", type=int, default=160, help="size of the training set")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    started = time.perf_counter()

    print("1. Labels: ASE's EMT, a stand-in for a quantum-mechanical code")
    train = maxvolt.Dataset.from_atoms(labelled_set(options.structures, seed=0))
    test = maxvolt.Dataset.from_atoms(labelled_set(options.structures // 4, seed=1))
    maxvolt.write(options.output / "train.xyz", train)
    maxvolt.write(options.output / "test.xyz", test)
    print(f"   {train}")

    print(f"2. Training: level {LEVEL}, cutoff {CUTOFF} A")
    min_dist = 0.99 * maxvolt.minimum_distances(train).overall
    start = maxvolt.MTP(
        level=LEVEL,
        species=train.species,
        cutoff=CUTOFF,
        min_dist=min_dist,
        radial_basis_size=RADIAL_BASIS_SIZE,
    )
    result = maxvolt.fit(start, train, validation=test, seed=0)
    result.potential.write(options.output / "pot.mtp")

    print("3. Errors; the fit has not seen the validation set")
    errors = {"training": result.training_errors, "validation": result.validation_errors}
    print_errors(errors)
    write_errors_json(errors, options.output / "errors.json")

    print("4. Cu3Au with the potential and with its reference")
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


if __name__ == "__main__":
    main()
