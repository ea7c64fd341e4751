"""pair_style maxvolt against Python: energies, forces, stress, shares of atoms in it."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms, units
from ase.build import bulk
from ase.geometry import find_mic
from ase.io.lammpsdata import write_lammps_data
from lammps_cases import ELEMENTS, STRUCTURES, alloy, pair_of, potential, soft_potential
from lammps_runs import evaluate, in_the_frame_of_lammps, run

import maxvolt
from maxvolt.potentials.mtp.basis.repulsion import ZBL
from maxvolt.potentials.mtp.reduction import reduced


@pytest.mark.parametrize(("ranks", "newton"), list(product((1, 2, 4), ("on", "off"))))
@pytest.mark.parametrize("name", STRUCTURES)
def test_lammps_gives_what_python_gives(name: str, ranks: int, newton: str, tmp_path: Path) -> None:
    atoms = in_the_frame_of_lammps(STRUCTURES[name]())
    used = potential()
    atoms.calc = maxvolt.Calculator(used)
    found = evaluate(
        tmp_path, atoms, pair_of(tmp_path, used), list(ELEMENTS), ranks=ranks, newton=newton
    )
    expected = used.evaluate(atoms)
    size = max(1.0, abs(expected.forces).max())
    assert found.energy == pytest.approx(expected.energy, rel=1e-12)
    np.testing.assert_allclose(found.forces, expected.forces, rtol=0, atol=1e-12 * size)
    np.testing.assert_allclose(found.energies, expected.site_energies, rtol=1e-11, atol=1e-12)
    shares = atoms.calc.get_property("atomic_virials", atoms)
    np.testing.assert_allclose(found.shares, shares, rtol=0, atol=1e-12 * abs(shares).max())
    if expected.stress is not None:
        scale = max(1e-6, abs(expected.stress).max())
        np.testing.assert_allclose(found.stress, expected.stress, rtol=0, atol=1e-12 * scale)
        total = -found.summed[[0, 1, 2, 5, 4, 3]] / atoms.get_volume()
        np.testing.assert_allclose(total, -found.stress, rtol=0, atol=1e-12 * scale)


@pytest.mark.parametrize("level", [2, 6, 14])
def test_levels_and_repulsion(level: int, tmp_path: Path) -> None:
    atoms = in_the_frame_of_lammps(alloy(2))
    used = potential(level, repulsion=ZBL(1.0, 2.0))
    found = evaluate(tmp_path, atoms, pair_of(tmp_path, used), list(ELEMENTS), ranks=2)
    expected = used.evaluate(atoms)
    np.testing.assert_allclose(
        found.forces, expected.forces, rtol=0, atol=1e-12 * abs(expected.forces).max()
    )


def test_a_pruned_potential(tmp_path: Path) -> None:
    atoms = in_the_frame_of_lammps(alloy(2))
    used = reduced(potential(14), np.array([1, 4, 11, 30, 47]))
    found = evaluate(tmp_path, atoms, pair_of(tmp_path, used), list(ELEMENTS), ranks=2)
    expected = used.evaluate(atoms)
    size = abs(expected.forces).max()
    assert found.energy == pytest.approx(expected.energy, rel=1e-12)
    np.testing.assert_allclose(found.forces, expected.forces, rtol=0, atol=1e-12 * size)


def test_elements_are_found_by_name(tmp_path: Path) -> None:
    atoms = in_the_frame_of_lammps(alloy(2))
    used = potential(species=("Au", "Cu"))
    found = evaluate(tmp_path, atoms, pair_of(tmp_path, used), list(ELEMENTS))
    np.testing.assert_allclose(found.forces, used.evaluate(atoms).forces, rtol=0, atol=1e-11)


@pytest.mark.parametrize("newton", ["on", "off"])
def test_types_of_another_style_are_left_out(newton: str, tmp_path: Path) -> None:
    """With hybrid/overlay, types that are NULL do not exist for the potential."""
    atoms = in_the_frame_of_lammps(alloy(3))
    used = potential(species=("Cu",))
    used.write_compiled(tmp_path / "pot.maxvolt")
    pair = (
        "pair_style hybrid/overlay maxvolt zero 3.0\n"
        "pair_coeff * * maxvolt pot.maxvolt Cu NULL\npair_coeff * * zero"
    )
    found = evaluate(tmp_path, atoms, pair, list(ELEMENTS), ranks=2, newton=newton)
    copper = atoms.symbols == "Cu"
    expected = used.evaluate(atoms[copper])
    assert found.energy == pytest.approx(expected.energy, rel=1e-12)
    size = abs(expected.forces).max()
    np.testing.assert_allclose(found.forces[copper], expected.forces, rtol=0, atol=1e-12 * size)
    np.testing.assert_array_equal(found.forces[~copper], 0.0)


def test_dynamics_conserve_the_energy(tmp_path: Path) -> None:
    """Neighbours are built again as atoms move from rank to rank."""
    atoms = in_the_frame_of_lammps(bulk("Cu", cubic=True).repeat(4))
    write_lammps_data(str(tmp_path / "structure.lammps"), atoms, specorder=["Cu"], force_skew=True)
    soft = soft_potential(("Cu",))
    text = f"""\
