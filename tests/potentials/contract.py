"""What every potential promises, as tests that a family's test module inherits.

A family derives a class from `PotentialContract`, and from the contract of each capability that its
potentials have, and says how such a potential is made. That none is left out is a test as well.
"""

from __future__ import annotations

import copy
import pickle
from abc import ABC, abstractmethod
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
from ase import Atoms
from ase.build import make_supercell
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

import maxvolt
from maxvolt.dataset import Dataset
from maxvolt.errors import DataError, MaxvoltError, SpeciesError
from maxvolt.neighbors.verlet import VerletNeighbors
from maxvolt.potentials import (
    Ensemble,
    Evaluation,
    HasMembers,
    ParameterGradients,
    Potential,
    SharesVirials,
)
from maxvolt.potentials.results import Energies
from maxvolt.species import species_types
from maxvolt.units import VOIGT

Array = NDArray[np.float64]

# Each family has a class of its own, so that hypothesis meets the same test under several.
CHECKED = settings(
    deadline=None, max_examples=15, suppress_health_check=[HealthCheck.differing_executors]
)
FEW = settings(CHECKED, max_examples=5)

MATRICES = [
    np.diag([2, 1, 1]),
    np.diag([2, 2, 2]),
    np.diag([1, 3, 2]),
    np.array([[1, 1, 0], [0, 1, 0], [0, -1, 1]]),  # another cell of the same lattice
    np.array([[0, 1, 1], [1, 0, 1], [1, 1, 0]]),
]

COPIES: dict[str, Callable[[Any], Any]] = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "pickle": lambda what: pickle.loads(pickle.dumps(what)),
    "old pickle": lambda what: pickle.loads(pickle.dumps(what, protocol=2)),
}


@st.composite
def structures(draw: st.DrawFn, *, pbc: tuple[bool, bool, bool] | None = None) -> Atoms:
    """A few atoms, none closer than 1.1 A to another or an image; kinds are numbered from 1.

    Cells are smaller and larger than cutoffs, and any directions are periodic.
    """
    generator = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    side = draw(st.sampled_from([2.4, 3.1, 4.4, 6.0]))
    cell = side * (np.eye(3) + generator.uniform(-0.25, 0.25, size=(3, 3)))
    periodic = draw(st.tuples(*[st.booleans()] * 3)) if pbc is None else pbc
    wanted = draw(st.integers(1, 6))
    atoms = Atoms(cell=cell, pbc=periodic)
    for _ in range(12 * wanted):
        candidate = atoms + Atoms("X", [generator.uniform(0, 1, 3) @ cell])
        candidate = Atoms(candidate.symbols, candidate.positions, cell=cell, pbc=periodic)
        if len(candidate) == 1 or _shortest(candidate) > 1.1:
            atoms = candidate
        if len(atoms) == wanted:
            break
    atoms.numbers = generator.integers(1, 13, size=len(atoms))
    return atoms


def _shortest(atoms: Atoms) -> float:
    distances = atoms.get_all_distances(mic=bool(atoms.pbc.any()))
    return float(distances[np.triu_indices(len(atoms), 1)].min())


def close(found: Any, expected: Any, *, scale: float = 1.0, tolerance: float = 1e-9) -> None:
    """Equal up to a part of `scale`, or of 1."""
    atol = tolerance * max(scale, 1.0)
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=atol)


def size(values: Array) -> float:
    """The largest component."""
    return float(abs(values).max(initial=0.0))


def same(one: Evaluation, other: Evaluation) -> None:
    """Bit for bit."""
    assert one.energy == other.energy
    np.testing.assert_array_equal(one.forces, other.forces)
    np.testing.assert_array_equal(one.site_energies, other.site_energies)
    assert (one.stress is None) == (other.stress is None)
    if one.stress is not None:
        np.testing.assert_array_equal(one.stress, other.stress)


def tensor(stress: Array) -> Array:
    """Symmetric matrix of six components."""
    full = np.empty((3, 3))
    for value, (a, b) in zip(stress, VOIGT, strict=True):
        full[a, b] = full[b, a] = value
    return full


def strained(atoms: Atoms, component: int, amount: float) -> Atoms:
    """The structure under a symmetric strain of one component."""
    a, b = VOIGT[component]
    strain = np.zeros((3, 3))
    strain[a, b] += 0.5 * amount
    strain[b, a] += 0.5 * amount
    changed = atoms.copy()
    changed.set_cell(atoms.cell.array @ (np.eye(3) + strain), scale_atoms=True)
    return changed


