"""The examples of searches: their references, and what their files say."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.fd import calculate_numerical_forces, calculate_numerical_stress
from ase.calculators.lj import LennardJones
from ase.calculators.singlepoint import SinglePointCalculator
from clusters import write_lennard_jones

import maxvolt
from maxvolt.calculators import MaxvoltCalculator
from maxvolt.campaign import Campaign, read_settings
from maxvolt.search.space_groups import space_group

sys.path.insert(0, str(Path(__file__).parents[1]))
from example_modules import importable
from promises import needs

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_stillinger_weber_silicon():
    """Energies and lattice constant of their paper, in the units of LAMMPS's Si.sw."""
    with importable(EXAMPLES / "silicon_search"):
        from stillinger_weber import EPSILON, SIGMA, StillingerWeber
    crystal = bulk("Si", a=5.431)
    crystal.calc = StillingerWeber()
    assert crystal.get_potential_energy() / 2 == pytest.approx(-2.0 * EPSILON, rel=1e-6)
    np.testing.assert_allclose(crystal.get_stress(), 0.0, atol=1e-4)
    atoms = bulk("Si", cubic=True, a=5.3)
    atoms.rattle(0.2, seed=1)
    atoms.set_cell(atoms.cell.array @ (np.eye(3) + 0.05 * np.tri(3)), scale_atoms=True)
    atoms.calc = StillingerWeber()
    numerical = calculate_numerical_forces(atoms, eps=1e-4)
    np.testing.assert_allclose(atoms.get_forces(), numerical, atol=1e-6)
    numerical = calculate_numerical_stress(atoms, eps=1e-5)
    np.testing.assert_allclose(atoms.get_stress(), numerical, atol=1e-8)
    pair = bulk("Si", a=5.431)[[0, 1]]
    pair.pbc = False
    pair.positions = [[0, 0, 0], [2 ** (1 / 6) * SIGMA, 0, 0]]
    pair.calc = StillingerWeber()
    assert pair.get_potential_energy() == pytest.approx(-EPSILON, rel=1e-6)  # its definition


def test_tables_of_lennard_jones(tmp_path):
    calculator = MaxvoltCalculator(maxvolt.load(write_lennard_jones(tmp_path / "lj.eam.alloy")))
    atoms = bulk("Ar", cubic=True, a=4.7).repeat((2, 2, 1))
    atoms.pbc = False
    atoms.rattle(0.1, seed=2)
    atoms.calc = calculator
    energy, forces = atoms.get_potential_energy(), atoms.get_forces()
    atoms.calc = LennardJones(sigma=3.0, epsilon=1.0, rc=1e3)
    assert energy == pytest.approx(atoms.get_potential_energy(), abs=2e-6)
    np.testing.assert_allclose(forces, atoms.get_forces(), atol=1e-5)


@pytest.mark.parametrize("name", ["silicon.toml", "silicon_dft.toml"])
def test_the_campaigns_for_silicon_can_begin(name):
    needs("search")
    folder = EXAMPLES / "silicon_search"
    with importable(folder):
        Campaign(folder / name).check()


def test_alpha_boron_and_its_campaign():
    with importable(EXAMPLES / "boron_dft"):
        from known_crystals import alpha_boron
    crystal = alpha_boron()
    assert len(crystal) == 12
    assert crystal.cell.lengths() == pytest.approx([5.057] * 3, abs=0.002)
    assert crystal.cell.angles() == pytest.approx([58.06] * 3, abs=0.01)
    distances = np.sort(crystal.repeat((3, 3, 3)).get_all_distances(mic=True), axis=1)[:12]
    # Five neighbours in the icosahedron, and for half of the atoms one in the next.
    bonds = (distances[:, 1:] < 1.85).sum(axis=1)
    assert sorted(bonds.tolist()) == [5] * 6 + [6] * 6
    settings = read_settings(EXAMPLES / "boron_dft" / "boron.toml").stages[0]
    assert settings.scenario[0].atoms == (12, 12)


def test_the_campaign_for_boron_can_begin():
    needs("search")
    needs("espresso")
    Campaign(EXAMPLES / "boron_dft" / "boron.toml").check()


def test_gamma_boron_and_its_campaign(tmp_path):
    needs("espresso")
    with importable(EXAMPLES / "boron_dft"):
        from gamma import prepared
        from known_crystals import gamma_boron
    crystal = gamma_boron()
    assert space_group(crystal) == "Pnnm (58)"
    assert crystal.get_volume() / len(crystal) == pytest.approx(7.056, abs=0.001)
    distances = crystal.get_all_distances(mic=True)
    np.fill_diagonal(distances, np.inf)
    # Two atoms of a pair for each two icosahedra.
    assert sorted((distances < 2).sum(axis=1).tolist()) == [4] * 4 + [6] * 16 + [7] * 8
    assert 1.65 < distances.min() < 1.7
    crystal.calc = SinglePointCalculator(crystal, energy=-1.0, forces=np.zeros((28, 3)))
    crystal.write(tmp_path / "labelled.xyz")
    Campaign(prepared(tmp_path / "labelled.xyz", tmp_path / "gamma")).check()


@pytest.mark.filterwarnings("ignore:Set OLD_ERROR_HANDLING:DeprecationWarning")  # icet's, of spglib
def test_a_small_search_beside_all_orderings(tmp_path, monkeypatch, capsys):
    needs("search")
    needs("enumeration")
    small = ["--atoms", "2", "--generations", "4", "--population", "12"]
    monkeypatch.setattr(sys, "argv", ["run.py", *small, "--output", str(tmp_path)])
    monkeypatch.syspath_prepend(str(EXAMPLES / "agpd_emt"))
    with importable(EXAMPLES / "cupd_search"):
        from run import main

        main()
    (row,) = json.loads((tmp_path / "cupd2.json").read_text())
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == row
    assert row["orderings"] >= 10
    assert row["found"] == len(row["ground_states"])  # of so few atoms every one is found
    assert all(
        abs(state["below_what_was_found_meV_per_atom"]) < 0.1 for state in row["ground_states"]
    )
    assert row["below_the_hull_of_the_orderings"] == []
    known = maxvolt.read(tmp_path / "orderings2.xyz")
    assert {"Fm-3m (225)", "Im-3m (229)", "P6_3/mmc (194)"} <= {space_group(one) for one in known}
