"""Datasets: labels that are missing stay missing, selections keep everything, errors name names."""

from __future__ import annotations

import dataclasses
import pickle

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator
from hypothesis import given
from hypothesis import strategies as st

from maxvolt.dataset import ARRAYS_KEY, Dataset
from maxvolt.errors import DataError


def labelled(atoms: Atoms, **results: object) -> Atoms:
    atoms.calc = SinglePointCalculator(atoms, **results)
    return atoms


@pytest.fixture
def mixed() -> Dataset:
    """A crystal with all labels, a molecule with an energy, a slab with forces, a bare cell."""
    crystal = bulk("Cu", cubic=True)
    crystal.info.update(config_type="bulk", config_weight=2.5, source="made here")
    water = molecule("H2O")
    slab = Atoms("AlNi", [[0, 0, 0], [1, 1, 3]], cell=[3, 3, 0], pbc=[True, True, False])
    slab.set_array("charge", np.array([0.5, -0.5]))
    return Dataset.from_atoms(
        [
            labelled(
                crystal,
                energy=-1.5,
                forces=np.arange(12.0).reshape(4, 3),
                stress=np.arange(6.0) / 7,
            ),
            labelled(water, energy=-14.0),
            labelled(slab, forces=np.ones((2, 3))),
            bulk("Mo"),
        ]
    )


def assert_same(one: Dataset, other: Dataset) -> None:
    for field in dataclasses.fields(Dataset):
        a, b = getattr(one, field.name), getattr(other, field.name)
        if field.name == "infos":
            assert len(a) == len(b)
            for info_a, info_b in zip(a, b, strict=True):
                np.testing.assert_equal(dict(info_a), dict(info_b))
        elif field.name in ("groups", "origins"):
            assert a == b
        else:
            np.testing.assert_array_equal(a, b, err_msg=field.name)


def test_what_a_dataset_says(mixed: Dataset) -> None:
    assert len(mixed) == 4
    assert mixed.n_atoms == 10
    assert mixed.counts.tolist() == [4, 3, 2, 1]
    assert mixed.species == ("H", "O", "Al", "Ni", "Cu", "Mo")
    assert mixed.structure_of_atom.tolist() == [0, 0, 0, 0, 1, 1, 1, 2, 2, 3]
    assert mixed.volumes == pytest.approx([3.61**3, 0, 0, 3.15**3 / 2])
    assert mixed.groups == ("bulk", "", "", "")
    assert mixed.weights.tolist() == [2.5, 1, 1, 1]
    assert mixed.infos[0] == {"source": "made here"}
    np.testing.assert_array_equal(mixed.infos[2][ARRAYS_KEY]["charge"], [0.5, -0.5])
    assert "4 structures, 10 atoms" in repr(mixed)


def test_missing_labels_are_missing(mixed: Dataset) -> None:
    assert mixed.has_energy.tolist() == [True, True, False, False]
    assert mixed.has_forces.tolist() == [True, False, True, False]
    assert mixed.has_stress.tolist() == [True, False, False, False]
    assert np.isnan(mixed.energies).tolist() == [False, False, True, True]
    assert np.isnan(mixed.forces).all(axis=1).tolist() == [False] * 4 + [True] * 3 + [
        False,
        False,
        True,
    ]
    assert np.isnan(mixed.stresses[1:]).all()
    assert mixed[3].calc is None
    assert "forces" not in mixed[1].calc.results


def test_zero_is_not_missing() -> None:
    dataset = Dataset.from_atoms(
        [labelled(bulk("Cu"), energy=0.0, forces=np.zeros((1, 3)), stress=np.zeros(6))]
    )
    assert dataset.has_energy[0]
    assert dataset.has_forces[0]
    assert dataset.has_stress[0]


def test_through_atoms_and_back(mixed: Dataset) -> None:
    assert_same(Dataset.from_atoms(mixed.to_atoms()), mixed)
    assert_same(Dataset.from_atoms(list(mixed)), mixed)


