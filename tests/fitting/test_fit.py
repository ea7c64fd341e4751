"""Fits of data whose best potential is known, and what must not change them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from training_data import crystals, emt_dataset, known_potential, labelled, relabelled

import maxvolt
from maxvolt.dataset import Dataset
from maxvolt.errors import FitError
from maxvolt.fitting import FitProgress, FitResult, FitSettings, Weights, fit
from maxvolt.fitting.atomic_energies import resolve_isolated_energies
from maxvolt.fitting.objective import Objective
from maxvolt.fitting.variable_projection.checkpoint import Checkpoint
from maxvolt.fitting.variable_projection.journal import Journal
from maxvolt.fitting.variable_projection.member_fits import MemberFits
from maxvolt.fitting.variable_projection.problem_builder import ProblemBuilder
from maxvolt.io import read
from maxvolt.potentials import MTP, Ensemble
from maxvolt.potentials.mtp.basis.repulsion import ZBL

QUICK = FitSettings(max_iterations=8, starts=2, start_iterations=4)


def molybdenum(count: int = 8, seed: int = 0) -> Dataset:
    return labelled(known_potential(8, ["Mo"]), crystals(["Mo"], count, seed=seed))


def small() -> MTP:
    """Too small for the data of `molybdenum`, so that a fit has something to weigh."""
    return MTP(6, ["Mo"], 4.5, 2.0, 3)


def single(result: FitResult) -> MTP:
    assert isinstance(result.potential, MTP)
    return result.potential


def parameters(result: FitResult) -> Any:
    return single(result).model.parameters


# --------------------------------------------------------------------- it finds what is there


@pytest.mark.parametrize("level", [6, 8])
@pytest.mark.parametrize("species", [["Mo"], ["Mo", "W"]])
def test_a_known_potential_is_recovered(level: int, species: Sequence[str]) -> None:
    known = known_potential(level, species)
    training = labelled(known, crystals(species, 20))
    validation = labelled(known, crystals(species, 5, seed=9))
    result = fit(
        MTP(level, species, 4.5, 2.0, 4),
        training,
        validation=validation,
        seed=2,
        settings=FitSettings(max_iterations=60, tolerance=1e-6, starts=16),
        threads=1,
    )
    assert result.validation_errors is not None
    for report in (result.training_errors, result.validation_errors):
        assert report.total.energy_per_atom.relative_rmse < 1e-5
        assert report.total.force_components.relative_rmse < 1e-5
        assert report.total.stress_components.relative_rmse < 1e-5
    other_cell = crystals(species, 1, seed=3, repeat=3)[0]
    found, expected = single(result).evaluate(other_cell), known.evaluate(other_cell)
    scale = abs(expected.forces).max()
    np.testing.assert_allclose(found.forces, expected.forces, rtol=0, atol=1e-4 * scale)


def test_a_known_potential_with_repulsion_is_recovered() -> None:
    zbl = ZBL(1.0, 2.6)
    bare = known_potential(6, ["Mo"])
    model = bare.model
    known = MTP(6, ["Mo"], 4.5, 2.0, 4, repulsion=zbl).with_coefficients(
        model.radial_coeffs, model.species_coeffs, model.moment_coeffs
    )
    training = labelled(known, crystals(["Mo"], 20))
    untrained = MTP(6, ["Mo"], 4.5, 2.0, 4, repulsion=zbl)
    result = fit(untrained, training, settings=FitSettings(tolerance=1e-6), threads=1)
    assert result.training_errors.total.force_components.relative_rmse < 1e-5
    assert single(result).model.repulsion == zbl
    without = fit(MTP(6, ["Mo"], 4.5, 2.0, 4), training, settings=QUICK, threads=1)
    assert without.training_errors.total.force_components.relative_rmse > 1e-4


@pytest.fixture(scope="module")
def copper() -> tuple[Dataset, Dataset]:
    return emt_dataset(["Cu"], 25), emt_dataset(["Cu"], 8, seed=1)


def test_effective_medium_theory_is_learned(copper: tuple[Dataset, Dataset]) -> None:
    training, validation = copper
    errors = []
    for level in (2, 6, 10):
        result = fit(
            MTP(level, ["Cu"], 5.0, 2.0),
            training,
            validation=validation,
            settings=FitSettings(max_iterations=25),
            threads=1,
        )
        assert result.validation_errors is not None
        errors.append(result.validation_errors.total)
    energies = [found.energy_per_atom.rmse for found in errors]
    forces = [found.force_components.rmse for found in errors]
    # A higher level is better on structures that it has not seen.
    assert energies[0] > 1.2 * energies[1] > 1.2**2 * energies[2]
    assert forces[0] > 1.5 * forces[1] > 1.5**2 * forces[2]
    assert energies[2] < 2e-3
    assert forces[2] < 0.03
    assert errors[2].stress_components.relative_rmse < 0.02


def test_an_alloy_is_learned() -> None:
    training, validation = (emt_dataset(["Cu", "Au"], 30 - 20 * s, seed=s) for s in (0, 1))
    result = fit(
        MTP(8, ["Cu", "Au"], 5.0, 2.0, 6),
        training,
        validation=validation,
        settings=FitSettings(max_iterations=10, starts=2, start_iterations=8),
        threads=1,
    )
    assert result.validation_errors is not None
    total = result.validation_errors.total
    assert total.energy_per_atom.relative_rmse < 0.02
    assert total.force_components.relative_rmse < 0.1


def test_the_loss_falls_in_every_iteration() -> None:
    far_from_the_end = FitSettings(max_iterations=30, starts=1, start_iterations=1)
    result = fit(small(), molybdenum(), settings=far_from_the_end, threads=1)
    losses = np.array(result.members[0].losses)
    assert len(losses) > 3
    assert (np.diff(losses[:-1]) < 0).all()  # the last entry may say that nothing helps any more
    assert losses[-1] <= losses[-2]


# --------------------------------------------------------------------- what must not change it


def test_the_same_seed_gives_the_same_potential_bit_for_bit() -> None:
    data = molybdenum()
    one, again, other = (fit(small(), data, seed=s, settings=QUICK, threads=1) for s in (1, 1, 2))
    np.testing.assert_array_equal(parameters(one), parameters(again))
    assert one.members[0].losses == again.members[0].losses
    assert one.training_errors == again.training_errors
    assert (parameters(one) != parameters(other)).any()


@pytest.mark.parametrize("threads", [2, 5])
def test_the_number_of_threads_changes_no_bit(threads: int) -> None:
    objective = Objective(molybdenum(12), Weights(), "vibrations")

    def fitted(threads: int) -> tuple[bytes, tuple[float, ...]]:
        builder = ProblemBuilder(objective, threads, most_atoms=8)  # several portions, to share out
        problem = builder.problem(small())
        assert len(problem.training_set.portions) > 5
        journal = Journal(QUICK, 1, None, None, Checkpoint("", {}, {}))
        found = MemberFits(builder, problem, QUICK, journal).fit_member(0).potential
        return found.model.parameters.tobytes(), journal.losses["0"]

    assert fitted(threads) == fitted(1)


def test_labels_are_not_changed() -> None:
    data = molybdenum()
    before = data.energies.copy(), data.forces.copy(), data.stresses.copy()
    fit(small(), data, settings=QUICK, threads=1)
    for found, expected in zip((data.energies, data.forces, data.stresses), before, strict=True):
        np.testing.assert_array_equal(found, expected)


def predictions(result: FitResult) -> Any:
    return single(result).evaluate_dataset(molybdenum(3, seed=4), threads=1)


CONVERGED = FitSettings(max_iterations=80, tolerance=1e-9, starts=2)


def test_common_factors_of_the_weights_do_not_matter() -> None:
    data = molybdenum()
    one = fit(small(), data, settings=CONVERGED, threads=1)
    by_kind = fit(small(), data, weights=Weights(8, 0.08, 0.008), settings=CONVERGED, threads=1)
    by_structure = fit(
        small(), relabelled(data, weights=np.full(8, 0.25)), settings=CONVERGED, threads=1
    )
    expected = predictions(one).forces
    for other in (by_kind, by_structure):
        np.testing.assert_allclose(
            predictions(other).forces, expected, rtol=0, atol=1e-4 * abs(expected).max()
        )
    assert by_kind.members[0].losses[-1] == pytest.approx(8 * one.members[0].losses[-1], rel=1e-4)


def test_repeating_the_whole_training_set_does_not_matter() -> None:
    # In a start that is given: the random ones are tried on a random part of the structures.
    start = known_potential(6, ["Mo"], size=3, seed=8)
    data = molybdenum()
    one, twice = (
        fit(start, Dataset.concatenate([data] * n), settings=CONVERGED, threads=1) for n in (1, 2)
    )
    expected = predictions(one).forces
    np.testing.assert_allclose(
        predictions(twice).forces, expected, rtol=0, atol=1e-5 * abs(expected).max()
    )


def test_a_factor_of_all_labels_is_a_factor_of_the_potential() -> None:
    data = molybdenum()
    scaled = relabelled(
        data,
        energies=1e-3 * data.energies,
        forces=1e-3 * data.forces,
        stresses=1e-3 * data.stresses,
    )
    one, other = (fit(small(), d, settings=CONVERGED, threads=1) for d in (data, scaled))
    expected = predictions(one)
    found = predictions(other)
    np.testing.assert_allclose(
        1e3 * found.forces, expected.forces, rtol=0, atol=1e-4 * abs(expected.forces).max()
    )
    np.testing.assert_allclose(1e3 * found.energies, expected.energies, rtol=1e-4)


def test_a_constant_for_every_atom_shifts_the_energies_only() -> None:
    data = molybdenum()
    shifted = relabelled(data, energies=data.energies - 7200.0 * data.counts)
    one, other = (fit(small(), d, settings=CONVERGED, threads=1) for d in (data, shifted))
    expected, found = predictions(one), predictions(other)
    counts = molybdenum(3, seed=4).counts
    np.testing.assert_allclose(
        found.forces, expected.forces, rtol=0, atol=1e-4 * abs(expected.forces).max()
    )
    np.testing.assert_allclose(
        found.energies + 7200.0 * counts, expected.energies, rtol=0, atol=1e-3
    )


# --------------------------------------------------------------------- labels and weights


def without_forces(data: Dataset, structures: Sequence[int]) -> Dataset:
    forces = data.forces.copy()
    for s in structures:
        forces[data.offsets[s] : data.offsets[s + 1]] = np.nan
    return relabelled(data, forces=forces)


def test_a_structure_without_labels_counts_as_one_without_weight() -> None:
    data = molybdenum()
    energies, stresses = data.energies.copy(), data.stresses.copy()
    energies[3] = np.nan
    stresses[3] = np.nan
    unlabelled = without_forces(relabelled(data, energies=energies, stresses=stresses), [3])
    weights = np.ones(8)
    weights[3] = 0.0
    absent = fit(small(), unlabelled, settings=QUICK, threads=1)
    weightless = fit(small(), relabelled(data, weights=weights), settings=QUICK, threads=1)
    np.testing.assert_array_equal(parameters(absent), parameters(weightless))


@pytest.mark.parametrize(
    "missing", [{"energies"}, {"forces"}, {"stresses"}, {"energies", "stresses"}]
)
def test_missing_labels_count_as_labels_without_weight(missing: set[str]) -> None:
    data = molybdenum()
    names = {"energies": "energy", "forces": "forces", "stresses": "stress"}
    weights = replace(Weights(), **{names[name]: 0.0 for name in missing})
    absent = fit(small(), relabelled(data, **dict.fromkeys(missing)), settings=QUICK, threads=1)
    weightless = fit(small(), data, weights=weights, settings=QUICK, threads=1)
    np.testing.assert_array_equal(parameters(absent), parameters(weightless))


def test_forces_of_some_structures_only() -> None:
    data = without_forces(molybdenum(), [0, 4, 7])
    result = fit(small(), data, settings=QUICK, threads=1)
    assert np.isfinite(parameters(result)).all()
    assert np.isfinite(result.members[0].losses).all()
    assert result.training_errors.total.force_vectors.missing == sum(data.counts[[0, 4, 7]])


def test_a_heavy_structure_is_fitted_better() -> None:
    data = molybdenum()
    weights = np.ones(8)
    weights[5] = 1e4
    light = fit(small(), data, settings=CONVERGED, threads=1)
    heavy = fit(small(), relabelled(data, weights=weights), settings=CONVERGED, threads=1)
    only = data.select([5])
    errors = [
        maxvolt.compute_errors(single(result), only).total.force_components.rmse
        for result in (light, heavy)
    ]
    assert errors[1] < 0.5 * errors[0]


@pytest.mark.parametrize("kind", ["energy", "forces", "stress"])
def test_a_heavy_kind_of_label_is_fitted_better(kind: str) -> None:
    data = molybdenum(12)
    plain = fit(small(), data, settings=CONVERGED, threads=1)
    weights = replace(Weights(), **{kind: 1e4 * getattr(Weights(), kind)})
    heavy = fit(small(), data, weights=weights, settings=CONVERGED, threads=1)

    def error(result: FitResult) -> float:
        total = result.training_errors.total
        return {
            "energy": total.energy.rmse,
            "forces": total.force_components.rmse,
            "stress": total.virials.rmse,
        }[kind]

    assert error(heavy) < 0.9 * error(plain)


def test_clusters_and_slabs_are_fitted_with_crystals() -> None:
    structures = crystals(["Mo"], 6)
    structures[1].pbc = False
    structures[2].pbc = [True, True, False]
    known = known_potential(6, ["Mo"])
    result = fit(
        MTP(6, ["Mo"], 4.5, 2.0, 4),
        labelled(known, [*structures, Atoms("Mo"), *crystals(["Mo"], 6, seed=3)]),
        settings=FitSettings(tolerance=1e-6),
        threads=1,
    )
    assert result.training_errors.total.force_components.relative_rmse < 1e-5
    assert result.training_errors.total.stress_tensors.missing == 3


# --------------------------------------------------------------------- isolated atoms


def test_isolated_energies_are_fitted_given_or_taken_from_the_data() -> None:
    species = ["Mo", "W"]
    known = known_potential(6, species)
    data = labelled(known, [*crystals(species, 8), Atoms("Mo"), Atoms("W", cell=[9, 9, 9])])
    potential = MTP(6, species, 4.5, 2.0, 3)
    energies = data.energies[-2:]

    from_data = fit(potential, data, isolated_energies="data", settings=QUICK, threads=1)
    given = {"W": -2.5, "Mo": -1.25}
    as_given = fit(potential, data, isolated_energies=given, settings=QUICK, threads=1)
    fitted = fit(potential, data, settings=QUICK, threads=1)
    for k, symbol in enumerate(species):
        alone = Atoms(symbol)
        assert single(from_data).evaluate(alone).energy == energies[k]
        assert single(as_given).evaluate(alone).energy == given[symbol]
        assert single(fitted).evaluate(alone).energy != energies[k]


def alone(symbol: str, energy: float, length: float = 0.0) -> Atoms:
    """One atom with an energy, in a periodic box if it has a length."""
    atoms = Atoms(symbol, cell=[length] * 3, pbc=length > 0)
    atoms.calc = SinglePointCalculator(atoms, energy=energy)
    return atoms


def test_an_atom_in_a_large_box_is_isolated() -> None:
    """Large is what keeps its own images out of the cutoff's reach."""
    crystal = alone("Mo", -9.0, 2.8)
    slab = alone("W", -8.0, 20.0)
    slab.cell[1, 1] = 4.4
    data = Dataset.from_atoms([crystal, slab, alone("W", -2.0, 4.6), alone("Mo", -1.0)])
    energies = resolve_isolated_energies("data", data, ("Mo", "W"), 4.5)
    assert energies is not None
    assert energies.tolist() == [-1, -2]
    with pytest.raises(FitError, match=r"no isolated atom .* within 4\.7 A\) of W"):
        resolve_isolated_energies("data", data, ("Mo", "W"), 4.7)


