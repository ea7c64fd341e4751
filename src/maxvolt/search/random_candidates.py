"""New candidates from nothing: crystals with or without a random space group, clusters."""

from __future__ import annotations

import importlib
import warnings
from functools import lru_cache
from typing import Any

import numpy as np
from ase import Atoms
from ase.data import chemical_symbols
from numpy.typing import NDArray

from maxvolt.errors import MaxvoltError
from maxvolt.sampling import random_structures
from maxvolt.sampling.repulsion import overlap, push_apart
from maxvolt.search.compositions import Counts, numbers_of
from maxvolt.search.settings import SearchSettings

__all__ = ["boxed", "new_candidate", "require_pyxtal"]

_TRIES = 20
"""Space groups tried for a crystal before it gets none."""

_SYMMETRY_PRECISION = 1e-4
"""Angstrom; PyXtal puts atoms on their sites exactly."""

_VACUUM = 10.0
"""Angstrom; the cell of a cluster, which is not periodic, is as much longer than the cluster."""


def new_candidate(settings: SearchSettings, counts: Counts, seed: list[int]) -> tuple[Atoms, str]:
    """Make a random structure of a composition.

    Parameters
    ----------
    settings
    counts
        Atoms of each element.
    seed
        What the random numbers come from.

    Returns
    -------
    atoms
    origin
        "random", for crystals with the number of the space group.

    Raises
    ------
    DataError
        The distances do not fit into the volume.
    MaxvoltError
        PyXtal is needed and not installed.
    """
    if settings.cluster:
        return _cluster(settings, counts, np.random.default_rng(seed)), "random"
    numbers = numbers_of(settings.species, counts)
    if settings.symmetry:
        for trial in range(_TRIES):
            generator = np.random.default_rng([*seed, trial])
            group = int(generator.integers(2, 231))
            crystal = _symmetric(settings, numbers, group, generator)
            if crystal is not None:
                return crystal, f"random, space group {group}"
    low, high = settings.volumes(numbers)
    symbols = [chemical_symbols[number] for number in numbers]
    made = random_structures(
        {symbol: symbols.count(symbol) for symbol in dict.fromkeys(symbols)},
        len(numbers),
        (low / len(numbers), high / len(numbers)),
        count=1,
        minimum_distance=settings.start_distance,
        seed=int(np.random.default_rng(seed).integers(2**32)),
    )
    atoms = made[0]
    return atoms[np.argsort(atoms.numbers, kind="stable")], "random"


def boxed(atoms: Atoms) -> Atoms:
    """Put a cluster into the middle of a cubic cell, without periodicity: operators cut cells."""
    extent = float(np.ptp(atoms.positions, axis=0).max()) + _VACUUM
    made = Atoms(atoms.numbers, atoms.positions, cell=[extent] * 3, pbc=False)
    made.center()
    return made


def require_pyxtal() -> None:
    """Refuse to begin where PyXtal is missing.

    Raises
    ------
    MaxvoltError
        Says what to install.
    """
    _pyxtal()


def _cluster(settings: SearchSettings, counts: Counts, generator: np.random.Generator) -> Atoms:
    """Atoms at random in a sphere, pushed apart."""
    numbers = numbers_of(settings.species, counts)
    table = settings.distances[numbers[:, None], numbers]
    radius = np.cbrt(generator.uniform(*settings.volumes(numbers)) / (4 / 3 * np.pi))
    directions = generator.standard_normal((len(numbers), 3))
    directions /= np.linalg.norm(directions, axis=1)[:, None]
    positions = radius * np.cbrt(generator.random((len(numbers), 1))) * directions
    # Nothing is around a cluster, so that there is always room.
    placed, _ = push_apart(positions, np.zeros((3, 3)), np.zeros(3, np.bool_), table)
    return boxed(Atoms(numbers, placed))


def _symmetric(
    settings: SearchSettings,
    numbers: NDArray[np.int64],
    group: int,
    generator: np.random.Generator,
) -> Atoms | None:
    """A primitive cell with the symmetry of a space group; None where there is none of it."""
    elements, counts = np.unique(numbers, return_counts=True)
    if not _fits(group, tuple(int(count) for count in counts)):
        return None
    symbols = [chemical_symbols[number] for number in elements]
    crystal = _pyxtal().pyxtal()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of volumes that it increases
        try:
            crystal.from_random(
                3,
                group,
                symbols,
                counts.tolist(),
                conventional=False,
                random_state=generator,
                max_count=1,
            )
        except RuntimeError:  # no room for the atoms in a cell of this symmetry
            return None
        primitive = _primitive(crystal.to_ase(), numbers)
    if primitive is None:
        return None
    low, high = settings.volumes(numbers)
    scale = np.cbrt(generator.uniform(low, high) / primitive.get_volume())
    primitive.set_cell(scale * primitive.cell.array, scale_atoms=True)
    return primitive if _far_apart(primitive, settings) else None


def _far_apart(atoms: Atoms, settings: SearchSettings) -> bool:
    """Whether no two atoms are closer than they may be at the start."""
    table = settings.distances[atoms.numbers[:, None], atoms.numbers]
    return overlap(atoms.positions, atoms.cell.array, atoms.pbc, table) <= 0


@lru_cache(maxsize=4096)
def _fits(group: int, counts: tuple[int, ...]) -> bool:
    """Whether sites of a space group can hold these atoms of a primitive cell."""
    found = importlib.import_module("pyxtal.symmetry").Group(group)
    possible, _ = found.check_compatible([count * found.cellsize() for count in counts])
    return bool(possible)


def _primitive(atoms: Atoms, numbers: NDArray[np.int64]) -> Atoms | None:
    """Primitive cell; None where it has not as many atoms as are wanted."""
    spglib = importlib.import_module("spglib")
    cell = (atoms.cell.array, atoms.get_scaled_positions(), atoms.numbers)
    found = spglib.standardize_cell(
        cell, to_primitive=True, no_idealize=True, symprec=_SYMMETRY_PRECISION
    )
    if found is None:
        return None
    vectors, scaled, kinds = found
    order = np.argsort(kinds, kind="stable")
    if not np.array_equal(np.asarray(kinds)[order], numbers):
        return None
    return Atoms(numbers, cell=vectors, scaled_positions=np.asarray(scaled)[order], pbc=True)


def _pyxtal() -> Any:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what it imports
            return importlib.import_module("pyxtal")
    except ImportError as error:
        raise MaxvoltError(
            f"random crystals by space group need PyXtal ({error}): pip install "
            "'maxvolt[search]', or search without symmetry (symmetry = false, --no-symmetry)"
        ) from error
