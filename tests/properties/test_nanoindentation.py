"""A sphere pressed into a crystal by LAMMPS."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk, molecule
from ase.calculators.emt import EMT
from ase.calculators.lj import LennardJones

import maxvolt
from maxvolt.errors import DataError, FileFormatError, SettingsError
from maxvolt.properties import Keeping, compute_property
from maxvolt.properties.extremes.indentation_curve import fit_hertz
from maxvolt.properties.extremes.indentation_settings import IndentationSettings
from maxvolt.properties.extremes.indenter import (
    IndentationPlan,
    IndentationRun,
    simulate_indentation,
)
from maxvolt.properties.extremes.nanoindentation import nanoindentation
from maxvolt.properties.extremes.slabs import slab_across
from maxvolt.properties.lammps_stages import LammpsStages
from maxvolt.properties.melting import Interaction
from maxvolt.sampling.lammps.program import find_program
from promises import needs

sys.path.insert(0, str(Path(__file__).parents[1] / "potentials"))
from make_potentials import copper

NAME = "nanoindentation"
SMALL: dict[str, Any] = {
    "temperature": 10.0,
    "atoms": 32,
    "equilibration_time": 0.3,
    "width": 15.0,
    "height": 20.0,
    "radius": 10.0,
    "depth": 0.6,
    "depth_step": 0.05,
    "velocity": 100.0,
    "segment_time": 0.5,
}
"""Of copper whose cutoff is 5 Angstrom."""


def aluminium() -> Interaction:
    needs("lammps")
    return Interaction.of_pair_style("eam/fs", ["* * Al_mm.eam.fs Al"])


def plan_of(slab: Atoms, **changed: Any) -> IndentationPlan:
    """A sphere that is pressed in for 100 steps and goes back."""
    top = float(slab.positions[:, 2].max())
    plan = IndentationPlan(
        aluminium(), radius=12.0, stiffness=20.0, top=top, ground=22.0, bath=26.0, gap=0.1,
        velocity=5.0, temperature=10.0, timestep=2.0, equilibration_steps=50, value_every=5,
        turning_step=100, segment_steps=40, unloading=True, seed=3,
    )  # fmt: skip
    return replace(plan, **changed)


@pytest.fixture(scope="module")
def slab() -> Atoms:
    return slab_across(bulk("Al", cubic=True, a=4.045), (1, 1, 1), 14.0, 12.0)


def pressed(
    slab: Atoms, plan: IndentationPlan, folder: Path, command: str | None = None
) -> IndentationRun:
    stages = LammpsStages("a test", folder, find_program(1, command))
    return simulate_indentation(slab, plan, stages)


@pytest.fixture(scope="module")
def run(slab: Atoms, tmp_path_factory: pytest.TempPathFactory) -> tuple[IndentationRun, Path]:
    folder = tmp_path_factory.mktemp("indentation")
    return pressed(slab, plan_of(slab), folder), folder


def test_the_load_is_that_of_the_sphere_on_each_atom(slab: Atoms, run) -> None:
    """Equation (159), summed over the atoms where they are at the end of segments."""
    found, _ = run
    plan = plan_of(slab)
    lengths = [*plan.segments, *plan.segments]
    assert lengths == [40, 40, 20] * 2
    for end, step in zip(found.ends[1:], np.cumsum(lengths), strict=False):
        row = step // plan.value_every - 1  # a value is that of one step here
        middle = slab.cell.array[:2, :2].sum(axis=0) / 2
        height = plan.top + plan.radius - found.displacements[row]
        away = end.positions - [*middle, height]
        away[:, :2] -= (
            np.round(away[:, :2] @ np.linalg.inv(slab.cell.array[:2, :2]))
            @ (slab.cell.array[:2, :2])
        )
        distance = np.linalg.norm(away, axis=1)
        within = np.maximum(plan.radius - distance, 0.0)
        load = -np.sum(plan.stiffness * within**2 * away[:, 2] / distance)
        assert found.loads[row] == pytest.approx(load, rel=1e-6, abs=1e-9)
        if load > 0:
            mean = np.sum(within**3) * plan.stiffness / load
            assert found.penetrations[row] == pytest.approx(mean, rel=1e-6)
    assert found.loads[: found.turning].max() > 1.0  # upwards, where the sphere presses


def test_the_sphere_goes_down_and_back_at_its_velocity(slab: Atoms, run) -> None:
    found, _ = run
    step = 5.0 * 2e-3
    down = np.arange(5, 105, 5) * step - 0.1
    assert found.turning == 20
    np.testing.assert_allclose(found.displacements[:20], down, rtol=0, atol=1e-12)
    back = (200 - np.arange(105, 105 + 5 * (len(found.loads) - 20), 5)) * step - 0.1
    np.testing.assert_allclose(found.displacements[20:], back, rtol=0, atol=1e-12)


def test_held_atoms_do_not_move(slab: Atoms, run) -> None:
    found, _ = run
    held = slab.positions[:, 2] < 22.0
    assert 0 < held.sum() < len(slab)
    for end in found.ends:
        apart = np.linalg.norm(end.positions - slab.positions, axis=1)
        assert apart[held].max() < 1e-8
        assert apart[~held].min() > 0


def test_a_run_goes_on_from_what_is_kept_to_the_last_digit(slab: Atoms, run) -> None:
    found, folder = run
    segments = sorted(folder.glob("indentation-*.json"))
    assert len(segments) == 7
    for one in segments[3:]:  # as after a kill while the fourth segment was running
        one.unlink()
    again = pressed(slab, plan_of(slab), folder)
    for name in ("displacements", "loads", "penetrations", "temperatures", "energies"):
        np.testing.assert_array_equal(getattr(again, name), getattr(found, name))
    np.testing.assert_array_equal(again.ends[-1].positions, found.ends[-1].positions)


def test_a_deeper_path_goes_on_from_whole_segments(slab: Atoms, run) -> None:
    found, folder = run
    before = {one.name for one in folder.glob("indentation-*.json")}
    deeper = pressed(slab, plan_of(slab, turning_step=120, unloading=False), folder)
    assert len({one.name for one in folder.glob("indentation-*.json")} - before) == 1
    np.testing.assert_array_equal(deeper.loads[:16], found.loads[:16])
    assert len(deeper.loads) == 24
    segment = next(folder.glob("indentation-001-*.json"))
    whole = segment.read_bytes()
    segment.write_bytes(whole[:100])
    try:
        with pytest.raises(FileFormatError, match="remove it, and it is made again"):
            pressed(slab, plan_of(slab), folder)
    finally:
        segment.write_bytes(whole)


def test_two_ranks_press_as_one_does(slab: Atoms, run, tmp_path: Path) -> None:
    """Random forces differ: loads agree within what another seed changes."""
    found, _ = run
    plan = plan_of(slab, unloading=False)
    other = pressed(slab, replace(plan, seed=4), tmp_path / "seed")
    two = pressed(slab, plan, tmp_path / "ranks", "mpiexec -n 2 lmp")
    np.testing.assert_array_equal(two.displacements, found.displacements[:20])
    changed = np.sqrt(np.mean((other.loads - found.loads[:20]) ** 2))
    assert 0 < changed < 0.3 * found.loads.max()
    assert np.sqrt(np.mean((two.loads - found.loads[:20]) ** 2)) < 3 * changed


@pytest.fixture(scope="module")
def elastic(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Aluminium under a large sphere, slowly: low pressures, in which the crystal is linear."""
    potential = aluminium().lines[1].split()[3]
    settings = {
        "temperature": 1.0, "atoms": 32, "equilibration_time": 1.0, "plane": [1, 1, 1],
        "width": 25.0, "height": 26.0, "radius": 100.0, "stiffness": 100.0, "depth": 0.6,
        "depth_step": 0.04, "velocity": 30.0, "segment_time": 10.0,
    }  # fmt: skip
    return compute_property(NAME, potential, bulk("Al"), settings)