def test_isolated_atoms_that_disagree_are_refused() -> None:
    agreeing = [alone("Mo", -1.0), alone("Mo", -1.0005, 9.0), alone("W", -3.0)]
    energies = resolve_isolated_energies("data", Dataset.from_atoms(agreeing), ("Mo", "W"), 4.5)
    assert energies is not None
    assert energies.tolist() == [-1, -3]
    for other in (alone("Mo", 2.0), alone("Mo", -1.01, 9.0)):
        data = Dataset.from_atoms([*agreeing, other])
        with pytest.raises(FitError, match=r"of Mo .* structure 0 .* -1\.000000 .* structure 3"):
            resolve_isolated_energies("data", data, ("Mo", "W"), 4.5)


def test_the_shared_isolated_atoms_are_refused(shared: Path) -> None:
    data = read(shared / "faults" / "xyz" / "two_isolated_atoms.xyz")
    with pytest.raises(FitError, match=r"Cu .* disagree: .* 0\.000000 eV .* 3\.000000 eV"):
        fit(MTP(4, ["Cu"], 4.5, 2.0, 3), data, isolated_energies="data", settings=QUICK, threads=1)


# --------------------------------------------------------------------- starts and ensembles


def test_a_trained_potential_is_the_start() -> None:
    known = known_potential(8, ["Mo"])
    data = labelled(known, crystals(["Mo"], 8))
    few = FitSettings(max_iterations=3, starts=1)
    result = fit(known, data, settings=few, threads=1)
    assert result.training_errors.total.force_components.relative_rmse < 1e-5
    fresh = fit(known, data, settings=replace(few, restart_from_potential=False), threads=1)
    assert result.members[0].losses[0] < 1e-4 * fresh.members[0].losses[0]


