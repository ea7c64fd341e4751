"""Arrangements of labelled structures, and comparisons of shells, rank and ridge."""

from __future__ import annotations

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.singlepoint import SinglePointCalculator
from scipy.spatial.transform import Rotation

from maxvolt.dataset import Dataset
from maxvolt.errors import FitError, SettingsError
from maxvolt.fitting.lattice import (
    Arrangement,
    LowRankSettings,
    Scan,
    Scanned,
    fit_low_rank,
    labelled_arrangements,
    random_folds,
    scan,
)
from maxvolt.fitting.lattice.pairs import train_of_pairs
from maxvolt.potentials.lattice import (
    LowRankPotential,
    ParentLattice,
    Supercell,
    environments_of,
)
from maxvolt.report.lattice_scan_figure import draw_scan

BCC = ParentLattice.of(bulk("Mo", "bcc", a=3.2), ["Mo", "Ta", "W"])


def known() -> LowRankPotential:
    """Energies of pairs whose matrix is of rank 2; no train of rank 1 comes near."""
    (kind,) = environments_of(BCC, 1)
    pairs = np.array([[[0.03, -0.02, 0.0], [-0.02, 0.0, 0.02], [0.0, 0.02, -0.03]]])
    train = train_of_pairs(pairs, kind.shells, 3, 0.0, np.random.default_rng(0))
    return LowRankPotential(BCC, 1, False, np.array([[-1.0, -2.0, -1.5]]), (train,))


def arranged(number: int, potential: LowRankPotential, noise: float = 0.0) -> list[Arrangement]:
    generator, found = np.random.default_rng(1), []
    for size in range(number):
        shapes = [(2, 2, 3), (1, 3, 4), [[2, 1, 0], [0, 2, 1], [1, 0, 3]]]
        supercell = Supercell.of(shapes[size % 3])
        occupation = generator.integers(0, 3, supercell.n_cells)
        energy = potential.energy(supercell, occupation)
        energy += noise * supercell.n_cells * generator.normal()
        found.append(Arrangement(supercell, occupation, energy))
    return found


CHOICES = [
    LowRankSettings(shells=1, rank=rank, symmetric=False, ridge=1e-4, starts=1) for rank in (1, 2)
]


def scanned(rank: int, parameters: int, errors: list[float], ridge: float = 1e-3) -> Scanned:
    settings = LowRankSettings(rank=rank, ridge=ridge)
    return Scanned(settings, parameters, 0.0, np.zeros(0), np.array(errors) * 1e-6)


def test_the_smallest_within_one_standard_error_is_recommended() -> None:
    best = scanned(4, 300, [1.0, 3.0, 1.0, 3.0])  # 2 +- 2 / sqrt(3) / 2 = 0.577
    within = scanned(2, 100, [2.5] * 4)
    found = Scan((scanned(1, 30, [2.6] * 4), within, scanned(3, 200, [2.1] * 4), best))
    assert found.best is best
    assert best.standard_error == pytest.approx(1e-6 / np.sqrt(3))
    assert found.recommended is within
    stronger = scanned(2, 100, [2.4] * 4, ridge=1e-2)
    assert Scan((*found.choices, stronger)).recommended is stronger
    step = best.rmse_error / 100  # its derivative
    assert (best.rmse + step) ** 2 - best.rmse**2 == pytest.approx(
        best.standard_error / 100, rel=0.01
    )
    (axes,) = draw_scan(found).axes
    assert axes.lines[-1].get_xdata()[0] == 100


def test_a_scan_is_in_the_given_order_and_tells_its_progress() -> None:
    data = arranged(60, known(), noise=1e-3)
    told: list[int] = []
    found = scan(BCC, data, CHOICES, random_folds(60, 3), progress=told.append)
    assert told == [1] * 6
    assert [one.settings for one in found.choices] == CHOICES
    assert found.choices[0].n_parameters < found.choices[1].n_parameters
    # The pairs are of rank 2, and a train of rank 1 comes near to none of them.
    assert found.choices[1].training < 0.5 * found.choices[0].training


def test_errors_of_a_scan_are_those_of_fits_to_the_other_folds() -> None:
    data = arranged(60, known(), noise=1e-3)
    folds = random_folds(60, 4, seed=3)
    assert np.bincount(folds).tolist() == [15] * 4
    (one,) = scan(BCC, data, CHOICES[:1], folds).choices
    fit = fit_low_rank(BCC, [data[number] for number in np.flatnonzero(folds != 0)], CHOICES[0])
    for number in np.flatnonzero(folds == 0):
        arrangement = data[number]
        energy = fit.potential.energy(arrangement.supercell, arrangement.occupation)
        assert one.predicted[number] == pytest.approx(energy / len(arrangement.occupation))
    assert one.n_parameters == fit.potential.n_parameters
    labels = np.array([arrangement.energy / len(arrangement.occupation) for arrangement in data])
    squares = (one.predicted - labels) ** 2
    by_fold = np.array([squares[folds == fold].mean() for fold in range(4)])
    assert one.rmse == pytest.approx(np.sqrt(by_fold.mean()))
    assert one.standard_error == pytest.approx(by_fold.std(ddof=1) / 2)


def test_scans_need_folds_and_choices() -> None:
    data = arranged(6, known())
    with pytest.raises(FitError, match="two folds"):
        scan(BCC, data, CHOICES, np.zeros(6, int))
    with pytest.raises(FitError, match="settings to compare"):
        scan(BCC, data, [], random_folds(6, 2))
    with pytest.raises(SettingsError, match="not more than the 6"):
        random_folds(6, 7)


def test_structures_on_no_lattice_are_told() -> None:
    potential, structures, energies = known(), [], []
    for number, one in enumerate(arranged(4, potential)):
        atoms = BCC.atoms(one.supercell, one.occupation)
        turn = Rotation.random(random_state=number).as_matrix()
        atoms.set_cell(atoms.cell.array @ (1.01 * turn), scale_atoms=True)
        atoms.rattle(0.03, seed=number)
        if number != 2:
            atoms.calc = SinglePointCalculator(atoms, energy=one.energy)
        structures.append(atoms)
        energies.append(one.energy)
    other = bulk("W", "fcc", a=4.0) * (2, 2, 2)
    other.calc = SinglePointCalculator(other, energy=0.0)
    found = labelled_arrangements(Dataset.from_atoms([*structures, other]), BCC)
    assert found.sites.structures.tolist() == [0, 1, 3]
    assert [number for number, _ in found.sites.refused] == [2, 4]
    assert "no energy" in found.sites.refused[0][1]
    assert "another lattice" in found.sites.refused[1][1]
    assert [one.energy for one in found.arrangements] == pytest.approx(
        [energies[number] for number in found.sites.structures]
    )
    assert found.sites.displacements.max() < 0.2
    assert found.sites.strains == pytest.approx([0.01] * 3, abs=1e-9)
