"""Which crystal an atom stands in, by its common neighbours: adaptive common neighbour analysis."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from ase import Atoms
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from maxvolt.errors import DataError

__all__ = ["FEWEST_ATOMS", "PHASES", "common_neighbours", "nearest_neighbours", "phase_shares"]

PHASES = ("other", "fcc", "hcp", "bcc", "icosahedral", "diamond", "hexagonal diamond")
"""What the numbers of `common_neighbours` mean."""

_OTHER, _FCC, _HCP, _BCC, _ICO, _DIAMOND, _HEX_DIAMOND = range(7)

_MOST = 14
_BETWEEN = (1 + np.sqrt(2)) / 2
"""Of the cutoff between the first and the second shell of fcc and the mean of the first."""

FEWEST_ATOMS = 20
"""Of a structure in which phases are told apart."""


def common_neighbours(atoms: Atoms) -> NDArray[np.int64]:
    """Say of each atom in which crystal it stands.

    The 12 nearest neighbours are compared with those in fcc, hcp and icosahedra, the 14 nearest
    with those in bcc, by their bonds; bonds are those within a cutoff that follows from the mean
    distance of these neighbours (A. Stukowski, Model. Simul. Mater. Sci. Eng. 20, 045021 (2012)).
    In diamond it is the 12 neighbours of the four nearest (E. Maras et al., Comput. Phys. Commun.
    205, 13 (2016)). Equation (101).

    Parameters
    ----------
    atoms
        Structure; 20 atoms at least, a cell that is periodic in three directions.

    Returns
    -------
    phases : shape (N,)
        Indices into `PHASES`.

    Raises
    ------
    DataError
        It has fewer atoms, or is not periodic.
    """
    if len(atoms) < FEWEST_ATOMS or not atoms.pbc.all() or atoms.cell.rank < 3:
        raise DataError(
            f"common neighbours: expected a periodic structure of {FEWEST_ATOMS} atoms or more; "
            f"got {len(atoms)} atoms, pbc {atoms.pbc.tolist()}"
        )
    indices, vectors = nearest_neighbours(atoms)
    distances = np.linalg.norm(vectors, axis=2)
    twelve = _signatures(vectors[:, :12], _BETWEEN * distances[:, :12].mean(axis=1))
    phases = _of_twelve(twelve)
    edges = distances * np.where(np.arange(_MOST) < 8, 2 / np.sqrt(3), 1.0)
    fourteen = _signatures(vectors, _BETWEEN * edges.mean(axis=1))
    is_bcc = (_count(fourteen, _S666) == 8) & (_count(fourteen, _S444) == 6)
    phases[(phases == _OTHER) & is_bcc] = _BCC
    return _with_diamond(phases, indices, vectors)


def phase_shares(atoms: Atoms, counted: NDArray[np.bool_] | None = None) -> Mapping[str, float]:
    """Shares of the atoms in each of `PHASES`.

    Parameters
    ----------
    atoms
        As of `common_neighbours`.
    counted : shape (N,)
        Which atoms are counted, one at least; None: all.
    """
    phases = common_neighbours(atoms)
    phases = phases if counted is None else phases[counted]
    counts = np.bincount(phases, minlength=len(PHASES))
    return {name: float(count) / len(phases) for name, count in zip(PHASES, counts, strict=True)}


_S421, _S422, _S555, _S666, _S444 = range(1, 6)


def nearest_neighbours(atoms: Atoms) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Find the 14 nearest neighbours of each atom, by a tree over atoms and images around.

    Parameters
    ----------
    atoms
        As of `common_neighbours`.

    Returns
    -------
    indices : shape (N, 14)
        By distance.
    vectors : shape (N, 14, 3), Angstrom
        From the atom to them.
    """
    cell = atoms.cell.array
    scaled = atoms.get_scaled_positions(wrap=True)
    heights = 1 / np.linalg.norm(np.linalg.inv(cell), axis=0)
    radius = 2.2 * (atoms.get_volume() / len(atoms)) ** (1 / 3)
    while True:
        points, owners = _with_images(scaled, cell, radius / heights)
        tree = cKDTree(points)
        own = scaled @ cell
        distances, found = tree.query(own, k=_MOST + 1)
        if distances.max() <= radius:
            break
        radius *= 1.5
    found = np.asarray(found)[:, 1:]  # the nearest is the atom itself
    return owners[found], points[found] - own[:, None]