def test_an_ensemble_goes_on_member_by_member() -> None:
    """Of one potential that is given, the first goes on, and others begin at random."""
    data = molybdenum()
    few = FitSettings(max_iterations=2, starts=1, resampling="none", ensemble=2)
    before = fit(small(), data, settings=few, threads=1)
    assert isinstance(before.potential, Ensemble)
    ends = [one.losses[-1] for one in before.members]
    assert ends[0] != pytest.approx(ends[1], rel=1e-3)
    again = fit(before.potential, data, settings=few, threads=1)
    assert [one.losses[0] for one in again.members] == pytest.approx(ends, rel=1e-6)
    one = fit(before.potential.members[0], data, settings=few, threads=1)
    assert one.members[0].losses == again.members[0].losses
    assert one.members[1].losses == before.members[1].losses


def test_a_checkpoint_is_of_the_ensemble_that_goes_on(tmp_path: Path) -> None:
    data, file = molybdenum(), tmp_path / "fit.ckpt"
    few = FitSettings(max_iterations=1, starts=1, resampling="none", ensemble=2)
    first, second = (fit(small(), data, settings=few, seed=s, threads=1).potential for s in (1, 2))
    assert isinstance(first, Ensemble)
    assert isinstance(second, Ensemble)
    whole = fit(first, data, settings=few, threads=1, checkpoint=file)
    same = fit(first, data, settings=few, threads=1, checkpoint=file, restart=True)
    assert same.members == whole.members
    other = Ensemble((first.members[0], second.members[1]))
    with pytest.raises(FitError, match="other data, potential or settings"):
        fit(other, data, settings=few, threads=1, checkpoint=file, restart=True)


