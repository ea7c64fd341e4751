"""Posteriors: standard deviations against what they stand for."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from uncertainty_data import held_out, labelled, potential, rattled, training

import maxvolt
from maxvolt.errors import DataError, FileFormatError, SpeciesError
from maxvolt.fitting.settings import FitSettings
from maxvolt.uncertainty import Posterior, read_posterior
from maxvolt.uncertainty.posterior import curvature_on, posterior_from


@pytest.fixture(scope="module")
def posterior() -> Posterior:
    return Posterior.from_dataset(potential(), training())


def test_covariance_is_the_inverse_of_the_normal_matrix(posterior: Posterior) -> None:
    curvature = curvature_on(potential(), training(), FitSettings(), folds=None, threads=1)
    matrix = curvature.sums().matrix
    # On gradients that the training set determines, F F^T H g = s^2 g for g in the range of H.
    rows = matrix @ np.random.default_rng(0).normal(size=(len(matrix), 3))
    variance = np.sum((rows.T @ posterior.factor) ** 2, axis=1)
    solved = np.linalg.lstsq(matrix, rows, rcond=1e-9)[0]
    expected = posterior.noise**2 * np.sum(rows * solved, axis=0)
    np.testing.assert_allclose(variance, expected, rtol=1e-4)


def test_deviations_of_linear_coefficients_are_those_of_refits_to_noisy_labels() -> None:
    """Labels with known noise: the posterior's variance is the variance over many refits."""
    weights = {"energy": 0.0, "forces": 1.0, "stress": 0.0}
    sigma, generator = 0.05, np.random.default_rng(3)
    exact = potential().evaluate_dataset(training())
    clean = dataclasses.replace(training(), forces=exact.forces, energies=exact.energies)
    fold = [np.arange(len(clean))]
    settings = FitSettings(weights=maxvolt.Weights(**weights))
    where = potential().neighborhoods(held_out())

    def refit() -> tuple[np.ndarray, Posterior]:
        noise = sigma * generator.normal(size=clean.forces.shape)
        data = dataclasses.replace(clean, forces=clean.forces + noise)
        curvature = curvature_on(potential(), data, settings, folds=fold, threads=1)
        found = curvature.refit(curvature.sums()).evaluate_neighborhoods(where)
        return found.forces, posterior_from(curvature, curvature.sums())

    forces, posteriors = zip(*(refit() for _ in range(400)), strict=True)
    empirical = np.sqrt(np.var(forces, axis=0, ddof=1).sum(axis=1))
    rows = potential().force_and_virial_gradients(where)[0]
    of_forces = rows[..., -len(posteriors[0].linear_factor) :]
    told = [np.linalg.norm(of_forces @ one.linear_factor, axis=(1, 2)) for one in posteriors[:20]]
    # 400 refits know a standard deviation to 3.5 %; those of atoms depend on each other.
    ratio = np.mean(told, axis=0) / empirical
    assert np.median(ratio) == pytest.approx(1.0, abs=0.05)
    assert ratio.min() > 0.75
    assert ratio.max() < 1.3


def with_wrong_labels() -> maxvolt.Dataset:
    """The training set, the forces of two structures with the wrong sign and size."""
    forces = training().forces.copy()
    for structure in (3, 17):
        forces[training().atoms_of(structure)] *= -3.0
    return dataclasses.replace(training(), forces=forces)


def test_of_a_robust_fit_the_weights_are_those_that_it_ended_with() -> None:
    data, settings = with_wrong_labels(), FitSettings(robust=True)
    untrained = maxvolt.MTP(6, ["Al"], 4.5, 2.0)
    options = {"starts": 1, "max_iterations": 60, "tolerance": 1e-8, "progress": False}
    fitted = maxvolt.fit(untrained, data, settings, **options).potential
    assert isinstance(fitted, maxvolt.MTP)
    where = fitted.neighborhoods(held_out())
    expected = fitted.evaluate_neighborhoods(where).forces

    def change(robust: bool) -> float:
        """Of the forces, by another solution for the linear coefficients."""
        fold = [np.arange(10), np.arange(10, len(data))]
        given = dataclasses.replace(settings, robust=robust)
        curvature = curvature_on(fitted, data, given, folds=fold, threads=1)
        found = curvature.refit(curvature.sums()).evaluate_neighborhoods(where).forces
        return float(np.abs(found - expected).max())

    # Weights follow the errors until the loss settles, and are not quite at their fixed point.
    assert change(robust=True) < 0.02 * change(robust=False)
    told, misled = (
        Posterior.from_dataset(fitted, data, dataclasses.replace(settings, robust=robust))
        for robust in (True, False)
    )
    assert told.noise < 0.1 * misled.noise


