"""A neighbour list with a Verlet skin, rebuilt only when it could miss a pair."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maxvolt.errors import DataError
from maxvolt.neighbors import NeighborList, build_neighbors

__all__ = ["VerletNeighbors"]


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """The structure for which the list in use was built."""

    positions: NDArray[np.float64]
    cell: NDArray[np.float64]
    pbc: NDArray[np.bool_]


class VerletNeighbors:
    r"""Neighbours inside a cutoff, kept between calls as long as they are certain to be complete.

    The list holds every pair closer than ``cutoff + skin``. When atoms and cell move on, write the
    new periodic lattice vectors as :math:`\mathbf a_k F` and the new positions as
    :math:`\mathbf x_i F + \mathbf u_i`, where :math:`F` is the homogeneous deformation since the
    list was built and :math:`\mathbf u_i` what is left of each displacement. A pair that is not in
    the list was at least ``cutoff + skin`` long and is now at least

    .. math:: \sigma_{\min}(F)\,(r_\mathrm{cut} + r_\mathrm{skin}) - 2\max_i |\mathbf u_i|

    long, with :math:`\sigma_{\min}` the smallest singular value. While this is not below the
    cutoff, no pair can be missed. With a fixed cell it says: no atom moved more than half the skin.

    Parameters
    ----------
    cutoff
        Distance up to which pairs must be complete, Angstrom.
    skin
        How much farther the list reaches, Angstrom; 0 builds it anew at each call.

    Notes
    -----
    The list holds pairs beyond the cutoff as well: who uses it must leave those out.
    """

    def __init__(self, cutoff: float, skin: float) -> None:
        if not (np.isfinite(cutoff) and cutoff > 0):
            raise DataError(f"cutoff must be a positive length in Angstrom, not {cutoff!r}")
        if not (np.isfinite(skin) and skin >= 0):
            raise DataError(f"skin must be a length in Angstrom, zero or more, not {skin!r}")
        self.cutoff = float(cutoff)
        self.skin = float(skin)
        self._n_builds = 0
        self._built_for: _Snapshot | None = None
        self._neighbors: NeighborList | None = None

    @property
    def n_builds(self) -> int:
        """How many times the list was built so far."""
        return self._n_builds

    def reset(self) -> None:
        """Forget the list, so that the next call builds it anew."""
        self._built_for = None
        self._neighbors = None

    def update(
        self, positions: NDArray[np.float64], cell: NDArray[np.float64], pbc: NDArray[np.bool_]
    ) -> NeighborList:
        """Give a list that is complete for this structure, built anew only where needed.

        Parameters
        ----------
        positions : shape (N, 3), Angstrom
            Need not lie inside the cell.
        cell : shape (3, 3), Angstrom
            Lattice vectors as rows.
        pbc : shape (3,)
            Which lattice vectors are periodic.
        """
        if self._neighbors is None or not self._is_complete(positions, cell, pbc):
            # Forgotten first: a failed build must not leave a list that fits no structure.
            self.reset()
            self._neighbors = build_neighbors(positions, cell, pbc, self.cutoff + self.skin)
            self._built_for = _Snapshot(positions.copy(), cell.copy(), pbc.copy())
            self._n_builds += 1
        return self._neighbors

    def _is_complete(
        self, positions: NDArray[np.float64], cell: NDArray[np.float64], pbc: NDArray[np.bool_]
    ) -> bool:
        old = self._built_for
        if old is None or len(positions) != len(old.positions) or (pbc != old.pbc).any():
            return False
        if not np.isfinite(cell).all():
            return False  # for build_neighbors to refuse
        if self.skin == 0.0:
            return bool((positions == old.positions).all() and (cell == old.cell).all())
        least_stretch, carried = 1.0, old.positions
        if (cell != old.cell)[pbc].any():
            deformation = _deformation(old.cell, cell, pbc)
            least_stretch = float(np.linalg.svd(deformation, compute_uv=False)[-1])
            carried = old.positions @ deformation
        moved = positions - carried
        # Distances do not change when all atoms move together.
        moved = moved - moved.mean(axis=0)
        farthest = float(np.sqrt(np.max(np.einsum("ij,ij->i", moved, moved))))
        return least_stretch * (self.cutoff + self.skin) - 2 * farthest >= self.cutoff


def _deformation(
    old: NDArray[np.float64], new: NDArray[np.float64], pbc: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Homogeneous deformation F with ``old[k] @ F == new[k]`` for each periodic k.

    Across the periodic directions F is the identity, so cells without all three vectors serve too.
    """
    return np.asarray(np.eye(3) + np.linalg.pinv(old[pbc]) @ (new[pbc] - old[pbc]))
