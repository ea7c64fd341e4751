"""Would moment coefficients of each species lower errors? An experiment.

    python benchmarks/coefficients_by_species.py POT TRAIN TEST [--structures 500] [--output JSON]

The energy of an atom is linear in its scalars, equation (6), with the same coefficients whatever
its species. Here each species of the central atom has its own, at the same cost of an evaluation.
The radial functions are those of a trained potential and stay as they are; the linear coefficients
are fitted to the same energies and forces, shared by all species and by species.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import maxvolt
from maxvolt.potentials.mtp.binding import kernels
from maxvolt.potentials.mtp.model import Model, compile_model
from maxvolt.report.output import write_json

Array = NDArray[np.float64]

_AT_ONCE = 50
"""Structures whose rows are in memory together."""
_ENERGY_WEIGHT, _FORCE_WEIGHT = 1.0, 0.01
_RIDGES = 10.0 ** np.arange(-12, -3)
"""Of scaled columns; the best on a tenth of the training structures is taken, for both fits."""
_KEPT_OUT = 10
"""One training structure of so many chooses the ridge."""


@dataclass(slots=True)
class Equations:
    """Normal equations of weighted energies and forces; U unknowns."""

    matrix: Array
    vector: Array

    def solved(self, columns: NDArray[np.int64], combine: Array | None, ridge: float) -> Array:
        """Coefficients of some columns, or of combinations of columns."""
        matrix, vector = self.matrix[np.ix_(columns, columns)], self.vector[columns]
        if combine is not None:
            matrix, vector = combine.T @ matrix @ combine, combine.T @ vector
        scale = np.sqrt(np.maximum(np.diag(matrix), 1e-300))
        scaled = matrix / scale / scale[:, None]
        scaled[np.diag_indices_from(scaled)] += ridge
        found = np.linalg.solve(scaled, vector / scale) / scale
        return np.asarray(found if combine is None else combine @ found)


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of energies and of force components, with their labels."""

    energies: Array
    forces: Array
    counts: Array
    energy_labels: Array
    force_labels: Array


def models_of_species(model: Model) -> list[Model]:
    """One model for each species, in which atoms of the others see nothing."""
    found = []
    for one in range(model.n_species):
        radial = np.zeros_like(model.radial_coeffs)
        radial[one] = model.radial_coeffs[one]
        found.append(replace(model, radial_coeffs=radial))
    return found


def rows_of(potential: maxvolt.MTP, dataset: maxvolt.Dataset) -> Rows:
    """Columns: constants of the species, then the scalars of atoms of each species in turn."""
    near, n = potential.neighborhoods(dataset), potential.model.n_species
    parts = [
        kernels.jacobian(compile_model(model), near, columns="linear")
        for model in models_of_species(potential.model)
    ]
    energies = [parts[0].energies[:, :n], *(part.energies[:, n:] for part in parts)]
    forces = [parts[0].forces[..., :n], *(part.forces[..., n:] for part in parts)]
    return Rows(
        np.concatenate(energies, axis=1),
        np.concatenate(forces, axis=2).reshape(3 * near.n_atoms, -1),
        dataset.counts.astype(float),
        dataset.energies,
        dataset.forces.ravel(),
    )


def portions(dataset: maxvolt.Dataset) -> list[maxvolt.Dataset]:
    """A few structures at once."""
    return [
        dataset.select(np.arange(begin, min(begin + _AT_ONCE, len(dataset))))
        for begin in range(0, len(dataset), _AT_ONCE)
    ]


def equations_of(potential: maxvolt.MTP, dataset: maxvolt.Dataset) -> Equations:
    """Sums over all structures."""
    total: Equations | None = None
    for part in portions(dataset):
        rows = rows_of(potential, part)
        energies = rows.energies * np.sqrt(_ENERGY_WEIGHT / rows.counts)[:, None]
        labels = rows.energy_labels * np.sqrt(_ENERGY_WEIGHT / rows.counts)
        found = Equations(
            energies.T @ energies + _FORCE_WEIGHT * rows.forces.T @ rows.forces,
            energies.T @ labels + _FORCE_WEIGHT * rows.forces.T @ rows.force_labels,
        )
        if total is None:
            total = found
        else:
            total.matrix += found.matrix
            total.vector += found.vector
    if total is None:
        raise SystemExit("There are no structures.")
    return total