def test_structures_come_as_they_like(mixed: Dataset) -> None:
    assert Dataset.of(mixed) is mixed
    assert_same(Dataset.of(iter(mixed.to_atoms())), mixed)
    assert len(Dataset.of(mixed[0])) == 1
    for wrong in ("train.xyz", 3, ["train.xyz"]):
        with pytest.raises(DataError, match=r"read files with maxvolt\.read"):
            Dataset.of(wrong)  # type: ignore[arg-type]


def test_labels_of_emt() -> None:
    atoms = bulk("Cu", cubic=True) * (2, 1, 1)
    atoms.rattle(0.1, seed=1)
    atoms.calc = EMT()
    atoms.get_stress()
    dataset = Dataset.from_atoms([atoms])
    assert dataset.energies[0] == atoms.get_potential_energy(force_consistent=True)
    np.testing.assert_array_equal(dataset.forces, atoms.get_forces())
    np.testing.assert_array_equal(dataset.stresses[0], atoms.get_stress())


def test_results_of_other_positions_are_not_labels() -> None:
    atoms = bulk("Cu", cubic=True)
    atoms.calc = EMT()
    atoms.get_potential_energy()
    atoms.positions[0] += 0.1
    assert not Dataset.from_atoms([atoms]).has_energy[0]


def test_the_free_energy_is_the_force_consistent_one() -> None:
    atoms = labelled(bulk("Cu"), energy=-3.0, free_energy=-3.1)
    assert Dataset.from_atoms([atoms]).energies[0] == -3.1
    atoms = bulk("Cu")
    atoms.info.update(energy=-3.0, free_energy=-3.1)
    dataset = Dataset.from_atoms([atoms])
    assert dataset.energies[0] == -3.1
    assert dataset.infos[0] == {}


@pytest.mark.parametrize("prefix", ["", "REF_", "dft_"])
def test_labels_in_info_and_arrays(prefix: str) -> None:
    atoms = bulk("Cu", cubic=True)
    stress = np.array([[1.0, 6, 5], [6, 2, 4], [5, 4, 3]]) / 100
    atoms.info[prefix + "energy"] = -1.0
    atoms.info[prefix + "virial"] = -stress * atoms.get_volume()
    atoms.arrays[prefix + "force"] = np.full((4, 3), 0.5)
    dataset = Dataset.from_atoms([atoms])
    assert dataset.energies[0] == -1
    assert (dataset.forces == 0.5).all()
    np.testing.assert_allclose(dataset.stresses[0], [0.01, 0.02, 0.03, 0.04, 0.05, 0.06])
    assert dataset.infos[0] == {}


def test_contradicting_labels_are_refused() -> None:
    atoms = labelled(bulk("Cu"), energy=-3.0)
    atoms.info["REF_energy"] = -3.2
    with pytest.raises(DataError, match="structure 1: energy and REF_energy hold different"):
        Dataset.from_atoms([bulk("Cu"), atoms])
    atoms = bulk("Cu")
    atoms.info.update(stress=np.eye(3), virial=np.eye(3) * atoms.get_volume())
    with pytest.raises(DataError, match="stress and virial"):
        Dataset.from_atoms([atoms])


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("energy", "many", "energy is 'many'"),
        ("stress", np.ones(5), "shape"),
        ("stress", np.arange(9.0).reshape(3, 3), "not symmetric"),
        ("forces", np.ones((2, 3)), "shape"),
        ("config_weight", -1, "weight that is negative"),
        ("energy", np.inf, "energy holds numbers that are not finite"),
        ("energy", np.nan, "energy holds numbers that are not finite"),
        ("forces", np.full((1, 3), np.nan), "forces holds numbers that are not finite"),
        ("virial", np.full((3, 3), np.nan), "virial holds numbers that are not finite"),
    ],
)
def test_bad_labels_are_refused(key: str, value: object, message: str) -> None:
    atoms = bulk("Cu")
    atoms.info[key] = value
    with pytest.raises(DataError, match=message):
        Dataset.from_atoms([atoms])