def test_scaling_of_a_trained_potential_is_respected() -> None:
    known = known_potential(8, ["Mo"])
    model = known.model
    scaled = known.with_coefficients(
        4.0 * model.radial_coeffs, model.species_coeffs, model.moment_coeffs, scaling=0.25
    )
    data = molybdenum()
    few = FitSettings(max_iterations=2)
    one, other = (fit(start, data, settings=few, threads=1) for start in (known, scaled))
    np.testing.assert_array_equal(parameters(one), parameters(other))


def test_several_starts_are_told_and_the_best_goes_on() -> None:
    told: list[FitProgress] = []
    settings = FitSettings(max_iterations=7, starts=3, start_iterations=6, tolerance=1e-9)
    result = fit(small(), molybdenum(), settings=settings, threads=1, progress=told.append)
    assert {news.starts for news in told} == {3}
    assert all(news.iteration <= news.most_iterations for news in told)
    # Three starts on part of the data to iteration 3, two of them to 6; these two on all data to
    # iteration 1, one of them to 3; it is the one that is fitted.
    on_part = [news for news in told if news.most_iterations == 6]
    on_all = [news for news in told if news.most_iterations == 3]
    whole = [news for news in told if news.most_iterations == 7]
    assert told == [*on_part, *on_all, *whole]
    assert [news.start for news in on_part[:9]] == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    assert len({news.start for news in on_part[9:]}) == len({news.start for news in on_all}) == 2
    assert [news.iteration for news in on_all] == [1, 1, 2, 3]
    assert min(news.loss for news in on_all) == on_all[-1].loss
    assert {news.start for news in whole} == {3}
    assert whole[0].loss < on_all[-1].loss
    last = told[-1]
    assert last.finished == result.members[0].finished != ""
    assert last.loss == result.members[0].losses[-1]
    total = result.training_errors.total
    assert last.energy_rmse == pytest.approx(total.energy_per_atom.rmse, rel=1e-6)
    assert last.force_rmse == pytest.approx(total.force_components.rmse, rel=1e-6)
    assert last.remaining == 0
    assert all(news.elapsed >= 0 for news in told)
    # Starts are told in order, round by round.
    for first, second in pairwise([*on_part[9:], *on_all]):
        assert (
            first.start <= second.start
            or first.most_iterations != second.most_iterations
            or (second.iteration > first.iteration)
        )
    assert all(news.remaining >= 0 for news in told)


