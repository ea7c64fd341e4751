"""Data that no fit can use: a named error with a remedy, and never coefficients that are NaN."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from numpy.typing import NDArray
from training_data import crystals, known_potential, labelled, relabelled

from maxvolt.dataset import Dataset
from maxvolt.errors import DataError, FitError, MaxvoltError, SpeciesError
from maxvolt.fitting import FitProgress, FitResult, FitSettings, Weights, fit
from maxvolt.potentials import MTP

QUICK = FitSettings(max_iterations=5, starts=1, start_iterations=2)


def molybdenum(count: int = 8) -> Dataset:
    return labelled(known_potential(6, ["Mo"]), crystals(["Mo"], count))


def untrained(species: Sequence[str] = ("Mo",), level: int = 6, **options: Any) -> MTP:
    return MTP(
        level, species, options.pop("cutoff", 4.5), options.pop("min_dist", 2.0), 3, **options
    )


def quick_fit(dataset: Dataset, potential: MTP | None = None, **options: Any) -> FitResult:
    given = {"settings": QUICK, "threads": 1, **options}
    return fit(untrained() if potential is None else potential, dataset, **given)


def assert_finite(result: FitResult) -> NDArray[np.float64]:
    assert isinstance(result.potential, MTP)
    parameters = result.potential.model.parameters
    assert np.isfinite(parameters).all()
    assert np.isfinite(result.members[0].losses).all()
    return parameters


def with_structure(
    data: Dataset, atoms: Atoms, energy: float | None = None, **info: Any
) -> Dataset:
    if energy is not None:
        atoms.info["energy"] = energy
    atoms.info.update(info)
    return Dataset.concatenate([data, Dataset.from_atoms([atoms])])


# --------------------------------------------------------------------- labels


def test_an_empty_training_set() -> None:
    with pytest.raises(FitError, match="the training set is empty: give at least one"):
        quick_fit(Dataset.from_atoms([]))


def test_no_labels() -> None:
    bare = relabelled(molybdenum(), energies=None, forces=None, stresses=None)
    with pytest.raises(FitError, match="0 of 8 structures have an energy, 0 forces, 0 a stress"):
        quick_fit(bare)


def test_labels_without_weight() -> None:
    data = relabelled(molybdenum(), forces=None, stresses=None)
    with pytest.raises(FitError, match=r"8 of 8 structures have an energy.*check the labels and"):
        quick_fit(data, weights=Weights(0, 1, 1))
    with pytest.raises(FitError, match="no structure has a label with a weight above zero"):
        quick_fit(relabelled(molybdenum(), weights=np.zeros(8)))


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_labels_that_are_not_finite(value: float) -> None:
    data = molybdenum()
    energies, forces, stresses = data.energies.copy(), data.forces.copy(), data.stresses.copy()
    energies[3] = forces[data.offsets[3], 1] = stresses[3, 2] = value
    for changes in ({"energies": energies}, {"forces": forces}, {"stresses": stresses}):
        with pytest.raises(DataError, match="structure 3 has"):
            relabelled(data, **changes)


def test_labels_that_are_nan_in_part() -> None:
    data = molybdenum()
    forces, stresses = data.forces.copy(), data.stresses.copy()
    forces[data.offsets[3], 1] = stresses[3, 2] = np.nan
    for changes in ({"forces": forces}, {"stresses": stresses}):
        with pytest.raises(DataError, match="structure 3 has"):
            relabelled(data, **changes)


def times(data: Dataset, factor: float) -> Dataset:
    return relabelled(
        data,
        energies=factor * data.energies,
        forces=factor * data.forces,
        stresses=factor * data.stresses,
    )


@pytest.mark.parametrize("factor", [1e4, 1e120, 1e250])
def test_labels_far_outside_the_physical_range(factor: float) -> None:
    with pytest.raises(FitError, match=r"structure 0 of the training set has a force .*no cal"):
        quick_fit(times(molybdenum(), factor))


@pytest.mark.parametrize("factor", [1e-200, 1e-30])
def test_labels_whose_squares_are_still_numbers(factor: float) -> None:
    assert_finite(quick_fit(times(molybdenum(), factor)))


@pytest.mark.parametrize("kind", ["energies", "forces", "stresses"])
def test_one_label_far_outside_the_physical_range(kind: str) -> None:
    data = molybdenum()
    values = getattr(data, kind).copy()
    values[0] = 1e200
    with pytest.raises(FitError, match=r"structure 0 of the training set has .*which no calcul"):
        quick_fit(relabelled(data, **{kind: values}))


def test_labels_that_are_all_zero() -> None:
    data = molybdenum()
    zero = {name: 0.0 * getattr(data, name) for name in ("energies", "forces", "stresses")}
    result = quick_fit(relabelled(data, **zero))
    assert_finite(result)
    assert result.members[0].losses[-1] == 0.0


# --------------------------------------------------------------------- too little


def test_fewer_labels_than_coefficients() -> None:
    data = relabelled(molybdenum(3), forces=None, stresses=None)
    with pytest.raises(FitError, match=r"3 labels.*fewer than the 6 linear coefficients.*add"):
        quick_fit(data)
    with pytest.raises(FitError, match="fewer than the 93 linear coefficients"):
        quick_fit(molybdenum(4), untrained(level=16))


@pytest.mark.parametrize(
    "structures",
    [
        crystals(["Mo"], 1) * 30,
        [bulk("Mo")] * 30,
        [Atoms("Mo2", [[0, 0, 0], [0, 0, 2.5]])] * 30,
    ],
    ids=["crystal", "perfect crystal", "dimer"],
)
def test_one_structure_again_and_again(structures: list[Atoms]) -> None:
    # More labels than coefficients, and yet not enough information for them.
    data = labelled(known_potential(6, ["Mo"]), structures)
    if structures[0].get_chemical_formula() == "Mo4":
        with pytest.raises(FitError, match=r"does not determine the potential: .*atoms\.rattle"):
            quick_fit(data, untrained(level=8))
        return
    result = quick_fit(data, untrained(level=8))
    assert_finite(result)
    assert result.training_errors.total.energy_per_atom.rmse < 1e-3


@pytest.mark.parametrize("atoms", [Atoms("Mo"), Atoms("Mo", cell=[20, 20, 20], pbc=True)])
def test_atoms_that_never_meet(atoms: Atoms) -> None:
    with pytest.raises(FitError, match=r"no two atoms .* closer than the cutoff of 1\.2 A"):
        quick_fit(molybdenum(), untrained(cutoff=1.2, min_dist=0.5))
    alone = labelled(known_potential(6, ["Mo"]), [atoms] * 30)
    with pytest.raises(FitError, match="no two atoms"):
        quick_fit(alone, untrained(level=8))


def test_only_forces_or_only_stresses() -> None:
    data = molybdenum()
    for missing in (("energies", "stresses"), ("energies", "forces")):
        assert_finite(quick_fit(relabelled(data, **dict.fromkeys(missing))))


# --------------------------------------------------------------------- species


@pytest.mark.parametrize("species", [["Mo", "W"], ["W", "Mo"], ["O", "Mo", "W"]])
def test_a_species_that_no_structure_has(species: list[str]) -> None:
    result = quick_fit(molybdenum(), untrained(species))
    assert_finite(result)
    assert isinstance(result.potential, MTP)
    alone = result.potential.evaluate(Atoms("W"))
    assert alone.energy == 0.0
    mixed = result.potential.evaluate(Atoms("MoW", [[0, 0, 0], [0, 0, 2.4]]))
    assert np.isfinite(mixed.forces).all()


def test_a_species_that_the_potential_does_not_know() -> None:
    with pytest.raises(
        SpeciesError, match=r"knows W but structure 0 of .* \(and 7 more\) contains Mo"
    ):
        quick_fit(molybdenum(), untrained(["W"]))


# --------------------------------------------------------------------- structures


def test_atoms_on_top_of_each_other() -> None:
    atoms = crystals(["Mo"], 1, seed=7)[0]
    atoms.positions[2] = atoms.positions[1] + atoms.cell[0]
    with pytest.raises(
        DataError, match="structure 8 of the training set has two atoms at the same"
    ):
        quick_fit(with_structure(molybdenum(), atoms, energy=-3.0))


@pytest.mark.parametrize("distance", [1e-5, 1e-2, 0.3])
@pytest.mark.parametrize("kind", ["RBChebyshev", "RBShapeev", "RBTaylor", "RBChebyshev_repuls"])
def test_atoms_almost_on_top_of_each_other(distance: float, kind: str) -> None:
    atoms = crystals(["Mo"], 1, seed=7)[0]
    atoms.positions[2] = atoms.positions[1] + [distance, 0, 0]
    data = with_structure(molybdenum(), atoms, energy=-3.0)
    with pytest.raises(
        FitError, match=r"structure 8 .* of the length of their bond .*and no force"
    ):
        quick_fit(data, untrained(radial_basis=kind))


def test_atoms_that_are_close_and_repel_each_other() -> None:
    atoms = crystals(["Mo"], 1, seed=7)[0]
    atoms.positions[2] = atoms.positions[1] + [0.5, 0, 0]
    atoms.info["forces"] = np.zeros((len(atoms), 3))
    atoms.info["forces"][[1, 2], 0] = [-300.0, 300.0]
    result = quick_fit(with_structure(molybdenum(), atoms, energy=90.0), untrained())
    assert_finite(result)
    assert any("below min_dist" in warning for warning in result.warnings)


def test_a_cell_that_cannot_be_searched() -> None:
    atoms = Atoms("Mo", cell=np.eye(3) * 1e-3, pbc=True)
    with pytest.raises(FitError, match=r"structure 8 .* has a cell too small for its atoms"):
        quick_fit(with_structure(molybdenum(), atoms, energy=-3.0))


# --------------------------------------------------------------------- contradictions


def again(data: Dataset, structure: int, *, weight: float = 1.0, **changes: Any) -> Dataset:
    """The data with a copy of one structure that has other labels."""
    copy = data.select([structure])
    values = {name: getattr(copy, name) + change for name, change in changes.items()}
    return Dataset.concatenate([data, relabelled(copy, weights=np.array([weight]), **values)])


@pytest.mark.parametrize(
    ("kind", "change", "name"),
    [("energies", 0.1, "energies"), ("forces", 0.2, "forces"), ("stresses", 0.1, "stresses")],
)
def test_equal_structures_with_different_labels(kind: str, change: float, name: str) -> None:
    data = again(molybdenum(), 3, **{kind: change})
    with pytest.raises(
        FitError, match=f"structure 3 .* and structure 8 .* equal but their {name} "
    ):
        quick_fit(data)


def test_equal_structures_with_labels_that_differ_by_noise() -> None:
    data = again(molybdenum(), 3, energies=1e-4, forces=1e-3, stresses=1e-4)
    assert_finite(quick_fit(data))


@pytest.mark.parametrize("kind", ["energies", "forces", "stresses"])
def test_contradictions_that_do_not_count(kind: str) -> None:
    without_weight = again(molybdenum(), 3, weight=0.0, **{kind: 1.0})
    assert_finite(quick_fit(without_weight))
    names = {"energies": "energy", "forces": "forces", "stresses": "stress"}
    weights = {"energy": 1.0, "forces": 0.01, "stress": 0.001, names[kind]: 0.0}
    assert_finite(quick_fit(again(molybdenum(), 3, **{kind: 1.0}), weights=Weights(**weights)))


def test_equal_structures_in_other_cells_are_not_equal() -> None:
    data = molybdenum()
    atoms = data[3]
    atoms.calc = None
    atoms.set_cell(atoms.cell.array * 1.01)
    assert_finite(quick_fit(with_structure(data, atoms, energy=5.0)))


# --------------------------------------------------------------------- validation


@pytest.mark.parametrize(
    ("validation", "error", "message"),
    [
        ([], FitError, "the validation set is empty"),
        ([Atoms("O")], SpeciesError, "contains O"),
        ([Atoms("Mo2", np.zeros((2, 3)))], DataError, "structure 0 of the validation set has two"),
    ],
)
def test_a_validation_set_is_checked_before_the_fit(
    validation: list[Atoms], error: type[Exception], message: str
) -> None:
    told: list[FitProgress] = []
    with pytest.raises(error, match=message):
        quick_fit(molybdenum(), validation=Dataset.from_atoms(validation), progress=told.append)
    assert told == []


def test_a_validation_set_without_labels_has_no_errors() -> None:
    result = quick_fit(molybdenum(), validation=Dataset.from_atoms([bulk("Mo")]))
    assert result.validation_errors is not None
    assert result.validation_errors.total.energy.count == 0


# --------------------------------------------------------------------- arguments


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"ensemble": 0}, FitError, "ensemble must lie between 1 and 1000"),
        ({"ensemble": -2}, FitError, "ensemble must lie between 1 and 1000"),
        ({"seed": -1}, FitError, "a seed must be 0 or more; got -1"),
        ({"scaling": "atoms"}, FitError, "scaling must be one of vibrations, molecules"),
        ({"isolated_energies": "data"}, FitError, "no isolated atom .* of Mo; add it"),
        ({"isolated_energies": {"W": 1.0}}, SpeciesError, "no energy .* for Mo"),
        ({"isolated_energies": {"Mo": np.nan}}, FitError, "must be finite"),
        ({"isolated_energies": "zero"}, FitError, "must be 'fit', 'data' or energies"),
        ({"threads": 0}, MaxvoltError, "threads must be at least 1"),
    ],
)
def test_arguments_out_of_range(
    options: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        quick_fit(molybdenum(), **options)


@pytest.mark.parametrize(
    "changes",
    [
        {"max_iterations": 0},
        {"starts": 0},
        {"start_iterations": -1},
        {"tolerance": 0.0},
        {"tolerance": 1.0},
        {"ridge": -1e-10},
        {"ridge": np.nan},
    ],
)
def test_settings_out_of_range(changes: dict[str, float]) -> None:
    with pytest.raises(FitError, match=next(iter(changes))):
        FitSettings(**changes)  # type: ignore[arg-type]