def test_a_robust_fit_is_cross_validated() -> None:
    data = with_wrong_labels()
    plain, robust = (
        maxvolt.calibrate(potential(), None, data, "posterior", settings={"robust": one}, folds=5)
        for one in (False, True)
    )
    good = maxvolt.Dataset.from_atoms(rattled(20, seed=31))
    assert robust.of(good).forces.mean() < plain.of(good).forces.mean()


def test_deviations_are_differences_of_the_potential_along_the_factor(posterior: Posterior) -> None:
    """To first order a prediction changes by g F z; here by finite differences of the potential."""
    structure = held_out()[1]
    where = potential().neighborhoods(structure)
    model, step = potential().model, 1e-4

    def moved(direction: np.ndarray) -> maxvolt.MTP:
        radial, rest = np.split(direction, [model.n_radial])
        return potential().with_coefficients(
            model.radial_coeffs + radial.reshape(model.radial_coeffs.shape),
            model.species_coeffs + rest[:1],
            model.moment_coeffs + rest[1:],
            scaling=model.scaling,
        )

    variances = np.zeros((3, len(structure)))
    for column in posterior.factor.T[-posterior.factor.shape[1] :]:
        scale = step * np.linalg.norm(model.parameters) / max(np.linalg.norm(column), 1e-300)
        one, other = (
            moved(sign * scale * column).evaluate_neighborhoods(where) for sign in (1, -1)
        )
        sites = (one.site_energies - other.site_energies) / (2 * scale)
        forces = (one.forces - other.forces) / (2 * scale)
        variances += [sites**2, (forces**2).sum(axis=1), np.full(len(sites), sites.sum() ** 2)]
    found = posterior.deviations(where)
    np.testing.assert_allclose(found.sites, np.sqrt(variances[0]), rtol=2e-3)
    np.testing.assert_allclose(posterior.force_deviations(where), np.sqrt(variances[1]), rtol=2e-3)
    np.testing.assert_allclose(found.structures, np.sqrt(variances[2, :1]), rtol=2e-3)


def test_energies_err_together(posterior: Posterior) -> None:
    """Against the gradients of the energies, also where the structures come in portions."""
    structures = maxvolt.Dataset.from_atoms([*rattled(3, seed=2), *rattled(1, seed=3)])
    factor = posterior.energy_factor(structures)
    where = potential().neighborhoods(structures)
    gradients = potential().site_gradients(where)
    rows = np.stack([gradients[where.structures == s].sum(axis=0) for s in range(4)])
    covariance = rows @ posterior.factor @ posterior.factor.T @ rows.T
    np.testing.assert_allclose(
        factor @ factor.T, covariance, rtol=1e-9, atol=1e-12 * covariance.max()
    )
    told = posterior.deviations(where).structures
    np.testing.assert_allclose(np.linalg.norm(factor, axis=1), told, rtol=1e-12)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("maxvolt.uncertainty.posterior._ATOMS_AT_ONCE", 1)
        np.testing.assert_allclose(
            posterior.energy_factor(structures), factor, atol=1e-9 * abs(factor).max()
        )


def test_rotation_permutation_and_supercell(posterior: Posterior) -> None:
    structure = held_out()[1]
    turned = structure.copy()
    turned.rotate(37, (1, 2, 3), rotate_cell=True)
    order = np.random.default_rng(0).permutation(len(structure))
    doubled = structure * (2, 1, 1)
    deviations = [
        posterior.deviations(potential().neighborhoods(one))
        for one in (structure, turned, structure[order], doubled)
    ]
    forces = [
        posterior.force_deviations(potential().neighborhoods(one))
        for one in (structure, turned, structure[order], doubled)
    ]
    n = len(structure)
    for values in ([one.sites for one in deviations], forces):
        np.testing.assert_allclose(values[1], values[0], rtol=1e-6)
        np.testing.assert_allclose(values[2], values[0][order], rtol=1e-6)
        np.testing.assert_allclose(values[3], np.tile(values[0], 2), rtol=1e-6)
    assert deviations[3].structures[0] == pytest.approx(2 * deviations[0].structures[0], rel=1e-6)
    assert len(deviations[0].sites) == n


