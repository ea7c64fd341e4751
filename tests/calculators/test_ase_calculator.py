from dataclasses import dataclass

import numpy as np
import pytest
from ase import Atoms, units
from ase.build import bulk, molecule
from ase.calculators.calculator import PropertyNotImplementedError
from ase.io import read, write
from ase.md.verlet import VelocityVerlet

from maxvolt.calculators import MaxvoltCalculator, member_calculators
from maxvolt.errors import DataError, MaxvoltError, SpeciesError
from maxvolt.potentials import Ensemble, NeighborhoodPotential
from maxvolt.potentials.results import Energies
from maxvolt.properties.deformation import strain_tensor


@dataclass(frozen=True)
class PairPotential(NeighborhoodPotential):
    """Half of c_a c_b (r - cutoff)^2 (r - 2) at each end of a pair: smooth, many species."""

    species: tuple[str, ...] = ("Cu", "Ni")
    cutoff: float = 5.0
    charges: tuple[float, ...] = (1.0, 1.3)

    @property
    def digest(self):
        return f"pair potential with {self.charges}"

    def write(self, path):
        raise AssertionError("is not written in these tests")

    def evaluate_neighborhoods(self, where, *, threads=None, precision="double"):
        owners, j, shifts = where.pairs.both_ways()
        vectors = where.positions[j] + shifts @ where.cells[0] - where.positions[owners]
        r = np.linalg.norm(vectors, axis=1)
        charge = np.array(self.charges)[where.types]
        strength = 0.005 * charge[owners] * charge[j] * (r < self.cutoff)
        gap = r - self.cutoff
        sites = np.bincount(owners, strength * gap**2 * (r - 2), minlength=where.n_atoms)
        slope = strength * (2 * gap * (r - 2) + gap**2)
        pull = (slope / r)[:, None] * vectors
        forces = np.zeros((where.n_atoms, 3))
        np.add.at(forces, owners, pull)
        np.add.at(forces, j, -pull)
        virial = np.einsum("pa,pb->ab", pull, vectors)
        voigt = virial[(0, 1, 2, 1, 0, 0), (0, 1, 2, 2, 2, 1)]
        return Energies(sites, forces, voigt[None])


def by_hand(atoms, potential):
    """Energy from all images, without any neighbour list."""
    reach = range(-4, 5)
    charge = np.array(potential.charges)[[potential.species.index(s) for s in atoms.symbols]]
    energy = 0.0
    for shift in np.ndindex(9, 9, 9):
        image = np.array([reach[k] for k in shift])
        if (image[~atoms.pbc] != 0).any():
            continue
        vectors = atoms.positions[None] + image @ atoms.cell.array - atoms.positions[:, None]
        r = np.linalg.norm(vectors, axis=2)
        used = (r < potential.cutoff) & (r > 1e-9)
        strength = 0.005 * np.outer(charge, charge)
        energy += (strength * (r - potential.cutoff) ** 2 * (r - 2))[used].sum()
    return energy


def shaken(atoms, seed=3, amount=0.1):
    atoms.positions += amount * np.random.default_rng(seed).normal(size=atoms.positions.shape)
    return atoms


def alloy():
    atoms = bulk("Cu", cubic=True)
    atoms.symbols[1] = "Ni"
    return shaken(atoms)


STRUCTURES = {
    "one atom, cell smaller than the cutoff": bulk("Cu", a=3.6),
    "two species": alloy(),
    "slab": Atoms(
        "CuNi", [[0, 0, 0], [1.0, 1.0, 2.1]], cell=[2.6, 2.8, 0], pbc=[True, True, False]
    ),
    "wire in a skewed cell": Atoms(
        "Cu2", [[0, 0, 0], [1.5, 0.5, 2.0]], cell=[[3, 0, 0], [1, 9, 0], [0, 2, 9]], pbc=[1, 0, 0]
    ),
    "cluster": Atoms("CuNi2", [[0, 0, 0], [2.3, 0, 0], [0, 2.5, 0.3]]),
    "far outside its cell": Atoms("Cu", [[50.3, -71.0, 12.0]], cell=[2.5, 2.6, 2.7], pbc=True),
    "free atom": Atoms("Cu"),
}