def _with_images(
    scaled: NDArray[np.float64], cell: NDArray[np.float64], margin: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Atoms, first, and their images within a margin (in shares of the cell) around it."""
    reach = np.ceil(margin).astype(int)
    ranges = [range(-n, n + 1) for n in reach]
    shifts = np.array(np.meshgrid(*ranges, indexing="ij")).reshape(3, -1).T
    shifts = shifts[np.argsort(np.abs(shifts).sum(axis=1), kind="stable")]
    places = scaled[None] + shifts[:, None]
    inside = ((places >= -margin) & (places <= 1 + margin)).all(axis=2)
    inside[0] = True
    owners = np.broadcast_to(np.arange(len(scaled)), inside.shape)[inside]
    return places[inside] @ cell, owners


def _signatures(vectors: NDArray[np.float64], cutoffs: NDArray[np.float64]) -> NDArray[np.int64]:
    """Signature of each neighbour, shape (N, n); 0 where it is none that is asked for."""
    between = np.linalg.norm(vectors[:, :, None] - vectors[:, None], axis=3)
    n = vectors.shape[1]
    bonded = (between < cutoffs[:, None, None]) & ~np.eye(n, dtype=bool)
    common = bonded.sum(axis=2)
    # Bonds among the common neighbours of the atom and its neighbour j, by their ends k.
    inner = bonded[:, :, :, None] & bonded[:, :, None, :] & bonded[:, None]
    degrees = inner.sum(axis=3)
    bonds = degrees.sum(axis=2) // 2
    most = degrees.max(axis=2)
    least = np.where(bonded, degrees, n).min(axis=2)
    ring = (most == 2) & (least == 2)
    signatures = np.zeros(common.shape, np.int64)
    signatures[(common == 4) & (bonds == 2) & (most == 1)] = _S421
    signatures[(common == 4) & (bonds == 2) & (most == 2)] = _S422
    signatures[(common == 5) & (bonds == 5) & ring] = _S555
    signatures[(common == 6) & (bonds == 6) & ring] = _S666
    signatures[(common == 4) & (bonds == 4) & ring] = _S444
    return signatures


def _count(signatures: NDArray[np.int64], which: int) -> NDArray[np.int64]:
    return np.asarray((signatures == which).sum(axis=1))


def _of_twelve(signatures: NDArray[np.int64]) -> NDArray[np.int64]:
    """Phases by the signatures of 12 neighbours."""
    many = _count(signatures, _S421)
    phases = np.full(len(signatures), _OTHER, np.int64)
    phases[many == 12] = _FCC
    phases[(many == 6) & (_count(signatures, _S422) == 6)] = _HCP
    phases[_count(signatures, _S555) == 12] = _ICO
    return phases


def _with_diamond(
    phases: NDArray[np.int64], indices: NDArray[np.int64], vectors: NDArray[np.float64]
) -> NDArray[np.int64]:
    """Look at the neighbours of the four nearest: they are as in fcc, or as in hcp."""
    first = vectors[:, :4]
    second = first[:, :, None] + first[indices[:, :4]]
    way = second.reshape(len(vectors), 16, 3)
    lengths = np.linalg.norm(way, axis=2)
    shortest = np.linalg.norm(first, axis=2).mean(axis=1)
    others = lengths > 0.5 * shortest[:, None]  # not the way back to the atom itself
    whole = others.sum(axis=1) == 12
    order = np.argsort(~others, axis=1, kind="stable")[:, :12]
    chosen = np.take_along_axis(way, order[:, :, None], axis=1)
    mean = np.linalg.norm(chosen, axis=2).mean(axis=1)
    found = _of_twelve(_signatures(chosen, _BETWEEN * mean))
    result = phases.copy()
    free = whole & (phases == _OTHER)
    result[free & (found == _FCC)] = _DIAMOND
    result[free & (found == _HCP)] = _HEX_DIAMOND
    return result