class PotentialContract(ABC):
    """What holds for every potential."""

    suffix: ClassVar[str]
    """Ending of the names of its files."""
    has_single_precision: ClassVar[bool] = False
    """Whether it computes in single precision where that is asked for."""

    @classmethod
    @abstractmethod
    def make(cls, seed: int) -> Potential:
        """Make a potential; other seeds give others for the same species."""

    @classmethod
    @cache
    def made(cls, seed: int = 0) -> Potential:
        """A potential that is made once."""
        return cls.make(seed)

    def of(self, kinds: Atoms) -> Atoms:
        """Structure of the potential's species, for one whose kinds are numbered."""
        atoms: Atoms = kinds.copy()
        species = self.made().species
        atoms.symbols = [species[(number - 1) % len(species)] for number in kinds.numbers]
        return atoms

    def crystal(self, seed: int = 0, pbc: Any = True) -> Atoms:
        """Eight atoms around places of an fcc lattice, in a cell of its own for each seed."""
        generator = np.random.default_rng(seed)
        places = np.array([[0, 0, 0], [0, 2, 2], [2, 0, 2], [2, 2, 0]], float)
        positions = np.concatenate([places, places + np.array([4.0, 0, 0])])
        atoms = Atoms("H8", positions, cell=[8.0, 4.0, 4.0], pbc=pbc)
        atoms.set_cell(atoms.cell.array + generator.uniform(-0.1, 0.1, (3, 3)), scale_atoms=True)
        atoms.positions += generator.uniform(-0.15, 0.15, (8, 3))
        atoms.numbers = 1 + np.arange(8) % 3
        return self.of(atoms)

    def mixture(self) -> list[Atoms]:
        """Structures of different sizes and periodicities, with single atoms among them."""
        first, last = self.made().species[0], self.made().species[-1]
        slab = self.crystal(1, [True, True, False])
        cluster = self.crystal(3, False)[:5]
        small = Atoms(last, cell=[2.9, 3.0, 3.1], pbc=True)
        return [self.crystal(0), slab, self.crystal(2), cluster, Atoms(first), small]

    def write_and_load(self, potential: Potential, folder: Path) -> Potential:
        """Write a potential and read it again."""
        path = folder / f"pot{self.suffix}"
        potential.write(path)
        return maxvolt.load(path)

    # ------------------------------------------------------------------ what it is

    def test_it_says_what_it_is(self) -> None:
        potential = self.made()
        assert isinstance(potential, Potential)
        assert isinstance(potential.species, tuple)
        assert len(set(potential.species)) == len(potential.species) > 0
        assert 0 < potential.cutoff < np.inf

    def test_every_capability_is_checked(self) -> None:
        for capability, contract in CAPABILITIES:
            has_it = isinstance(self.made(), capability)
            assert has_it == isinstance(self, contract), capability.__name__

    def test_digests_tell_potentials_apart(self) -> None:
        assert self.make(0).digest == self.made().digest
        assert self.made(1).digest != self.made().digest
        assert self.made(1).species == self.made().species

    def test_it_cannot_be_changed(self) -> None:
        for name in ("species", "cutoff", "new_name"):
            # AttributeError, or of a frozen class with slots FrozenInstanceError or TypeError.
            with pytest.raises((AttributeError, TypeError)):
                setattr(self.made(), name, None)

    # ------------------------------------------------------------------ derivatives

    @given(structures())
    @FEW
    def test_forces_are_the_negative_gradient_of_the_energy(self, kinds: Atoms) -> None:
        atoms, step = self.of(kinds), 1e-5
        found = self.made().evaluate(atoms)
        numeric = np.empty((len(atoms), 3))
        for index in np.ndindex(*numeric.shape):
            energies = []
            for sign in (1, -1):
                moved = atoms.copy()
                moved.positions[index] += sign * step
                energies.append(self.made().evaluate(moved).energy)
            numeric[index] = (energies[1] - energies[0]) / (2 * step)
        rounding = 1e-9 * size(found.site_energies)
        atol = 1e-6 * size(found.forces) + rounding
        np.testing.assert_allclose(found.forces, numeric, rtol=0, atol=atol)

    @given(structures(pbc=(True, True, True)))
    @FEW
    def test_stress_is_the_derivative_of_the_energy_by_strain(self, kinds: Atoms) -> None:
        atoms, step = self.of(kinds), 1e-6
        found = self.made().evaluate(atoms)
        assert found.stress is not None
        numeric = np.empty(6)
        for component in range(6):
            energies = [
                self.made().evaluate(strained(atoms, component, sign * step)).energy
                for sign in (1, -1)
            ]
            numeric[component] = (energies[0] - energies[1]) / (2 * step * atoms.get_volume())
        rounding = 1e-8 * size(found.site_energies) / atoms.get_volume()
        atol = 2e-6 * size(found.stress) + rounding
        np.testing.assert_allclose(found.stress, numeric, rtol=0, atol=atol)

    def test_energy_and_forces_vanish_smoothly_at_the_cutoff(self) -> None:
        potential = self.made()
        pair = self.of(Atoms(numbers=[1, 2], positions=np.zeros((2, 3))))
        alone = potential.evaluate(pair[:1]).energy + potential.evaluate(pair[1:]).energy
        for inside in (1e-3, 1e-4, 1e-5):
            pair.positions[1, 0] = potential.cutoff - inside
            found = potential.evaluate(pair)
            assert abs(found.energy - alone) < 10 * inside**2
            assert size(found.forces) < 100 * inside
        pair.positions[1, 0] = potential.cutoff
        outside = potential.evaluate(pair)
        assert outside.energy == pytest.approx(alone, rel=1e-15)
        assert not outside.forces.any()

    # ------------------------------------------------------------------ invariances

    @given(structures(), st.integers(0, 2**32 - 1))
    @CHECKED
    def test_rotation_rotates_forces_and_stress(self, kinds: Atoms, seed: int) -> None:
        atoms = self.of(kinds)
        rotation = Rotation.random(None, np.random.default_rng(seed)).as_matrix()
        if seed % 2:
            rotation = -rotation  # inversion as well
        turned = Atoms(
            atoms.symbols,
            atoms.positions @ rotation.T,
            cell=atoms.cell.array @ rotation.T,
            pbc=atoms.pbc,
        )
        one, other = self.made().evaluate(atoms), self.made().evaluate(turned)
        close(other.site_energies, one.site_energies, scale=size(one.site_energies))
        close(other.forces, one.forces @ rotation.T, scale=size(one.forces))
        assert (one.stress is None) == (other.stress is None) == (not atoms.pbc.all())
        if one.stress is not None and other.stress is not None:
            expected = rotation @ tensor(one.stress) @ rotation.T
            close(tensor(other.stress), expected, scale=size(one.stress))

    @given(structures(), st.integers(0, 2**32 - 1))
    @CHECKED
    def test_permutation_of_atoms_permutes_forces(self, kinds: Atoms, seed: int) -> None:
        atoms = self.of(kinds)
        order = np.random.default_rng(seed).permutation(len(atoms))
        one, other = self.made().evaluate(atoms), self.made().evaluate(atoms[order])
        close(other.site_energies, one.site_energies[order], scale=size(one.site_energies))
        close(other.forces, one.forces[order], scale=size(one.forces))

    @given(structures(), st.lists(st.floats(-50, 50), min_size=3, max_size=3))
    @CHECKED
    def test_translation_changes_nothing(self, kinds: Atoms, by: list[float]) -> None:
        atoms = self.of(kinds)
        moved = atoms.copy()
        moved.positions += by
        self._unchanged(atoms, moved)

    @given(structures(), st.integers(0, 2**32 - 1))
    @CHECKED
    def test_other_images_of_atoms_change_nothing(self, kinds: Atoms, seed: int) -> None:
        atoms = self.of(kinds)
        shifts = np.random.default_rng(seed).integers(-4, 5, size=(len(atoms), 3)) * atoms.pbc
        moved = atoms.copy()
        moved.positions += shifts @ atoms.cell.array
        self._unchanged(atoms, moved)

    def _unchanged(self, atoms: Atoms, moved: Atoms) -> None:
        one, other = self.made().evaluate(atoms), self.made().evaluate(moved)
        close(other.site_energies, one.site_energies, scale=size(one.site_energies))
        close(other.forces, one.forces, scale=size(one.forces))

    @given(structures(pbc=(True, True, True)), st.sampled_from(MATRICES))
    @CHECKED
    def test_supercells_repeat_the_unit_cell(self, kinds: Atoms, matrix: NDArray[np.int64]) -> None:
        atoms = self.of(kinds)
        large = make_supercell(atoms, matrix, wrap=False, order="cell-major")
        copies = len(large) // len(atoms)
        assert copies == round(abs(np.linalg.det(matrix)))
        one, other = self.made().evaluate(atoms), self.made().evaluate(large)
        assert other.energy == pytest.approx(copies * one.energy, rel=1e-9, abs=1e-9)
        expected = np.tile(one.site_energies, copies)
        close(other.site_energies, expected, scale=size(one.site_energies))
        assert one.stress is not None
        close(other.stress, one.stress, scale=size(one.stress))
        # Forces of one atom alone vanish by symmetry; the virial tells how large what cancels is.
        scale = max(size(one.forces), size(one.stress) * atoms.get_volume() / len(atoms))
        close(other.forces, np.tile(one.forces, (copies, 1)), scale=scale)

    @given(structures(pbc=(False, False, False)), structures(pbc=(False, False, False)))
    @CHECKED
    def test_energies_of_distant_parts_add_up(self, one: Atoms, other: Atoms) -> None:
        one, other = self.of(one), self.of(other)
        other.positions += [60.0, 0.0, 0.0]
        together = self.made().evaluate(one + other)
        apart = [self.made().evaluate(one), self.made().evaluate(other)]
        energies = np.concatenate([part.site_energies for part in apart])
        forces = np.concatenate([part.forces for part in apart])
        close(together.energy, energies.sum(), scale=size(energies))
        close(together.forces, forces, scale=size(forces))

    @given(structures())
    @CHECKED
    def test_forces_add_up_to_zero_and_site_energies_to_the_energy(self, kinds: Atoms) -> None:
        found = self.made().evaluate(self.of(kinds))
        assert found.energy == pytest.approx(found.site_energies.sum(), rel=1e-13)
        close(found.forces.sum(axis=0), 0.0, scale=size(found.forces))

    @given(structures(pbc=(False, False, False)))
    @CHECKED
    def test_clusters_feel_no_torque(self, kinds: Atoms) -> None:
        atoms = self.of(kinds)
        found = self.made().evaluate(atoms)
        torque = np.cross(atoms.positions, found.forces).sum(axis=0)
        close(torque, 0.0, scale=10 * size(found.forces))

    def test_left_handed_cells_have_the_same_stress(self) -> None:
        atoms = self.crystal()
        mirrored = atoms.copy()
        mirrored.set_cell(atoms.cell.array[[1, 0, 2]])
        one, other = self.made().evaluate(atoms).stress, self.made().evaluate(mirrored).stress
        assert one is not None
        assert other is not None
        np.testing.assert_allclose(other, one, rtol=1e-11, atol=1e-13 * size(one))

    def test_a_cell_that_is_not_periodic_does_not_matter(self) -> None:
        cluster = self.crystal(pbc=False)
        bare = Atoms(cluster.symbols, cluster.positions)
        same(self.made().evaluate(cluster), self.made().evaluate(bare))

    # ------------------------------------------------------------------ few neighbours

    def test_an_atom_without_neighbours_feels_nothing(self) -> None:
        for symbol in self.made().species:
            free = self.made().evaluate(Atoms(symbol))
            assert free.forces.tolist() == [[0.0, 0.0, 0.0]]
            assert free.stress is None
            far = Atoms(symbol, cell=np.eye(3) * (self.made().cutoff + 1.0), pbc=True)
            periodic = self.made().evaluate(far)
            assert periodic.energy == pytest.approx(free.energy, rel=1e-15)
            assert periodic.stress is not None
            assert not periodic.stress.any()
        both = self.crystal(pbc=False)[:2]
        both.positions[1] = both.positions[0] + [self.made().cutoff + 0.1, 0, 0]
        apart = self.made().evaluate(both)
        assert not apart.forces.any()

    def test_one_atom_in_a_small_cell_feels_its_images(self) -> None:
        symbol = self.made().species[0]
        small = Atoms(symbol, cell=[2.6, 2.7, 2.8], pbc=True)
        found = self.made().evaluate(small)
        close(found.forces, 0.0)
        assert found.energy != pytest.approx(self.made().evaluate(Atoms(symbol)).energy, rel=1e-6)
        assert found.stress is not None
        assert found.stress[:3].all()
        for pbc in ([True, True, False], [True, False, False]):
            small.pbc = pbc
            partly = self.made().evaluate(small)
            assert partly.stress is None
            assert partly.energy != pytest.approx(found.energy, rel=1e-6)

    def test_no_structure_and_shapes(self) -> None:
        empty = self.made().evaluate_dataset(Dataset.from_atoms([]))
        assert empty.energies.shape == (0,)
        assert empty.forces.shape == (0, 3)
        assert empty.stresses.shape == (0, 6)
        found = self.made().evaluate(self.crystal())
        assert isinstance(found.energy, float)
        assert found.forces.shape == (8, 3)
        assert found.site_energies.shape == (8,)
        assert found.stress is not None
        assert found.stress.shape == (6,)

    # ------------------------------------------------------------------ one answer to one question

    @pytest.mark.parametrize("portion", [1, 9, 10**6])
    def test_a_dataset_in_portions_equals_its_structures_one_by_one(self, portion: int) -> None:
        potential = self.made()
        dataset = Dataset.from_atoms(self.mixture())
        assert isinstance(potential, maxvolt.potentials.NeighborhoodPotential)
        found = potential.evaluate_dataset(dataset, threads=1, atoms_at_once=portion)
        for index, atoms in enumerate(dataset):
            one = potential.evaluate(atoms, threads=1)
            part = slice(dataset.offsets[index], dataset.offsets[index + 1])
            close(found.site_energies[part], one.site_energies, tolerance=1e-13)
            close(found.energies[index], one.energy, tolerance=1e-13)
            close(found.forces[part], one.forces, scale=size(one.forces), tolerance=1e-13)
            if one.stress is None:
                assert np.isnan(found.stresses[index]).all()
            else:
                close(found.stresses[index], one.stress, scale=size(one.stress), tolerance=1e-13)

    def test_several_structures_at_once_equal_a_dataset(self) -> None:
        dataset = Dataset.from_atoms(self.mixture())
        neighborhoods = self.made().neighborhoods(dataset)
        assert neighborhoods.n_structures == len(dataset)
        found = self.made().evaluate_neighborhoods(neighborhoods)
        expected = self.made().evaluate_dataset(dataset)
        close(found.forces, expected.forces, scale=size(expected.forces), tolerance=1e-13)
        totals = np.bincount(neighborhoods.structures, found.site_energies)
        close(totals, expected.energies, tolerance=1e-13)
        periodic = dataset.pbc.all(axis=1)
        volumes = [atoms.get_volume() for atoms in dataset if atoms.pbc.all()]
        stresses = found.virials[periodic] / np.array(volumes)[:, None]
        close(stresses, expected.stresses[periodic], tolerance=1e-13)

    @pytest.mark.parametrize("pbc", [True, [True, True, False], False])
    def test_pairs_beyond_the_cutoff_are_skipped(self, pbc: Any) -> None:
        potential, atoms = self.made(), self.crystal(pbc=pbc)
        neighbors = VerletNeighbors(potential.cutoff, skin=1.5)
        types = species_types(atoms.numbers, potential.species)
        for _ in range(3):
            found = potential.evaluate_neighborhoods(
                neighbors.neighborhoods(atoms.positions, atoms.cell.array, atoms.pbc, types)
            )
            expected = potential.evaluate_neighborhoods(potential.neighborhoods(atoms))
            close(found.forces, expected.forces, scale=size(expected.forces), tolerance=1e-12)
            close(found.site_energies, expected.site_energies, tolerance=1e-12)
            close(found.virials, expected.virials, scale=size(expected.virials), tolerance=1e-12)
            atoms.positions[:, 1] += 0.02 * np.sin(np.arange(len(atoms)))
        assert neighbors.n_builds == 1

    def test_number_of_threads_does_not_matter(self) -> None:
        dataset = Dataset.from_atoms([self.crystal(seed) for seed in range(20)])
        one = self.made().evaluate_dataset(dataset, threads=1)
        several = self.made().evaluate_dataset(dataset, threads=3)
        np.testing.assert_array_equal(several.site_energies, one.site_energies)
        close(several.forces, one.forces, scale=size(one.forces), tolerance=1e-13)

    def test_several_threads_may_share_one(self) -> None:
        atoms = [self.crystal(seed) for seed in range(24)]
        alone = [self.made().evaluate(one, threads=1) for one in atoms]
        with ThreadPoolExecutor(4) as pool:
            shared = list(pool.map(lambda one: self.made().evaluate(one, threads=1), atoms))
        for one, other in zip(alone, shared, strict=True):
            same(one, other)

    def test_single_precision_is_close_or_refused(self) -> None:
        atoms = self.crystal()
        if not self.has_single_precision:
            with pytest.raises(MaxvoltError, match=r'precision="single" is not available.*double'):
                self.made().check_options(threads=None, precision="single")
            with pytest.raises(MaxvoltError, match=r'precision="single" is not available'):
                self.made().evaluate(atoms, precision="single")
            return
        single = self.made().evaluate(atoms, precision="single").forces
        double = self.made().evaluate(atoms).forces
        np.testing.assert_allclose(single, double, rtol=0, atol=4e-6 * size(double))

    def test_the_calculator_says_the_same(self) -> None:
        atoms = self.crystal()
        found = self.made().evaluate(atoms)
        atoms.calc = maxvolt.Calculator(self.made())
        close(atoms.get_potential_energy(), found.energy, tolerance=1e-13)
        close(atoms.get_forces(), found.forces, scale=size(found.forces), tolerance=1e-12)
        close(atoms.get_stress(), found.stress, tolerance=1e-12)

    # ------------------------------------------------------------------ copies and files

    @pytest.mark.parametrize("way", COPIES)
    def test_copies_say_the_same(self, way: str) -> None:
        copied = COPIES[way](self.made())
        assert isinstance(copied, type(self.made()))
        assert (copied.species, copied.digest) == (self.made().species, self.made().digest)
        for atoms in self.mixture():
            same(copied.evaluate(atoms), self.made().evaluate(atoms))

    def test_what_is_written_is_loaded(self, tmp_path: Path) -> None:
        again = self.write_and_load(self.made(), tmp_path)
        assert isinstance(again, type(self.made()))
        assert (again.species, again.digest) == (self.made().species, self.made().digest)
        for atoms in self.mixture():
            same(again.evaluate(atoms), self.made().evaluate(atoms))

    # ------------------------------------------------------------------ refusals

    def test_unknown_species_are_named(self) -> None:
        known = ", ".join(self.made().species)
        foreign = self.crystal()
        foreign.symbols[3] = "Xe"
        with pytest.raises(SpeciesError, match=f"knows {known} but the structure contains Xe"):
            self.made().evaluate(foreign)
        dataset = Dataset.from_atoms([self.crystal(), foreign])
        with pytest.raises(SpeciesError, match="structure 1 of the dataset contains Xe"):
            self.made().evaluate_dataset(dataset)
        foreign.symbols[3] = "X"
        with pytest.raises(MaxvoltError, match="not a chemical element"):
            self.made().evaluate(foreign)

    def test_coincident_atoms_are_named(self) -> None:
        good, wrong = self.crystal(), self.crystal()
        wrong.positions[5] = wrong.positions[2] + wrong.cell[0]  # an image of it
        with pytest.raises(DataError, match="atom 2 of structure 0 coincides"):
            self.made().evaluate(wrong)
        potential = self.made()
        assert isinstance(potential, maxvolt.potentials.NeighborhoodPotential)
        for portion in (1, 100):
            dataset = Dataset.from_atoms([good, wrong, good])
            with pytest.raises(DataError, match="atom 2 of structure 1 coincides"):
                potential.evaluate_dataset(dataset, atoms_at_once=portion)

    def test_structures_that_cannot_be_searched_are_named(self) -> None:
        wrong = self.crystal()
        wrong.positions[4, 1] = np.nan
        with pytest.raises(DataError, match="structure 0 has positions that are not finite"):
            self.made().evaluate(wrong)
        thin = Atoms(self.made().species[0], cell=np.eye(3) * 0.01, pbc=True)
        with pytest.raises(DataError, match="structure 1: the periodic images"):
            self.made().evaluate_dataset(Dataset.from_atoms([self.crystal(), thin]))

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({"threads": 0}, "threads must be at least 1"),
            ({"threads": 1.5}, "threads must be a whole number"),
            ({"precision": "half"}, 'precision must be "double" or "single"'),
        ],
    )
    def test_options_that_are_not_possible_are_refused_before_any_work(
        self, options: dict[str, Any], message: str
    ) -> None:
        unknown = Atoms("Xe")  # would be refused later
        with pytest.raises(MaxvoltError, match=message):
            self.made().evaluate(unknown, **options)
        with pytest.raises(MaxvoltError, match=message):
            self.made().evaluate_dataset(Dataset.from_atoms([]), **options)
        with pytest.raises(MaxvoltError, match=message):
            self.made().check_options(**{"threads": None, **options})

    # ------------------------------------------------------------------ two of them

    def test_an_ensemble_of_two_gives_mean_and_spread(self) -> None:
        ensemble = Ensemble((self.made(0), self.made(1)))
        assert isinstance(ensemble, Potential)
        assert ensemble.digest not in (self.made(0).digest, self.made(1).digest)
        atoms = self.crystal()
        one, other = (member.evaluate(atoms) for member in ensemble.members)
        assert one.energy != other.energy
        mean = ensemble.evaluate(atoms)
        close(mean.energy, 0.5 * (one.energy + other.energy), tolerance=1e-13)
        close(mean.forces, 0.5 * (one.forces + other.forces), scale=size(one.forces))
        calculator = maxvolt.Calculator(ensemble)
        spread = abs(one.energy - other.energy) / np.sqrt(2.0)
        assert calculator.get_property("energy_std", atoms) == pytest.approx(spread, rel=1e-9)

    def test_a_committee_of_two_grades(self) -> None:
        ensemble = Ensemble((self.made(0), self.made(1)))
        training = [self.crystal(seed) for seed in range(4)]
        committee = maxvolt.Committee.from_dataset(ensemble, training)
        grades = committee.grade(training)
        assert grades.max() == pytest.approx(1.0, rel=1e-9)
        atoms = self.crystal(9)
        calculator = maxvolt.Calculator(ensemble, query=committee)
        grade = calculator.get_property("grade", atoms)
        assert grade == pytest.approx(committee.grade(atoms)[0], rel=1e-9)