@pytest.mark.parametrize("name", STRUCTURES)
def test_energy_is_that_of_all_images(name):
    atoms = STRUCTURES[name].copy()
    potential = PairPotential()
    atoms.calc = MaxvoltCalculator(potential)
    assert atoms.get_potential_energy() == pytest.approx(by_hand(atoms, potential), rel=1e-12)
    assert atoms.get_potential_energies().sum() == pytest.approx(atoms.get_potential_energy())
    assert atoms.get_potential_energy(force_consistent=True) == atoms.get_potential_energy()
    assert isinstance(atoms.calc.results["energy"], float)


def test_forces_are_minus_the_gradient_of_the_energy():
    atoms = alloy()
    atoms.calc = MaxvoltCalculator(PairPotential())
    forces = atoms.get_forces()
    for atom, axis in [(0, 0), (1, 2), (3, 1)]:
        energies = []
        for step in (1e-4, -1e-4):
            moved = atoms.copy()
            moved.positions[atom, axis] += step
            moved.calc = atoms.calc
            energies.append(moved.get_potential_energy())
        assert forces[atom, axis] == pytest.approx((energies[1] - energies[0]) / 2e-4, abs=1e-7)


@pytest.mark.parametrize("component", range(6))
def test_stress_is_the_strain_derivative_with_the_sign_of_ase(component):
    atoms = alloy()
    atoms.calc = MaxvoltCalculator(PairPotential())
    stress = atoms.get_stress()
    energies = []
    for amount in (1e-5, -1e-5):
        strained = atoms.copy()
        gradient = np.eye(3) + strain_tensor(component, amount)
        strained.set_cell(atoms.cell.array @ gradient, scale_atoms=True)
        strained.calc = atoms.calc
        energies.append(strained.get_potential_energy())
    derivative = (energies[0] - energies[1]) / 2e-5 / atoms.get_volume()
    assert stress[component] == pytest.approx(derivative, abs=1e-8)


def test_dynamics_with_skin_equals_dynamics_without_and_builds_seldom():
    runs = {}
    for skin in (0.0, 0.8):
        atoms = bulk("Cu", cubic=True) * 2
        calculator = MaxvoltCalculator(PairPotential(), skin=skin)
        atoms.calc = calculator
        width = np.sqrt(900 * units.kB * atoms.get_masses())[:, None]
        atoms.set_momenta(width * np.random.default_rng(0).normal(size=(32, 3)))
        start = atoms.get_total_energy()
        VelocityVerlet(atoms, 2 * units.fs).run(100)
        assert atoms.get_total_energy() == pytest.approx(start, abs=2e-3)
        runs[skin] = (atoms.positions, calculator.neighbors.n_builds)
    assert runs[0.8][0] == pytest.approx(runs[0.0][0], abs=1e-9)
    assert runs[0.0][1] >= 100
    assert 1 < runs[0.8][1] < 20


def test_wrapping_atoms_into_the_cell_changes_nothing():
    atoms = shaken(bulk("Cu", cubic=True) * 2, amount=0.3)
    atoms.calc = MaxvoltCalculator(PairPotential())
    before = atoms.get_potential_energy(), atoms.get_forces()
    atoms.wrap()
    assert atoms.get_potential_energy() == pytest.approx(before[0], rel=1e-12)
    assert atoms.get_forces() == pytest.approx(before[1], abs=1e-12)


def test_change_of_elements_alone_is_noticed():
    atoms = alloy()
    potential = PairPotential()
    atoms.calc = MaxvoltCalculator(potential)
    atoms.get_potential_energy()
    atoms.symbols[0] = "Ni"
    assert atoms.get_potential_energy() == pytest.approx(by_hand(atoms, potential), rel=1e-12)
    assert atoms.calc.neighbors.n_builds == 1


def test_one_calculator_serves_several_structures():
    calculator = MaxvoltCalculator(PairPotential())
    for name in [*STRUCTURES, *STRUCTURES]:
        atoms = STRUCTURES[name].copy()
        atoms.calc = calculator
        assert atoms.get_potential_energy() == pytest.approx(by_hand(atoms, PairPotential()))


