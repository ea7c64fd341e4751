"""Edit structures at random and hold the kept neighbour list against one made afresh.

A sequence goes on with one list through moves, changes of cell, atoms added, removed and put in
another order, flips of periodicity, tiny and skewed cells. After each edit every pair inside the
cutoff must be in the kept list, once, and the calculator must give the numbers of a fresh
evaluation.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from attacks.finding import FindingError
from attacks.potentials import SPECIES, random_potential, random_structure
from maxvolt.calculators import MaxvoltCalculator, VerletNeighbors
from maxvolt.errors import DataError
from maxvolt.neighbors import NeighborList, build_neighbors

SEQUENCES = 4
EDITS = 25
_ROUNDING = 1e-9
"""Angstrom; pairs so near the cutoff may be inside for one and outside for the other."""

Edit = Callable[[Atoms, np.random.Generator], Atoms]


def trial(seed: int, scratch: Path) -> str:
    """Go through some sequences of edits."""
    for number in range(SEQUENCES):
        _sequence(np.random.default_rng([seed, number]))
    return "held"


def _sequence(random: np.random.Generator) -> None:
    atoms = random_structure(random, int(random.integers(1, 40)))
    potential = random_potential(int(random.integers(4)))
    skin = random.choice([None, 0.0, 0.05, 0.4, 1.5])
    kept = VerletNeighbors(potential.cutoff, skin)
    calculator = MaxvoltCalculator(potential, skin=skin, threads=1)
    for _ in range(EDITS):
        edit = _EDITS[int(random.integers(len(_EDITS)))]
        edited = edit(atoms.copy(), random)
        try:
            expected = potential.evaluate(edited, threads=1)
        except DataError:  # atoms at one place, or a cell without a volume
            _refused_alike(calculator, edited)
            continue
        atoms = edited
        _same_pairs(kept, atoms, potential.cutoff, edit.__name__)
        atoms.calc = calculator
        _close(atoms.get_potential_energy(), expected.energy, "energy", edit.__name__)
        _close(atoms.get_forces(), expected.forces, "forces", edit.__name__)
        if expected.stress is not None:
            _close(atoms.get_stress(), expected.stress, "stress", edit.__name__)


def _refused_alike(calculator: MaxvoltCalculator, atoms: Atoms) -> None:
    atoms.calc = calculator
    try:
        atoms.get_forces()
    except DataError:
        return
    raise FindingError("the calculator evaluates what the potential refuses")


def _same_pairs(kept: VerletNeighbors, atoms: Atoms, cutoff: float, edit: str) -> None:
    cell, pbc = np.ascontiguousarray(atoms.cell.array), np.asarray(atoms.pbc)
    listed = _pairs(kept.update(atoms.positions, cell, pbc), atoms, cutoff - _ROUNDING)
    fresh = build_neighbors(atoms.positions, cell, pbc, cutoff)
    # What is only just inside for one of them counts for neither.
    expected = _pairs(fresh, atoms, cutoff - _ROUNDING)
    if listed != expected:
        missing, extra = expected - listed, listed - expected
        raise FindingError(
            f"after {edit}: {sum(missing.values())} pairs missing, {sum(extra.values())} too many; "
            f"first {next(iter(missing or extra))}"
        )


def _pairs(found: NeighborList, atoms: Atoms, cutoff: float) -> Counter[tuple[int, ...]]:
    """Pairs closer than a distance, each from the end with the lower numbers."""
    cell = np.where(np.asarray(atoms.pbc)[:, None], atoms.cell.array, 0.0)
    x = atoms.positions
    r = np.linalg.norm(x[found.neighbors] + found.shifts @ cell - x[found.owners], axis=1)
    inside = r < cutoff
    rows = np.column_stack([found.pairs, found.shifts])[inside].tolist()
    return Counter(min((i, j, *shift), (j, i, *(-s for s in shift))) for i, j, *shift in rows)


def _close(
    found: float | NDArray[np.float64], expected: float | NDArray[np.float64], what: str, edit: str
) -> None:
    """Equal up to the rounding of sums in another order, of terms as large as close atoms give."""
    scale = max(1.0, float(np.abs(expected).max()))
    worst = float(np.abs(np.asarray(found) - expected).max())
    if not worst <= 1e-9 * scale:
        raise FindingError(f"after {edit}: {what} off by {worst:g} of {scale:g}")


# ------------------------------------------------------------------------------- edits


def move_a_little(atoms: Atoms, random: np.random.Generator) -> Atoms:
    """Move all atoms as dynamics does."""
    atoms.positions += 10 ** random.uniform(-4, -0.7) * random.normal(size=atoms.positions.shape)
    return atoms


def move_one_far(atoms: Atoms, random: np.random.Generator) -> Atoms:
    """Put one atom somewhere else."""
    atoms.positions[random.integers(len(atoms))] += random.uniform(-9, 9, size=3)
    return atoms


def translate(atoms: Atoms, random: np.random.Generator) -> Atoms:
    """Move everything together, at times very far."""
    atoms.positions += 10 ** random.uniform(-1, 4) * random.normal(size=3)
    return atoms


def wrap(atoms: Atoms, random: np.random.Generator) -> Atoms:
    """Put atoms back into the cell."""
    if abs(atoms.cell.volume) > 1e-6:
        atoms.wrap()
    return atoms


def strain(atoms: Atoms, random: np.random.Generator) -> Atoms:
    """Deform cell and atoms, or the cell alone."""
    deformation = np.eye(3) + 10 ** random.uniform(-4, -0.7) * random.normal(size=(3, 3))
    atoms.set_cell(atoms.cell.array @ deformation, scale_atoms=bool(random.integers(2)))
    return atoms


def skew(atoms: Atoms, random: np.random.Generator) -> Atoms:
    """Take other lattice vectors, often of the same lattice."""
    cell = atoms.cell.array.copy()
    a, b = random.permutation(3)[:2]
    cell[a] += random.choice([-2.0, -1.0, 1.0, 2.0, 0.37]) * cell[b]
    atoms.set_cell(cell)
    return atoms


def new_cell(atoms: Atoms, random: np.random.Generator) -> Atoms:
    """Begin with another cell, tiny at times."""
    side = random.choice([1.7, 3.0, 6.0, 14.0])
    return random_structure(random, int(random.integers(1, 3)) if side < 4 else 12, side / 2 + 1)


def flip_periodicity(atoms: Atoms, random: np.random.Generator) -> Atoms:
    """Switch one direction on or off."""
    atoms.pbc[random.integers(3)] ^= True
    return atoms


def add_atom(atoms: Atoms, random: np.random.Generator) -> Atoms:
    """Add an atom near another."""
    near = atoms.positions[random.integers(len(atoms))]
    direction = random.normal(size=3)
    place = near + random.uniform(1.5, 4.0) * direction / np.linalg.norm(direction)
    return atoms + Atoms(str(random.choice(SPECIES)), positions=[place])


def remove_atom(atoms: Atoms, random: np.random.Generator) -> Atoms:
    """Take an atom out where there are several."""
    if len(atoms) > 1:
        del atoms[int(random.integers(len(atoms)))]
    return atoms


def reorder(atoms: Atoms, random: np.random.Generator) -> Atoms:
    """Number the atoms in another order."""
    return atoms[random.permutation(len(atoms))]


def change_species(atoms: Atoms, random: np.random.Generator) -> Atoms:
    """Turn an atom into one of another species."""
    atoms.symbols[random.integers(len(atoms))] = str(random.choice(SPECIES))
    return atoms


def leave(atoms: Atoms, random: np.random.Generator) -> Atoms:
    """Ask again."""
    return atoms


_EDITS: tuple[Edit, ...] = (
    *(move_a_little, move_a_little, move_a_little, move_one_far, translate, wrap, strain, strain),
    *(skew, new_cell, flip_periodicity, add_atom, remove_atom, reorder, change_species, leave),
)
