"""Expected force errors in LAMMPS: the numbers of Python, thresholds, what is refused."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io.lammpsdata import write_lammps_data
from lammps_runs import in_the_frame_of_lammps, run
from numpy.typing import NDArray

import maxvolt
from maxvolt.uncertainty import Uncertainty
from maxvolt.uncertainty.calibrating import calibrated_with_errors
from maxvolt.uncertainty.calibration import Calibration

INPUT = """\
units       {units}
newton      {newton}
read_data   structure.lammps
mass        * 60.0
pair_style  {style}
pair_coeff  * * pot.maxvolt Al Cu
compute     whole all pair maxvolt
fix         errors all pair 1 maxvolt error 1 bound 1
dump        atoms all custom 1 errors.dump id f_errors[1] f_errors[2]
dump_modify atoms sort id format float %.17g
thermo_style custom step pe c_whole[1] c_whole[2]
thermo_modify norm no format float %.17g
thermo      1
{more}
run         {steps}
"""

MEASURES = {"posterior": ("posterior",), "grade": ("grade",), "both": ("grade", "posterior")}


def alloy(repeat: int, seed: int, spread: float = 0.12) -> Atoms:
    atoms = bulk("Al", cubic=True).repeat(repeat)
    generator = np.random.default_rng(seed)
    atoms.symbols[generator.random(len(atoms)) < 0.4] = "Cu"
    atoms.symbols[:2] = ["Al", "Cu"]
    skew = np.array([[1.0, 0.0, 0.0], [0.11, 1.02, 0.0], [0.06, -0.09, 0.98]])
    atoms.set_cell(atoms.cell.array @ skew, scale_atoms=True)
    atoms.positions += generator.normal(0, spread, atoms.positions.shape)
    atoms.wrap()
    return atoms


@cache
def training() -> maxvolt.Dataset:
    found = []
    for seed in range(30):
        atoms = alloy(1, seed)
        atoms.calc = EMT()
        results = {"energy": atoms.get_potential_energy(), "forces": atoms.get_forces()}
        atoms.calc = SinglePointCalculator(atoms, **results)
        found.append(atoms)
    return maxvolt.Dataset.from_atoms(found)


@cache
def potential() -> maxvolt.MTP:
    untrained = maxvolt.MTP(8, ["Al", "Cu"], 4.6, 1.9)
    fitted = maxvolt.fit(untrained, training(), starts=1, max_iterations=15, progress=False)
    assert isinstance(fitted.potential, maxvolt.MTP)
    return fitted.potential


@cache
def calibrated(kind: str, with_length: bool) -> Uncertainty:
    found, errors = calibrated_with_errors(potential(), None, training(), MEASURES[kind])
    calibration = Calibration.from_errors(errors, force_length=with_length, bins=2)
    return replace(found, calibration=calibration)


def write_input(
    folder: Path, atoms: Atoms, style: str, newton: str = "on", units: str = "metal", **more: object
) -> str:
    write_lammps_data(
        str(folder / "structure.lammps"), atoms, specorder=["Al", "Cu"], force_skew=True
    )
    filled = {"more": "", "steps": 0, **more}
    return INPUT.format(newton=newton, style=style, units=units, **filled)


def dumped(folder: Path, count: int) -> NDArray[np.float64]:
    """Errors and bounds of the first step, in the order of the atoms."""
    rows = (folder / "errors.dump").read_text().split("ITEM: ATOMS")[1].splitlines()
    return np.array([row.split()[1:] for row in rows[1 : 1 + count]], float)


def columns(stdout: str) -> list[list[str]]:
    lines = [line.split() for line in stdout.splitlines()]
    header = next(k for k, words in enumerate(lines) if words[:2] == ["Step", "PotEng"])
    found = []
    for words in lines[header + 1 :]:
        if not words or not words[0].isdigit():
            break
        found.append(words)
    return found


@pytest.mark.parametrize("newton", ["on", "off"])
@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize("repeat", [1, 3])
@pytest.mark.parametrize("with_length", [False, True])
@pytest.mark.parametrize("kind", MEASURES)
def test_errors_and_bounds_are_those_of_python(
    kind: str, with_length: bool, repeat: int, ranks: int, newton: str, tmp_path: Path
) -> None:
    of = calibrated(kind, with_length)
    of.write(tmp_path / "pot.maxvolt")
    atoms = in_the_frame_of_lammps(alloy(repeat, 99))
    units = "real" if repeat == 1 else "metal"
    done = run(tmp_path, write_input(tmp_path, atoms, "maxvolt coverage 0.8", newton, units), ranks)
    assert done.returncode == 0, done.stdout[-2000:]
    expected = of.of(atoms)
    found = dumped(tmp_path, len(atoms))
    np.testing.assert_allclose(found[:, 0], expected.forces, rtol=1e-10)
    np.testing.assert_allclose(found[:, 1], expected.interval(0.8).forces, rtol=1e-10)
    assert np.isfinite(found).all()
    (row,) = columns(done.stdout)
    assert float(row[3]) == pytest.approx(expected.structures[0], rel=1e-10)


MOVING = """\
velocity    all create 900 1
timestep    0.002
fix         move all nve
"""


@pytest.mark.parametrize("ranks", [1, 2])
def test_frames_above_select_are_written_until_the_break(ranks: int, tmp_path: Path) -> None:
    of = calibrated("posterior", True)
    of.write(tmp_path / "pot.maxvolt")
    atoms = in_the_frame_of_lammps(alloy(2, 5, 0.02))
    text = write_input(tmp_path, atoms, "maxvolt", steps=30, more=MOVING)
    found = np.array([float(row[3]) for row in columns(run(tmp_path, text, ranks).stdout)])
    select, stop = found[:10].max() * 1.0000001, found.max() * 0.9999999
    style = f"maxvolt select {select:.17g} break {stop:.17g} unit eV/A every 2 frames found.xyz"
    without_fix = "\n".join(
        line for line in text.splitlines() if not line.startswith(("fix         errors", "dump"))
    )
    done = run(tmp_path, without_fix.replace("pair_style  maxvolt", f"pair_style  {style}"), ranks)
    assert done.returncode != 0
    first = int(np.argmax(found > stop))
    steps = [k for k in range(0, first, 2) if found[k] > select] + [first]
    frames = maxvolt.read(tmp_path / "found.xyz")
    assert [info["step"] for info in frames.infos] == steps
    again = of.of(frames)
    np.testing.assert_allclose(again.structures, found[steps], rtol=1e-7)
    noted = [info["expected_force_error"] for info in frames.infos]
    np.testing.assert_allclose(noted, found[steps], rtol=1e-8)
    arrays = np.concatenate([info["arrays"]["expected_force_errors"] for info in frames.infos])
    np.testing.assert_allclose(arrays, again.forces, rtol=1e-6)
    said = re.search(
        r"expected force error (\S+) eV/A of atom (\d+) at step (\d+) is above break = \S+ eV/A; "
        "the frame was written to found.xyz",
        done.stdout,
    )
    assert said
    assert float(said[1]) == pytest.approx(found[first], rel=1e-5)
    assert int(said[2]) == 1 + np.argmax(again.forces[-len(atoms) :])
    assert int(said[3]) == first


def test_a_soft_stop_and_a_frame_of_mlip(tmp_path: Path) -> None:
    of = calibrated("both", False)
    of.write(tmp_path / "pot.maxvolt")
    atoms = in_the_frame_of_lammps(alloy(2, 5))
    style = "maxvolt break 1e-6 unit eV/A stop soft frames found.cfg"
    text = write_input(tmp_path, atoms, style, steps=5, more=MOVING) + "print goes-on-$(step)\n"
    done = run(tmp_path, text, 2)
    assert done.returncode == 0, done.stdout[-2000:]
    assert re.search(r"\ngoes-on-[01]\n", done.stdout)
    assert re.search(
        r"steps above a threshold, the worst with expected force error \S+ eV/A of", done.stdout
    )
    frames = maxvolt.read(tmp_path / "found.cfg", species=["Al", "Cu"])
    assert float(frames.infos[0]["expected_force_error"]) == pytest.approx(
        of.of(atoms).structures[0], rel=1e-8
    )


@pytest.mark.parametrize(
    ("style", "message"),
    [
        ("maxvolt select 1 unit kcal", "unit is 'kcal'; expected eV/A"),
        ("maxvolt select 1 coverage 90", "coverage is '90'; expected a number between 0 and 1"),
        ("maxvolt select 1 break 0.5 unit eV/A", "break is below select"),
        ("maxvolt select 1 unit eV/A cut 2", "cut is 2; expected at least the cutoff"),
    ],
)
def test_settings_that_are_refused(style: str, message: str, tmp_path: Path) -> None:
    calibrated("posterior", False).write(tmp_path / "pot.maxvolt")
    done = run(tmp_path, write_input(tmp_path, alloy(1, 0), style), 1)
    assert done.returncode != 0
    assert message in done.stdout


@pytest.mark.parametrize("ranks", [1, 2])
def test_without_a_calibration_there_are_no_errors(ranks: int, tmp_path: Path) -> None:
    potential().write_compiled(tmp_path / "pot.maxvolt")
    for style in ("maxvolt", "maxvolt select 0.1 unit eV/A"):
        done = run(tmp_path, write_input(tmp_path, alloy(1, 0), style), ranks)
        assert done.returncode != 0
        assert "pot.maxvolt has no calibration, by which errors are expected" in done.stdout


def test_an_atom_whose_error_is_not_finite_is_named_by_its_id(tmp_path: Path) -> None:
    of = calibrated("posterior", False)
    force = of.calibration.force
    steep = replace(
        force.model, floors=np.array([10.0]), exponents=np.array([2.0]), prefactor=1e307
    )
    endless = replace(of.calibration, force=replace(force, model=steep))
    replace(of, calibration=endless).write(tmp_path / "pot.maxvolt")
    atoms = alloy(1, 0)
    text = write_input(tmp_path, atoms, "maxvolt")
    data = tmp_path / "structure.lammps"
    head, rows = data.read_text().split("Atoms # atomic")
    renamed = [line.split() for line in rows.splitlines() if line.split()]
    lines = [" ".join([str(int(words[0]) + 40), *words[1:]]) for words in renamed]
    data.write_text(f"{head}Atoms # atomic\n\n" + "\n".join(lines) + "\n")
    done = run(tmp_path, text)
    assert done.returncode != 0
    said = re.search(r"the expected error of atom with id (\d+) is not finite", done.stdout)
    assert said, done.stdout[-1000:]
    assert 41 <= int(said[1]) <= 40 + len(atoms)


@pytest.mark.parametrize("ranks", [1, 2])
def test_damaged_files_are_named(ranks: int, tmp_path: Path) -> None:
    of = calibrated("both", True)
    of.write(tmp_path / "pot.maxvolt")
    whole = (tmp_path / "pot.maxvolt").read_bytes()
    text = write_input(tmp_path, alloy(1, 0), "maxvolt select 0.1 unit eV/A")
    at = whole.index(b"errors.factor") + 40
    damaged = {
        "short": whole[:-100],
        "changed": whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :],
        "empty": b"",
    }
    for content in damaged.values():
        (tmp_path / "pot.maxvolt").write_bytes(content)
        done = run(tmp_path, text, ranks)
        assert done.returncode != 0
        assert "ERROR: pair_style maxvolt: pot.maxvolt" in done.stdout
    of.write(tmp_path / "pot.uncertainty")
    done = run(tmp_path, text.replace("pot.maxvolt", "pot.uncertainty"), ranks)
    assert done.returncode != 0
    assert "maxvolt compile POT --uncertainty pot.uncertainty -o pot.maxvolt" in done.stdout
