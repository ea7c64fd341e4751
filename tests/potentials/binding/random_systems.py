"""Random models and structures for tests of the kernels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from ase.data import atomic_numbers
from numpy.typing import NDArray

from maxvolt.neighbors import build_neighbors, concatenate_neighbors
from maxvolt.neighbors.neighborhoods import Neighborhoods
from maxvolt.potentials.mtp.basis.contraction import ContractionTable, contraction_table
from maxvolt.potentials.mtp.basis.radial import RadialBasis
from maxvolt.potentials.mtp.basis.repulsion import ZBL
from maxvolt.potentials.mtp.model import Model

SPECIES = ("Mo", "W", "O", "H")


def random_model(
    table: ContractionTable | int,
    n_species: int,
    *,
    kind: str = "RBChebyshev",
    size: int = 3,
    min_dist: float = 1.8,
    cutoff: float = 4.2,
    scaling: float = 0.7,
    repulsion: ZBL | None = None,
    seed: int = 0,
) -> Model:
    """All coefficients random, of a size that gives energies of some eV."""
    if isinstance(table, int):
        table = contraction_table(table)
    generator = np.random.default_rng([seed, n_species, size])
    n_mu = int(table.basic[:, 0].max()) + 1
    return Model(
        radial=RadialBasis(kind, min_dist, cutoff, size),
        table=table,
        radial_coeffs=0.3 * generator.normal(size=(n_species, n_species, n_mu, size)),
        scaling=scaling,
        species_coeffs=generator.normal(size=n_species),
        moment_coeffs=0.3 * generator.normal(size=len(table.scalars)),
        numbers=np.array([atomic_numbers[s] for s in SPECIES[:n_species]], dtype=np.int32),
        repulsion=repulsion,
    )


def spread_points(
    n: int, distance: float, half_side: float, generator: np.random.Generator
) -> NDArray[np.float64]:
    """Points in a cube, no two closer than a distance."""
    found: list[NDArray[np.float64]] = []
    while len(found) < n:
        point = generator.uniform(-half_side, half_side, size=3)
        if all(np.linalg.norm(point - other) > distance for other in found):
            found.append(point)
    return np.array(found).reshape(-1, 3)


def cluster(n: int, *, distance: float = 1.3, density: float = 0.08, seed: int = 0) -> Structure:
    """Atoms without a cell."""
    half_side = max(0.5 * (n / density) ** (1 / 3), distance)
    generator = np.random.default_rng([seed, n])
    return spread_points(n, distance, half_side, generator), np.zeros((3, 3)), np.zeros(3, bool)


def crystal(n: int, *, pbc: Sequence[bool] = (True, True, True), seed: int = 0) -> Structure:
    """Atoms in a skewed cell, for a few atoms smaller than the cutoff."""
    side = (n / 0.06) ** (1 / 3)
    generator = np.random.default_rng([seed, n])
    cell = side * np.array([[1.0, 0.0, 0.0], [0.25, 1.0, 0.0], [-0.15, 0.3, 1.0]])
    x = spread_points(n, 1.2, 0.42 * side, generator)
    return x, cell, np.array(pbc)


Structure = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]


def neighborhoods(
    structures: Sequence[Structure], n_species: int, *, cutoff: float = 4.2, seed: int = 0
) -> Neighborhoods:
    """Structures with species drawn at random and their neighbours."""
    counts = [len(x) for x, _, _ in structures]
    generator = np.random.default_rng(seed)
    return Neighborhoods(
        positions=np.concatenate([np.zeros((0, 3)), *(x for x, _, _ in structures)]),
        cells=np.array([cell for _, cell, _ in structures]).reshape(-1, 3, 3),
        structures=np.repeat(np.arange(len(counts)), counts).astype(np.int32),
        types=generator.integers(0, n_species, size=sum(counts)).astype(np.int32),
        pairs=concatenate_neighbors(
            [build_neighbors(x, cell, pbc, cutoff) for x, cell, pbc in structures]
        ),
    )