@given(st.lists(st.integers(-4, 3), max_size=6))
def test_select_by_indices(chosen: list[int]) -> None:
    atoms = [bulk("Cu") * (k + 1, 1, 1) for k in range(4)]
    for k, a in enumerate(atoms):
        labelled(a, energy=float(k), forces=np.full((k + 1, 3), float(k)))
        a.info["config_type"] = str(k)
    dataset = Dataset.from_atoms(atoms)
    selected = dataset.select(chosen)
    assert selected.energies.tolist() == [k % 4 for k in chosen]
    assert selected.groups == tuple(str(k % 4) for k in chosen)
    assert selected.counts.tolist() == [k % 4 + 1 for k in chosen]
    np.testing.assert_array_equal(
        selected.forces[:, 0], selected.energies[selected.structure_of_atom]
    )


def test_select_by_mask_and_slice(mixed: Dataset) -> None:
    assert_same(mixed.select(mixed.has_energy), mixed.select([0, 1]))
    assert_same(mixed.select(slice(None, None, 2)), mixed.select([0, 2]))
    assert_same(Dataset.concatenate([mixed.select([0, 1]), mixed.select([2, 3])]), mixed)
    assert len(mixed.select([])) == 0
    assert len(Dataset.concatenate([])) == 0
    with pytest.raises(DataError, match="mask of shape"):
        mixed.select([True])
    with pytest.raises(DataError, match="outside 0 to 3"):
        mixed.select([4])
    with pytest.raises(DataError, match="integers"):
        mixed.select([0.5])
    with pytest.raises(IndexError):
        mixed[4]


def test_it_is_immutable_and_can_be_pickled(mixed: Dataset) -> None:
    with pytest.raises(ValueError, match="read-only"):
        mixed.energies[0] = 0
    with pytest.raises(dataclasses.FrozenInstanceError):
        mixed.energies = mixed.energies  # type: ignore[misc]
    assert_same(pickle.loads(pickle.dumps(mixed)), mixed)


def test_a_label_that_is_switched_off_is_erased(mixed: Dataset) -> None:
    off = dataclasses.replace(mixed, has_energy=np.zeros(4, bool), has_forces=np.zeros(4, bool))
    assert np.isnan(off.energies).all()
    assert np.isnan(off.forces).all()
    assert off.has_stress[0]
    assert not np.isnan(mixed.energies[0])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"offsets": [0, 4, 7, 9]}, r"pbc has shape|numbers has shape"),
        ({"offsets": [0, 4, 4, 9, 10]}, "structure 1 has no atoms"),
        ({"offsets": [1, 4, 7, 9, 10]}, "offsets begins with 1"),
        ({"offsets": []}, "offsets has shape"),
        ({"groups": ("a",)}, "groups has 1 entries for 4"),
        ({"energies": "x"}, "energies cannot be read"),
        ({"has_energy": [True, True, True, False]}, "structure 2 has an energy that is not finite"),
        ({"has_stress": [True, False, False, True]}, "structure 3 has a stress"),
        ({"has_forces": [True] * 4}, r"structure 1 \(and 1 more\) has forces"),
        ({"weights": [1, np.nan, 1, 1]}, "structure 1 has a weight"),
        ({"pbc": np.ones((4, 3), bool)}, r"structure 1 \(and 1 more\) is periodic along"),
        ({"numbers": [29] * 9 + [0]}, "structure 3 has atoms that are not a chemical element"),
    ],
)
def test_bad_arrays_are_refused(mixed: Dataset, changes: dict[str, object], message: str) -> None:
    with pytest.raises(DataError, match=message):
        dataclasses.replace(mixed, **changes)


def test_positions_and_cells_must_be_finite_and_independent(mixed: Dataset) -> None:
    positions = mixed.positions.copy()
    positions[5, 1] = np.nan
    with pytest.raises(DataError, match="structure 1 has positions"):
        dataclasses.replace(mixed, positions=positions)
    cells = mixed.cells.copy()
    cells[3, 2] = cells[3, 0] + cells[3, 1]
    with pytest.raises(DataError, match="structure 3 is periodic along"):
        dataclasses.replace(mixed, cells=cells)
    cells[3, 0, 0] = np.inf
    with pytest.raises(DataError, match="structure 3 has a cell"):
        dataclasses.replace(mixed, cells=cells)


