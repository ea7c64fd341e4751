from dataclasses import dataclass, replace

import numpy as np
import pytest
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator

from maxvolt.dataset import Dataset
from maxvolt.errors import DataError
from maxvolt.fitting.prediction_errors import (
    Comparison,
    compare,
    compute_ensemble_errors,
    compute_errors,
)
from maxvolt.units import GPA_PER_EV_A3


@dataclass(frozen=True)
class Predicted:
    energies: np.ndarray
    forces: np.ndarray
    stresses: np.ndarray


@dataclass(frozen=True)
class KnownPotential:
    """Predicts given numbers."""

    predicted: Predicted

    def evaluate_dataset(self, dataset, threads=None):
        return self.predicted


def structure(n_atoms, group, *, energy=None, forces=None, stress=None, periodic=True):
    positions = np.arange(3 * n_atoms, dtype=float).reshape(-1, 3)
    atoms = Atoms(f"Mo{n_atoms}", positions, cell=[10, 10, 10], pbc=periodic)
    atoms.info["config_type"] = group
    labels = {"energy": energy, "forces": forces, "stress": stress}
    labels = {name: value for name, value in labels.items() if value is not None}
    if labels:
        atoms.calc = SinglePointCalculator(atoms, **labels)
    return atoms


@pytest.fixture
def dataset():
    random = np.random.default_rng(1)
    return Dataset.from_atoms(
        [
            structure(
                1, "bulk", energy=-10.0, forces=random.normal(size=(1, 3)), stress=np.arange(6.0)
            ),
            structure(
                2, "bulk", energy=-24.0, forces=random.normal(size=(2, 3)), stress=-np.arange(6.0)
            ),
            structure(3, "slab", energy=-33.0),
            structure(2, "", forces=random.normal(size=(2, 3))),
        ]
    )


@pytest.fixture
def predicted(dataset):
    random = np.random.default_rng(2)
    return Predicted(
        np.where(dataset.has_energy, dataset.energies, -5.0) + np.array([0.1, -0.4, 0.6, 0.0]),
        random.normal(size=(dataset.n_atoms, 3)),
        random.normal(size=(4, 6)),
    )


def test_energies_by_hand(dataset, predicted):
    total = compute_errors(KnownPotential(predicted), dataset).total
    assert total.structures == 4
    assert total.atoms == 8
    # Differences per atom: 0.1, -0.2, 0.2; the fourth structure has no energy.
    per_atom = total.energy_per_atom
    assert (per_atom.count, per_atom.missing) == (3, 1)
    assert per_atom.rmse == pytest.approx(np.sqrt(0.09 / 3))
    assert per_atom.mae == pytest.approx(0.5 / 3)
    assert per_atom.maximum == pytest.approx(0.2)
    # References per atom -10, -12, -11: standard deviation sqrt(2/3).
    assert per_atom.relative_rmse == pytest.approx(np.sqrt(0.09 / 3) / np.sqrt(2 / 3))
    assert total.energy.rmse == pytest.approx(np.sqrt((0.01 + 0.16 + 0.36) / 3))
    assert total.energy.maximum == pytest.approx(0.6)


def test_forces_as_components_and_vectors(dataset, predicted):
    total = compute_errors(KnownPotential(predicted), dataset).total
    labelled = [0, 1, 2, 6, 7]  # the atoms of the slab, 3 to 5, have no forces
    difference = predicted.forces[labelled] - dataset.forces[labelled]
    components, vectors = total.force_components, total.force_vectors
    assert (components.count, components.missing) == (5, 3)
    assert components.rmse == pytest.approx(np.sqrt((difference**2).sum() / 15))
    assert components.mae == pytest.approx(np.abs(difference).sum() / 15)
    assert components.maximum == pytest.approx(np.abs(difference).max())
    lengths = np.sqrt((difference**2).sum(axis=1))
    assert vectors.rmse == pytest.approx(np.sqrt(3) * components.rmse)
    assert vectors.mae == pytest.approx(lengths.mean())
    assert vectors.maximum == pytest.approx(lengths.max())
    reference = dataset.forces[labelled]
    expected = np.sqrt((difference**2).sum() / (reference**2).sum())
    assert components.relative_rmse == pytest.approx(expected)
    assert vectors.relative_rmse == pytest.approx(expected)
    assert vectors.relative_maximum == pytest.approx(
        lengths.max() / np.linalg.norm(reference, axis=1).max()
    )


def test_mean_over_structures_weighs_small_ones_alike(dataset, predicted):
    total = compute_errors(KnownPotential(predicted), dataset).total
    squares = (predicted.forces - dataset.forces) ** 2
    by_structure = [squares[[0]].mean(), squares[[1, 2]].mean(), squares[[6, 7]].mean()]
    assert total.force_components.rmse_over_structures == pytest.approx(
        np.sqrt(np.mean(by_structure))
    )
    assert total.energy_per_atom.rmse_over_structures == total.energy_per_atom.rmse


def as_tensor(voigt):
    xx, yy, zz, yz, xz, xy = voigt
    return np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])


