"""How many orderings of two elements there are on a lattice, counted in several ways.

    python examples/agpd_emt/count_orderings.py

Without icet: all labellings of each superlattice, sorted into classes by the symmetry of the
lattice (Hart and Forcade, Phys. Rev. B 77, 224115). "each once" is what 'maxvolt enumerate' writes;
"with repeated cells" counts an ordering again in each inequivalent multiple of its cell.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]
Operation = tuple[Integers, Integers, Integers]
"""Rotation of lattice coordinates; where each basis atom goes: which atom, in which cell."""

CELLS = {
    "fcc": ([[0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]], [[0.0, 0.0, 0.0]]),
    "bcc": ([[-0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0.5, 0.5, -0.5]], [[0.0, 0.0, 0.0]]),
    "hcp": (
        [[1, 0, 0], [-0.5, 0.75**0.5, 0], [0, 0, (8 / 3) ** 0.5]],
        [[1 / 3, 2 / 3, 0.25], [2 / 3, 1 / 3, 0.75]],
    ),
}


def operations(lattice: str) -> list[Operation]:
    """The symmetry of a lattice, modulo its translations."""
    cell, basis = (np.array(values, float) for values in CELLS[lattice])
    metric = cell @ cell.T
    found = []
    for entries in itertools.product((-1, 0, 1), repeat=9):
        rotation = np.array(entries).reshape(3, 3)
        if abs(rotation @ metric @ rotation.T - metric).max() > 1e-9:
            continue
        for target in basis:
            moved = basis @ rotation + (target - basis[0] @ rotation)
            apart = moved[:, None] - basis[None]
            hits = abs(apart - apart.round()).max(axis=2) < 1e-9
            if hits.any(axis=1).all():
                which = hits.argmax(axis=1)
                shift = (moved - basis[which]).round().astype(np.int64)
                found.append((rotation, which, shift))
    return found


def superlattices(size: int) -> Iterator[Integers]:
    """All sublattices of an index, as matrices in Hermite normal form; rows are vectors."""
    for a in (d for d in range(1, size + 1) if size % d == 0):
        for c in (d for d in range(1, size // a + 1) if size // a % d == 0):
            f = size // a // c
            for b, d, e in itertools.product(range(c), range(f), range(f)):
                yield np.array([[a, b, d], [0, c, e], [0, 0, f]])


def holds(matrix: Integers, vectors: Integers) -> bool:
    """Whether vectors belong to a sublattice."""
    coordinates = vectors @ np.linalg.inv(matrix)
    return bool(abs(coordinates - coordinates.round()).max() < 1e-6)


def permutations(matrix: Integers, group: list[Operation], atoms: int) -> tuple[Integers, int]:
    """What symmetry does to the sites of a supercell; the translations come first."""
    corners = [np.arange(n) for n in np.diag(matrix)]
    cells = np.array(list(itertools.product(*corners)))

    def number(vectors: Integers) -> Integers:
        vectors = vectors.copy()
        for k in range(3):
            vectors -= (vectors[..., k] // matrix[k, k])[..., None] * matrix[k]
        return np.asarray(np.ravel_multi_index(np.moveaxis(vectors, -1, 0), np.diag(matrix)))

    found = []
    for rotation, which, shift in group:
        sites = number((cells @ rotation)[:, None] + shift[None]) * atoms + which[None]
        found.append([sites.ravel()])
    moves = [(number(cells + by)[:, None] * atoms + np.arange(atoms)[None]).ravel() for by in cells]
    both = [[move[sites[0]] for move in moves] for sites in found]
    return np.array(both).reshape(-1, len(cells) * atoms), len(cells)


def count(lattice: str, size: int, group: list[Operation]) -> tuple[int, int]:
    """Orderings of so many primitive cells: each once, and with repeated cells."""
    atoms = len(CELLS[lattice][1])
    seen: list[Integers] = []
    sites = size * atoms
    codes = np.arange(2**sites)
    labels = (codes[:, None] >> np.arange(sites)) & 1
    once = everything = 0
    for matrix in superlattices(size):
        turned = [matrix @ rotation for rotation, _, _ in group]
        if any(holds(old, one) for one in turned for old in seen):
            continue
        seen.append(matrix)
        kept = [
            operation for operation, one in zip(group, turned, strict=True) if holds(matrix, one)
        ]
        kept.sort(key=lambda one: not np.array_equal(one[0], np.eye(3)))  # translations first
        moves, translations = permutations(matrix, kept, atoms)
        least = codes.copy()
        repeated = np.zeros(len(codes), np.bool_)
        for k, move in enumerate(moves):
            image = labels[:, move] @ (1 << np.arange(sites))
            least = np.minimum(least, image)
            if 0 < k < translations:
                repeated |= image == codes
        first = least == codes
        everything += int(first.sum())
        once += int((first & ~repeated).sum())
    return once, everything


def main() -> None:
    """Count, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--atoms", type=int, default=12, help="most atoms of a cell (12)")
    parser.add_argument("--hcp-cells", type=int, help="most primitive cells of hcp (half of it)")
    options = parser.parse_args()
    print(f"{'lattice':24}{'each once':>12}{'with repeated cells':>22}")
    for lattice, (_, basis) in CELLS.items():
        most = options.atoms // len(basis)
        if lattice == "hcp":
            most = options.hcp_cells or most
        group = operations(lattice)
        groups = {lattice: group}
        if len(basis) > 1:
            own = [one for one in group if np.array_equal(one[1], np.arange(len(basis)))]
            groups[f"{lattice}, atoms in place"] = own
        for name, some in groups.items():
            found = np.array([count(lattice, size, some) for size in range(1, most + 1)])
            print(f"{name:24}{found[:, 0].sum():>12}{found[:, 1].sum():>22}   {found.tolist()}")


if __name__ == "__main__":
    main()
