"""Append on a disk that fills up at a random byte, to every format that can grow."""

from __future__ import annotations

import resource
from pathlib import Path

import numpy as np
from ase.build import bulk
from ase.calculators.singlepoint import SinglePointCalculator

from attacks.finding import FindingError
from maxvolt import Dataset, io
from maxvolt.errors import DataError

FORMATS = ("a.cfg", "a.bin.cfg", "a.xyz", "a.traj", "a.db", "a.json")


def trial(seed: int, scratch: Path) -> str:
    """Append several times under a random limit of the file's size."""
    random = np.random.default_rng(seed)
    path = scratch / FORMATS[seed % len(FORMATS)]
    io.write(path, structures(random, 0, int(random.integers(1, 5))))
    outcome = "written"
    for _ in range(8):
        count = len(io.read(path))
        more = structures(random, count, int(random.integers(1, 50)))
        room = int(random.integers(0, 30_000))
        if is_written(path, more, path.stat().st_size + room):
            count += len(more)
        else:
            outcome = "refused"
        found = io.read(path).energies.tolist()
        if found != list(range(count)):
            raise FindingError(f"{path.name}: {len(found)} structures instead of {count}")
        left = [other.name for other in scratch.iterdir() if other != path]
        if left:
            raise FindingError(f"{path.name}: {', '.join(left)} left behind")
    return outcome


def is_written(path: Path, more: Dataset, limit: int) -> bool:
    """Append where no file may be larger than the limit; say whether that went well."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        io.write(path, more, append=True)
    except DataError:
        return False
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    return True


def structures(random: np.random.Generator, first: int, count: int) -> Dataset:
    """Make cells of a random size whose energies number them."""
    made = []
    for number in range(first, first + count):
        atoms = bulk("Cu", cubic=True) * (int(random.integers(1, 6)), 1, 1)
        forces = random.normal(size=(len(atoms), 3))
        atoms.calc = SinglePointCalculator(atoms, energy=float(number), forces=forces)
        made.append(atoms)
    return Dataset.from_atoms(made)
