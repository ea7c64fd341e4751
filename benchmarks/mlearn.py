"""Train on the six elements of Zuo et al. 2020 at the published levels, and compare the errors.

Data: extended XYZ files `Mo_train.xyz`, `Mo_test.xyz`, ... of the mlearn set, in eV and Angstrom.
Stresses of Cu and Ni carry a constant offset and are not fitted.

    python benchmarks/mlearn.py                     # all six, from ../shared/data/mlearn
    python benchmarks/mlearn.py Mo Li --json errors.json
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

import maxvolt

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "mlearn"


@dataclass(frozen=True, slots=True)
class Errors:
    """Root mean square errors: meV/atom and eV/Angstrom per component, training and test set."""

    energy_train: float
    energy_test: float
    force_train: float
    force_test: float


@dataclass(frozen=True, slots=True)
class Case:
    """One element: published level and errors (Zuo et al. 2020), and how it is trained here."""

    level: int
    published: Errors
    cutoff: float
    radial_basis_size: int
    weights: maxvolt.Weights


CASES = {
    "Ni": Case(20, Errors(0.664, 0.746, 0.0231, 0.0269), 5.2, 10, maxvolt.Weights(1, 0.01, 0)),
    "Cu": Case(20, Errors(0.517, 0.516, 0.0114, 0.0135), 5.2, 10, maxvolt.Weights(1, 0.01, 0)),
    "Li": Case(16, Errors(0.726, 0.660, 0.0127, 0.0132), 5.2, 8, maxvolt.Weights(1, 0.01, 0.001)),
    "Mo": Case(20, Errors(3.570, 3.978, 0.1389, 0.1514), 5.2, 10, maxvolt.Weights(1, 0.003, 0.001)),
    "Si": Case(24, Errors(3.278, 3.026, 0.0725, 0.0881), 5.0, 12, maxvolt.Weights(1, 0.006, 0.001)),
    "Ge": Case(24, Errors(4.514, 3.684, 0.0636, 0.0703), 5.3, 12, maxvolt.Weights(1, 0.011, 0.001)),
}


def train(element: str, case: Case, data: Path, threads: int | None) -> tuple[Errors, float]:
    """Errors of a potential trained for one element, and the time it took, s."""
    training, test = (maxvolt.read(data / f"{element}_{part}.xyz") for part in ("train", "test"))
    shortest = maxvolt.minimum_distances(training).overall
    potential = maxvolt.MTP(
        level=case.level,
        species=[element],
        cutoff=case.cutoff,
        min_dist=round(0.99 * shortest, 3),
        radial_basis_size=case.radial_basis_size,
    )
    began = time.perf_counter()
    result = maxvolt.fit(
        potential, training, validation=test, weights=case.weights, threads=threads
    )
    seconds = time.perf_counter() - began
    if result.validation_errors is None:
        raise RuntimeError("a validation set gives validation errors")
    found = [result.training_errors.total, result.validation_errors.total]
    energies = [1e3 * errors.energy_per_atom.rmse for errors in found]
    forces = [errors.force_components.rmse for errors in found]
    return Errors(*energies, *forces), seconds


def main() -> None:
    """Train, print the table, write the numbers."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("elements", nargs="*", default=list(CASES), metavar="ELEMENT")
    parser.add_argument("--data", type=Path, default=DATA, help="folder with the files")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--json", type=Path, help="write the numbers to this file")
    options = parser.parse_args()
    table = Table(title="RMSE here / published: train, test")
    for name in ("", "level", "energy train", "energy test", "force train", "force test", "time"):
        table.add_column(name, justify="right")
    rows = []
    for element in options.elements:
        case = CASES[element]
        errors, seconds = train(element, case, options.data, options.threads)
        ours, published = asdict(errors), asdict(case.published)
        rows.append({"element": element, "level": case.level, "seconds": seconds, **ours})
        shown = [f"{ours[name]:.4g} / {published[name]:.4g}" for name in ours]
        table.add_row(element, str(case.level), *shown, f"{seconds:.0f} s")
        Console().print(table)
        if options.json:
            options.json.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