def errors_of(
    potential: maxvolt.MTP, dataset: maxvolt.Dataset, fits: dict[str, Array]
) -> dict[str, dict[str, float]]:
    """Root mean square errors of each fit, and its loss."""
    energies: dict[str, list[Array]] = {name: [] for name in fits}
    forces: dict[str, list[Array]] = {name: [] for name in fits}
    for part in portions(dataset):
        rows = rows_of(potential, part)
        for name, coefficients in fits.items():
            wrong = rows.energies @ coefficients - rows.energy_labels
            energies[name].append(wrong / rows.counts)
            forces[name].append(rows.forces @ coefficients - rows.force_labels)
    return {
        name: {
            "energy_meV_per_atom": 1e3 * _root_mean_square(np.concatenate(energies[name])),
            "force_meV_per_A": 1e3 * _root_mean_square(np.concatenate(forces[name])),
        }
        for name in fits
    }


def _root_mean_square(values: Array) -> float:
    return float(np.sqrt(np.mean(values**2)))


def shared_columns(n_species: int, n_scalars: int) -> Array:
    """Sums of the columns of all species, which have one coefficient; constants stay."""
    return np.block(
        [
            [np.eye(n_species), np.zeros((n_species, n_scalars))],
            [
                np.zeros((n_species * n_scalars, n_species)),
                np.tile(np.eye(n_scalars), (n_species, 1)),
            ],
        ]
    )


def best_fits(
    potential: maxvolt.MTP, training: maxvolt.Dataset
) -> tuple[dict[str, Array], dict[str, float]]:
    """Coefficients shared and by species, each with the ridge that held-out forces prefer."""
    n, n_scalars = potential.model.n_species, len(potential.model.moment_coeffs)
    combine = {"shared": shared_columns(n, n_scalars), "by species": None}
    everything = np.arange(n + n * n_scalars)
    held = np.arange(len(training)) % _KEPT_OUT == 0
    fitted = equations_of(potential, training.select(np.flatnonzero(~held)))
    checked = training.select(np.flatnonzero(held))
    trials = {
        f"{name} {ridge:g}": fitted.solved(everything, of_shared, ridge)
        for name, of_shared in combine.items()
        for ridge in _RIDGES
    }
    wrong = errors_of(potential, checked, trials)
    ridges = {
        name: min(_RIDGES, key=lambda ridge: wrong[f"{name} {ridge:g}"]["force_meV_per_A"])
        for name in combine
    }
    rest = equations_of(potential, checked)
    whole = Equations(fitted.matrix + rest.matrix, fitted.vector + rest.vector)
    found = {
        name: whole.solved(everything, of_shared, ridges[name])
        for name, of_shared in combine.items()
    }
    return found, {name: float(ridge) for name, ridge in ridges.items()}


def compared(
    potential: maxvolt.MTP, training: maxvolt.Dataset, test: maxvolt.Dataset
) -> dict[str, object]:
    """Errors of both fits on both sets."""
    fits, ridges = best_fits(potential, training)
    model = potential.model
    shared = model.n_parameters - model.n_radial
    return {
        "structures": {"training": len(training), "test": len(test)},
        "linear_coefficients": {"shared": shared, "by species": len(fits["by species"])},
        "ridges": ridges,
        "training": errors_of(potential, training, fits),
        "test": errors_of(potential, test, fits),
    }


def chosen_structures(path: Path, most: int) -> maxvolt.Dataset:
    """Structures of a file, so many at most, drawn at random."""
    data = maxvolt.read(path)
    chosen = np.random.default_rng(0).permutation(len(data))[:most]
    return data.select(np.sort(chosen))


def main() -> None:
    """Compare, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("potential", type=Path)
    parser.add_argument("training", type=Path)
    parser.add_argument("test", type=Path)
    parser.add_argument("--structures", type=int, default=500, help="of both sets at most")
    parser.add_argument("--output", type=Path, help="add the numbers to this file")
    options = parser.parse_args()
    potential = maxvolt.read_potential(options.potential)
    sets = [
        chosen_structures(path, options.structures) for path in (options.training, options.test)
    ]
    found = compared(potential, *sets)
    print(json.dumps(found, indent=1))
    if options.output is not None:
        path = options.output
        known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        write_json({**known, f"{options.potential.stem}, {options.structures}": found}, path)


if __name__ == "__main__":
    main()