def test_stress_is_over_nine_components_in_gpa(dataset, predicted):
    total = compute_errors(KnownPotential(predicted), dataset).total
    tensors = (
        np.array([as_tensor(predicted.stresses[s] - dataset.stresses[s]) for s in (0, 1)])
        * GPA_PER_EV_A3
    )
    assert (total.stress_components.count, total.stress_components.missing) == (2, 2)
    assert total.stress_components.rmse == pytest.approx(np.sqrt((tensors**2).mean()))
    assert total.stress_components.mae == pytest.approx(np.abs(tensors).mean())
    norms = np.linalg.norm(tensors, axis=(1, 2))
    assert total.stress_tensors.mae == pytest.approx(norms.mean())
    assert total.virials.maximum == pytest.approx(1000 * norms.max() / GPA_PER_EV_A3)


def test_groups_are_the_datasets_selected_by_name(dataset, predicted):
    report = compute_errors(KnownPotential(predicted), dataset)
    assert [group.name for group in report.groups] == ["bulk", "slab", ""]
    bulk = compute_errors(
        KnownPotential(
            Predicted(predicted.energies[:2], predicted.forces[:3], predicted.stresses[:2])
        ),
        dataset.select([0, 1]),
    )
    assert replace(report.groups[0], name="total") == bulk.total


def test_quantity_without_labels_has_no_errors_but_is_counted(dataset, predicted):
    slab = compute_errors(KnownPotential(predicted), dataset).groups[1]
    assert (slab.force_vectors.count, slab.force_vectors.missing) == (0, 3)
    assert np.isnan(slab.force_vectors.rmse)
    assert (slab.stress_components.count, slab.stress_components.missing) == (0, 1)
    # One reference energy does not vary, so there is nothing to compare its error with.
    assert np.isnan(slab.energy_per_atom.relative_rmse)


def test_perfect_predictions_have_no_error(dataset):
    perfect = Predicted(
        np.nan_to_num(dataset.energies),
        np.nan_to_num(dataset.forces),
        np.nan_to_num(dataset.stresses),
    )
    total = compute_errors(KnownPotential(perfect), dataset).total
    for statistics in (total.energy, total.force_vectors, total.stress_components):
        assert statistics.rmse == statistics.mae == statistics.maximum == 0.0
        assert statistics.relative_rmse == 0.0


def test_stress_that_the_potential_cannot_predict_counts_as_missing():
    slab = structure(1, "slab", energy=-1.0, stress=np.ones(6), periodic=[True, True, False])
    dataset = Dataset.from_atoms([slab])
    predicted = Predicted(np.array([-1.0]), np.zeros((1, 3)), np.full((1, 6), np.nan))
    total = compute_errors(KnownPotential(predicted), dataset).total
    assert (total.stress_components.count, total.stress_components.missing) == (0, 1)


@pytest.mark.parametrize("name", ["energies", "forces", "stresses"])
def test_predictions_that_are_not_finite_name_the_structure(dataset, predicted, name):
    values = getattr(predicted, name).copy()
    values[1] = np.nan  # structure 1, and atom 1, which belongs to structure 1
    with pytest.raises(DataError, match=r"structure 1: .* not finite"):
        compute_errors(KnownPotential(replace(predicted, **{name: values})), dataset)


def test_predictions_of_wrong_shape_are_refused(dataset, predicted):
    with pytest.raises(DataError, match="predicted forces: shape"):
        Comparison(dataset, predicted.energies, predicted.forces[:-1], predicted.stresses)


def test_empty_dataset_is_refused(predicted):
    with pytest.raises(DataError, match="no structure"):
        compare(KnownPotential(predicted), Dataset.from_atoms([]))


def test_ensemble_has_errors_of_members_and_of_their_mean(dataset, predicted):
    opposite = Predicted(
        np.where(dataset.has_energy, 2 * dataset.energies, -10.0) - predicted.energies,
        predicted.forces,
        predicted.stresses,
    )
    errors = compute_ensemble_errors([KnownPotential(predicted), KnownPotential(opposite)], dataset)
    # Errors of opposite sign cancel in the mean, not in the members.
    assert errors.mean_prediction.total.energy.rmse == pytest.approx(0.0, abs=1e-12)
    assert errors.members[0].total.energy.rmse > 0.3
    mean, two_sigma = errors.spread(lambda report: report.total.energy.rmse)
    assert mean == pytest.approx(errors.members[0].total.energy.rmse)
    assert two_sigma == pytest.approx(0.0, abs=1e-12)
    values = [3.0, 4.0]
    mean, two_sigma = errors.spread(lambda report: values.pop())
    assert (mean, two_sigma) == pytest.approx((3.5, np.sqrt(2)))


def test_one_member_has_no_spread_and_none_is_refused(dataset, predicted):
    errors = compute_ensemble_errors([KnownPotential(predicted)], dataset)
    assert np.isnan(errors.spread(lambda report: report.total.energy.rmse)[1])
    with pytest.raises(DataError, match="at least one member"):
        compute_ensemble_errors([], dataset)


def test_dictionary_has_units_in_its_keys(dataset, predicted):
    document = compute_errors(KnownPotential(predicted), dataset).to_dict()
    assert list(document["groups"]) == ["bulk", "slab", ""]
    assert set(document["total"]) == {
        "structures",
        "atoms",
        "energy_eV",
        "energy_per_atom_eV",
        "force_components_eV_per_A",
        "force_vectors_eV_per_A",
        "stress_components_GPa",
        "stress_tensors_GPa",
        "virials_eV",
    }
    energy = document["total"]["energy_per_atom_eV"]
    assert energy["rmse_percent"] == pytest.approx(100 * np.sqrt(0.03) / np.sqrt(2 / 3))
    assert energy["missing"] == 1
