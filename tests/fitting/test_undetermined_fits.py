"""Perfect crystals, dimers and energy-volume curves: a sane potential, or a refusal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from training_data import crystals, known_potential, labelled, relabelled

import maxvolt
from maxvolt.dataset import Dataset
from maxvolt.errors import FitError
from maxvolt.fitting import FitResult, FitSettings, Weights, fit
from maxvolt.fitting.objective import Objective
from maxvolt.fitting.response import check_response, force_scale
from maxvolt.fitting.variable_projection.problem import Problem
from maxvolt.fitting.variable_projection.problem_builder import ProblemBuilder
from maxvolt.potentials import MTP
from maxvolt.sampling import RandomBoxes

SETTINGS = FitSettings(max_iterations=30, starts=2)


def scaled(atoms: Atoms, scales: Sequence[float] = np.linspace(0.94, 1.08, 13)) -> Dataset:
    """An energy-volume curve of effective medium theory."""
    found = []
    for scale in scales:
        copy = atoms.copy()
        copy.set_cell(atoms.cell.array * scale, scale_atoms=True)
        copy.calc = EMT()
        copy.get_potential_energy()
        if copy.pbc.all():
            copy.get_stress()
        found.append(copy)
    return Dataset.from_atoms(found)


def forces_when_displaced(result: FitResult, atoms: Atoms, by: float) -> np.ndarray:
    moved = atoms.repeat(2)
    moved.positions += by * np.random.default_rng(1).normal(size=(len(moved), 3))
    assert isinstance(result.potential, MTP)
    return result.potential.evaluate(moved).forces


CRYSTALS = {
    "face-centred": bulk("Al"),
    "body-centred": bulk("Cu", "bcc", a=2.87),
    "diamond": bulk("Cu", "diamond", a=5.0),
    "two species": bulk("CuAl", "cesiumchloride", a=2.95),
    "cubic cell": bulk("Cu", cubic=True),
}


@pytest.mark.parametrize("name", CRYSTALS)
@pytest.mark.parametrize("level", [2, 8, 12])
def test_perfect_crystals_give_a_sane_potential_and_a_warning(name: str, level: int) -> None:
    atoms = CRYSTALS[name]
    data = scaled(atoms)
    result = fit(MTP(level, data.species, 5.0, 1.9, 6), data, settings=SETTINGS, threads=1)
    assert isinstance(result.potential, MTP)
    assert np.abs(result.potential.model.moment_coeffs).max() < 1e7
    assert result.training_errors.total.energy_per_atom.rmse < 0.005
    # Bonds of these metals have 1 to 10 eV/A^2: the potential need not be right, but near it.
    forces = forces_when_displaced(result, atoms, 0.02)
    assert np.abs(forces).max() < 12.0
    guesses = any("vanish by symmetry" in warning for warning in result.warnings)
    assert guesses == (level > 6)


def test_the_public_curve_of_aluminium(shared: Path) -> None:
    path = shared / "faults" / "fit" / "unrattled_fcc.xyz"
    result = maxvolt.fit(MTP(8, ["Al"], 5.0, 2.5), path, threads=1)
    assert isinstance(result.potential, MTP)
    assert np.abs(result.potential.model.moment_coeffs).max() < 1e4
    # An atom that moved by 1e-4 A gained 3e21 eV.
    atoms = bulk("Al").repeat(2)
    before = result.potential.evaluate(atoms).energy
    atoms.positions[0, 0] += 1e-4
    assert abs(result.potential.evaluate(atoms).energy - before) < 1e-5


def test_digits_of_a_file_do_not_determine_a_scalar() -> None:
    # Positions with six digits: odd moments are 1e-6 of what they are when atoms move.
    atoms = bulk("Al").repeat(2)
    data = scaled(atoms)
    data = relabelled(data, positions=np.round(data.positions, 6))
    result = fit(MTP(8, ["Al"], 5.0, 1.9, 6), data, settings=SETTINGS, threads=1)
    assert np.abs(forces_when_displaced(result, bulk("Al"), 0.02)).max() < 12.0


def problem_of(data: Dataset, potential: MTP) -> Problem:
    return ProblemBuilder(Objective(data, Weights(), "vibrations"), 1).problem(potential)


def test_columns_that_structures_determine_have_no_floor() -> None:
    data = labelled(known_potential(8, ["Mo"]), crystals(["Mo"], 8))
    problem = problem_of(data, MTP(8, ["Mo"], 4.5, 2.0, 4))
    assert not problem.vanishing.any()
    shape = problem.potential.model.radial_coeffs.shape
    radial = np.random.default_rng(0).normal(size=shape).ravel()
    assert not problem.linear_equations(radial).floor.any()


def test_dense_liquids_have_none_below_min_dist() -> None:
    # The copies at 0.1 A bring atoms far below min_dist, where 16 functions reach hundreds.
    boxes = RandomBoxes({"Al": 1}, edges=10.5, density=(2.4, 2.8), minimum_distance=2.0)
    data = labelled(known_potential(8, ["Al"]), list(boxes.draw(count=2)))
    nearest = maxvolt.minimum_distances(data).overall
    problem = problem_of(data, MTP(16, ["Al"], 6.5, 0.99 * nearest, 16))
    assert not problem.vanishing.any()


def test_columns_that_vanish_have_one() -> None:
    data = scaled(bulk("Al"))
    problem = problem_of(data, MTP(8, ["Al"], 5.0, 1.9, 6))
    # |M_1|^2 and M_0 |M_1|^2 vanish where each atom is a centre of inversion.
    assert problem.vanishing.sum() == 2
    equations = problem.linear_equations(np.random.default_rng(0).normal(size=12))
    vanishing = problem.vanishing
    assert (np.diag(equations.matrix)[vanishing] < 1e-6 * equations.floor[vanishing]).all()
    assert (equations.floor[~vanishing] == 0).all()


def test_forces_beyond_reason_are_refused_with_the_remedy() -> None:
    data = scaled(bulk("Al"))
    potential = MTP(2, ["Al"], 5.0, 1.9, 3)
    radial = np.ones(potential.model.radial_coeffs.shape)
    simpler = "lower the level (now 2)"
    for size, kind in ((1e-6, None), (1e6, FitError)):
        trained = potential.with_coefficients(radial, np.zeros(1), np.array([size]))
        if kind is None:
            assert check_response(trained, data, simpler, threads=1) is None
            continue
        with pytest.raises(kind, match=r"structure \d+ .* displaced .*lower the level \(now 2\)"):
            check_response(trained, data, simpler, threads=1)


def test_forces_of_compressed_bonds_are_in_reason() -> None:
    # A force constant of 4000 eV/A^2 is beyond any bond, but not where forces are 1000 eV/A.
    data = scaled(bulk("Al"))
    assert force_scale(data) < 10
    steep = relabelled(data, forces=np.full((13, 3), 600.0))
    assert force_scale(steep) == 600.0
