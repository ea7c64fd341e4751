"""Active sets: grades, selections, streams, what is said while they are incomplete."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any
from unittest.mock import MagicMock, patch

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from numpy.typing import NDArray
from selection_data import alloy, alloys, potential

from maxvolt import ActiveSet, RowWeights, SpeciesError, sparsify
from maxvolt.dataset import Dataset
from maxvolt.errors import DataError, FileFormatError
from maxvolt.potentials import MTP
from maxvolt.potentials.mtp.rescaling import factor_counts
from maxvolt.selection import QueryStrategy
from maxvolt.selection.active_rows import EQUATIONS
from maxvolt.selection.maxvol import Basis
from maxvolt.selection.selector import NOWHERE, Selector

MODES = ("configuration", "neighborhood")
WEIGHTS = (
    RowWeights(),
    RowWeights(energy=0.0, site_energy=1.0),
    RowWeights(energy=1.0, force=0.1, stress=0.1),
    RowWeights(energy=1.0, site_energy=1.0, scaling=0),
)


@pytest.fixture(scope="module")
def mtp() -> MTP:
    return potential(8)


@pytest.fixture(scope="module")
def training() -> Dataset:
    return alloys(250)


@pytest.fixture(scope="module")
def active(mtp: MTP, training: Dataset) -> ActiveSet:
    return ActiveSet.from_dataset(mtp, training)


@pytest.mark.parametrize("weights", WEIGHTS)
def test_the_training_set_is_interpolated(weights: RowWeights, mtp: MTP, training: Dataset) -> None:
    found = ActiveSet.from_dataset(mtp, training, weights=weights)
    assert found.grade(training).max() <= 1.001
    # Rows that were never replaced are 1e-6, and the inverse is as much larger.
    np.testing.assert_allclose(found.matrix @ found.inverse, np.eye(found.size), atol=1e-4)
    of_active = found.grade(found.structures)
    assert of_active.min() >= 1 - 1e-4
    if weights == RowWeights():
        np.testing.assert_allclose(of_active, 1.0, atol=1e-4)
    assert found.is_complete


@pytest.mark.parametrize(
    ("level", "species"),
    [
        (2, ("Mo",)),
        (2, ("Mo", "W", "Ta")),
        (4, ("Mo", "W")),
        (6, ("Mo", "W")),
        (6, ("Mo", "W", "Ta")),
        (8, ("Mo", "W")),
        (10, ("Mo", "W")),
        (16, ("Mo",)),
    ],
)
def test_the_rank_that_can_be_reached(level: int, species: tuple[str, ...]) -> None:
    mtp = potential(level, species)
    structures = Dataset.from_atoms([crowded(seed, species) for seed in range(150)])
    rows = {
        "neighborhood": mtp.site_energy_gradients(structures),
        "configuration": mtp.energy_gradients(structures) / structures.counts[:, None],
    }
    for mode, values in rows.items():
        found = ActiveSet.from_dataset(mtp, structures, mode=mode)  # type: ignore[arg-type]
        singular = np.linalg.svd(values / abs(values).max(axis=0), compute_uv=False)
        rank = int((singular > 1e-13 * singular[0]).sum())
        assert rank == found.largest_rank < found.size
        assert found.is_complete
        assert "incomplete" not in found.description


def crowded(seed: int, species: tuple[str, ...]) -> Atoms:
    """Four to seven atoms anywhere in a small cell, so that all neighbourhoods differ."""
    generator = np.random.default_rng(seed)
    n = 4 + seed % 4
    positions = generator.random((n, 3)) * 3.0
    return Atoms(generator.choice(species, n), positions, cell=[3.0, 3.1, 3.2], pbc=True)


def test_an_incomplete_set_says_so(mtp: MTP, training: Dataset) -> None:
    few = ActiveSet.from_dataset(mtp, training.select(slice(0, 5)))
    assert few.rank == 5
    assert not few.is_complete
    text = f"rank 5 of {mtp.n_parameters} ({few.largest_rank} possible), incomplete"
    assert text in few.description
    assert text in repr(few)
    assert few.grade(training).max() > 1e3


def test_grades_by_definition(active: ActiveSet, mtp: MTP) -> None:
    others = alloys(20, first=1000, spread=0.2)
    rows = mtp.energy_gradients(others) / others.counts[:, None]
    expected = [np.abs(np.linalg.solve(active.matrix.T, row)).max() for row in rows]
    np.testing.assert_allclose(active.grade(others), expected, rtol=1e-6)


def test_site_grades_and_structure_grades(mtp: MTP, training: Dataset) -> None:
    found = ActiveSet.from_dataset(mtp, training, mode="neighborhood")
    assert found.mode == "neighborhood"
    others = alloys(7, first=500, spread=0.2)
    sites = found.site_grades(others)
    np.testing.assert_allclose(
        found.grade(others), np.maximum.reduceat(sites, others.offsets[:-1]), rtol=1e-9
    )
    both = found.grade_dataset(others)
    assert both.sites is not None
    np.testing.assert_array_equal(both.sites, sites)
    np.testing.assert_allclose(found.site_grades(others[2]), sites[_atoms_of(others, 2)], rtol=1e-9)


def _atoms_of(dataset: Dataset, s: int) -> slice:
    return slice(int(dataset.offsets[s]), int(dataset.offsets[s + 1]))


def test_atoms_have_no_grades_in_configuration_mode(active: ActiveSet) -> None:
    assert active.grade_dataset(alloys(2)).sites is None
    with pytest.raises(DataError, match="mode='neighborhood'"):
        active.site_grades(alloy(0))


@pytest.mark.parametrize("weights", WEIGHTS)
def test_known_neighbors_give_the_same_grades(
    weights: RowWeights, mtp: MTP, training: Dataset
) -> None:
    found = ActiveSet.from_dataset(mtp, training, weights=weights)
    others = alloys(4, first=77)
    grades = found.grade_neighborhoods(mtp.neighborhoods(others))
    np.testing.assert_allclose(grades.structures, found.grade(others), rtol=1e-9)
    if found.mode == "neighborhood":
        assert grades.sites is not None
        np.testing.assert_allclose(grades.sites, found.site_grades(others), rtol=1e-9)
    else:
        assert grades.sites is None


@pytest.mark.parametrize("mode", MODES)
def test_selection(mode: str, mtp: MTP, training: Dataset) -> None:
    start = ActiveSet.from_dataset(mtp, training, mode=mode)  # type: ignore[arg-type]
    candidates = alloys(60, first=2000, spread=0.25)
    found = start.select(candidates, training=training)
    after = found.active_set
    np.testing.assert_allclose(found.grades, start.grade(candidates), rtol=1e-6)
    assert after.log_determinant > start.log_determinant
    for structures in (candidates, training, start.structures):
        assert after.grade(structures).max() <= 1.001
    assert len(found.indices) == len(found.structures) > 0
    for index, chosen in zip(found.indices, found.structures, strict=True):
        np.testing.assert_array_equal(chosen.positions, candidates[index].positions)
    # Whoever was interpolated and enlarges nothing stays out.
    assert found.grades[found.indices].max() == found.grades.max()
    assert len(found.indices) < len(candidates)


def test_equations_are_noted_with_the_structures(mtp: MTP, training: Dataset) -> None:
    start = ActiveSet.from_dataset(mtp, training, mode="neighborhood")
    found = start.select(alloys(20, first=3000, spread=0.3))
    after = found.active_set
    noted = [int(e) for info in found.structures.infos for e in info[EQUATIONS].split(",")]
    old = len(after.structures) - len(found.structures)
    expected = after.origins[after.origins[:, 0] >= old]
    assert sorted(noted) == sorted(expected[:, 1].tolist())
    assert not any(EQUATIONS in info for info in after.structures.infos)


def test_a_stream_gives_what_a_dataset_gives(active: ActiveSet) -> None:
    candidates = alloys(50, first=4000, spread=0.25)

    def mixed() -> Iterator[Dataset | Atoms]:
        yield candidates.select(slice(0, 11))
        for index in range(11, 30):
            yield candidates[index]
        yield candidates.select(slice(30, 50))

    np.testing.assert_allclose(active.grade(mixed()), active.grade(candidates), rtol=1e-9)
    whole, streamed = active.select(candidates), active.select(mixed())
    np.testing.assert_allclose(streamed.grades, whole.grades, rtol=1e-9)
    for found in (whole, streamed):
        assert found.active_set.grade(candidates).max() <= 1.001
        np.testing.assert_array_equal(
            found.structures.positions, candidates.select(found.indices).positions
        )


def test_rows_beyond_the_memory_go_to_a_file(active: ActiveSet, training: Dataset) -> None:
    candidates = alloys(60, first=5000, spread=0.25)
    in_memory = selector(active, 1e-6 * np.eye(active.size), atoms_at_once=10)
    with TemporaryFile() as file:
        opened = MagicMock(return_value=file)
        with patch("maxvolt.selection.row_store.tempfile.TemporaryFile", opened):
            in_file = replace(in_memory, memory=1000).run([training, candidates])
            assert opened.call_count == 1
            whole = in_memory.run([training, candidates])
            assert opened.call_count == 1
    np.testing.assert_array_equal(in_file.matrix, whole.matrix)
    np.testing.assert_array_equal(in_file.owners, whole.owners)
    np.testing.assert_array_equal(in_file.grades, whole.grades)
    np.testing.assert_array_equal(in_file.structures.positions, whole.structures.positions)
    assert len(in_file.structures) > 0


@pytest.mark.parametrize("limit", [0, 1, 3])
def test_limit(limit: int, active: ActiveSet, training: Dataset) -> None:
    candidates = alloys(60, first=6000, spread=0.3)
    free, limited = active.select(candidates), active.select(candidates, limit=limit)
    assert len(free.indices) > limit == len(limited.indices)
    assert set(limited.indices) <= set(free.indices)
    volumes = [s.log_determinant for s in (active, limited.active_set, free.active_set)]
    assert volumes == sorted(volumes)
    if limit:
        # The best of all comes first.
        assert limited.grades[limited.indices].max() == limited.grades.max()
        assert limited.active_set.grade(limited.structures).max() <= 1.001


def selector(
    active: ActiveSet,
    matrix: NDArray[np.float64],
    owners: NDArray[np.int64] | int = NOWHERE,
    **more: Any,
) -> Selector:
    """A selection that starts from a matrix, whose rows come from nowhere if nothing is said."""
    return Selector(
        potential=active.potential,
        weights=active.weights,
        matrix=matrix,
        owners=np.broadcast_to(owners, (active.size, 3)).copy(),
        threshold=1.001,
        threads=None,
        **more,
    )


def test_a_limit_where_rounding_spoils_swaps(
    active: ActiveSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows that did not come in are not said to be there."""
    limited = Selector._limited

    def spoiled(*arguments: Any) -> Any:
        monkeypatch.setattr(Basis, "replace", lambda *_: False)
        return limited(*arguments)

    monkeypatch.setattr(Selector, "_limited", spoiled)
    candidates = alloys(60, first=6000, spread=0.3)
    owners = np.insert(active.origins, 0, np.minimum(active.origins[:, 0], 0), axis=1)
    start = selector(active, active.matrix, owners, rounding=np.inf)
    found = start.run([active.structures, candidates], limit=3)
    assert not (found.numbers[:, 0] == 1).any()
    np.testing.assert_array_equal(found.matrix, active.matrix)
    np.testing.assert_array_equal(found.owners, owners)


