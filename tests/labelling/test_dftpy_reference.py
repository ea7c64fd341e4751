"""DFTpy as the reference: aluminium for real, where it is installed, with an analytic potential."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.units import Bohr, Hartree
from labelling_data import check_forces, check_stress

from maxvolt.errors import LabellingError
from maxvolt.labelling import LabelStore, Reference, collect_jobs, label, write_jobs
from promises import needs

CHARGE, DEPTH, RADIUS, DAMPING = 3.0, 0.11, 1.15, 3.5
"""Of a Heine-Abarenkov potential, -Z/r outside of a radius, constant inside, damped, with about the
numbers of aluminium (Goodwin, Needs and Heine, J. Phys.: Condens. Matter 2, 351, 1990); in atomic
units."""


def heine_abarenkov(q: np.ndarray) -> np.ndarray:
    """Fourier transform for wave numbers above 0, Hartree bohr^3."""
    inside = DEPTH / q * np.sin(q * RADIUS)
    outside = (CHARGE - DEPTH * RADIUS) * np.cos(q * RADIUS)
    return -4 * np.pi / q**2 * (inside + outside) * np.exp(-((q / DAMPING) ** 6))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with ``Al.recpot``, in eV and Angstrom, as DFTpy and CASTEP read it."""
    largest, points = 30.0, 3001
    q = np.linspace(0, largest, points)
    values = np.empty(points)
    values[1:] = heine_abarenkov(q[1:])
    # Without the Coulomb potential's -4 pi Z / q^2.
    values[0] = 4 * np.pi * (CHARGE * RADIUS**2 / 2 - DEPTH * RADIUS**3 / 3)
    lines = "\n".join(f"{value:.15e}" for value in values * Hartree * Bohr**3)
    (tmp_path / "Al.recpot").write_text(
        f"START COMMENT\nHeine-Abarenkov\nEND COMMENT\n3     5\n{largest / Bohr:.12f}\n"
        f"{lines}\n1000\n"
    )
    return tmp_path


def reference(folder: Path, **settings: Any) -> Reference:
    return Reference(
        "dftpy",
        {"pseudopotentials": {"Al": "Al.recpot"}, **settings},
        {"pseudo_dir": str(folder)},
    )


def pair() -> Atoms:
    """Return two aluminium atoms, periodic, with forces, under strain."""
    atoms: Atoms = bulk("Al", "fcc", 4.05) * (2, 1, 1)
    atoms.positions[1] += [0.15, 0.1, -0.05]
    return atoms


@pytest.mark.parametrize("kedf", ["WT", "SM", "FP", "TFvW"])
def test_forces_and_stress(kedf: str, folder: Path, store: LabelStore) -> None:
    needs("dftpy")
    wanted = reference(folder, kedf=kedf)
    check_forces(wanted, pair(), store, atol=2e-3)
    # 2e-4 eV/A^3 is 0.03 GPa; the kernels of WT and SM have a kink at twice the Fermi wave number.
    check_stress(wanted, pair(), store, atol=2e-4)


def test_what_does_not_converge_is_no_label(folder: Path, store: LabelStore) -> None:
    needs("dftpy")
    (quarantined,) = label([pair()], reference(folder, maxiter=3), store).quarantined
    assert quarantined.reason == (
        "not converged: the density is not converged to 1e-08 Hartree per atom after 3 steps"
    )


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"ecut": 500}, "dftpy has no setting ecut here; it knows kedf, xc, spacing"),
        ({"kedf": "MGP"}, "expected one that gives stresses: WT, SM, FP, TFvW or GGA_"),
        ({"kedf": "GGA_NONE"}, "cannot take kedf = 'GGA_NONE'"),
        ({"spacing": 0}, "spacing is 0; expected a number above 0"),
        ({"pseudopotentials": {}}, r"no local pseudopotential for Al.*has Al\.recpot"),
        ({"pseudopotentials": {"Al": "Mg.recpot"}}, r"Mg\.recpot does not exist"),
    ],
)
def test_what_cannot_be_calculated(
    settings: dict[str, Any], complaint: str, folder: Path, store: LabelStore
) -> None:
    needs("dftpy")
    with pytest.raises(LabellingError, match=complaint):
        label([pair()], reference(folder, **settings), store)
    assert store.quarantined() == []


def test_molecules_are_refused(folder: Path, store: LabelStore) -> None:
    needs("dftpy")
    with pytest.raises(LabellingError, match="Al2 is not periodic in three directions"):
        label([Atoms("Al2", [[0, 0, 0], [2.5, 0, 0]])], reference(folder), store)


def test_the_folder_is_that_of_the_settings(folder: Path) -> None:
    file = folder / "al.toml"
    file.write_text('calculator = "dftpy"\n[settings]\npseudopotentials = { Al = "Al.recpot" }\n')
    found = Reference.from_file(file)
    assert found.machine == {"pseudo_dir": str(folder)}
    assert found.key == reference(Path("/elsewhere")).key
    found.code.check(found.complete_settings, found.machine, ["Al"])


def test_jobs_take_the_pseudopotential_along(folder: Path, store: LabelStore) -> None:
    needs("dftpy")
    jobs = folder / "jobs"
    (job,) = write_jobs([pair()], reference(folder, spacing=0.3), jobs, store=store).folders
    (folder / "Al.recpot").rename(folder / "Al.gone")
    script = job / "run.sh"
    assert sys.executable in script.read_text()
    subprocess.run([script], check=True)
    collected = collect_jobs(jobs, store)
    assert len(collected.labelled) == 1
