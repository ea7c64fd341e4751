"""Moment tensor potentials whose cutoff depends on the pair of species, for an experiment.

The radial functions of a pair are a function of the distance r that ends at the pair's cutoff R_p.
With those of the package, which end at R, they are evaluated at

    g(r) = m + (r - m) (R - m) / (R_p - m),

m being min_dist: the smooth factor (R - g)^2 becomes a multiple of (R_p - r)^2, and the polynomials
stretch over the range of the pair. So neighbours are moved along their directions, and the
compiled kernels do the rest; the derivatives of energies by moved places are brought back by the
chain rule.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import block_diag, coo_array, csr_array

import maxvolt
from maxvolt.compiled import _core
from maxvolt.fitting.variable_projection.normal_equations import LinearEquations, RadialEquations
from maxvolt.neighbors.neighborhoods import Neighborhoods
from maxvolt.neighbors.pairs import NeighborList
from maxvolt.parallel.blocks import Blocks, LocalBlocks
from maxvolt.potentials.mtp.binding import kernels
from maxvolt.potentials.mtp.model import Model, compile_model
from maxvolt.species import species_types
from nonlinear_embedding import full_list, pair_vectors

__all__ = ["CutoffTable", "PairCutoffProblem", "Structures", "kept_neighbors", "structures_of"]

Array = NDArray[np.float64]

_ATOMS_AT_ONCE = 200
"""Whose rows are in memory together, with those of all their neighbours; more only if in one
structure."""
_ENERGY_WEIGHT, _FORCE_WEIGHT = 1.0, 0.01
"""Of squared errors of energies, divided by the number of atoms, and of forces: the defaults."""


@dataclass(frozen=True, slots=True, eq=False)
class CutoffTable:
    """Cutoffs of all pairs of species.

    Attributes
    ----------
    cutoffs : shape (C, C), Angstrom
        Symmetric, all above `min_dist`.
    min_dist : float, Angstrom
        Where the radial functions of all pairs begin.
    """

    cutoffs: Array
    min_dist: float

    @property
    def largest(self) -> float:
        """Cutoff of the model that is evaluated, Angstrom."""
        return float(self.cutoffs.max())

    def stretches(self, i: NDArray[np.integer], j: NDArray[np.integer]) -> Array:
        """Derivative of g by r for pairs of types."""
        return np.asarray((self.largest - self.min_dist) / (self.cutoffs[i, j] - self.min_dist))


def kept_neighbors(near: Neighborhoods, table: CutoffTable) -> Neighborhoods:
    """Without the pairs beyond their own cutoffs."""
    i, j = near.pairs.pairs.T
    distances = np.linalg.norm(pair_vectors(near, i, j, near.pairs.shifts), axis=1)
    kept = distances < table.cutoffs[near.types[i], near.types[j]]
    listed = NeighborList(near.n_atoms, near.pairs.pairs[kept], near.pairs.shifts[kept])
    return Neighborhoods(near.positions, near.cells, near.structures, near.types, listed)


@dataclass(frozen=True, slots=True, eq=False)
class Structures:
    """Some structures; n structures, N atoms, P neighbours of all atoms, Q = N + P places.

    Attributes
    ----------
    systems : list of System
        Each structure as the kernels take it: its atoms, then their neighbours, moved to where the
        radial functions are evaluated. Every neighbour of every atom has a place of its own.
    n_places : list of int
        Of each structure.
    of_forces : sparse, shape (3 N, 3 Q)
        Forces on atoms by forces on all places.
    compositions : shape (n, C)
        Atoms of each species.
    labels : shape (n + 3 N,)
        Energies (eV) and force components (eV/Angstrom).
    weights : shape (n + 3 N,)
        Of squared errors.
    """

    systems: list[_core.System]
    n_places: list[int]
    of_forces: csr_array
    compositions: Array
    labels: Array
    weights: Array

    @property
    def n(self) -> int:
        """Number of structures."""
        return len(self.systems)

    def rows(self, core: _core.Core, columns: kernels.Columns) -> Array:
        """Derivatives of energies and forces by the radial or the linear coefficients."""
        radial, linear = columns == "radial", columns == "linear"
        width, total = core.n_columns(radial, linear), sum(self.n_places)
        energies, forces = np.zeros((self.n, width)), np.zeros((total, 3, width))
        virials, begin = np.zeros((1, 6, width)), 0
        for s, (system, places) in enumerate(zip(self.systems, self.n_places, strict=True)):
            of_structure = (energies[s : s + 1], forces[begin : begin + places], virials)
            bad = _core.jacobian(
                core, system, 0, 1, kernels.BEST, *of_structure, radial, linear, False
            )
            if bad >= 0:
                raise SystemExit(f"Two atoms of a structure coincide (atom {bad}); remove one.")
            begin += places
        return np.concatenate([energies, self.of_forces @ forces.reshape(3 * total, width)])


def structures_of(
    potential: maxvolt.MTP, dataset: maxvolt.Dataset, table: CutoffTable
) -> list[Structures]:
    """A dataset in portions of bounded memory.

    Parameters
    ----------
    potential
        Gives the species; its cutoff is the largest of the table.
    dataset
        With energies and forces.
    table
        Cutoffs.
    """
    return [
        _portion(potential, dataset.select(part), table, len(dataset))
        for part in dataset.portions(_ATOMS_AT_ONCE)
    ]


def _portion(
    potential: maxvolt.MTP, dataset: maxvolt.Dataset, table: CutoffTable, total: int
) -> Structures:
    seen = [
        _structure(potential, dataset.select(np.array([s])), table) for s in range(len(dataset))
    ]
    counts = dataset.counts.astype(float)
    weights = [_ENERGY_WEIGHT / counts, np.full(dataset.forces.size, _FORCE_WEIGHT)]
    of_species = species_types(dataset.numbers, potential.species)
    compositions = np.zeros((len(dataset), len(potential.species)))
    np.add.at(compositions, (dataset.structure_of_atom, of_species), 1.0)
    return Structures(
        [system for system, _ in seen],
        [of_forces.shape[1] // 3 for _, of_forces in seen],
        csr_array(block_diag([of_forces for _, of_forces in seen], format="csr")),
        compositions,
        np.concatenate([dataset.energies, dataset.forces.ravel()]),
        np.concatenate(weights) / total,
    )


def _structure(
    potential: maxvolt.MTP, dataset: maxvolt.Dataset, table: CutoffTable
) -> tuple[_core.System, csr_array]:
    """One structure as `Structures` has it, and forces on its atoms by those on all places."""
    near = kept_neighbors(potential.neighborhoods(dataset), table)
    i, j, vectors = full_list(near, table.largest)
    n, types = near.n_atoms, near.types
    r, stretch = np.linalg.norm(vectors, axis=1), table.stretches(types[i], types[j])
    directions = vectors / r[:, None]
    moved = table.min_dist + (r - table.min_dist) * stretch
    positions = np.concatenate([np.zeros((n, 3)), directions * moved[:, None]])
    all_types = np.concatenate([types, types[j]])
    first = np.searchsorted(i, np.arange(n + 1))
    windows = _core.NeighborWindows.of_ghosts(
        first, np.arange(n, n + len(i), dtype=np.int32), positions, all_types, n
    )
    system = _core.System(positions, np.zeros((1, 3, 3)), all_types, windows)
    along = np.einsum("pa,pb->pab", directions, directions)
    across = np.eye(3) - along
    slopes = along * stretch[:, None, None] + across * (moved / r)[:, None, None]
    return system, _chain_rule(i, j, slopes, n)


def _chain_rule(
    i: NDArray[np.int64], j: NDArray[np.int64], slopes: Array, n_atoms: int
) -> csr_array:
    """Forces on atoms by forces on moved neighbours; the atom that sees one gets the reaction."""
    a, b = np.meshgrid(np.arange(3), np.arange(3), indexing="ij")
    places = np.arange(n_atoms, n_atoms + len(i))
    columns = (3 * places[:, None, None] + b).ravel()
    rows = [(3 * atoms[:, None, None] + a).ravel() for atoms in (j, i)]
    values = [slopes.ravel(), -slopes.ravel()]
    where = (np.concatenate(rows), np.concatenate([columns, columns]))
    shape = (3 * n_atoms, 3 * (n_atoms + len(i)))
    return csr_array(coo_array((np.concatenate(values), where), shape=shape))


class PairCutoffProblem:
    """Equations of the coefficients, as `levenberg_marquardt` takes them.

    Parameters
    ----------
    potential
        Gives level, species, radial basis and largest cutoff; its coefficients do not matter.
    portions
        The structures.
    """

    def __init__(self, potential: maxvolt.MTP, portions: list[Structures]) -> None:
        self.potential, self.portions = potential, portions
        compositions = np.concatenate([part.compositions for part in portions])
        energies = np.concatenate([part.labels[: part.n] for part in portions])
        self.baseline = np.linalg.lstsq(compositions, energies, rcond=None)[0]
        """Energies of atoms that labels are relative to, so that no digits are lost; eV."""

    def model(self, radial: Array, linear: Array | None = None) -> Model:
        """Model with these coefficients, of which the linear ones may not matter."""
        given = self.potential.model
        linear = np.zeros(given.n_parameters - given.n_radial) if linear is None else linear
        return replace(
            given,
            radial_coeffs=radial.reshape(given.radial_coeffs.shape),
            scaling=1.0,
            species_coeffs=linear[: given.n_species],
            moment_coeffs=linear[given.n_species :],
        )

    def _targets(self, part: Structures) -> Array:
        targets = part.labels.copy()
        targets[: part.n] -= part.compositions @ self.baseline
        return targets

    def linear_equations(self, radial: Array) -> LinearEquations:
        """Equations of the linear coefficients at given radial ones."""
        core, kept = compile_model(self.model(radial)), []
        n = self.potential.n_parameters - len(radial)
        matrix, vector, constant = np.zeros((n, n)), np.zeros(n), 0.0
        for part in self.portions:
            root = np.sqrt(part.weights)
            a, y = part.rows(core, "linear") * root[:, None], self._targets(part) * root
            matrix += a.T @ a
            vector += a.T @ y
            constant += float(y @ y)
            kept.append(a)
        return LinearEquations(matrix, vector, constant, LocalBlocks(kept), np.zeros(n))

    def radial_equations(
        self, radial: Array, linear: Array, rows: Blocks[Array | None]
    ) -> RadialEquations:
        """Equations that the radial coefficients add; `rows` are those of the linear equations."""
        core = compile_model(self.model(radial, linear))
        n, m = len(radial), len(linear)
        matrix, coupling, vector = np.zeros((n, n)), np.zeros((m, n)), np.zeros(n)
        for part, a in zip(self.portions, rows, strict=True):
            assert a is not None  # `linear_equations` keeps all
            root = np.sqrt(part.weights)
            j = part.rows(core, "radial") * root[:, None]
            residuals = self._targets(part) * root - a @ linear
            matrix += j.T @ j
            coupling += a.T @ j
            vector += residuals @ j
        return RadialEquations(matrix, coupling, vector)

    def errors(self, portions: list[Structures], radial: Array, linear: Array) -> dict[str, float]:
        """Root mean square errors of energies per atom and of force components."""
        core, energies, forces = compile_model(self.model(radial)), [], []
        for part in portions:
            wrong = part.rows(core, "linear") @ linear - self._targets(part)
            energies.append(wrong[: part.n] / part.compositions.sum(axis=1))
            forces.append(wrong[part.n :])
        return {
            "energy_meV_per_atom": 1e3 * _root_mean_square(np.concatenate(energies)),
            "force_meV_per_A": 1e3 * _root_mean_square(np.concatenate(forces)),
        }


def _root_mean_square(values: Array) -> float:
    return float(np.sqrt(np.mean(values**2)))