def test_novelty_is_told(posterior: Posterior) -> None:
    far = maxvolt.Dataset.from_atoms(rattled(20, seed=9, spread=0.6))
    near = posterior.force_deviations(potential().neighborhoods(training()))
    beyond = posterior.force_deviations(potential().neighborhoods(far))
    assert np.median(beyond) > 3 * np.median(near)


def test_linear_deviations_of_forces_are_the_spread_of_many_samples(posterior: Posterior) -> None:
    where = potential().neighborhoods(held_out()[1])
    told = posterior.linear_force_deviations(where)
    forces = [
        one.evaluate_neighborhoods(where).forces for one in posterior.ensemble(200, seed=1).members
    ]
    spread = np.sqrt(np.var(forces, axis=0, ddof=1).sum(axis=1))
    # 200 samples of three components know a standard deviation to 3 to 5 %.
    np.testing.assert_allclose(spread, told, rtol=0.2)
    assert (told <= posterior.force_deviations(where) * (1 + 1e-6)).all()


def test_ensembles_have_the_mean_and_the_spread(posterior: Posterior) -> None:
    structure = held_out()[1]
    ensemble = posterior.ensemble(400, seed=5)
    one = posterior.ensemble(1)
    exact = potential().evaluate(structure)
    np.testing.assert_allclose(ensemble.evaluate(structure).forces, exact.forces, atol=1e-9)
    np.testing.assert_allclose(one.evaluate(structure).forces, exact.forces, atol=1e-12)
    each = np.array([found.forces for found in ensemble.evaluate_members(structure)])
    where = potential().neighborhoods(structure)
    rows = potential().force_and_virial_gradients(where)[0][..., -len(posterior.linear_factor) :]
    told = np.linalg.norm(rows @ posterior.linear_factor, axis=(1, 2))
    spread = np.sqrt(each.var(axis=0, ddof=1).sum(axis=1))
    np.testing.assert_allclose(spread, told, rtol=0.15)  # of 400 samples: 3.5 % standard error
    with pytest.raises(DataError, match="members >= 1"):
        posterior.ensemble(0)


def test_one_atom_and_unknown_species(posterior: Posterior) -> None:
    alone = maxvolt.Dataset.of(maxvolt.Dataset.from_atoms([rattled(1, 0)[0][:1]])[0])
    found = posterior.deviations(potential().neighborhoods(alone))
    assert found.sites.shape == (1,)
    assert np.isfinite(found.sites).all()
    with pytest.raises(SpeciesError, match="Cu"):
        Posterior.from_dataset(potential(), [labelled(bulk("Cu", cubic=True))])


def test_what_has_no_posterior() -> None:
    with pytest.raises(DataError, match="untrained"):
        Posterior.from_dataset(maxvolt.MTP(4, ["Al"], 4.5, 2.0), training())
    with pytest.raises(DataError, match="ensemble"):
        Posterior.from_dataset(maxvolt.Ensemble((potential(), potential())), training())  # type: ignore[arg-type]


def test_given_energies_of_isolated_atoms_are_no_unknowns() -> None:
    settings = {"isolated_energies": {"Al": -3.0}}
    found = Posterior.from_dataset(potential(), training(), settings)
    start = potential().model.n_radial
    assert not found.factor[start].any()
    assert found.factor[start + 1].any()


def test_files(posterior: Posterior, tmp_path: Path) -> None:
    path = tmp_path / "pot.posterior"
    posterior.write(path)
    again = read_posterior(path)
    np.testing.assert_array_equal(again.factor, posterior.factor)
    np.testing.assert_array_equal(again.linear_factor, posterior.linear_factor)
    assert again.potential.digest == posterior.potential.digest
    data = path.read_bytes()
    for bad in (b"", data[: len(data) // 2], b"x" * 100, data[:500] + b"\0" * 200 + data[700:]):
        path.write_bytes(bad)
        with pytest.raises(FileFormatError, match=r"pot\.posterior"):
            read_posterior(path)
    with pytest.raises(FileFormatError, match="cannot be read"):
        read_posterior(tmp_path / "none")
