"""Would a nonlinear function of a second linear output lower force errors? An experiment.

    python benchmarks/nonlinear_embedding.py POT TRAIN TEST [--structures 60] [--output JSON]

The energy of an atom becomes rho_1 + F(rho_2), both rho linear in the same scalars, with
F(x) = x / (1 + x^2)^(1/4): a line near zero and a square root far from it, as in Finnis and
Sinclair's potentials and ACE. Scalars and their derivatives are those of a trained potential of one
element, whose radial functions stay as they are; both sets of linear coefficients are fitted by
Levenberg-Marquardt from several starts. Beside it stands the potential as it is, its coefficients
fitted to the same structures, energies and forces. The kernels would need a second quadratic form,
equation (33), for it.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import maxvolt
from maxvolt.neighbors.neighborhoods import Neighborhoods
from maxvolt.neighbors.pairs import NeighborList
from maxvolt.potentials.mtp.binding import kernels
from maxvolt.potentials.mtp.binding.plan_report import plan_report
from maxvolt.potentials.mtp.model import compile_model
from maxvolt.report.output import write_json
from performance.operations import operation_count

Array = NDArray[np.float64]

_CENTERS_AT_ONCE = 200
_ENERGY_WEIGHT, _FORCE_WEIGHT = 1.0, 0.01
_RIDGE = 1e-9
_ITERATIONS = 40


@dataclass(frozen=True, slots=True, eq=False)
class Sites:
    """Scalars of N atoms, and their derivatives, sorted by the atom that is moved; S scalars.

    Attributes
    ----------
    scalars : shape (N, S)
    slopes : shape (P, 3, S), float32
        Minus the derivative of the scalars of an atom by the position of one it sees, or its own.
    centers : shape (P,)
        Whose scalars.
    first : shape (N,)
        Row of `slopes` at which each moved atom begins.
    structures : shape (N,)
    counts, energies : shape (n,)
    forces : shape (N, 3)
    """

    scalars: Array
    slopes: NDArray[np.float32]
    centers: NDArray[np.int64]
    first: NDArray[np.int64]
    structures: NDArray[np.int64]
    counts: NDArray[np.int64]
    energies: Array
    forces: Array

    def summed(self, of_centers: Array) -> Array:
        """Sum over all centers of their slopes times a number each, shape (N, 3, S)."""
        rows = self.slopes * of_centers[self.centers, None, None].astype(np.float32)
        return np.add.reduceat(rows, self.first, axis=0).astype(float)


def sites_of(potential: maxvolt.MTP, dataset: maxvolt.Dataset) -> Sites:
    """All atoms of a dataset one by one, each with copies of its neighbours that see nothing."""
    near = potential.neighborhoods(dataset)
    i, j, vectors = full_list(near, potential.cutoff)
    model = potential.model
    deaf = np.zeros((2, 2, *model.radial_coeffs.shape[2:]))
    deaf[0] = model.radial_coeffs[0, 0]
    core = compile_model(
        replace(
            model, radial_coeffs=deaf, species_coeffs=np.zeros(2), numbers=model.numbers.repeat(2)
        )
    )
    n, scalars, slopes, centers, moved = near.n_atoms, [], [], [], []
    for begin in range(0, n, _CENTERS_AT_ONCE):
        end = min(begin + _CENTERS_AT_ONCE, n)
        part = (i >= begin) & (i < end)
        clusters, place = _clusters(i[part] - begin, vectors[part], end - begin)
        rows = kernels.jacobian(core, clusters, columns="linear")
        scalars.append(rows.energies[:, 2:])
        slopes.append(rows.forces[place, :, 2:].astype(np.float32))
        own = np.arange(begin, end)
        centers.append(np.concatenate([own, i[part]]))
        moved.append(np.concatenate([own, j[part]]))
    target = np.concatenate(moved)
    order = np.argsort(target, kind="stable")
    return Sites(
        np.concatenate(scalars), np.concatenate(slopes)[order], np.concatenate(centers)[order],
        np.searchsorted(target[order], np.arange(n)), dataset.structure_of_atom.astype(np.int64),
        dataset.counts.astype(np.int64), dataset.energies, dataset.forces,
    )  # fmt: skip


def full_list(
    near: Neighborhoods, cutoff: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], Array]:
    """Every pair from both ends, sorted by the first atom: both atoms, vector from i to j."""
    i, j, shifts = near.pairs.both_ways()
    vectors = pair_vectors(near, i, j, shifts)
    inside = np.linalg.norm(vectors, axis=1) < cutoff
    return i[inside].astype(np.int64), j[inside].astype(np.int64), vectors[inside]


def pair_vectors(
    near: Neighborhoods,
    i: NDArray[np.int32],
    j: NDArray[np.int32],
    shifts: NDArray[np.int32],
) -> Array:
    """Vectors from i to j; each structure has a cell of its own."""
    moved = np.einsum("pa,pab->pb", shifts, near.cells[near.structures[i]])
    return np.asarray(near.positions[j] + moved - near.positions[i])


def _clusters(
    centers: NDArray[np.int64], vectors: Array, n: int
) -> tuple[Neighborhoods, NDArray[np.int64]]:
    """Centers at the origin, with their neighbours, of the species that sees nothing.

    Returns
    -------
    clusters
        One for each center.
    place : shape (n + P,)
        Where its atoms are: centers, then neighbours.
    """
    structures = np.concatenate([np.arange(n), centers])
    order = np.argsort(structures, kind="stable")
    place = np.argsort(order)
    pairs = np.stack([place[centers], place[n:]], axis=1)
    positions = np.concatenate([np.zeros((n, 3)), vectors])[order]
    types = np.concatenate([np.zeros(n), np.ones(len(centers))])[order]
    listed = NeighborList(len(order), pairs.astype(np.int32), np.zeros((len(pairs), 3), np.int32))
    found = Neighborhoods(
        positions, np.zeros((n, 3, 3)), structures[order].astype(np.int32),
        types.astype(np.int32), listed,
    )  # fmt: skip
    return found, place


def embedding(x: Array) -> tuple[Array, Array, Array]:
    """F, its first and second derivative."""
    s = 1 + x**2
    value, slope = x * s**-0.25, (1 + 0.5 * x**2) * s**-1.25
    return value, slope, x * s**-1.25 - 2.5 * x * (1 + 0.5 * x**2) * s**-2.25


class Problem:
    """Weighted equations of all coefficients: constant, first and perhaps second output."""

    def __init__(self, sites: Sites) -> None:
        self.sites = sites
        of_energies = np.sqrt(_ENERGY_WEIGHT / sites.counts)
        of_forces = np.full(sites.forces.size, np.sqrt(_FORCE_WEIGHT))
        self.root = np.concatenate([of_energies, of_forces])
        self.labels = np.concatenate([sites.energies, sites.forces.ravel()])
        self.plain = self._rows(sites.scalars, sites.summed(np.ones(len(sites.scalars))))

    def _rows(self, of_sites: Array, forces: Array) -> Array:
        energies = np.zeros((len(self.sites.counts), of_sites.shape[1]))
        np.add.at(energies, self.sites.structures, of_sites)
        return np.concatenate([energies, forces.reshape(-1, forces.shape[2])])

    @property
    def constant(self) -> Array:
        """Rows of the energy of an atom without neighbours."""
        zeros = np.zeros(self.sites.forces.size)
        return np.concatenate([self.sites.counts.astype(float), zeros])[:, None]

    def linear(self) -> tuple[Array, Array]:
        """Coefficients without the second output, and residuals without weights."""
        rows = np.concatenate([self.constant, self.plain], axis=1)
        found = _solve(rows * self.root[:, None], self.labels * self.root, 0.0)
        return found, rows @ found - self.labels

    def predicted(self, coefficients: Array) -> tuple[Array, Array]:
        """Energies and forces with both outputs, and their derivatives by all coefficients."""
        n = self.sites.scalars.shape[1]
        second = coefficients[1 + n :]
        value, slope, curvature = embedding(self.sites.scalars @ second)
        ones = self.sites.summed(slope)
        along = (self.sites.slopes @ second.astype(np.float32)).astype(float)
        bent = curvature[self.sites.centers, None] * along
        outer = bent[:, :, None] * self.sites.scalars[self.sites.centers, None, :]
        twos = np.add.reduceat(outer, self.sites.first, axis=0)
        rows = self._rows(slope[:, None] * self.sites.scalars, ones + twos)
        first = np.concatenate([self.constant, self.plain], axis=1)
        found = (
            first @ coefficients[: 1 + n]
            + self._rows(value[:, None], (ones @ second)[..., None])[:, 0]
        )
        return found, np.concatenate([first, rows], axis=1)

    def fitted(self, coefficients: Array) -> tuple[Array, float]:
        """Levenberg-Marquardt from a start; coefficients and loss."""
        damping, found, rows = 1e-2, *self.predicted(coefficients)
        residuals = (found - self.labels) * self.root
        for _ in range(_ITERATIONS):
            step = _solve(rows * self.root[:, None], -residuals, damping)
            trial, trial_rows = self.predicted(coefficients + step)
            after = (trial - self.labels) * self.root
            if np.sum(after**2) < np.sum(residuals**2):
                coefficients, rows, damping = coefficients + step, trial_rows, damping / 4
                if np.sum(after**2) > (1 - 1e-4) * np.sum(residuals**2):
                    residuals = after
                    break
                residuals = after
            else:
                damping *= 8
        return coefficients, float(np.sum(residuals**2))

    def errors(self, residuals: Array) -> dict[str, float]:
        """Root mean square errors."""
        n = len(self.sites.counts)
        energies = residuals[:n] / self.sites.counts
        return {
            "energy_meV_per_atom": 1e3 * float(np.sqrt(np.mean(energies**2))),
            "force_meV_per_A": 1e3 * float(np.sqrt(np.mean(residuals[n:] ** 2))),
        }


def _solve(rows: Array, right: Array, damping: float) -> Array:
    """Damped least squares, columns scaled."""
    matrix, vector = rows.T @ rows, rows.T @ right
    scale = np.sqrt(np.maximum(np.diag(matrix), 1e-300))
    scaled = matrix / scale / scale[:, None]
    scaled[np.diag_indices_from(scaled)] += _RIDGE + damping
    return np.asarray(np.linalg.solve(scaled, vector / scale) / scale)


def starts(linear: Array, generator: np.random.Generator) -> list[Array]:
    """Shares of the linear potential in the second output, of both signs; random ones."""
    constant, first = linear[:1], linear[1:]
    found = [np.concatenate([constant, (1 - s) * first, s * first]) for s in (0.5, 1.0, -1.0)]
    size = np.abs(first) * generator.normal(size=(2, len(first)))
    return found + [np.concatenate([constant, first, 0.3 * one]) for one in size]


def compared(
    potential: maxvolt.MTP, training: maxvolt.Dataset, test: maxvolt.Dataset
) -> dict[str, object]:
    """Errors without and with the embedding."""
    fitting, checking = Problem(sites_of(potential, training)), Problem(sites_of(potential, test))
    linear, residuals = fitting.linear()
    held = checking.predicted(np.concatenate([linear, np.zeros(len(linear) - 1)]))[0]
    plain = (fitting.errors(residuals), checking.errors(held - checking.labels))
    begun = starts(linear, np.random.default_rng(0))
    fits = [fitting.fitted(one) for one in begun]
    best, _ = min(fits, key=lambda one: one[1])
    both = [one.errors(one.predicted(best)[0] - one.labels) for one in (fitting, checking)]
    report = plan_report(potential.model.table)
    form = next(s for s in report.plan.stages if s.name == "quadratic form") if report else None
    share = form.multiply_adds / operation_count(potential, 59).instructions if form else np.nan
    return {
        "scalars": len(linear) - 1,
        "plain": {"training": plain[0], "test": plain[1]},
        "embedded": {"training": both[0], "test": both[1]},
        "losses_of_starts": [loss for _, loss in fits],
        "force_error_ratio": both[1]["force_meV_per_A"] / plain[1]["force_meV_per_A"],
        "more_operations": share,
    }


def main() -> None:
    """Compare, print."""
    parser = argparse.ArgumentParser(description="A nonlinear embedding, tried.")
    parser.add_argument("potential", type=Path)
    parser.add_argument("training", type=Path)
    parser.add_argument("test", type=Path)
    parser.add_argument("--structures", type=int, default=60, help="of both sets at most")
    parser.add_argument("--output", type=Path, help="add the numbers to this file")
    options = parser.parse_args()
    potential = maxvolt.read_potential(options.potential)
    sets = []
    for path in (options.training, options.test):
        data = maxvolt.read(path)
        chosen = np.random.default_rng(0).permutation(len(data))[: options.structures]
        sets.append(data.select(np.sort(chosen)))
    found = {"structures": options.structures, **compared(potential, *sets)}
    print(json.dumps(found, indent=1))
    if options.output is not None:
        path = options.output
        known = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        write_json({**known, options.potential.stem: found}, path)


if __name__ == "__main__":
    main()
