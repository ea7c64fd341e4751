"""`MTP`: making, evaluating, refusing; ensembles."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from make_potentials import random_potential

import maxvolt
from maxvolt.dataset import Dataset
from maxvolt.errors import DataError, MaxvoltError, SpeciesError
from maxvolt.potentials import MTP, Ensemble, Potential, member_paths
from maxvolt.potentials.mtp.basis.repulsion import ZBL
from maxvolt.potentials.mtp.binding import kernels


def rattled_oxide(n: int = 1, seed: int = 0) -> Atoms:
    atoms: Atoms = bulk("MgO", "rocksalt", a=4.2, cubic=True) * (n, 1, 1)
    atoms.rattle(0.1, seed=seed)
    return atoms


def oxide_potential(level: int = 8, **options: Any) -> MTP:
    return random_potential(level, ["Mg", "O"], **options)


# --------------------------------------------------------------------- what it is


def test_attributes_of_a_new_potential() -> None:
    potential = MTP(level=16, species=["Mo"], cutoff=5.2, min_dist=1.9, radial_basis_size=8)
    assert potential.species == ("Mo",)
    assert (potential.level, potential.cutoff, potential.min_dist) == (16, 5.2, 1.9)
    assert potential.radial_basis_size == 8
    assert potential.n_parameters == 4 * 8 + 1 + 92
    assert not potential.is_trained
    assert repr(potential) == (
        "MTP(Mo; level 16, 92 scalars, cutoff 5.2 A, 125 parameters, untrained)"
    )
    assert isinstance(potential, Potential)
    assert isinstance(Ensemble((potential,)), Potential)


@pytest.mark.parametrize("species", ["Mo", ["Mo"], ("Mo", "W"), ["W", "Mo", "O", "H"]])
def test_number_of_parameters(species: Any) -> None:
    c = 1 if species == "Mo" else len(species)
    assert MTP(8, species, 5.0, 2.0, 6).n_parameters == c * c * 2 * 6 + c + 9


def test_an_untrained_potential_evaluates_nothing() -> None:
    untrained = MTP(8, ["Mg", "O"], 5.0, 1.5)
    with pytest.raises(MaxvoltError, match="untrained: fit it first"):
        untrained.evaluate(rattled_oxide())
    with pytest.raises(MaxvoltError, match="untrained: fit it first"):
        untrained.evaluate_dataset(Dataset.from_atoms([rattled_oxide()]))


def test_it_cannot_be_changed() -> None:
    potential = oxide_potential()
    for name in ("species", "model", "is_trained", "new_name"):
        with pytest.raises((dataclasses.FrozenInstanceError, AttributeError, TypeError)):
            setattr(potential, name, None)
    for array in (
        potential.model.radial_coeffs,
        potential.model.species_coeffs,
        potential.model.moment_coeffs,
        potential.model.table.products,
    ):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1


def test_coefficients_are_copied() -> None:
    untrained = MTP(4, ["Mo"], 5.0, 2.0, 3)
    radial, species, moment = np.ones((1, 1, 1, 3)), np.ones(1), np.ones(2)
    trained = untrained.with_coefficients(radial, species, moment)
    before = trained.evaluate(bulk("Mo")).energy
    radial[:] = species[:] = moment[:] = 7.0
    assert trained.evaluate(bulk("Mo")).energy == before
    assert not untrained.is_trained
    assert trained.is_trained
    assert trained.level == 4


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"level": 7}, MaxvoltError, "level"),
        ({"level": 0}, MaxvoltError, "level"),
        ({"level": -2}, MaxvoltError, "level"),
        ({"species": []}, SpeciesError, "name at least one"),
        ({"species": ["Xx"]}, SpeciesError, "'Xx' is not a chemical symbol"),
        ({"species": ["X"]}, SpeciesError, "'X' is not a chemical symbol"),
        ({"species": ["mo"]}, SpeciesError, "'mo' is not a chemical symbol"),
        ({"species": ["Mo", "W", "Mo"]}, SpeciesError, "named twice"),
        ({"cutoff": 1.0}, MaxvoltError, "min_dist < cutoff"),
        ({"cutoff": np.inf}, MaxvoltError, "cutoff must lie between"),
        ({"cutoff": np.nan}, MaxvoltError, "cutoff must lie between"),
        ({"min_dist": -0.1}, MaxvoltError, "0 <= min_dist"),
        ({"min_dist": np.nan}, MaxvoltError, "0 <= min_dist"),
        ({"radial_basis_size": 0}, MaxvoltError, "must lie between 1 and 100"),
        ({"radial_basis": "Bessel"}, MaxvoltError, "unknown radial basis 'Bessel'"),
        ({"radial_basis": "RBShapeev", "radial_basis_size": 13}, MaxvoltError, "at most 12"),
    ],
)
def test_arguments_out_of_range_are_refused(
    changes: dict[str, Any], error: type[Exception], message: str
) -> None:
    good: dict[str, Any] = {
        "level": 4,
        "species": ["Mo"],
        "cutoff": 5.0,
        "min_dist": 2.0,
        "radial_basis_size": 4,
    }
    with pytest.raises(error, match=message):
        MTP(**{**good, **changes})


# --------------------------------------------------------------------- evaluation


def some_structures() -> Dataset:
    structures = [rattled_oxide(1 + seed % 3, seed) for seed in range(5)]
    structures[1].pbc = [True, True, False]
    structures[3].pbc = False
    return Dataset.from_atoms([*structures, Atoms("O"), Atoms("Mg", cell=[3, 3, 3], pbc=True)])


@pytest.mark.parametrize("portion", [1, 9, 30, 10**6])
def test_gradients_in_portions_equal_those_of_structures_one_by_one(portion: int) -> None:
    potential, dataset = oxide_potential(), some_structures()
    rows = potential.energy_gradients(dataset, threads=1, atoms_at_once=portion)
    for row, atoms in zip(rows, dataset, strict=True):
        expected = potential.site_energy_gradients(atoms).sum(axis=0)
        np.testing.assert_allclose(row, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("portion", [1, 9, 10**6])
def test_gradients_of_a_stream_come_in_its_order(
    portion: int,
) -> None:
    potential, dataset = oxide_potential(), some_structures()
    singles = dataset.to_atoms()
    rows = potential.energy_gradients(dataset, threads=1)
    for stream in ([dataset], singles, [*singles[:2], dataset.select(slice(2, None))]):
        found = np.concatenate(
            list(potential.iter_energy_gradients(iter(stream), threads=1, atoms_at_once=portion))
        )
        np.testing.assert_allclose(found, rows, rtol=1e-12, atol=1e-12)
    wrong = Atoms("MgO", np.zeros((2, 3)))
    with pytest.raises(DataError, match=f"atom 0 of structure {len(singles)} coincides"):
        list(potential.iter_energy_gradients([*singles, wrong], atoms_at_once=portion))


def test_messages_count_structures_from_the_first_of_the_dataset() -> None:
    potential, pair = oxide_potential(), Atoms("MgO", [[0, 0, 0], [2, 0, 0]])
    coincident = Atoms("MgO", np.zeros((2, 3)))
    too_thin = Atoms("Mg", cell=[0.05, 0.05, 0.05], pbc=True)
    for wrong, message in (
        (coincident, "atom 0 of structure 3 coincides"),
        (too_thin, "structure 3: the periodic images"),
    ):
        dataset = Dataset.from_atoms([pair, pair, pair, wrong])
        with pytest.raises(DataError, match=message):
            potential.evaluate_dataset(dataset, atoms_at_once=2)
        with pytest.raises(DataError, match=message):
            potential.energy_gradients(dataset, atoms_at_once=2)


def test_gradients_are_by_the_coefficients_of_the_file() -> None:
    potential = oxide_potential(scaling=0.6)
    atoms = rattled_oxide()
    rows = potential.site_energy_gradients(atoms).sum(axis=0)
    model, step = potential.model, 1e-6
    for k in range(0, model.n_radial, 7):
        energies = []
        for sign in (1, -1):
            radial = model.radial_coeffs.copy().ravel()
            radial[k] += sign * step
            changed = potential.with_coefficients(
                radial, model.species_coeffs, model.moment_coeffs, scaling=0.6
            )
            energies.append(changed.evaluate(atoms).energy)
        numeric = (energies[0] - energies[1]) / (2 * step)
        assert rows[k] == pytest.approx(numeric, rel=1e-6, abs=1e-6 * abs(rows).max())
    linear = rows[model.n_radial :] @ model.parameters[model.n_radial :]
    assert linear == pytest.approx(potential.evaluate(atoms).energy, rel=1e-12)


def test_scaling_multiplies_the_radial_functions() -> None:
    potential = oxide_potential(scaling=0.6)
    model = potential.model
    same = potential.with_coefficients(
        0.6 * model.radial_coeffs, model.species_coeffs, model.moment_coeffs, scaling=1.0
    )
    atoms = rattled_oxide()
    one, other = potential.evaluate(atoms), same.evaluate(atoms)
    assert one.energy == other.energy
    np.testing.assert_array_equal(one.forces, other.forces)


def test_repulsion_is_added() -> None:
    bare = oxide_potential(repulsion=None)
    model = bare.model
    zbl = ZBL(0.8, 2.3)
    with_zbl = MTP(8, ["Mg", "O"], 4.5, 1.8, 4, repulsion=zbl).with_coefficients(
        model.radial_coeffs, model.species_coeffs, model.moment_coeffs, scaling=model.scaling
    )
    for r in (0.5, 1.1, 2.2, 2.4):
        pair = Atoms("MgO", [[0, 0, 0], [r, 0, 0]])
        expected = float(zbl.evaluate(12, 8, r)[0])
        found = with_zbl.evaluate(pair).energy - bare.evaluate(pair).energy
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-9)
        assert (expected > 0) == (r < 2.3)


def test_a_repulsion_that_the_cutoff_would_break_off_is_refused() -> None:
    assert oxide_potential(repulsion=ZBL(0.8, 4.5)).model.repulsion is not None
    with pytest.raises(MaxvoltError, match=r"reaches to 4\.6 A, beyond the cutoff of 4\.5 A"):
        oxide_potential(repulsion=ZBL(0.8, 4.6))
    with pytest.raises(MaxvoltError, match="choose a smaller outer radius"):
        oxide_potential().with_repulsion(ZBL(0.8, 4.6))


def test_order_of_species_is_that_of_the_coefficients() -> None:
    potential = oxide_potential()
    model = potential.model
    turned = MTP(8, ["O", "Mg"], 4.5, 1.8, 4).with_coefficients(
        model.radial_coeffs[::-1, ::-1],
        model.species_coeffs[::-1],
        model.moment_coeffs,
        scaling=model.scaling,
    )
    atoms = rattled_oxide()
    one, other = potential.evaluate(atoms), turned.evaluate(atoms)
    size = abs(one.forces).max()
    np.testing.assert_allclose(other.forces, one.forces, rtol=0, atol=1e-14 * size)
    assert other.energy == pytest.approx(one.energy, rel=1e-14)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_number_of_threads_does_not_matter(threads: int) -> None:
    potential = oxide_potential(4)
    atoms = bulk("MgO", "rocksalt", a=4.2, cubic=True) * (5, 5, 4)
    atoms.rattle(0.1, seed=1)
    one, several = (potential.evaluate(atoms, threads=t) for t in (1, threads))
    np.testing.assert_array_equal(several.site_energies, one.site_energies)
    np.testing.assert_allclose(several.forces, one.forces, rtol=0, atol=1e-12)


def test_results_of_the_kernels_are_those_of_the_potential() -> None:
    potential = oxide_potential()
    atoms = rattled_oxide()
    where = potential.neighborhoods(atoms)
    found = kernels.evaluate(potential.core, where)
    direct = potential.evaluate_neighborhoods(where)
    np.testing.assert_array_equal(direct.forces, found.forces)
    np.testing.assert_array_equal(potential.evaluate(atoms).forces, found.forces)


# --------------------------------------------------------------------- ensembles


def ensemble() -> Ensemble:
    return Ensemble(tuple(oxide_potential(seed=seed) for seed in range(3)))


def test_an_ensemble_needs_members_that_belong_together() -> None:
    with pytest.raises(MaxvoltError, match="at least one"):
        Ensemble(())
    one = oxide_potential()
    with pytest.raises(MaxvoltError, match="the same elements; got Mg, O and Mg, S"):
        Ensemble((one, random_potential(8, ["Mg", "S"])))
    assert ensemble().species == ("Mg", "O")
    assert ensemble().cutoff == 4.5


def test_an_ensemble_is_written_as_several_files(tmp_path: Path) -> None:
    together = ensemble()
    together.write(tmp_path / "pot.mtp")
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["pot.0.mtp", "pot.1.mtp", "pot.2.mtp"]
    atoms = rattled_oxide()
    for member, path in zip(together.members, member_paths(tmp_path / "pot.mtp", 3), strict=True):
        assert maxvolt.read_potential(path).evaluate(atoms).energy == member.evaluate(atoms).energy


def test_an_ensemble_of_one_is_one_file(tmp_path: Path) -> None:
    Ensemble((oxide_potential(),)).write(tmp_path / "pot.mtp")
    assert [path.name for path in tmp_path.iterdir()] == ["pot.mtp"]


# --------------------------------------------------------------------- options, copies


@pytest.mark.parametrize("level", [-2, 0, 7, 34, 60])
def test_levels_are_even_and_not_beyond_reason(level: int) -> None:
    with pytest.raises(MaxvoltError, match=f"level must be even, from 2 to 32.*got {level}"):
        MTP(level, ["Mo"], 5.0, 2.0)


def test_the_number_of_vertices_is_an_option() -> None:
    pairs = MTP(12, ["Mo"], 5.0, 2.0, max_vertices=2)
    assert len(pairs.model.moment_coeffs) < len(MTP(12, ["Mo"], 5.0, 2.0).model.moment_coeffs)


def test_a_repulsion_can_be_added_and_taken_away() -> None:
    potential, close = oxide_potential(), Atoms("MgO", [[0, 0, 0], [0, 0, 0.9]])
    repulsive = potential.with_repulsion(ZBL(0.8, 2.4))
    pair, _ = ZBL(0.8, 2.4).evaluate(np.array([12]), np.array([8]), np.array([0.9]))
    added = repulsive.evaluate(close).energy - potential.evaluate(close).energy
    assert added == pytest.approx(pair[0], rel=1e-9)
    assert repulsive.with_repulsion(None).evaluate(close).energy == potential.evaluate(close).energy