def test_members_of_an_ensemble_differ_and_agree() -> None:
    data = molybdenum()
    result = fit(
        small(),
        data,
        validation=molybdenum(4, seed=6),
        ensemble=3,
        seed=5,
        settings=QUICK,
        threads=1,
    )
    assert isinstance(result.potential, Ensemble)
    members = result.potential.members
    assert len(members) == len(result.members) == 3
    assert len({m.model.parameters.tobytes() for m in members}) == 3
    assert result.ensemble_training_errors is not None
    assert result.ensemble_validation_errors is not None
    assert len(result.ensemble_training_errors.members) == 3
    for member, report in zip(members, result.ensemble_training_errors.members, strict=True):
        assert report == maxvolt.compute_errors(member, data)
    mean, two_sigma = result.ensemble_training_errors.spread(
        lambda report: report.total.force_components.rmse
    )
    each = [maxvolt.compute_errors(m, data).total.force_components.rmse for m in members]
    assert mean == pytest.approx(np.mean(each))
    assert two_sigma == pytest.approx(2 * np.std(each, ddof=1))
    assert result.training_errors == result.ensemble_training_errors.mean_prediction
    total = maxvolt.compute_errors(result.potential, data).total
    assert result.training_errors.total.force_components.rmse == pytest.approx(
        total.force_components.rmse
    )
    alone = fit(small(), data, seed=5, settings=QUICK, threads=1)
    assert alone.ensemble_training_errors is None
    # Without random weights the first is the potential that is fitted alone.
    same_data = fit(
        small(), data, ensemble=2, seed=5, settings=replace(QUICK, resampling="none"), threads=1
    )
    assert isinstance(same_data.potential, Ensemble)
    np.testing.assert_array_equal(
        parameters(alone), same_data.potential.members[0].model.parameters
    )


