"""The same crystal with another cell: reduced and turned, or repeated."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from ase.build.supercells import lattice_points_in_supercell
from ase.geometry import minkowski_reduce
from numpy.typing import NDArray

from maxvolt.errors import DataError
from maxvolt.io.cfg_record import ATOM_FIELDS, CfgConfiguration
from maxvolt.units import VOIGT

__all__ = ["repeated", "squarest", "with_fixed_lattice"]

Matrix = NDArray[np.int64]

_LARGEST = 4
"""Of the entries of a matrix that makes a cell as square as possible, as in MLIP."""


def with_fixed_lattice(configuration: CfgConfiguration) -> CfgConfiguration:
    """Give the same crystal a lattice as orthogonal as possible, lower triangular, atoms inside.

    Forces and stress turn with the axes. A configuration that is not periodic in three directions
    stays as it is.
    """
    if not configuration.volume > 0:
        return configuration
    reduced, _ = minkowski_reduce(configuration.cell)
    if np.linalg.det(reduced) < 0:
        reduced = -reduced  # the same lattice, so that turning it is enough
    # The rows of the lower triangular cell are the coordinates along these axes.
    axes = np.linalg.qr(reduced.T)[0]
    axes *= np.sign(np.einsum("ia,ai->i", reduced, axes))
    cell = np.tril(reduced @ axes)
    scaled = np.linalg.solve(reduced.T, configuration.positions.T).T
    forces = configuration.forces
    stress = configuration.plus_stress
    return replace(
        configuration,
        cell=cell,
        positions=_inside(scaled) @ cell,
        forces=None if forces is None else forces @ axes,
        plus_stress=None if stress is None else _turned(stress, axes),
    )


def _inside(scaled: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scaled coordinates in [0, 1); what rounding has put below 0 stays at 0."""
    inside = scaled - np.floor(scaled + 1e-9)
    return np.asarray(np.maximum(inside, 0.0))


def _turned(stress: NDArray[np.float64], axes: NDArray[np.float64]) -> NDArray[np.float64]:
    tensor = np.empty((3, 3))
    for value, (a, b) in zip(stress, VOIGT, strict=True):
        tensor[a, b] = tensor[b, a] = value
    turned = axes.T @ tensor @ axes
    return np.array([turned[a, b] for a, b in VOIGT])


def repeated(configuration: CfgConfiguration, matrix: Matrix) -> CfgConfiguration:
    """Repeat a cell: the new lattice vectors are integer combinations of the old ones.

    Energies and stresses grow with the number of copies, which stand one after the other.

    Parameters
    ----------
    configuration
        Periodic in three directions.
    matrix : shape (3, 3)
        Its rows times the old vectors are the new ones.

    Raises
    ------
    DataError
        There is no cell to repeat, or the matrix has no inverse.
    """
    if not configuration.volume > 0:
        raise DataError("has no Supercell of three vectors that could be repeated")
    copies = round(abs(np.linalg.det(matrix)))
    if copies == 0:
        raise DataError(f"the matrix {matrix.tolist()} has the determinant 0; expected another one")
    cell = matrix @ configuration.cell
    shifts = lattice_points_in_supercell(matrix) @ cell
    many: dict[str, Any] = {"types": np.tile(configuration.types, copies)}
    for field in ATOM_FIELDS:
        values = getattr(configuration, field.attribute)
        if values is not None:
            many[field.attribute] = np.concatenate([values] * copies)
    energy, stress = configuration.energy, configuration.plus_stress
    return replace(
        configuration,
        positions=(configuration.positions + shifts[:, None]).reshape(-1, 3),
        cell=cell,
        energy=None if energy is None else copies * energy,
        plus_stress=None if stress is None else copies * stress,
        **many,
    )


def squarest(cell: NDArray[np.float64], least: int, most: int) -> Matrix:
    """Find the supercell nearest to a cube.

    Of all integer matrices with entries of at most 4 and a determinant from `least` to `most` it is
    the one whose metric M = A M0 A^T differs least from a multiple of one.

    Parameters
    ----------
    cell : shape (3, 3), Angstrom
        Rows are lattice vectors.
    least, most
        Number of cells.

    Returns
    -------
    matrix : shape (3, 3)
        With a determinant above 0.

    Raises
    ------
    DataError
        There is no such matrix.
    """
    vectors = _vectors()
    rows = vectors @ cell
    metric = rows @ rows.T
    lengths = np.diag(metric)
    first, second = np.triu_indices(len(vectors), 1)
    # No third row can make the score lower than this, which is what the first two contribute.
    bounds = 2 * metric[first, second] ** 2 + (lengths[first] - lengths[second]) ** 2 / 2
    best, found = np.inf, None
    order = np.argsort(bounds, kind="stable")
    for chunk in np.array_split(order, max(len(order) // 256, 1)):
        if bounds[chunk[0]] >= best:
            break
        i, j = first[chunk, None], second[chunk, None]
        k = np.arange(len(vectors))[None]
        normals = np.cross(vectors[i[:, 0]], vectors[j[:, 0]])
        sizes = abs(normals @ vectors.T)
        mean = (lengths[i] + lengths[j] + lengths[k]) / 3
        score = 2 * (metric[i, j] ** 2 + metric[i, k] ** 2 + metric[j, k] ** 2)
        score = score + sum((lengths[n] - mean) ** 2 for n in (i, j, k))
        score = np.where((sizes >= least) & (sizes <= most), score, np.inf)
        at = np.unravel_index(int(np.argmin(score)), score.shape)
        if score[at] < best:
            best = float(score[at])
            found = vectors[[int(i[at[0], 0]), int(j[at[0], 0]), int(at[1])]]
    if found is None:
        raise DataError(
            f"no supercell of {least} to {most} cells has entries of at most {_LARGEST}; allow "
            "more or fewer atoms"
        )
    return found if np.linalg.det(found) > 0 else found[[1, 0, 2]]


def _vectors() -> Matrix:
    """Integer vectors, without zero and of each pair v, -v only the one that counts upwards."""
    steps = np.arange(-_LARGEST, _LARGEST + 1)
    all_of_them = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), -1).reshape(-1, 3)
    rank = all_of_them @ np.array([10000, 100, 1])
    return np.asarray(all_of_them[rank > 0])
