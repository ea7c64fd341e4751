"""Structures to label, and a look at processes."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from maxvolt.dataset import Dataset
from maxvolt.labelling import LabelLimits, LabelStore, Reference, label


def make_structures(n: int, seed: int = 0) -> Dataset:
    """Return n small structures, all different."""
    random = np.random.default_rng(seed)
    structures = []
    for index in range(n):
        atoms = bulk("Al", "fcc", 4.05, cubic=True)
        atoms.positions += random.normal(0, 0.1, atoms.positions.shape)
        atoms.info["config_type"] = f"group {index % 3}"
        structures.append(atoms)
    return Dataset.from_atoms(structures)


def still_runs(process: int) -> bool:
    """Say whether a process is there; one that is just ending gets some time for it."""
    give_up = time.monotonic() + 5
    while time.monotonic() < give_up:
        try:
            state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return False
        if state in "ZX":  # ended, and its parent has not asked how
            return False
        time.sleep(0.02)
    return True


def check_forces(
    reference: Reference, atoms: Atoms, store: LabelStore, *, atol: float, step: float = 0.01
) -> None:
    """Label for real: the force on the second atom along x is the slope of the energy.

    Parameters
    ----------
    reference, atoms, store
        What labels what, and where labels go.
    atol : eV/Angstrom
        What the slope may be off by; ten times as much is less than the force.
    step : Angstrom
        Half the distance of the two energies.
    """
    structures = [atoms.copy() for _ in range(3)]
    structures[1].positions[1, 0] += step
    structures[2].positions[1, 0] -= step
    energies, found = _labels(reference, structures, store)
    force = found.forces[: len(atoms)]
    slope = -(energies[1] - energies[2]) / (2 * step)
    assert force[1, 0] == pytest.approx(slope, abs=atol)
    assert abs(force[1, 0]) > 10 * atol
    np.testing.assert_allclose(force.sum(axis=0), 0.0, atol=atol)


def check_stress(
    reference: Reference, atoms: Atoms, store: LabelStore, *, atol: float, strain: float = 0.005
) -> None:
    """Label for real: the stresses xx and yz are slopes of the energy.

    Parameters
    ----------
    reference, atoms, store
        What labels what, and where labels go.
    atol : eV/Angstrom^3
        What a slope may be off by; the larger of the two stresses is more than ten times as much.
    strain
        Half the difference of strain of two energies.
    """
    structures = [atoms.copy()]
    components = ((0, 0), (1, 2))
    for i, j in components:
        shape = np.zeros((3, 3))
        shape[i, j] += strain / 2
        shape[j, i] += strain / 2
        for sign in (1, -1):
            strained = atoms.copy()
            strained.set_cell(atoms.cell.array @ (np.eye(3) + sign * shape), scale_atoms=True)
            structures.append(strained)
    energies, found = _labels(reference, structures, store)
    stress = found.stresses[0]
    slopes = (energies[1::2] - energies[2::2]) / (2 * strain) / atoms.get_volume()
    np.testing.assert_allclose(stress[[0, 3]], slopes, atol=atol)
    assert np.abs(stress[[0, 3]]).max() > 10 * atol


def _labels(
    reference: Reference, structures: list[Atoms], store: LabelStore
) -> tuple[np.ndarray, Dataset]:
    limits = LabelLimits(timeout=600.0, retries=0)
    result = label(structures, reference, store, limits=limits, workers=1)
    assert result.quarantined == []
    return result.dataset.energies, result.dataset