def both_ways(elastic: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Depths, and loads on the way down and, at the same depths, on the way back, nN."""
    curves = {(one.name, one.y_label): one for one in elastic.curves}
    down, back = (curves[name, "load (nN)"] for name in ("loading", "unloading"))
    order = np.argsort(back.x)
    returned = np.interp(down.x, np.array(back.x)[order], np.array(back.y)[order])
    return np.array(down.x), np.array(down.y), returned


def test_an_elastic_contact_has_the_modulus_of_the_elastic_constants(elastic: Any) -> None:
    expected = elastic["modulus from elastic constants"]
    assert expected == pytest.approx(89.2, rel=0.01)  # of C11, C12, C44 = 111, 62, 33 GPa
    # 3 GPa harden the crystal, its first layers are softer, and the contact is 5 atoms wide.
    assert elastic["reduced modulus"] == pytest.approx(expected, rel=0.1)
    depth, down, back = both_ways(elastic)
    found = fit_hertz(depth, (down + back) / 2, 100.0, None, elastic["compliance of the slab"])
    assert found is not None
    assert 100 * found.modulus == pytest.approx(expected, rel=0.08)  # nN/A^2 in GPa
    assert np.isnan(elastic["hardness"])
    assert np.isnan(elastic["pop-in load"])
    assert any("no pop-in" in text for text in elastic.warnings)


def test_unloading_returns_along_the_loading(elastic: Any) -> None:
    depth, down, back = both_ways(elastic)
    settled = depth < 0.85 * depth.max()  # the sphere turns at once, which sends sound out
    apart = (down - back)[settled] / down.max()
    assert np.sqrt(np.mean(apart[down[settled] > 0] ** 2)) < 0.03
    assert abs(apart).max() < 0.07


def test_grades_of_the_ends_are_told_and_members_are_compared_on_them(tmp_path: Path) -> None:
    needs("lammps")
    potential = copper()
    frames = [bulk("Cu", cubic=True, a=a) * 2 for a in (3.55, 3.6, 3.65)]
    for k, frame in enumerate(frames):
        frame.rattle(0.05, seed=k)
    active = maxvolt.ActiveSet.from_dataset(potential, maxvolt.Dataset.from_atoms(frames))
    told: list[tuple[str, int, int]] = []
    keeping = Keeping(tmp_path, progress=lambda *what: told.append(what))
    settings = {**SMALL, "unloading": False}
    found = compute_property(NAME, potential, bulk("Cu"), settings, query=active, keeping=keeping)
    assert found.largest_grade is not None
    assert found.largest_grade > 0
    assert found["largest load"] > 0
    assert ("nanoindentation", 3, 3) in told
    assert not any(one.name == "unloading" for one in found.curves)
    members = maxvolt.Ensemble([potential, potential])
    compared = compute_property(
        NAME, members, bulk("Cu"), {**settings, "members": "frames"}, keeping=Keeping(tmp_path)
    )
    assert compared["two sigma of forces on frames"] == pytest.approx(0.0, abs=1e-9)
    assert compared["largest load"] == found["largest load"]  # nothing was simulated again


def test_a_pair_style_is_simulated_and_compared() -> None:
    needs("lammps")
    calculator = LennardJones(sigma=3.4, epsilon=0.0104, rc=4.6)
    style = Interaction.of_pair_style("lj/cut 4.6", ["1 1 0.0104 3.4"])
    # A large sphere, slowly and cold: points enough before argon gives way, whatever the seed.
    gentle = {"radius": 40.0, "temperature": 1.0, "velocity": 50.0, "depth_step": 0.03}
    settings = IndentationSettings(**{**SMALL, **gentle, "height": 24.0, "unloading": False})
    found = nanoindentation(calculator, bulk("Ar", a=5.2), settings, interaction=style)
    assert found["reduced modulus"] > 0
    other = Interaction.of_pair_style("lj/cut 4.6", ["1 1 0.012 3.4"])
    with pytest.raises(DataError, match="LAMMPS and the calculator disagree"):
        nanoindentation(calculator, bulk("Ar", a=5.2), settings, interaction=other)


def test_what_cannot_be_pressed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="call nanoindentation from Python with the pair style"):
        compute_property(NAME, EMT(), bulk("Cu"), SMALL, keeping=Keeping(tmp_path))
    needs("lammps")
    with pytest.raises(DataError, match="periodic in three directions"):
        compute_property(NAME, copper(), molecule("N2"), SMALL)
    with pytest.raises(DataError, match="4 cutoffs of 5 A at least"):
        compute_property(NAME, copper(), bulk("Cu"), {**SMALL, "height": 19.0})
    assert not list(tmp_path.iterdir())  # nothing was simulated before


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"pressure": 1.0}, "pressure must be 0"),
        ({"plane": [0, 0, 0]}, "plane must be three whole numbers"),
        ({"plane": [1, 0, 99]}, "plane must be three whole numbers"),
        ({"radius": -1.0}, "radius must be"),
        ({"stiffness": float("nan")}, "stiffness must be"),
        ({"depth": 50.0}, "must be less than radius"),
        ({"depth_step": 2.0}, "a quarter of depth"),
        ({"temperature": 0.0}, "above 0 K"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, Any], complaint: str) -> None:
    with pytest.raises(SettingsError, match=complaint):
        IndentationSettings(**settings)