@pytest.mark.parametrize("pbc", [(True, True, False), False])
def test_a_structure_that_is_not_periodic_in_three_directions_has_no_stress(
    pbc: bool | tuple[bool, ...],
) -> None:
    slab = labelled(Atoms("Al", cell=[3, 3, 20], pbc=pbc), energy=-1.0, stress=np.ones(6))
    with_virial = Atoms("Al", cell=[3, 3, 20], pbc=pbc, info={"virial": np.eye(3), "energy": 1.0})
    dataset = Dataset.from_atoms([slab, with_virial, labelled(molecule("H2O"), stress=np.ones(6))])
    assert not dataset.has_stress.any()
    assert np.isnan(dataset.stresses).all()
    assert "virial" not in dataset.infos[1]
    assert "stress" not in dataset[0].calc.results
    # Whoever claims one gets none, too, as from a potential evaluated on a slab.
    claimed = dataclasses.replace(
        dataset, stresses=np.ones((3, 6)), has_stress=np.ones(3, dtype=bool)
    )
    assert not claimed.has_stress.any()
    assert np.isnan(claimed.stresses).all()


def test_the_case_of_label_keys_does_not_matter() -> None:
    atoms = bulk("Cu")
    atoms.info.update(Energy=-1.0, Ref_Energy=-1.0, STRESS=[1, 2, 3, 4, 5, 6])
    atoms.arrays["FORCES"] = np.ones((1, 3))
    dataset = Dataset.from_atoms([atoms])
    assert dataset.energies.tolist() == [-1]
    assert dataset.forces.tolist() == [[1, 1, 1]]
    assert dataset.stresses.tolist() == [[1, 2, 3, 4, 5, 6]]
    assert dataset.infos[0] == {}
    atoms.info["energy"] = -2.0
    with pytest.raises(DataError, match="hold different values for the same label"):
        Dataset.from_atoms([atoms])


def test_other_results_are_kept() -> None:
    results = {
        "energies": np.array([-1.0, -2.0]),
        "magmoms": np.array([0.5, -0.5]),
        "charges": np.array([0.1, -0.1]),
        "dipole": np.array([1.0, 2.0, 3.0]),
        "magmom": 0.25,
    }
    atoms = labelled(bulk("NaCl", "rocksalt", a=5.6), energy=-3.0, **results)
    dataset = Dataset.from_atoms([atoms])
    for name in ("energies", "magmoms", "charges"):
        np.testing.assert_array_equal(dataset.infos[0][ARRAYS_KEY][name], results[name])
    back = dataset[0].calc.results
    for name, value in results.items():
        np.testing.assert_array_equal(back[name], value)
    assert dataset[0].get_potential_energies().tolist() == [-1, -2]
    assert_same(Dataset.from_atoms(dataset.to_atoms()), dataset)


@pytest.mark.parametrize(
    ("counts", "atoms", "expected"),
    [
        ([], 10, []),
        ([3], 1, [(0, 1)]),
        ([3, 3, 3, 3], 6, [(0, 2), (2, 4)]),
        ([3, 3, 3, 3], 7, [(0, 2), (2, 4)]),
        ([1, 100, 1, 1], 10, [(0, 1), (1, 2), (2, 4)]),
        ([5, 5, 5], 100, [(0, 3)]),
    ],
)
def test_portions(counts: list[int], atoms: int, expected: list[tuple[int, int]]) -> None:
    dataset = Dataset.from_atoms(
        [Atoms("H" * count, positions=np.arange(3 * count).reshape(-1, 3)) for count in counts]
    )
    assert [(part.start, part.stop) for part in dataset.portions(atoms)] == expected
    assert [dataset.atoms_of(s).stop for s in range(len(counts))] == np.cumsum(counts).tolist()


def test_batches_keep_the_order_of_a_stream() -> None:
    single, several = Atoms("H2", [[0, 0, 0], [0, 0, 1]]), Dataset.from_atoms([Atoms("He")] * 3)
    found = list(Dataset.batches([single, single, single, several, single], atoms=4))
    assert [len(batch) for batch in found] == [2, 1, 3, 1]
    assert found[2] is several