def test_members_with_the_same_data_collapse_and_those_with_random_weights_do_not() -> None:
    # A potential that is too small for its data, whose starts all end in the same minimum.
    data, validation = molybdenum(16), molybdenum(8, seed=6)
    spreads = {}
    for resampling in ("none", "weights"):
        settings = replace(CONVERGED, starts=4, tolerance=1e-6, resampling=resampling)
        result = fit(
            MTP(2, ["Mo"], 4.5, 2.0, 3),
            data,
            validation=validation,
            ensemble=3,
            settings=settings,
            threads=1,
        )
        errors = result.ensemble_validation_errors
        assert errors is not None
        error = errors.mean_prediction.total.force_components.rmse
        spreads[resampling] = errors.force_spread / error
        doubted = any("their spread is no estimate" in text for text in result.warnings)
        energy = errors.mean_prediction.total.energy_per_atom.rmse
        small_spread = errors.energy_spread < energy / 3 or errors.force_spread < error / 3
        assert doubted == small_spread
    assert spreads["none"] < 1e-3
    assert spreads["weights"] > 0.03


def test_the_weights_of_a_member_are_those_of_a_bayesian_bootstrap() -> None:
    data = relabelled(molybdenum(400), weights=np.full(400, 2.0))
    objective = Objective(data, Weights(), "vibrations")
    drawn = np.array([objective.resampled(0, member).dataset.weights for member in range(20)])
    assert (drawn > 0).all()
    np.testing.assert_allclose(drawn.mean(axis=1), 2.0)
    # An exponential distribution has a standard deviation equal to its mean; 8000 were drawn.
    assert drawn.std() == pytest.approx(2.0, rel=0.05)
    assert abs(np.corrcoef(drawn)[np.triu_indices(20, 1)]).max() < 0.25