class SharesVirialsContract(PotentialContract):
    """What holds for potentials that share out their virial among atoms."""

    def shares(self, atoms: Atoms | Dataset) -> tuple[Array, Energies]:
        """Shares, and what the potential says besides."""
        potential = self.made()
        assert isinstance(potential, SharesVirials)
        neighborhoods = potential.neighborhoods(atoms)
        return potential.atomic_virials(neighborhoods), potential.evaluate_neighborhoods(
            neighborhoods
        )

    @given(structures())
    @CHECKED
    def test_shares_add_up_to_the_virial(self, kinds: Atoms) -> None:
        shares, energies = self.shares(self.of(kinds))
        assert shares.shape == (len(kinds), 3, 3)
        close(shares.sum(axis=0), tensor(energies.virials[0]), scale=size(shares))

    def test_shares_of_several_structures(self) -> None:
        dataset = Dataset.from_atoms(self.mixture())
        together, _ = self.shares(dataset)
        apart = np.concatenate([self.shares(atoms)[0] for atoms in dataset])
        close(together, apart, scale=size(apart), tolerance=1e-12)

    @given(structures(pbc=(False, False, False)))
    @FEW
    def test_an_atom_has_what_energies_of_others_say_of_its_place(self, kinds: Atoms) -> None:
        """Equation (13a), by differences of the site energies of a cluster."""
        atoms, step = self.of(kinds), 1e-5
        shares, _ = self.shares(atoms)
        numeric = np.zeros((len(atoms), 3, 3))
        for i, axis in np.ndindex(len(atoms), 3):
            sites = []
            for sign in (1, -1):
                moved = atoms.copy()
                moved.positions[i, axis] += sign * step
                sites.append(self.made().evaluate(moved).site_energies)
            gradient = (sites[0] - sites[1]) / (2 * step)
            gradient[i] = 0.0
            distances = atoms.positions[i] - atoms.positions
            numeric[i, :, axis] = gradient @ distances
        atol = 1e-6 * size(shares) + 1e-8 * size(self.made().evaluate(atoms).site_energies)
        np.testing.assert_allclose(shares, numeric, rtol=0, atol=atol)

    def test_the_calculator_has_stresses_of_atoms(self) -> None:
        atoms = self.crystal()
        atoms.calc = maxvolt.Calculator(self.made())
        stress = atoms.get_stress()
        close(atoms.get_stresses().sum(axis=0), stress, scale=size(stress))


