"""Structures to label, and a look at processes."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
from ase.build import bulk

from maxvolt.dataset import Dataset


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