def test_validation_errors_do_not_change_the_fit() -> None:
    data, validation = molybdenum(), molybdenum(4, seed=6)
    with_it = fit(small(), data, validation=validation, settings=QUICK, threads=1)
    without = fit(small(), data, settings=QUICK, threads=1)
    np.testing.assert_array_equal(parameters(with_it), parameters(without))
    assert without.validation_errors is None
    assert with_it.validation_errors == maxvolt.compute_errors(single(with_it), validation)


def test_errors_are_given_by_group() -> None:
    data = relabelled(molybdenum(), groups=("bulk",) * 5 + ("hot",) * 3)
    result = fit(small(), data, settings=QUICK, threads=1)
    assert [group.name for group in result.training_errors.groups] == ["bulk", "hot"]


def test_warnings_say_what_a_user_should_know() -> None:
    data = molybdenum()
    data = relabelled(
        data, **{k: 0.01 * getattr(data, k) for k in ("energies", "forces", "stresses")}
    )
    short = fit(
        MTP(6, ["Mo"], 4.5, 2.7, 3),
        data,
        settings=FitSettings(max_iterations=1, starts=1),
        threads=1,
    )
    assert len(short.warnings) == 2
    assert "1 of 1 fits reached the limit of 1 iterations" in short.warnings[0]
    assert "below min_dist 2.7 A" in short.warnings[1]
    full = fit(MTP(6, ["Mo"], 4.5, 1.0, 3), data, settings=CONVERGED, threads=1)
    assert full.warnings == ()
    assert full.members[0].finished in {"converged", "no step lowers the loss further"}


def test_a_fitted_potential_keeps_what_it_is() -> None:
    untrained = MTP(6, ["Mo"], 4.5, 1.9, 3, radial_basis="BChebyshev")
    fitted = single(fit(untrained, molybdenum(), settings=QUICK, threads=1))
    assert fitted.is_trained
    assert fitted.level == 6
    assert fitted.species == ("Mo",)
    assert fitted.model.radial == untrained.model.radial
    assert not untrained.is_trained


@pytest.mark.parametrize("size", [1, 2])
def test_very_few_radial_functions(size: int) -> None:
    # With one function, radial functions of different mu cannot be orthogonal to each other.
    result = fit(MTP(8, ["Mo"], 4.5, 2.0, size), molybdenum(), settings=QUICK, threads=1)
    assert np.isfinite(parameters(result)).all()
    assert result.training_errors.total.force_components.relative_rmse < 1


def test_each_member_has_the_zero_of_energy_of_its_own_weights() -> None:
    data = molybdenum(16)
    result = fit(small(), data, ensemble=3, settings=QUICK, threads=1)
    assert isinstance(result.potential, Ensemble)
    objective = Objective(data, Weights(), "vibrations")
    for number, member in enumerate(result.potential.members):
        residual = member.evaluate_dataset(data).energies - data.energies
        weights = objective.resampled(0, number).dataset.weights
        # The constant of the species is fitted: nothing of it is left, on the average.
        assert abs(np.average(residual, weights=weights)) < 1e-3 * residual.std()