def test_nothing_to_select(active: ActiveSet, training: Dataset) -> None:
    for nothing in (training, Dataset.from_atoms([]), []):
        found = active.select(nothing)
        assert len(found.indices) == len(found.structures) == 0
        assert found.active_set.log_determinant == pytest.approx(active.log_determinant)


def test_sparsify(mtp: MTP, training: Dataset) -> None:
    found = sparsify(mtp, training)
    assert len(found.indices) + len(found.others) == len(training)
    assert set(found.indices).isdisjoint(found.others)
    assert len(found.indices) == len(found.structures) <= mtp.n_parameters
    assert found.grades.max() <= 1.001
    np.testing.assert_array_equal(
        found.structures.positions, training.select(found.indices).positions
    )
    again = sparsify(mtp, found.structures)
    assert len(again.others) == 0


def test_large_energies_of_few_structures() -> None:
    """Rows of 1e7 beside 1e-6, of atoms in nearly the same surroundings."""
    crystals = []
    generator = np.random.default_rng(0)
    for _ in range(3):
        atoms = bulk("Mo", cubic=True, a=3.15) * 2
        atoms.symbols[:] = generator.choice(["Mo", "W"], size=len(atoms))
        atoms.positions += 0.15 * generator.normal(size=(len(atoms), 3))
        crystals.append(atoms)
    few, model = Dataset.from_atoms(crystals), potential(16).model
    large = potential(16).with_coefficients(
        model.radial_coeffs, model.species_coeffs, 20.0 * model.moment_coeffs, scaling=model.scaling
    )
    found = ActiveSet.from_dataset(large, few, mode="neighborhood")
    assert found.rank == few.n_atoms
    np.testing.assert_allclose(found.grade(few), 1.0, atol=1e-6)


