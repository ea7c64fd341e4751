"""Relaxations side by side against ASE's own, one by one; bands; what cannot be relaxed."""

import sys
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk, fcc111
from ase.calculators.emt import EMT
from ase.constraints import FixCartesian
from ase.filters import FrechetCellFilter
from ase.mep import NEB
from ase.optimize import FIRE, LBFGS

import maxvolt
from maxvolt.errors import MaxvoltError
from maxvolt.properties.grade_recorder import GradeRecorder
from maxvolt.properties.static.elastic_band import lowest_path
from maxvolt.properties.static.point_defects import DefectSettings, interstitials
from maxvolt.properties.static.side_by_side import relax_side_by_side
from maxvolt.sampling import rattle

sys.path.insert(0, str(Path(__file__).parents[1] / "potentials"))
from make_potentials import copper

CALCULATORS = {
    "potential": lambda: maxvolt.Calculator(copper(), threads=1),
    "recorded": lambda: GradeRecorder(maxvolt.Calculator(copper(), threads=1)),
    "emt": EMT,
}


def disturbed(size, seed):
    atoms = bulk("Cu", a=3.62, cubic=True) * size
    atoms.rattle(0.06, seed=seed)
    return atoms


@pytest.mark.parametrize("name", CALCULATORS)
def test_each_comes_to_the_minimum_that_it_would_come_to_alone(name):
    structures = [disturbed((1, 1, count), count) for count in (1, 3, 2)]
    calculator = CALCULATORS[name]()
    ended = relax_side_by_side(calculator, structures, force_tolerance=1e-4, max_steps=300)
    for begun, attempt in zip(structures, ended, strict=True):
        end = attempt.relaxed()
        alone = begun.copy()
        alone.calc = CALCULATORS[name]()
        assert LBFGS(alone, logfile=None).run(fmax=1e-4, steps=300)
        assert end.get_potential_energy() == pytest.approx(alone.get_potential_energy(), abs=1e-6)
        np.testing.assert_allclose(end.get_all_distances(mic=True),
                                   alone.get_all_distances(mic=True), atol=1e-3)  # fmt: skip


@pytest.mark.parametrize("name", ["potential", "emt"])
def test_the_height_of_a_tilted_cell_relaxes_as_with_the_filter_of_ase(name):
    """ASE's FrechetCellFilter with one component, atoms free along z alone."""
    atoms = fcc111("Cu", (1, 1, 6), a=3.62, orthogonal=False, periodic=True)
    atoms.pbc = True
    cell = atoms.cell.array
    cell[2] = [0.7, 0.3, 6 * 3.62 / np.sqrt(3) * 1.02]
    atoms.set_cell(cell)
    [attempt] = relax_side_by_side(
        CALCULATORS[name](), [atoms], force_tolerance=1e-4, max_steps=300,
        only_normal=True, with_height=True,
    )  # fmt: skip
    end = attempt.relaxed()
    other = atoms.copy()
    other.calc = CALCULATORS[name]()
    other.set_constraint(FixCartesian(range(len(other)), mask=(True, True, False)))
    moving = FrechetCellFilter(other, mask=[False, False, True, False, False, False])
    assert LBFGS(moving, logfile=None).run(fmax=1e-5, steps=500)
    assert end.cell[2, 2] != pytest.approx(cell[2, 2], abs=0.05)
    assert end.cell[2, 2] == pytest.approx(other.cell[2, 2], abs=1e-3)
    np.testing.assert_array_equal(end.cell.array[:, :2], cell[:, :2])
    assert end.get_potential_energy() == pytest.approx(other.get_potential_energy(), abs=1e-6)
    assert abs(end.get_stress()[2]) < 1e-4


def test_what_does_not_relax_is_named():
    structures = [disturbed((1, 1, 1), 1), disturbed((2, 2, 2), 2)]
    calculator = CALCULATORS["potential"]()
    few = {"force_tolerance": 1e-5, "max_steps": 2}
    with pytest.raises(MaxvoltError, match=r"Cu4: not converged after 2 steps .*raise max_steps"):
        relax_side_by_side(calculator, structures, **few)[0].relaxed()
    tried = relax_side_by_side(calculator, structures, **few)
    assert [(one.is_whole, bool(one.complaint)) for one in tried] == [(True, True)] * 2
    structures[1].positions[0] = structures[1].positions[1] + 0.1
    tried = relax_side_by_side(calculator, structures, **few)
    assert [one.is_whole for one in tried] == [True, False]
    with pytest.raises(MaxvoltError, match="Cu32: "):
        relax_side_by_side(calculator, structures, force_tolerance=1e-3, max_steps=99)[1].relaxed()


