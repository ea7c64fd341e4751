"""Simulations in LAMMPS: templates, structures on their way there and back, ends of runs."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.constraints import FixAtoms
from ase.io import read

import maxvolt
from maxvolt.errors import DataError, FileFormatError, MaxvoltError
from maxvolt.sampling import Limits, StopReason, Thresholds, rattle
from maxvolt.sampling.lammps import LammpsDynamics, Template
from maxvolt.sampling.lammps.outputs import last_step, read_trace, reason_of, said
from maxvolt.sampling.lammps.program import find_program, run_lammps
from maxvolt.sampling.lammps.turned import Turned
from maxvolt.selection import RowWeights
from promises import needs

sys.path.insert(0, str(Path(__file__).parents[1] / "potentials"))
from make_potentials import copper, random_potential

WARM = """\
# heats a crystal
units       metal
boundary    ${boundary}
read_data   ${data}
${pair}     # the potential
timestep    ${timestep}
velocity    all create $(2*v_temperature) ${seed} &
            mom yes dist gaussian
fix         move all nve
fix         bath all langevin ${temperature} ${temperature} 0.1 ${seed}
run         ${steps}
"""


def crystal() -> Atoms:
    return bulk("Cu", a=3.62, cubic=True) * (2, 2, 2)


def dynamics(structures: Atoms | list[Atoms] | None = None, **changes) -> LammpsDynamics:
    text = changes.pop("text", WARM)
    given = {"steps": 40, "temperature": 600.0, "timestep_fs": 2.0, **changes}
    if given["temperature"] is None:
        del given["temperature"]
    structures = crystal() if structures is None else structures
    return LammpsDynamics("warm", structures, Template(text, "in.warm"), **given)


# ------------------------------------------------------------------ templates


def test_variables_of_a_template():
    template = Template(
        "read_data ${data}\n${pair}\nvariable mine equal 3*v_temperature\n"
        'print "a # in quotes ${seed}" # ${comment}\nfix 1 all print 1 "$x"\nrun ${steps}\n'
    )
    assert template.uses == {"data", "pair", "temperature", "seed", "x", "steps"}
    assert template.defines == {"mine"}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("run ${step}", r"line 4: uses the variable step, which nothing defines; did you mean"),
        ("run $q", "uses the variable q, which nothing defines; known are pair, data, steps"),
        ("fix 1 all nve ${temperature}", "to which the scenario gives no value"),
        ("pair_style eam", "line 4: has pair_style, which must be left out"),
        ("reset_timestep 0", "steps are counted from the start"),
        ("quit", "what stands after it would not run"),
        ("units real", "needs units metal"),
        ("${pair}", "line 4: has the line .* twice"),
        ("pair_modify ${pair}", "give it a line of its own"),
        ("fix maxvolt_trace all nve", "choose another one"),
    ],
)
def test_templates_that_cannot_be_used(line: str, message: str):
    text = f"units metal\nread_data ${{data}}\n${{pair}}\n{line}\nrun ${{steps}}\n"
    with pytest.raises(DataError, match=message):
        dynamics(text=text, temperature=None, timestep_fs=None)


@pytest.mark.parametrize("name", ["pair", "data", "steps"])
def test_what_every_template_needs(name: str):
    lines = {"pair": "${pair}", "data": "read_data ${data}", "steps": "run ${steps}"}
    text = "\n".join(line for key, line in lines.items() if key != name)
    with pytest.raises(DataError, match=rf"in\.warm: lacks \$\{{{name}\}}"):
        Template(text, "in.warm")


def test_a_line_that_goes_on_counts_as_one():
    with pytest.raises(DataError, match="line 3: uses the variable nobody"):
        dynamics(
            text="read_data ${data}\n${pair}\nfix 1 all &\n   print 1 ${nobody}\nrun ${steps}",
            temperature=None,
            timestep_fs=None,
        )


def test_files_of_templates(tmp_path: Path):
    with pytest.raises(FileFormatError, match="no such file"):
        Template.read(tmp_path / "none")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FileFormatError, match="is no text"):
        Template.read(tmp_path / "binary")


def test_values_in_the_units_of_lammps():
    text = WARM + "print '${pressure} ${damping}'\n"
    made = dynamics(text=text, pressure=1 / 160.21766208, variables={"damping": 0.5})
    values = made.values(0, seed=12345)
    assert float(values["pressure"]) == pytest.approx(1e4)  # 1 GPa
    assert float(values["timestep"]) == 0.002
    assert values["boundary"] == "p p p"
    assert values["damping"] == "0.5"
    seeds = {int(made.values(0, seed)["seed"]) for seed in (0, 2**63 - 1, 899_999_999, 12345)}
    assert min(seeds) == 1
    assert max(seeds) <= 900_000_000
    assert len(seeds) == 4


SLAB = crystal()
SLAB.pbc = [True, True, False]
HELD = crystal()
HELD.set_constraint(FixAtoms([0]))


@pytest.mark.parametrize(
    ("structures", "changes", "message"),
    [
        (None, {"pressure": 0.1}, r"pressure is given, but in\.warm does not use"),
        (None, {"variables": {"tau": 3}}, r"tau is given, but in\.warm does not use"),
        (None, {"variables": {"seed": 3}}, "seed has its value from elsewhere"),
        (None, {"variables": {"a b": 3}}, "'a b' is no name"),
        (None, {"variables": {"tau": 'x"'}}, "characters that LAMMPS would read"),
        (None, {"record_every": 10, "grade_every": 4}, "must be a multiple of grade_every"),
        (None, {"ranks": 0}, "ranks must be at least 1"),
        (None, {"ranks": 2, "command": "lmp"}, "not both"),
        (None, {"steps": 0}, "steps"),
        (None, {"temperature": -1.0}, "temperature"),
        ([crystal()] * 2, {"text": WARM.replace("${seed}", "5")}, "all runs would be the same"),
        (SLAB, {"text": WARM.replace("${boundary}", "p p p")}, r"write 'boundary \$\{boundary\}'"),
        (HELD, {}, "has constraints, which LAMMPS does not know"),
        (Atoms("Cu2", [[0, 0, 0], [0, 0, 2]]), {}, "has no cell"),
    ],
)
def test_settings_that_do_not_fit(structures, changes, message: str):
    with pytest.raises(DataError, match=message):
        dynamics(structures, **changes)


def test_a_part_for_each_structure():
    parts = dynamics([crystal(), crystal()]).split()
    assert [part.part for part in parts] == [0, 1]
    assert [part.total_steps for part in parts] == [40, 40]


# ------------------------------------------------------------------ there and back


def alloy() -> Atoms:
    """Of two elements in a skewed, left-handed cell that LAMMPS turns and mirrors."""
    atoms = crystal()
    atoms.symbols[::3] = "Au"
    skew = np.array([[0.1, 1.02, 0.03], [1.0, 0.15, -0.06], [0.06, -0.09, 0.98]])
    atoms.set_cell(atoms.cell.array @ skew, scale_atoms=True)
    atoms.rattle(0.05, seed=4)
    assert np.linalg.det(atoms.cell.array) < 0
    return atoms


def test_structures_come_back_as_they_were_given(tmp_path: Path):
    atoms = alloy()
    turned = Turned(atoms, ("Au", "Cu"))
    turned.write(tmp_path / "data")
    found = read(tmp_path / "data", format="lammps-data", atom_style="atomic")
    assert list(found.symbols) == list(atoms.symbols)
    back = turned.back(found)
    atoms.wrap()
    np.testing.assert_allclose(back.cell.array, atoms.cell.array, rtol=0, atol=1e-12)
    np.testing.assert_allclose(back.positions, atoms.positions, rtol=0, atol=1e-12)
    with pytest.raises(DataError, match="in another order"):
        turned.back(found[::-1])


def test_traces(tmp_path: Path):
    path = tmp_path / "trace.txt"
    assert read_trace(path).shape == (0, 6)
    assert last_step(path) == 0
    path.write_text("# fix\n# columns\n0 1 2 3 4 5\n10 1.5 nan 3 4 5\n20 1 2")
    np.testing.assert_array_equal(read_trace(path)[:, 0], [0, 10])
    assert last_step(path) == 10
    with path.open("a") as file:
        file.write(" 3 4 5\n" + "".join(f"{k} 1 2 3 4 5.5\n" for k in range(30, 30_000, 10)))
    assert last_step(path) == 29_990
    assert len(read_trace(path)) == 3000


@pytest.mark.parametrize(
    ("printed", "first", "reason"),
    [
        (
            "Step\n 0 1\nERROR: Lost atoms: original 32 current 31 (src/thermo.cpp:494)\nLast: run",
            "Lost atoms: original 32 current 31",
            StopReason.LOST_ATOM,
        ),
        (
            "ERROR on proc 1: Non-numeric atom coords - simulation unstable (src/domain.cpp:600)",
            "Non-numeric atom coords",
            StopReason.NOT_FINITE,
        ),
        (
            "ERROR: Unknown command: fixx (src/input.cpp:314)",
            "Unknown command: fixx",
            StopReason.FAILED,
        ),
        ("Segmentation fault", "the last lines of its log: Segmentation", StopReason.FAILED),
        ("", "the last lines of its log: it printed nothing", StopReason.FAILED),
    ],
)
def test_what_lammps_complains_of(tmp_path: Path, printed: str, first: str, reason: StopReason):
    (tmp_path / "screen").write_text(printed)
    complaint = said(tmp_path / "screen")
    assert complaint.startswith(first)
    assert reason_of(complaint) is reason


def test_programs():
    with pytest.raises(MaxvoltError, match="'nolmp' is neither in the environment"):
        find_program(1, "nolmp -x")
    with pytest.raises(MaxvoltError, match="command is empty"):
        find_program(1, " ")
    with pytest.raises(MaxvoltError, match="cannot be read: No closing quotation"):
        find_program(1, "'lmp")


# ------------------------------------------------------------------ processes


def test_a_program_ends_with_what_it_says(tmp_path: Path):
    assert run_lammps(["sh", "-c", "echo hello; exit 3"], tmp_path) == 3
    assert (tmp_path / "screen.txt").read_text() == "hello\n"
    assert run_lammps(["/no/such/program"], tmp_path) == 127
    assert "No such file" in (tmp_path / "screen.txt").read_text()
    assert run_lammps(["sh", "-c", "kill -9 $$"], tmp_path) == 128 + 9


def with_children(tmp_path: Path) -> list[str]:
    """A program whose child leaves its group, as those of mpiexec do."""
    script = f"setsid sh -c 'sleep 2; touch {tmp_path}/alive; sleep 60' & sleep 60"
    return ["sh", "-c", script]


def test_nothing_goes_on_after_a_timeout(tmp_path: Path):
    folder = tmp_path / "run"
    folder.mkdir()
    began = time.monotonic()
    assert run_lammps(with_children(tmp_path), folder, timeout=0.2) is None
    assert time.monotonic() - began < 30
    time.sleep(2.5)
    assert not (tmp_path / "alive").exists()
    assert (folder / "screen.txt").exists()  # what was found counts


def test_nothing_goes_on_where_the_parent_is_killed(tmp_path: Path):
    needs("SIGKILL")
    folder = tmp_path / "run"
    folder.mkdir()
    code = (
        "import sys; from pathlib import Path; from maxvolt.sampling.lammps.program import *\n"
        "run_lammps(sys.argv[2:], Path(sys.argv[1]))"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code, str(folder), *with_children(tmp_path)], start_new_session=True
    )
    while not (folder / "screen.txt").exists():
        time.sleep(0.1)
    time.sleep(1.0)
    os.killpg(parent.pid, signal.SIGKILL)
    parent.wait()
    end = time.monotonic() + 30
    while folder.exists() and time.monotonic() < end:
        time.sleep(0.1)
    assert not folder.exists()
    time.sleep(2.5)
    assert not (tmp_path / "alive").exists()


# ------------------------------------------------------------------ LAMMPS itself


@cache
def query(species: tuple[str, ...] = ("Cu",)) -> maxvolt.ActiveSet:
    """Grades of atoms, from structures a little disturbed."""
    if species == ("Cu",):
        potential, atoms = copper(), crystal()
    else:
        rough = random_potential(4, species, size=4)
        model = rough.model  # softer than a metal, so that little moves
        potential = rough.with_coefficients(
            model.radial_coeffs, model.species_coeffs, 1e-3 * model.moment_coeffs
        )
        atoms = alloy()
    training = rattle(atoms, 0.08, copies=8, seed=1)
    return maxvolt.ActiveSet.from_dataset(
        potential, training, weights=RowWeights(energy=0.0, site_energy=1.0)
    )


def calculator(species: tuple[str, ...] = ("Cu",)) -> maxvolt.Calculator:
    found = query(species)
    return maxvolt.Calculator(found.potential, query=found, threads=1)


@pytest.fixture
def lammps() -> None:
    needs("lammps")


@pytest.mark.usefixtures("lammps")
@pytest.mark.parametrize("ranks", [1, 2])
def test_a_run_to_its_end(ranks: int):
    """Energies, grades and structures are those of Python, in its orientation and order."""
    atoms, used = alloy(), calculator(("Au", "Cu"))
    scenario = dynamics(atoms, ranks=ranks, record_every=5)
    told: list[int] = []
    result = scenario.run(used, Thresholds(1e-3, 1e6), seed=3, progress=told.append)
    assert (result.reason, result.message) == (StopReason.FINISHED, "40 steps")
    assert sum(told) == result.steps == result.total_steps == 40
    trace = result.trace
    assert trace is not None
    np.testing.assert_array_equal(trace.steps, np.arange(0, 41, 5))
    assert trace.temperatures[0] == pytest.approx(1200)
    assert trace.kinetic_energies[0] == pytest.approx(1.5 * 31 * 8.617333e-5 * 1200, rel=1e-5)
    np.testing.assert_allclose(trace.volumes, atoms.get_volume(), rtol=1e-12)

    last = result.last
    assert list(last.symbols) == list(atoms.symbols)
    np.testing.assert_allclose(last.cell.array, atoms.cell.array, rtol=0, atol=1e-12)
    energy = used.get_property("energy", last)
    assert energy == pytest.approx(trace.potential_energies[-1], rel=1e-9)
    assert last.get_kinetic_energy() == pytest.approx(trace.kinetic_energies[-1], rel=1e-5)

    kept = result.extrapolative
    assert [info["step"] for info in kept.infos] == trace.steps.tolist()
    np.testing.assert_allclose([info["grade"] for info in kept.infos], trace.grades, rtol=1e-9)
    for k, one in enumerate(kept):
        assert used.get_property("grade", one) == pytest.approx(trace.grades[k], rel=1e-7)
        assert used.get_property("energy", one) == pytest.approx(
            trace.potential_energies[k], rel=1e-9
        )
    assert set(kept.groups) == {"warm"}
    assert not kept.has_energy.any()


@pytest.mark.usefixtures("lammps")
def test_the_same_seed_gives_the_same_run_on_two_ranks():
    used, scenario = calculator(), dynamics(ranks=2)
    runs = [scenario.run(used, Thresholds(1e-3, 1e6), seed=seed) for seed in (5, 5, 6)]
    energies = [run.trace.potential_energies for run in runs if run.trace is not None]
    np.testing.assert_array_equal(energies[0], energies[1])
    assert abs(energies[0] - energies[2]).max() > 1e-3
    assert runs[0].extrapolative.digests == runs[1].extrapolative.digests


@pytest.mark.usefixtures("lammps")
@pytest.mark.parametrize("ranks", [1, 2])
def test_a_grade_above_break_ends_it(ranks: int):
    scenario = dynamics(temperature=3000.0, ranks=ranks, record_every=10, grade_every=2)
    result = scenario.run(calculator(), Thresholds(1.0, 5.0), seed=1)
    assert result.reason is StopReason.GRADE
    assert result.message.endswith("break threshold 5")
    at = result.extrapolative.infos[-1]["step"]
    assert at % 2 == 0
    assert result.steps == at - 1
    assert 0 < at < 40
    grade = result.extrapolative.infos[-1]["grade"]
    assert grade > 5
    assert result.trace is not None
    assert result.trace.steps[-1] == at
    assert result.grades[-1] == grade
    assert calculator().get_property("grade", result.last) == pytest.approx(grade, rel=1e-7)
    others = [info["step"] for info in result.extrapolative.infos][:-1]
    assert all(step % 10 == 0 for step in others)


@pytest.mark.usefixtures("lammps")
def test_a_frame_with_atoms_too_close_is_not_kept():
    scenario = dynamics(record_every=2, limits=Limits(minimum_distance=2.5))
    result = scenario.run(calculator(), Thresholds(1e-3, 1e6), seed=1)
    assert result.reason is StopReason.TOO_CLOSE
    assert "the limit is 2.5 A" in result.message
    kept = result.extrapolative
    assert 0 < len(kept) < 21
    for one in kept:
        distances = one.get_all_distances(mic=True)
        assert distances[np.triu_indices(len(one), 1)].min() >= 2.5
    assert result.steps == kept.infos[-1]["step"] + 1


@pytest.mark.usefixtures("lammps")
def test_lost_atoms():
    text = WARM.replace("${boundary}", "f f f").replace(
        "run ", "change_box all x final 0 4.2\nrun "
    )
    result = dynamics(text=text).run(calculator(), Thresholds(2.0, 1e6), seed=1)
    assert result.reason is StopReason.LOST_ATOM
    assert "Lost atoms" in result.message
    assert "the last lines of its log" in result.message
    assert result.steps == 0


@pytest.mark.usefixtures("lammps")
@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("fix 1 all nonsense", "Unrecognized fix style 'nonsense'"),
        ("delete_atoms random count 3 yes all NULL 5", "other atoms than the 32 it was given"),
        ("delete_atoms group all", "other atoms than the 32 it was given"),
        ("undump nothing", "Could not find undump ID: nothing"),
    ],
)
def test_a_template_that_fails(line: str, message: str):
    text = WARM.replace("run ", f"{line}\nrun ")
    result = dynamics(text=text).run(calculator(), Thresholds(1e3, 1e6), seed=1)
    assert result.reason is StopReason.FAILED
    assert message in result.message


@pytest.mark.usefixtures("lammps")
def test_a_template_that_runs_too_few_steps():
    text = WARM.replace("run         ${steps}", "print ${steps}\nrun 7")
    result = dynamics(text=text).run(calculator(), Thresholds(), seed=1)
    assert result.reason is StopReason.FAILED
    assert "after 7 of 40 steps" in result.message
    assert result.steps == 7


@pytest.mark.usefixtures("lammps")
def test_inputs_are_tried_without_a_step():
    good = dynamics(ranks=2)
    good.check(("Cu",), Thresholds())
    bad = dynamics(text=WARM.replace("langevin", "langewin"))
    with pytest.raises(DataError, match=r"in\.warm: LAMMPS cannot use it: .*langewin"):
        bad.check(("Cu",), Thresholds())
    plain = dynamics(text=WARM.replace("run ", "min_style nonsense\nrun "))
    with pytest.raises(DataError, match="nonsense"):
        plain.check(("Cu",), Thresholds())


@pytest.mark.usefixtures("lammps")
@pytest.mark.parametrize("ranks", [1, 2])
def test_from_a_process_of_another_mpi_run(ranks: int, monkeypatch: pytest.MonkeyPatch):
    for name, value in (("PMI_RANK", "1"), ("PMI_SIZE", "2"), ("PMI_FD", "7")):
        monkeypatch.setenv(name, value)
    result = dynamics(ranks=ranks).run(calculator(), Thresholds(1e3, 1e6), seed=1)
    assert result.reason is StopReason.FINISHED, result.message


@pytest.mark.usefixtures("lammps")
def test_a_run_that_takes_too_long():
    scenario = dynamics(steps=10**8, timeout=4.0, ranks=2)
    result = scenario.run(calculator(), Thresholds(1e-3, 1e6), seed=1)
    assert result.reason is StopReason.FAILED
    assert result.message == "LAMMPS took longer than 4 s, the given timeout"
    assert result.trace is not None
    assert 0 < result.trace.steps[-1] == result.steps
    assert len(result.extrapolative) > 0


@pytest.mark.usefixtures("lammps")
def test_slabs_and_other_files(tmp_path: Path):
    slab = crystal()
    slab.center(vacuum=6.0, axis=2)
    slab.pbc = [True, True, False]
    (tmp_path / "thermostat").write_text("fix bath all langevin 300 300 0.1 ${seed}\n")
    text = WARM.replace("fix         bath", "include ${folder}/thermostat\n# fix bath")
    scenario = replace(dynamics(slab, text=text), folder=str(tmp_path))
    result = scenario.run(calculator(), Thresholds(1e3, 1e6), seed=1)
    assert result.reason is StopReason.FINISHED, result.message
    np.testing.assert_array_equal(result.last.pbc, slab.pbc)


@pytest.mark.usefixtures("lammps")
def test_the_template_of_the_documentation():
    """A cell that is sheared: it comes back in its own orientation."""
    text = (Path(__file__).parents[2] / "docs/campaigns/lammps.md").read_text()
    shown = re.search(r"`in.shear`:\n\n```text\n(.*?)```", text, re.DOTALL)
    assert shown is not None
    scenario = dynamics(text=shown[1], variables={"rate": 0.5}, record_every=20)
    result = scenario.run(calculator(), Thresholds(1e-3, 1e6), seed=1)
    assert result.reason is StopReason.FINISHED, result.message
    cell = crystal().cell.array
    # fix deform moves the cell after forces were computed, so that the frame is a step behind.
    for atoms, steps in ((result.last, 40), (result.extrapolative[-1], 39)):
        cell[1, 0] = 0.5 * 0.002 * steps * cell[1, 1]
        np.testing.assert_allclose(atoms.cell.array, cell, rtol=0, atol=1e-10)


def test_grades_of_an_active_set_are_needed():
    refusal = "by an active set or by expected errors, not by a committee"
    with pytest.raises(DataError, match=refusal):
        dynamics().run(maxvolt.Calculator(copper(), threads=1), Thresholds(), seed=1)
