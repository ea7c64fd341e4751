"""The calculator with moment tensor potentials, against their evaluation without any list kept."""

from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.io import read

import maxvolt
from maxvolt.calculators import MaxvoltCalculator, member_calculators


def random_potential(seed, species=("Cu", "Au")):
    """Level-8 potential with small random coefficients."""
    random = np.random.default_rng(seed)
    start = maxvolt.MTP(level=8, species=species, cutoff=4.5, min_dist=2.0)
    model = start.model
    return start.with_coefficients(
        0.1 * random.normal(size=model.radial_coeffs.shape),
        random.normal(size=model.species_coeffs.shape),
        0.1 * random.normal(size=model.moment_coeffs.shape),
    )


def structures():
    crystal = bulk("Cu", cubic=True)
    crystal.symbols[2] = "Au"
    crystal.positions += 0.05 * np.random.default_rng(0).normal(size=(4, 3))
    slab = crystal * (1, 1, 2)
    slab.pbc = [True, True, False]
    slab.cell[2] = 0.0
    return [crystal, bulk("Au"), slab, Atoms("CuAu", [[0, 0, 0], [0, 0, 2.5]])]


@pytest.mark.parametrize("index", range(4))
def test_results_are_those_of_the_potential(index):
    potential = random_potential(1)
    atoms = structures()[index]
    atoms.calc = MaxvoltCalculator(potential)
    expected = potential.evaluate(atoms)
    assert abs(expected.energy) > 1e-3
    assert atoms.get_potential_energy() == pytest.approx(expected.energy, rel=1e-12)
    assert atoms.get_forces() == pytest.approx(expected.forces, rel=1e-11, abs=1e-10)
    assert atoms.get_potential_energies() == pytest.approx(expected.site_energies, rel=1e-11)
    if expected.stress is None:
        assert "stress" not in atoms.calc.results
    else:
        assert atoms.get_stress() == pytest.approx(expected.stress, rel=1e-11, abs=1e-11)


def test_list_kept_over_moves_and_strain_gives_the_same_numbers():
    potential = random_potential(2)
    atoms = structures()[0] * 2
    calculator = MaxvoltCalculator(potential, skin=0.6)
    atoms.calc = calculator
    random = np.random.default_rng(4)
    for _ in range(15):
        atoms.positions += 0.02 * random.normal(size=atoms.positions.shape)
        atoms.set_cell(
            atoms.cell.array @ (np.eye(3) + 0.004 * random.normal(size=(3, 3))), scale_atoms=True
        )
        expected = potential.evaluate(atoms)
        assert atoms.get_forces() == pytest.approx(expected.forces, rel=1e-11, abs=1e-10)
        assert atoms.get_stress() == pytest.approx(expected.stress, rel=1e-11, abs=1e-10)
    assert 1 <= calculator.neighbors.n_builds < 8


def test_ensemble_is_its_own_mean():
    ensemble = maxvolt.Ensemble(tuple(random_potential(seed) for seed in range(3)))
    atoms = structures()[0]
    atoms.calc = maxvolt.Calculator(ensemble)
    expected = ensemble.evaluate(atoms)
    assert atoms.get_potential_energy() == pytest.approx(expected.energy, rel=1e-12)
    assert atoms.get_forces() == pytest.approx(expected.forces, rel=1e-11, abs=1e-10)
    each = [member.evaluate(atoms).energy for member in ensemble.members]
    assert atoms.calc.results["energy_std"] == pytest.approx(np.std(each, ddof=1))


@pytest.mark.parametrize("kind", [str, Path])
def test_path_of_a_potential_file_is_read(kind, tmp_path):
    potential = random_potential(5)
    potential.write(tmp_path / "pot.mtp")
    atoms = structures()[0]
    atoms.calc = maxvolt.Calculator(kind(tmp_path / "pot.mtp"))
    assert atoms.get_potential_energy() == pytest.approx(potential.evaluate(atoms).energy)
    assert atoms.calc.potential.species == ("Cu", "Au")
    assert len(member_calculators(kind(tmp_path / "pot.mtp"))) == 1


def test_path_without_a_file_or_species_is_a_clear_error(tmp_path):
    with pytest.raises(maxvolt.MaxvoltError, match=r"absent\.mtp"):
        maxvolt.Calculator(tmp_path / "absent.mtp")
    random_potential(5).write(tmp_path / "pot.mtp")
    lines = (tmp_path / "pot.mtp").read_text().splitlines(keepends=True)
    bare = [
        line.split("=")[0] + "= \n" if line.startswith("potential_tag") else line for line in lines
    ]
    assert bare != lines
    (tmp_path / "bare.mtp").write_text("".join(bare))
    with pytest.raises(maxvolt.SpeciesError, match=r"load\('.*bare\.mtp', species="):
        maxvolt.Calculator(tmp_path / "bare.mtp")


@pytest.mark.parametrize("wrong", [None, 3, [], ["pot.mtp"], object()])
def test_what_is_no_potential_is_refused_with_what_is_expected(wrong):
    with pytest.raises(
        maxvolt.MaxvoltError, match=r"needs a potential .* path of a potential file"
    ):
        maxvolt.Calculator(wrong)


def test_untrained_potential_says_so():
    atoms = bulk("Cu")
    atoms.calc = maxvolt.Calculator(maxvolt.MTP(8, ["Cu"], 4.5, 2.0))
    with pytest.raises(maxvolt.MaxvoltError, match="untrained"):
        atoms.get_potential_energy()


def test_trained_molybdenum_in_a_large_crystal(shared):
    potential = maxvolt.read_potential(
        shared / "reference" / "mlip3" / "trained" / "Mo.mtp", species=["Mo"]
    )
    atoms = read(shared / "data" / "bench" / "Mo2000.xyz")
    atoms.calc = maxvolt.Calculator(potential, threads=1)
    atoms.get_forces()
    atoms.positions += 0.02 * np.random.default_rng(0).normal(size=atoms.positions.shape)
    expected = potential.evaluate(atoms)
    assert atoms.get_potential_energy() == pytest.approx(expected.energy, rel=1e-12)
    assert atoms.get_forces() == pytest.approx(expected.forces, abs=1e-10)
    assert atoms.calc.neighbors.n_builds == 1