@pytest.mark.parametrize("mode", MODES)
def test_radial_functions_of_very_different_sizes(mode: str, training: Dataset) -> None:
    """Entries of rows that differ by 1e30 and more are no reason for other grades."""
    few = training.select(range(9))
    found = ActiveSet.from_dataset(unequal(), few, mode=mode)  # type: ignore[arg-type]
    assert found.grade(few).max() <= 1.001
    of_equal = ActiveSet.from_dataset(potential(16), few, mode=mode)  # type: ignore[arg-type]
    assert found.rank == of_equal.rank


def unequal() -> MTP:
    """Radial functions of sizes from 1e4 to 1e14; the energies are those of `potential`."""
    model = potential(16).model
    counts = factor_counts(model.table)
    assert counts is not None
    sizes = np.logspace(4, 14, counts.shape[1])
    return potential(16).with_coefficients(
        model.radial_coeffs * sizes[:, None],
        model.species_coeffs,
        model.moment_coeffs / np.prod(sizes**counts, axis=1),
        scaling=model.scaling,
    )


def test_rounding_that_spoils_a_selection_is_told(training: Dataset) -> None:
    empty = ActiveSet.empty(unequal())
    with pytest.raises(DataError, match=r"rounding leaves grades of .* make it again"):
        selector(empty, empty.matrix, large=np.inf).run([training.select(range(9))])