def test_interstitials_that_do_not_relax_have_a_warning_and_no_number():
    """With so few steps the octahedral one, which symmetry holds, is there first."""
    few = {"size": 7.0, "force_tolerance": 1e-3}
    crystal = bulk("Cu", a=3.6)
    whole = interstitials(CALCULATORS["potential"](), crystal, DefectSettings(**few))
    assert not whole.warnings
    steps = 13
    found = interstitials(
        CALCULATORS["potential"](), crystal, DefectSettings(**few, max_steps=steps)
    )
    missing = [name for name, one in found.quantities.items() if np.isnan(one.value)]
    assert 0 < len(missing) < len(whole.quantities)
    for name, one in found.quantities.items():
        if name in missing:
            assert any(text.startswith(f"{name}: relaxation of Cu") for text in found.warnings)
        else:
            assert one.value == pytest.approx(whole[name], abs=1e-9)
    with pytest.raises(MaxvoltError, match="interstitials: relaxation of"):
        interstitials(CALCULATORS["potential"](), crystal, DefectSettings(**few, max_steps=2))


def ends_of_a_jump():
    crystal = bulk("Cu", a=3.62, cubic=True) * 2
    distances = crystal.get_distances(0, range(len(crystal)), mic=True)
    jumper = int(np.argsort(distances)[1])
    initial = crystal[1:]
    final = initial.copy()
    final.positions[jumper - 1] += crystal.get_distance(jumper, 0, mic=True, vector=True)
    return initial, final


@pytest.mark.parametrize("name", ["potential", "emt"])
def test_a_band_is_that_of_ase_with_a_calculator_for_each_image(name):
    calculator = CALCULATORS[name]()
    tried = relax_side_by_side(calculator, ends_of_a_jump(), force_tolerance=1e-3, max_steps=200)
    ends = [one.relaxed() for one in tried]
    path = lowest_path(
        tuple(ends), calculator, images=3, force_tolerance=0.01, max_steps=300,
        purpose="a test", remedy="",
    )  # fmt: skip
    own = [ends[0], *(ends[0].copy() for _ in range(3)), ends[1]]
    for image in own[1:-1]:
        image.calc = CALCULATORS[name]()
    band = NEB(own, climb=True, method="improvedtangent")
    band.interpolate(mic=True)
    assert FIRE(band, logfile=None).run(fmax=0.01, steps=300)
    for ours, theirs in zip(path, own, strict=True):
        energies = ours.get_potential_energy(), theirs.get_potential_energy()
        assert energies[0] == pytest.approx(energies[1], abs=1e-6)
    with pytest.raises(MaxvoltError, match=r"a test: after 1 steps the band .*; wait longer"):
        lowest_path(tuple(ends), calculator, images=1, force_tolerance=1e-9, max_steps=1,
                    purpose="a test", remedy="wait longer")  # fmt: skip


def test_grades_on_the_way_are_recorded():
    """The largest of a batch is that of the calculator for the structure that is kept."""
    potential = copper()
    training = rattle(bulk("Cu", a=3.62, cubic=True), 0.05, seed=1, copies=8)
    query = maxvolt.ActiveSet.from_dataset(potential, training)
    recorder = GradeRecorder(maxvolt.Calculator(potential, query=query, threads=1))
    relax_side_by_side(
        recorder, [disturbed((1, 1, 2), 1), disturbed((1, 1, 1), 2)],
        force_tolerance=1e-3, max_steps=200,
    )  # fmt: skip
    assert recorder.largest_grade > 1
    farthest = recorder.farthest.copy()
    farthest.calc = maxvolt.Calculator(potential, query=query, threads=1)
    farthest.get_potential_energy()
    assert farthest.calc.results["grade"] == pytest.approx(recorder.largest_grade, rel=1e-6)
