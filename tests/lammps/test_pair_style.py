"""pair_style maxvolt against Python: energies, forces, stress, shares of atoms in it."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.io.lammpsdata import write_lammps_data
from lammps_runs import evaluate, in_the_frame_of_lammps, run

import maxvolt
from maxvolt.potentials.mtp.basis.repulsion import ZBL

ELEMENTS = ("Cu", "Au")


def potential(
    level: int = 8, species: tuple[str, ...] = ELEMENTS, repulsion: ZBL | None = None
) -> maxvolt.MTP:
    """A potential with random coefficients."""
    random = np.random.default_rng(level)
    new = maxvolt.MTP(level, species, 4.6, 1.5, repulsion=repulsion)
    model = new.model
    return new.with_coefficients(
        0.1 * random.normal(size=model.radial_coeffs.shape),
        random.normal(size=model.species_coeffs.shape),
        0.1 * random.normal(size=model.moment_coeffs.shape),
    )


def alloy(repeat: int, seed: int = 0) -> Atoms:
    """A rattled crystal of both elements in a skewed cell, far off its places."""
    atoms = bulk("Cu", cubic=True).repeat(repeat)
    random = np.random.default_rng(seed)
    atoms.symbols[random.random(len(atoms)) < 0.4] = "Au"
    atoms.symbols[:2] = ["Cu", "Au"]
    skew = np.array([[1.0, 0.0, 0.0], [0.11, 1.02, 0.0], [0.06, -0.09, 0.98]])
    atoms.set_cell(atoms.cell.array @ skew, scale_atoms=True)
    atoms.positions += random.normal(0, 0.1, atoms.positions.shape)
    atoms.wrap()
    return atoms


def slab() -> Atoms:
    atoms = bulk("Cu", cubic=True).repeat((2, 2, 1))
    atoms.symbols[3] = "Au"
    atoms.positions[:, 2] += 2.0
    atoms.cell[2, 2] += 12.0
    atoms.pbc = [True, True, False]
    atoms.rattle(0.1, seed=1)
    return atoms


def pair_of(folder: Path, used: maxvolt.MTP, elements: str = "Cu Au") -> str:
    used.write_compiled(folder / "pot.maxvolt")
    return f"pair_style maxvolt\npair_coeff * * pot.maxvolt {elements}"


STRUCTURES = {
    "cell smaller than the cutoff": lambda: alloy(1),
    "crystal": lambda: alloy(3),
    "slab": slab,
    "one atom": lambda: Atoms("Cu", [[1, 1, 1]], cell=[20, 20, 20], pbc=True),
    "pair in an empty cell": lambda: Atoms(
        "CuAu", [[1, 1, 1], [2.5, 2.2, 1.7]], cell=[25, 25, 25], pbc=True
    ),
}


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
    random = potential(6, ("Cu",), ZBL(1.0, 2.0))
    model = random.model  # as soft as a metal
    soft = random.with_coefficients(
        model.radial_coeffs, model.species_coeffs, 1e-3 * model.moment_coeffs
    )
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


def write_structure(folder: Path) -> None:
    write_lammps_data(str(folder / "structure.lammps"), bulk("Cu", cubic=True), specorder=["Cu"])


@pytest.mark.parametrize("ranks", [1, 2])
@pytest.mark.parametrize(
    ("style", "coefficients", "message"),
    [
        ("maxvolt 3", "* * pot.maxvolt Cu", "takes no arguments, found '3'"),
        ("maxvolt", "* * none.maxvolt Cu", r"none\.maxvolt: cannot be opened"),
        ("maxvolt", "* * cut.maxvolt Cu", r"cut\.maxvolt: compiled model"),
        ("maxvolt", "* * text.maxvolt Cu", r"text\.maxvolt: this is no compiled model"),
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
    (tmp_path / "text.maxvolt").write_text("MTP\nversion = 1.1.0\n" * 10)
    text = (
        "units metal\nread_data structure.lammps\nmass 1 63.5\n"
        f"pair_style {style}\npair_coeff {coefficients}\nrun 0\n"
    )
    done = run(tmp_path, text, ranks)
    assert done.returncode != 0
    assert "ERROR" in done.stdout
    assert re.search(message, done.stdout), done.stdout[-1000:]


def test_other_units_are_refused(tmp_path: Path) -> None:
    write_structure(tmp_path)
    text = (
        "units real\nread_data structure.lammps\nmass 1 63.5\n"
        f"{pair_of(tmp_path, potential(4, ('Cu',)), 'Cu')}\nrun 0\n"
    )
    done = run(tmp_path, text)
    assert done.returncode != 0
    assert "needs 'units metal'" in done.stdout


def test_coincident_atoms_are_named(tmp_path: Path) -> None:
    atoms = Atoms("Cu3", [[1, 1, 1], [4, 4, 4], [4, 4, 4]], cell=[20, 20, 20], pbc=True)
    write_lammps_data(str(tmp_path / "structure.lammps"), atoms, specorder=["Cu"])
    text = (
        "units metal\nread_data structure.lammps\nmass 1 63.5\n"
        f"{pair_of(tmp_path, potential(4, ('Cu',)), 'Cu')}\nrun 0\n"
    )
    done = run(tmp_path, text)
    assert done.returncode != 0
    assert "coincides with another atom (atom id 2, step 0)" in done.stdout