def test_other_coefficients(active: ActiveSet, training: Dataset) -> None:
    new = active.with_potential(potential(8, seed=1))
    assert new.potential is not active.potential
    assert new.grade(active.structures).max() <= 1.001
    assert new.rank == active.rank


def test_it_is_a_query_strategy(active: ActiveSet) -> None:
    assert isinstance(active, QueryStrategy)
    assert active.species == ("Mo", "W")
    assert active.cutoff == 4.5


def test_arrays_cannot_be_changed(active: ActiveSet) -> None:
    for array in (active.matrix, active.inverse, active.origins):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0


def test_wrong_use_is_named(active: ActiveSet, mtp: MTP, training: Dataset) -> None:
    with pytest.raises(DataError, match="untrained"):
        ActiveSet.from_dataset(MTP(6, ("Mo", "W"), 4.5, 1.9), training)
    with pytest.raises(DataError, match="give only one of them"):
        ActiveSet.from_dataset(mtp, training, weights=RowWeights(), mode="neighborhood")
    with pytest.raises(DataError, match="expected 'configuration' or 'neighborhood'"):
        ActiveSet.from_dataset(mtp, training, mode="nbh")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="expected 1 or more"):
        active.select(training, threshold=0.9)
    with pytest.raises(DataError, match="limit is -1"):
        active.select(training, limit=-1)
    with pytest.raises(SpeciesError, match="contains Ta"):
        active.grade(Atoms("Ta", cell=[3, 3, 3], pbc=True))
    with pytest.raises(DataError, match=r"matrix has shape \(3, 3\)"):
        ActiveSet(mtp, RowWeights(), np.eye(3), np.eye(3), np.zeros((3, 2)), training)
    with pytest.raises(DataError, match="initial_value is 0"):
        ActiveSet.from_dataset(mtp, training, initial_value=0.0)
    with pytest.raises(DataError, match=r"expected structures .*; got int 3"):
        active.grade(3)  # type: ignore[arg-type]
    with pytest.raises(FileFormatError, match=r"train\.xyz: no such file"):
        active.grade("train.xyz")


def test_what_structures_carry_besides_labels_is_not_talked_about(
    mtp: MTP, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    atoms = alloy(0)
    atoms.set_tags(range(len(atoms)))
    ActiveSet.from_dataset(mtp, atoms).write(tmp_path / "pot.almtp")
    assert not caplog.records