units       metal
read_data   structure.lammps
mass        1 63.5
{pair_of(tmp_path, soft, "Cu")}
velocity    all create 600 1
neighbor    0.5 bin
timestep    0.0005
fix         move all nve
thermo_style custom step etotal
thermo_modify norm no format float %.15g
thermo      100
run         400
"""
    done = run(tmp_path, text, ranks=2)
    assert done.returncode == 0, done.stdout[-2000:]
    lines = [line.split() for line in done.stdout.splitlines()]
    header = lines.index(["Step", "TotEng"])
    totals = [float(row[1]) for row in lines[header + 1 : header + 6]]
    kinetic = 1.5 * 256 * 8.617333e-5 * 600
    assert np.ptp(totals) < 1e-4 * kinetic


LAYOUTS = {
    "grid": "processors 1 * *",
    "bricks of other sizes": "comm_modify mode single cutoff 9.0\nbalance 1.0 shift xyz 5 1.01",
    "tiles": "comm_style tiled\nbalance 1.0 rcb",
    "tiles that change": "comm_style tiled\nfix even all balance 5 1.0 rcb",
    "order of atoms": "atom_modify sort 3 2.0",
    "lists": "neighbor 0.4 nsq\nneigh_modify every 2 delay 4 check yes page 200000 one 5000",
}

LAID_OUT = """\
units       metal
newton      {newton}
{before}
read_data   structure.lammps
mass        1 63.5
{pair}
{after}
velocity    all create 600 1 loop all
timestep    0.001
fix         move all nve
thermo_style custom step pe etotal press
thermo_modify norm no format float %.15g
run         20
"""


@pytest.mark.parametrize("newton", ["on", "off"])
@pytest.mark.parametrize("name", LAYOUTS)
def test_atoms_may_be_shared_out_in_any_way(name: str, newton: str, tmp_path: Path) -> None:
    """The same motion, to rounding, as on one rank."""
    atoms = in_the_frame_of_lammps(bulk("Cu", cubic=True).repeat(4))
    del atoms[[atom.index for atom in atoms if atom.z > 10 and atom.x > 7]]  # uneven
    write_lammps_data(str(tmp_path / "structure.lammps"), atoms, specorder=["Cu"], force_skew=True)
    pair = pair_of(tmp_path, soft_potential(("Cu",)), "Cu")
    before, after = ("", LAYOUTS[name])
    if name in ("grid", "order of atoms"):
        before, after = after, before
    found = []
    for ranks in (1, 4):
        text = LAID_OUT.format(newton=newton, before=before, after=after, pair=pair)
        done = run(tmp_path, text if ranks > 1 else text.replace(LAYOUTS[name], ""), ranks)
        assert done.returncode == 0, done.stdout[-2000:]
        lines = [line.split() for line in done.stdout.splitlines()]
        header = next(k for k, words in enumerate(lines) if words[:2] == ["Step", "PotEng"])
        found.append(np.array(lines[header + 2][1:], float))
    np.testing.assert_allclose(found[1], found[0], rtol=1e-9)


def test_respa_is_refused(tmp_path: Path) -> None:
    write_structure(tmp_path)
    pair = pair_of(tmp_path, potential(4, ("Cu",)), "Cu")
    text = f"units metal\nread_data structure.lammps\nmass 1 63.5\n{pair}\nfix m all nve\n"
    done = run(tmp_path, text + "run_style respa 2 2 pair 1\nrun 1\n")
    assert done.returncode != 0
    assert "cannot be split among the levels of run_style respa" in done.stdout


def write_structure(folder: Path) -> None:
    write_lammps_data(str(folder / "structure.lammps"), bulk("Cu", cubic=True), specorder=["Cu"])


@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize(
    ("style", "coefficients", "message"),
    [
        ("maxvolt 3", "* * pot.maxvolt Cu", "'3' is not known; expected select, break"),
        ("maxvolt select", "* * pot.maxvolt Cu", "'select' needs a value"),
        ("maxvolt select two", "* * pot.maxvolt Cu", "select is 'two'; expected a number above 0"),
        ("maxvolt select 5 break 2", "* * pot.maxvolt Cu", "break is below select"),
        ("maxvolt every 1.5", "* * pot.maxvolt Cu", "every is '1.5'; expected a whole number"),
        ("maxvolt stop now", "* * pot.maxvolt Cu", "stop is 'now'; expected error or soft"),
        ("maxvolt select 2", "* * pot.maxvolt Cu", "pot.maxvolt has no active set"),
        ("maxvolt", "* * none.maxvolt Cu", r"none\.maxvolt: cannot be opened"),
        ("maxvolt", "* * cut.maxvolt Cu", r"cut\.maxvolt: compiled model"),
        (
            "maxvolt",
            "* * text.maxvolt Cu",
            r"text\.maxvolt, line 1: this is neither a compiled",
        ),
        ("maxvolt", "* * pot.maxvolt Fe", "describes Cu, not Fe"),
        ("maxvolt", "* * pot.maxvolt", "an element or NULL for each of the 1 atom types"),
    ],
)
def test_what_cannot_be_used_is_an_error_of_lammps(
    style: str, coefficients: str, message: str, ranks: int, tmp_path: Path
) -> None:
    write_structure(tmp_path)
    potential(4, ("Cu",)).write_compiled(tmp_path / "pot.maxvolt")
    content = (tmp_path / "pot.maxvolt").read_bytes()
    (tmp_path / "cut.maxvolt").write_bytes(content[:-7])
    (tmp_path / "text.maxvolt").write_text("no potential\n" * 10)
    text = (
        "units metal\nread_data structure.lammps\nmass 1 63.5\n"
        f"pair_style {style}\npair_coeff {coefficients}\nrun 0\n"
    )
    done = run(tmp_path, text, ranks)
    assert done.returncode != 0
    assert "ERROR" in done.stdout
    assert re.search(message, done.stdout), done.stdout[-1000:]


def test_units_real_are_converted_and_others_refused(tmp_path: Path) -> None:
    atoms = in_the_frame_of_lammps(alloy(1))
    used = potential()
    pair = pair_of(tmp_path, used)
    found = evaluate(tmp_path, atoms, pair, list(ELEMENTS), units="real")
    calorie = 23.060549  # kcal/mol in an eV, as LAMMPS has it
    expected = used.evaluate(atoms)
    assert found.energy == pytest.approx(calorie * expected.energy, rel=1e-12)
    size = calorie * abs(expected.forces).max()
    np.testing.assert_allclose(found.forces, calorie * expected.forces, rtol=0, atol=1e-12 * size)
    per_atom = calorie * np.asarray(expected.site_energies)
    np.testing.assert_allclose(found.energies, per_atom, rtol=1e-11, atol=1e-12)
    done = run(tmp_path, (tmp_path / "in.lammps").read_text().replace("real", "si"))
    assert done.returncode != 0
    assert "it needs 'units metal' or 'units real' (Angstrom); these are units si" in done.stdout


FLUX = """\
units       metal
boundary    p p p
read_data   structure.lammps
mass        1 63.5
mass        2 197.0
{pair}
velocity    all create 3000 1 mom no rot no
timestep    1e-6
fix         move all nve
compute     potential all pe/atom
compute     kinetic all ke/atom
compute     shares all centroid/stress/atom NULL virial
compute     flux all heat/flux kinetic potential shares
thermo_style custom step pe c_flux[1] c_flux[2] c_flux[3]
thermo_modify format float %.17g
thermo      1
dump        atoms all custom 1 atoms.dump id x y z c_potential c_kinetic
dump_modify atoms sort id format float %.17g
run         2
"""


@pytest.mark.parametrize("ranks", [1, 2])
def test_the_heat_flux_is_the_motion_of_the_energies(ranks: int, tmp_path: Path) -> None:
    """Of atoms far from their images it is the derivative of sum r_i e_i by time."""
    atoms = Atoms("CuAuCu", [[11, 11, 11], [12.9, 11.6, 11.4], [11.2, 13.1, 12]], cell=[24] * 3)
    atoms.pbc = True
    write_lammps_data(str(tmp_path / "structure.lammps"), atoms, specorder=list(ELEMENTS))
    done = run(tmp_path, FLUX.format(pair=pair_of(tmp_path, potential(10))), ranks)
    assert done.returncode == 0, done.stdout[-2000:]
    lines = [line.split() for line in done.stdout.splitlines()]
    start = next(k for k, words in enumerate(lines) if words[:2] == ["Step", "PotEng"])
    flux = np.array(lines[start + 2][2:5], float)
    blocks = (tmp_path / "atoms.dump").read_text().split("ITEM: TIMESTEP")[1:]
    frames = [np.array([row.split() for row in b.splitlines()[-3:]], float) for b in blocks]
    moments = [(f[:, 1:4] * f[:, 4:].sum(axis=1, keepdims=True)).sum(axis=0) for f in frames]
    derivative = (moments[2] - moments[0]) / 2e-6
    np.testing.assert_allclose(flux, derivative, rtol=0, atol=2e-6 * abs(flux).max())


CRYSTAL_FLUX = """\
units       metal
read_data   structure.lammps
{pair}
compute     potential all pe/atom
compute     kinetic all ke/atom
compute     shares all centroid/stress/atom NULL virial
compute     flux all heat/flux kinetic potential shares
thermo_style custom step pe c_flux[1] c_flux[2] c_flux[3]
thermo_modify format float %.17g
run         0
"""


@pytest.mark.parametrize("ranks", [1, 2])
def test_the_heat_flux_of_a_crystal_is_what_its_atoms_do_to_each_other(
    ranks: int, tmp_path: Path
) -> None:
    """Equation (124) by differences: one atom after the other moves, all others say their energy.

    The cell is larger than twice the cutoff, so that each pair has one distance.
    """
    used = potential(10)
    atoms = in_the_frame_of_lammps(alloy(3, seed=3))
    heights = 1 / np.linalg.norm(np.linalg.inv(atoms.cell.array), axis=0)
    assert heights.min() > 2 * used.cutoff
    per_ps = np.random.default_rng(5).normal(scale=4.0, size=(len(atoms), 3))
    atoms.set_velocities(per_ps / (1e3 * units.fs))
    atoms.calc = maxvolt.Calculator(used)
    energies = atoms.get_potential_energies()
    kinetic = 0.5 * atoms.get_masses() * (atoms.get_velocities() ** 2).sum(axis=1)
    expected = ((energies + kinetic)[:, None] * per_ps).sum(axis=0)
    step = 1e-5
    for j in range(len(atoms)):
        moved = []
        for sign in (1, -1):
            other = atoms.copy()
            other.positions[j] += sign * step * per_ps[j]
            moved.append(used.evaluate(other).site_energies)
        power = (moved[0] - moved[1]) / (2 * step)
        vectors, _ = find_mic(atoms.positions - atoms.positions[j], atoms.cell, atoms.pbc)
        expected += (vectors * power[:, None]).sum(axis=0)
    write_lammps_data(
        str(tmp_path / "structure.lammps"),
        atoms,
        specorder=list(ELEMENTS),
        velocities=True,
        units="metal",
        masses=True,
    )
    done = run(tmp_path, CRYSTAL_FLUX.format(pair=pair_of(tmp_path, used)), ranks)
    assert done.returncode == 0, done.stdout[-2000:]
    lines = [line.split() for line in done.stdout.splitlines()]
    start = next(k for k, words in enumerate(lines) if words[:2] == ["Step", "PotEng"])
    flux = np.array(lines[start + 1][2:5], float)
    np.testing.assert_allclose(flux, expected, rtol=0, atol=1e-6 * abs(expected).max())


RESTARTED = """\
units       metal
newton      on
boundary    p p p
{begin}
velocity    all {velocities}
timestep    0.001
fix         move all nve
run         {steps}
write_restart after.restart
write_dump  all custom after.dump id x y z modify sort id format float %.17g
"""


def test_a_restart_file_holds_style_and_potential(tmp_path: Path) -> None:
    atoms = in_the_frame_of_lammps(alloy(2))
    write_lammps_data(str(tmp_path / "structure.lammps"), atoms, specorder=list(ELEMENTS))
    pair = pair_of(tmp_path, soft_potential())
    begin = f"read_data structure.lammps\nmass * 100.0\n{pair}"
    for name, steps in (("whole", 20), ("half", 10)):
        text = RESTARTED.format(begin=begin, velocities="create 300 1", steps=steps)
        assert run(tmp_path, text, 2).returncode == 0
        (tmp_path / "after.dump").rename(tmp_path / f"{name}.dump")
    (tmp_path / "after.restart").rename(tmp_path / "half.restart")
    text = RESTARTED.format(begin="read_restart half.restart", velocities="scale 1", steps=10)
    text = text.replace("velocity    all scale 1\n", "")
    done = run(tmp_path, text, 2)
    assert done.returncode == 0, done.stdout[-2000:]
    expected, found = (
        np.loadtxt(tmp_path / name, skiprows=9) for name in ("whole.dump", "after.dump")
    )
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9)
    (tmp_path / "pot.maxvolt").unlink()
    done = run(tmp_path, text, 2)
    assert done.returncode != 0
    assert "pot.maxvolt of the restart file is not here; pair_coeff must name" in done.stdout


def test_coincident_atoms_are_named(tmp_path: Path) -> None:
    atoms = Atoms("Cu3", [[1, 1, 1], [4, 4, 4], [4, 4, 4]], cell=[20, 20, 20], pbc=True)
    write_lammps_data(str(tmp_path / "structure.lammps"), atoms, specorder=["Cu"])
    text = (
        "units metal\nread_data structure.lammps\nmass 1 63.5\n"
        f"{pair_of(tmp_path, potential(4, ('Cu',)), 'Cu')}\nrun 0\n"
    )
    done = run(tmp_path, text)
    assert done.returncode != 0
    assert "atom with id 2 coincides with another atom (step 0)" in done.stdout


WITHOUT_IDS = """\
units       metal
atom_modify id no
region      box block 0 20 0 20 0 20
create_box  1 box
create_atoms 1 single 1 1 1
create_atoms 1 single 4 4 4
create_atoms 1 single 4 4 {z}
mass        1 63.5
{pair}
compute     size all reduce sumsq fx fy fz
thermo_style custom step pe c_size[*]
thermo_modify norm no format float %.17g
run         0
"""


@pytest.mark.parametrize("ranks", [1, 2])
def test_atoms_without_ids(ranks: int, tmp_path: Path) -> None:
    used = potential(4, ("Cu",))
    pair = pair_of(tmp_path, used, "Cu")
    done = run(tmp_path, WITHOUT_IDS.format(pair=pair, z=6.5), ranks)
    assert done.returncode == 0, done.stdout[-1000:]
    lines = [line.split() for line in done.stdout.splitlines()]
    header = next(k for k, words in enumerate(lines) if words[:2] == ["Step", "PotEng"])
    found = np.array(lines[header + 1], float)
    atoms = Atoms("Cu3", [[1, 1, 1], [4, 4, 4], [4, 4, 6.5]], cell=[20, 20, 20], pbc=True)
    atoms.calc = maxvolt.Calculator(used)
    assert found[1] == pytest.approx(atoms.get_potential_energy(), rel=1e-12)
    np.testing.assert_allclose(found[2:], (atoms.get_forces() ** 2).sum(axis=0), rtol=1e-10)
    done = run(tmp_path, WITHOUT_IDS.format(pair=pair, z=4), ranks)
    assert done.returncode != 0
    assert "atom at 4 4 4 coincides with another atom (step 0)" in done.stdout
