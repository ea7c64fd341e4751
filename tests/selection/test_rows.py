"""Rows: which gradient stands where, and with which weight."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from selection_data import alloy, alloys, potential

from maxvolt.cells import cell_volumes
from maxvolt.dataset import ARRAYS_KEY, Dataset
from maxvolt.errors import DataError
from maxvolt.potentials import MTP
from maxvolt.selection import RowWeights
from maxvolt.selection.rows import Rows, iterate_rows

ALL = RowWeights(energy=1.0, force=0.3, stress=0.2, site_energy=1.0)


def rows_of(mtp: MTP, weights: RowWeights, dataset: Dataset) -> Rows:
    parts = [rows for _, rows in iterate_rows(mtp, weights, dataset, threads=1)]
    return Rows(*(np.concatenate([getattr(p, f) for p in parts]) for f in Rows.__slots__))


def moved(mtp: MTP, parameter: int, step: float) -> MTP:
    """The potential with one coefficient of the file changed."""
    model = mtp.model
    values = np.concatenate(
        [model.radial_coeffs.ravel(), model.species_coeffs, model.moment_coeffs]
    )
    values[parameter] += step
    r, s = model.radial_coeffs.size, len(model.species_coeffs)
    return mtp.with_coefficients(
        values[:r], values[r : r + s], values[r + s :], scaling=model.scaling
    )


def test_rows_are_derivatives_of_what_the_potential_says() -> None:
    mtp, dataset, step = potential(), alloys(3, spread=0.15), 1e-6
    rows = rows_of(mtp, ALL, dataset)
    for parameter in range(0, mtp.n_parameters, 3):
        up, down = (
            moved(mtp, parameter, sign * step).evaluate_dataset(dataset) for sign in (1, -1)
        )
        for s, n in enumerate(dataset.counts):
            atoms = slice(dataset.offsets[s], dataset.offsets[s + 1])
            own = rows.select(rows.structures == s)
            expected = np.full(3 * n + 10 + n, np.nan)
            expected[0] = (up.energies[s] - down.energies[s]) / n
            expected[1 : 3 * n + 1] = 0.3 * (up.forces[atoms] - down.forces[atoms]).ravel()
            virial = (up.stresses[s] - down.stresses[s]) * cell_volumes(dataset.cells[s][None])
            expected[3 * n + np.array([1, 5, 9, 6, 3, 2])] = 0.2 * virial / n
            expected[3 * n + 10 :] = up.site_energies[atoms] - down.site_energies[atoms]
            np.testing.assert_allclose(
                own.values[:, parameter], expected[own.equations] / (2 * step), atol=1e-6
            )
            assert np.isnan(np.delete(expected, own.equations)).all()


@pytest.mark.parametrize(("scaling", "power"), [(0, 0.0), (1, 0.5), (2, 1.0)])
def test_scaling_of_energies(scaling: int, power: float) -> None:
    mtp, dataset = potential(), alloys(5)
    rows = rows_of(mtp, RowWeights(energy=2.0, scaling=scaling), dataset)
    expected = 2.0 * mtp.energy_gradients(dataset) / dataset.counts[:, None] ** power
    np.testing.assert_allclose(rows.values, expected, rtol=1e-12, atol=1e-12)
    assert not rows.equations.any()


@pytest.mark.parametrize("weights", [RowWeights(), RowWeights(energy=0, site_energy=1), ALL])
def test_portions_and_threads_change_nothing(weights: RowWeights) -> None:
    mtp, dataset = potential(), alloys(12)
    whole = rows_of(mtp, weights, dataset)
    parts = list(iterate_rows(mtp, weights, dataset, first=7, threads=2, atoms_at_once=5))
    assert len(parts) > 3
    joined = np.concatenate([rows.values for _, rows in parts])
    np.testing.assert_allclose(joined, whole.values, rtol=0, atol=1e-12)
    structures = np.concatenate([rows.structures for _, rows in parts])
    np.testing.assert_array_equal(structures, whole.structures + 7)


def with_ghosts(dataset: Dataset, ghosts: list[list[bool]]) -> Dataset:
    infos = tuple({ARRAYS_KEY: {"ghost": np.array(ghost)}} for ghost in ghosts)
    return replace(dataset, infos=infos)


def test_ghost_atoms_have_no_rows() -> None:
    mtp = potential()
    dataset = Dataset.from_atoms([a for a in map(alloy, range(40)) if len(a) > 2][:2])
    counts = dataset.counts
    assert counts.min() > 1
    ghosts = [[k == n - 1 for k in range(n)] for n in counts]
    sites = mtp.site_energy_gradients(dataset)
    own = ~np.concatenate(ghosts)
    marked = with_ghosts(dataset, ghosts)
    rows = rows_of(mtp, RowWeights(energy=0.0, site_energy=1.0), marked)
    np.testing.assert_allclose(rows.values, sites[own], atol=1e-13)
    first = rows.equations[rows.structures == 1]
    np.testing.assert_array_equal(first, 3 * (counts[1] - 1) + 10 + np.arange(counts[1] - 1))
    rows = rows_of(mtp, RowWeights(), marked)
    mean = sites[: counts[0] - 1].mean(axis=0)
    np.testing.assert_allclose(rows.values[0], mean, atol=1e-13)
    with pytest.raises(DataError, match="ghost"):
        rows_of(mtp, RowWeights(force=1.0), marked)


def test_gradients_that_are_not_finite_are_refused() -> None:
    mtp = potential()
    model = mtp.model
    huge = mtp.with_coefficients(
        model.radial_coeffs, model.species_coeffs, model.moment_coeffs, scaling=1e120
    )
    with pytest.raises(DataError, match="structure 4 has gradients"):
        list(iterate_rows(huge, RowWeights(), alloys(1), first=4, threads=1))


@pytest.mark.parametrize(
    "values", [{"energy": -1.0}, {"energy": 0.0}, {"force": np.nan}, {"scaling": 3}]
)
def test_useless_weights_are_refused(values: dict[str, float]) -> None:
    with pytest.raises(DataError, match="expected"):
        RowWeights(**values)  # type: ignore[arg-type]