@pytest.mark.parametrize("pbc", [[True, True, False], [False, False, False]])
def test_stress_without_a_full_cell_is_refused_and_energy_is_not(pbc):
    atoms = alloy()
    atoms.pbc = pbc
    atoms.calc = MaxvoltCalculator(PairPotential())
    with pytest.raises(PropertyNotImplementedError, match="periodic in three directions"):
        atoms.get_stress()
    assert np.isfinite(atoms.get_potential_energy())
    assert "stress" not in atoms.calc.results


def test_property_that_does_not_exist_is_refused():
    calculator = MaxvoltCalculator(PairPotential())
    with pytest.raises(PropertyNotImplementedError, match="does not compute 'magmoms'"):
        calculator.calculate(alloy(), ["energy", "magmoms"])


def test_unknown_elements_are_named():
    atoms = molecule("H2O")
    atoms.calc = MaxvoltCalculator(PairPotential())
    with pytest.raises(SpeciesError, match=r"knows Cu, Ni .*H, O"):
        atoms.get_potential_energy()


def test_atom_at_no_position_is_named():
    atoms = alloy()
    atoms.calc = MaxvoltCalculator(PairPotential())
    atoms.get_potential_energy()
    atoms.positions[2, 1] = np.nan
    with pytest.raises(DataError, match=r"atom 2 .* not finite"):
        atoms.get_forces()
    assert atoms.calc.results == {}


def test_cell_of_nan_and_empty_structure_are_refused():
    atoms = alloy()
    atoms.cell[0, 0] = np.nan
    atoms.calc = MaxvoltCalculator(PairPotential())
    with pytest.raises(DataError, match="cell is not finite"):
        atoms.get_potential_energy()
    with pytest.raises(DataError, match="no atoms"):
        MaxvoltCalculator(PairPotential()).calculate(Atoms())


@pytest.fixture
def ensemble():
    return Ensemble(
        (
            PairPotential(),
            PairPotential(species=("Ni", "Cu"), charges=(1.4, 1.0)),
            PairPotential(cutoff=4.5),
        )
    )


def test_ensemble_gives_mean_and_spread_of_its_members(ensemble):
    atoms = alloy()
    each = []
    for calculator in member_calculators(ensemble):
        atoms.calc = calculator
        stress = atoms.get_stress()
        each.append((atoms.get_potential_energy(), atoms.get_forces(), stress))
    calculator = MaxvoltCalculator(ensemble)
    atoms.calc = calculator
    energies, forces, stresses = (np.array(values) for values in zip(*each, strict=True))
    assert energies.std() > 0.01
    assert atoms.get_potential_energy() == pytest.approx(energies.mean())
    assert atoms.get_forces() == pytest.approx(forces.mean(axis=0))
    assert atoms.get_stress() == pytest.approx(stresses.mean(axis=0))
    assert calculator.results["energy_std"] == pytest.approx(energies.std(ddof=1))
    spread = calculator.get_property("forces_std", atoms)
    assert spread == pytest.approx(forces.std(axis=0, ddof=1))
    assert calculator.results["stress_std"] == pytest.approx(stresses.std(axis=0, ddof=1))
    assert calculator.results["energies_std"].shape == (4,)


def test_one_potential_has_no_spread():
    calculator = MaxvoltCalculator(PairPotential())
    with pytest.raises(PropertyNotImplementedError, match="one potential"):
        calculator.get_property("energy_std", alloy())


def test_empty_ensemble_is_refused():
    with pytest.raises(MaxvoltError, match="at least one"):
        MaxvoltCalculator(Ensemble(()))


@pytest.mark.parametrize("ending", ["xyz", "traj"])
def test_results_of_an_ensemble_are_written_by_ase(ensemble, tmp_path, ending):
    atoms = alloy()
    atoms.calc = MaxvoltCalculator(ensemble)
    energy = atoms.get_potential_energy()
    write(tmp_path / f"out.{ending}", atoms)
    again = read(tmp_path / f"out.{ending}")
    assert again.get_potential_energy() == pytest.approx(energy, abs=1e-7)
    assert "energy_std" not in atoms.calc.export_properties()
    assert "energy" in atoms.calc.export_properties()
