"""Extrapolation grades in LAMMPS: the numbers of Python, thresholds, frames, cut-outs."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.io.lammpsdata import write_lammps_data
from lammps_cases import ELEMENTS, STRUCTURES, alloy, potential
from lammps_runs import in_the_frame_of_lammps, run

import maxvolt
from maxvolt.selection.grades import GRADES
from maxvolt.selection.weights import Mode

GRADED = """\
units       metal
newton      {newton}
boundary    {boundary}
read_data   structure.lammps
mass        * 100.0
pair_style  {style}
pair_coeff  * * pot.maxvolt Cu Au
compute     whole all pair maxvolt
thermo_style custom step pe c_whole[1]
thermo_modify norm no format float %.17g
{more}
run         {steps}
"""

OF_ATOMS = """\
fix         grades all pair 1 maxvolt grade 1
compute     worst all reduce max f_grades
thermo_style custom step pe c_whole[1] c_worst
thermo_modify norm no format float %.17g
dump        atoms all custom 1 grades.dump id f_grades
dump_modify atoms sort id format float %.17g
"""


def active_set(mode: Mode) -> maxvolt.ActiveSet:
    """Of a potential with random coefficients and a few structures."""
    training = maxvolt.Dataset.from_atoms([alloy(1, seed) for seed in range(30)])
    return maxvolt.ActiveSet.from_dataset(potential(6), training, mode=mode)


def write_input(
    folder: Path,
    atoms: Atoms,
    style: str,
    *,
    newton: str = "on",
    steps: int = 0,
    more: str = "",
) -> str:
    write_lammps_data(
        str(folder / "structure.lammps"), atoms, specorder=list(ELEMENTS), force_skew=True
    )
    boundary = " ".join("p" if periodic else "s" for periodic in atoms.pbc)
    return GRADED.format(newton=newton, boundary=boundary, style=style, more=more, steps=steps)


def table(stdout: str) -> list[list[str]]:
    """Rows of the thermodynamic output."""
    lines = [line.split() for line in stdout.splitlines()]
    header = next(k for k, words in enumerate(lines) if words[:2] == ["Step", "PotEng"])
    rows = []
    for words in lines[header + 1 :]:
        if not words or not words[0].isdigit():
            break
        rows.append(words)
    return rows


@pytest.mark.parametrize("newton", ["on", "off"])
@pytest.mark.parametrize("ranks", [1, 2, 4])
@pytest.mark.parametrize("name", STRUCTURES)
@pytest.mark.parametrize("mode", ["configuration", "neighborhood"])
def test_grades_are_those_of_python(
    mode: Mode, name: str, ranks: int, newton: str, tmp_path: Path
) -> None:
    atoms = in_the_frame_of_lammps(STRUCTURES[name]())
    used = active_set(mode)
    used.write(tmp_path / "pot.maxvolt")
    of_atoms = mode == "neighborhood"
    more = OF_ATOMS if of_atoms else ""
    done = run(
        tmp_path, write_input(tmp_path, atoms, "maxvolt every 1", newton=newton, more=more), ranks
    )
    assert done.returncode == 0, done.stdout[-2000:]
    expected = used.grade_dataset(maxvolt.Dataset.from_atoms([atoms]))
    row = table(done.stdout)[0]
    assert float(row[1]) == pytest.approx(used.potential.evaluate(atoms).energy, rel=1e-12)
    assert float(row[2]) == pytest.approx(expected.structures[0], rel=1e-10)
    if of_atoms:
        assert expected.sites is not None
        assert float(row[3]) == pytest.approx(expected.structures[0], rel=1e-10)
        found = np.loadtxt(tmp_path / "grades.dump", skiprows=9, ndmin=2)[:, 1]
        scale = expected.sites.max()
        np.testing.assert_allclose(found, expected.sites, rtol=1e-10, atol=1e-12 * scale)


MOVING = """\
velocity    all create 300 1
timestep    0.0002
thermo      1
fix         move all nve
"""


@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize("mode", ["configuration", "neighborhood"])
def test_frames_above_select_are_written_until_the_break(
    mode: Mode, ranks: int, tmp_path: Path
) -> None:
    used = active_set(mode)
    used.write(tmp_path / "pot.maxvolt")
    atoms = in_the_frame_of_lammps(alloy(2))
    text = write_input(tmp_path, atoms, "maxvolt every 1", steps=30, more=MOVING)
    graded = [float(row[2]) for row in table(run(tmp_path, text, ranks).stdout)]
    select, stop = np.min(graded) * 1.0000001, np.max(graded) * 0.9999999
    style = f"maxvolt every 2 select {select:.17g} break {stop:.17g} frames found.xyz"
    done = run(tmp_path, text.replace("maxvolt every 1", style), ranks)
    assert done.returncode != 0
    # Near the break each step is graded, but frames above select are those of every second one.
    first = int(np.argmax(np.array(graded) > stop))
    expected = [k for k in range(0, first, 2) if graded[k] > select] + [first]
    frames = maxvolt.read(tmp_path / "found.xyz")
    assert [info["step"] for info in frames.infos] == expected
    assert [info["reason"] for info in frames.infos] == ["select"] * (len(expected) - 1) + ["break"]
    grades = [info["MV_grade"] for info in frames.infos]
    np.testing.assert_allclose(grades, [graded[k] for k in expected], rtol=1e-8)
    again = used.grade_dataset(frames)
    np.testing.assert_allclose(again.structures, grades, rtol=1e-8)
    message = r"extrapolation grade \S+ of (.+) at step (\d+) is above break = \S+; the frame was"
    said = re.search(message, done.stdout)
    assert said
    assert int(said[2]) == first
    if mode == "configuration":
        assert said[1] == "the configuration"
        return
    assert again.sites is not None
    sites = again.sites.reshape(len(frames), -1)
    for frame, of_frame in zip(frames.infos, sites, strict=True):
        assert frame["atom"] == 1 + np.argmax(of_frame)
        np.testing.assert_allclose(frame["arrays"][GRADES], of_frame, rtol=1e-7)
    assert said[1] == f"atom {1 + np.argmax(sites[-1])}"


def test_a_soft_stop_ends_the_run_and_the_input_goes_on(tmp_path: Path) -> None:
    used = active_set("neighborhood")
    used.write(tmp_path / "pot.maxvolt")
    atoms = in_the_frame_of_lammps(alloy(2))
    grade = used.grade(atoms)[0]
    style = f"maxvolt break {0.5 * grade} stop soft frames found.cfg"
    text = write_input(tmp_path, atoms, style, steps=30, more=MOVING) + "print goes-on-$(step)\n"
    done = run(tmp_path, text, 2)
    assert done.returncode == 0, done.stdout[-2000:]
    assert "\ngoes-on-0" in done.stdout or "\ngoes-on-1" in done.stdout
    frames = maxvolt.read(tmp_path / "found.cfg", species=list(ELEMENTS))
    assert frames.infos[0]["reason"] == "break"
    assert used.grade(frames)[0] == pytest.approx(grade, rel=1e-8)
    assert re.search(r"steps above a threshold, the worst with grade \S+ of atom", done.stdout)


@pytest.mark.parametrize("ranks", [1, 2])
def test_around_the_worst_atoms_clusters_are_cut_out(ranks: int, tmp_path: Path) -> None:
    used = active_set("neighborhood")
    used.write(tmp_path / "pot.maxvolt")
    atoms = in_the_frame_of_lammps(alloy(5))
    sites = used.grade_dataset(maxvolt.Dataset.from_atoms([atoms])).sites
    assert sites is not None
    worst = np.argsort(sites)[::-1]
    radius = 8.0
    style = f"maxvolt select {sites[worst[10]]:.17g} cut {radius} frames found.xyz"
    done = run(tmp_path, write_input(tmp_path, atoms, style), ranks)
    assert done.returncode == 0, done.stdout[-2000:]
    frames = maxvolt.read(tmp_path / "found.xyz")
    chosen: list[int] = []
    for atom in worst[:10]:
        if all(atoms.get_distance(atom, other, mic=True) >= radius for other in chosen):
            chosen.append(int(atom))
    assert [info["atom"] - 1 for info in frames.infos] == chosen[:3]
    again = used.grade_dataset(frames)  # of those atoms whose neighbourhood is whole
    np.testing.assert_allclose(again.structures, sites[chosen[:3]], rtol=1e-8)
    for number, atom in enumerate(chosen[:3]):
        distances = atoms.get_distances(atom, np.arange(len(atoms)), mic=True)
        assert len(frames[number]) == (distances < radius).sum()
        ghosts = frames.infos[number]["arrays"]["ghost"]
        assert (~ghosts).sum() == (distances <= radius - used.cutoff).sum()


def test_grades_are_computed_only_when_they_are_asked_for(tmp_path: Path) -> None:
    """Between two gradings the output repeats the last one."""
    used = active_set("neighborhood")
    used.write(tmp_path / "pot.maxvolt")
    atoms = in_the_frame_of_lammps(alloy(1))
    more = MOVING + OF_ATOMS.replace("pair 1 ", "pair 5 ")
    rows = table(run(tmp_path, write_input(tmp_path, atoms, "maxvolt", steps=9, more=more)).stdout)
    grades = [row[2] for row in rows]
    assert len(set(grades[:5])) == 1
    assert len(set(grades[5:])) == 1
    assert grades[0] != grades[5]


def test_grades_without_an_active_set_are_an_error(tmp_path: Path) -> None:
    potential(6).write_compiled(tmp_path / "pot.maxvolt")
    done = run(tmp_path, write_input(tmp_path, alloy(1), "maxvolt", more=OF_ATOMS))
    assert done.returncode != 0
    assert "atoms have no grades" in done.stdout


@pytest.mark.parametrize(
    ("style", "more", "mode", "message"),
    [
        ("maxvolt", OF_ATOMS, "configuration", "atoms have no grades by the active set of pot"),
        ("maxvolt select 2 cut 9", "", "configuration", "cut needs the grades of atoms"),
        ("maxvolt select 2 cut 3", "", "neighborhood", "cut is 3; expected at least the cutoff"),
        ("maxvolt select 1e-9 frames no/f.xyz", "", "neighborhood", "a frame cannot be written"),
    ],
)
@pytest.mark.parametrize("ranks", [1, 2])
def test_what_cannot_be_graded_is_an_error(
    style: str, more: str, mode: Mode, message: str, ranks: int, tmp_path: Path
) -> None:
    active_set(mode).write(tmp_path / "pot.maxvolt")
    atoms = in_the_frame_of_lammps(alloy(1))
    done = run(tmp_path, write_input(tmp_path, atoms, style, more=more), ranks)
    assert done.returncode != 0
    assert message in done.stdout, done.stdout[-1000:]


HEATED = """\
velocity    all create 300 1
timestep    0.00002
thermo      1
fix         move all nve
fix         heat all langevin 300.0 9000.0 0.01 5
"""


@pytest.mark.parametrize("ranks", [1, 2])
def test_breaks_of_fewer_grades_are_those_of_each_step(ranks: int, tmp_path: Path) -> None:
    used = active_set("neighborhood")
    used.write(tmp_path / "pot.maxvolt")
    atoms = in_the_frame_of_lammps(alloy(2))
    text = write_input(tmp_path, atoms, "maxvolt every 1", steps=220, more=HEATED)
    whole = [float(row[2]) for row in table(run(tmp_path, text, ranks).stdout)]
    # Where the grade rises beyond all that it was, but for steps that are graded anyway.
    rising = [step for step in range(2, 221) if whole[step] > 1.001 * max(whole[:step])][1:]
    steps = [step for step in rising if step % 4]
    assert len(steps) >= 4
    for step in steps[:4]:
        stop = 0.5 * (whole[step - 1] + whole[step])
        style = f"maxvolt every 4 break {stop:.17g} stop soft frames found.xyz"
        done = run(tmp_path, text.replace("maxvolt every 1", style), ranks)
        assert done.returncode == 0, done.stdout[-2000:]
        said = re.search(r"at step (\d+) is above break", done.stdout)
        assert said
        assert int(said[1]) == step


def test_far_from_the_break_few_steps_are_graded(tmp_path: Path) -> None:
    used = active_set("neighborhood")
    used.write(tmp_path / "pot.maxvolt")
    atoms = in_the_frame_of_lammps(alloy(1))
    style = "maxvolt every 10 break 1e6 frames found.xyz"
    text = write_input(tmp_path, atoms, style, steps=230, more=MOVING)
    grades = [row[2] for row in table(run(tmp_path, text).stdout)]
    changes = [step for step in range(1, 231) if grades[step] != grades[step - 1]]
    # The first ten changes, each tenth step, and one of 200 to see a change within a step.
    assert changes == sorted({*range(1, 11), *range(20, 231, 10), 201})


@pytest.mark.parametrize("ranks", [1, 2])
def test_frames_at_every_so_many_steps(ranks: int, tmp_path: Path) -> None:
    used = active_set("neighborhood")
    used.write(tmp_path / "pot.maxvolt")
    atoms = in_the_frame_of_lammps(alloy(2))
    style = "maxvolt select 1e-6 every 2 frames_every 6 frames found.xyz"
    done = run(tmp_path, write_input(tmp_path, atoms, style, steps=20, more=MOVING), ranks)
    assert done.returncode == 0, done.stdout[-2000:]
    frames = maxvolt.read(tmp_path / "found.xyz")
    assert [info["step"] for info in frames.infos] == [0, 6, 12, 18]
    assert "11 steps above a threshold" in done.stdout


def test_frames_of_steps_without_a_grade_are_refused(tmp_path: Path) -> None:
    active_set("neighborhood").write(tmp_path / "pot.maxvolt")
    style = "maxvolt select 2 every 4 frames_every 6"
    done = run(tmp_path, write_input(tmp_path, alloy(1), style))
    assert done.returncode != 0
    assert "frames_every is 6; expected a multiple of every" in done.stdout