class HasMembersContract(PotentialContract):
    """What holds for several potentials as one."""

    def test_it_is_the_mean_of_its_members(self) -> None:
        potential = self.made()
        assert isinstance(potential, HasMembers)
        members = potential.members
        for atoms in self.mixture():
            found = potential.evaluate(atoms)
            each = [member.evaluate(atoms) for member in members]
            close(found.energy, np.mean([one.energy for one in each]), tolerance=1e-13)
            forces = np.mean([one.forces for one in each], axis=0)
            close(found.forces, forces, scale=size(forces), tolerance=1e-12)

    def test_its_cutoff_is_the_longest(self) -> None:
        potential = self.made()
        assert isinstance(potential, HasMembers)
        assert potential.cutoff == max(member.cutoff for member in potential.members)
        assert {frozenset(member.species) for member in potential.members} == {
            frozenset(potential.species)
        }


class ParameterGradientsContract(PotentialContract):
    """What holds for potentials that know how they depend on their parameters."""

    @classmethod
    @abstractmethod
    def with_step(cls, potential: Potential, parameter: int, step: float) -> Potential:
        """The potential with one of its parameters changed by a step."""

    def gradients(self) -> ParameterGradients:
        """The potential."""
        potential = self.made()
        assert isinstance(potential, ParameterGradients)
        return potential

    def test_it_is_trained(self) -> None:
        assert self.gradients().is_trained
        assert self.gradients().n_parameters > 0

    def test_structures_have_the_sum_of_their_atoms(self) -> None:
        potential = self.gradients()
        neighborhoods = potential.neighborhoods(Dataset.from_atoms(self.mixture()))
        sites, structure = (
            potential.site_gradients(neighborhoods),
            potential.structure_gradients(neighborhoods),
        )
        assert sites.shape == (neighborhoods.n_atoms, potential.n_parameters)
        assert structure.shape == (neighborhoods.n_structures, potential.n_parameters)
        summed = np.zeros_like(structure)
        np.add.at(summed, neighborhoods.structures, sites)
        close(structure, summed, scale=size(sites), tolerance=1e-12)

    def test_one_pass_gives_the_same(self) -> None:
        potential = self.gradients()
        neighborhoods = potential.neighborhoods(Dataset.from_atoms(self.mixture()))
        expected = potential.evaluate_neighborhoods(neighborhoods)
        for of_sites, rows in (
            (True, potential.site_gradients(neighborhoods)),
            (False, potential.structure_gradients(neighborhoods)),
        ):
            energies, found = potential.evaluate_with_gradients(neighborhoods, of_sites=of_sites)
            close(found, rows, scale=size(rows), tolerance=1e-12)
            close(energies.forces, expected.forces, scale=size(expected.forces), tolerance=1e-12)
            close(energies.site_energies, expected.site_energies, tolerance=1e-12)

    def test_gradients_are_by_the_parameters(self) -> None:
        potential, step = self.gradients(), 1e-6
        atoms = self.crystal()
        neighborhoods = potential.neighborhoods(atoms)
        sites = potential.site_gradients(neighborhoods)
        forces, virials = potential.force_and_virial_gradients(neighborhoods)
        assert forces.shape == (8, 3, potential.n_parameters)
        assert virials.shape == (1, 6, potential.n_parameters)
        chosen = np.random.default_rng(0).permutation(potential.n_parameters)[:8]
        for parameter in chosen.tolist():
            more, less = (
                self.with_step(potential, parameter, sign * step).evaluate_neighborhoods(
                    neighborhoods
                )
                for sign in (1, -1)
            )
            for found, name in (
                (sites[:, parameter], "site_energies"),
                (forces[:, :, parameter], "forces"),
                (virials[:, :, parameter], "virials"),
            ):
                numeric = (getattr(more, name) - getattr(less, name)) / (2 * step)
                value = size(getattr(more, name))
                atol = 1e-6 * size(found) + 1e-8 * value
                np.testing.assert_allclose(found, numeric, rtol=0, atol=atol, err_msg=name)

    def test_no_more_gradients_are_independent_than_it_says(self) -> None:
        potential = self.gradients()
        crystals = Dataset.from_atoms([self.crystal(seed) for seed in range(60)])
        neighborhoods = potential.neighborhoods(crystals)
        for of_sites, rows in (
            (True, potential.site_gradients(neighborhoods)),
            (False, potential.structure_gradients(neighborhoods)),
        ):
            largest = potential.largest_rank(of_sites=of_sites)
            assert 0 < largest <= potential.n_parameters
            scaled = rows / np.maximum(np.linalg.norm(rows, axis=0), 1e-300)
            assert np.linalg.matrix_rank(scaled, tol=1e-9) <= largest


CAPABILITIES: tuple[tuple[Any, type[PotentialContract]], ...] = (
    (SharesVirials, SharesVirialsContract),
    (HasMembers, HasMembersContract),
    (ParameterGradients, ParameterGradientsContract),
)
"""Every capability of `maxvolt.potentials.protocol`, with its contract."""
