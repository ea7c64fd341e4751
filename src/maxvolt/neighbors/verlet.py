"""A neighbour list with a Verlet skin, rebuilt only when it could miss a pair."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maxvolt.compiled import _core
from maxvolt.errors import DataError
from maxvolt.neighbors.dataset_pairs import structure_pairs
from maxvolt.neighbors.neighborhoods import Neighborhoods
from maxvolt.neighbors.pairs import NeighborList

__all__ = ["VerletNeighbors"]

_FIRST_SKIN = 0.4
"""Angstrom; for structures of which it is not known whether they move a little at a time."""

_MORE_SKIN = 0.6
"""Angstrom by which a skin that is too short grows."""

_LONGEST_SKIN = 0.6
"""In cutoffs; the list then has four times the pairs inside the cutoff."""

_BUILD_COST = 100.0
"""Calls that one Angstrom of skin makes dearer by as much as building the list costs."""

_JUMP = 1.0
"""Angstrom; atoms that come this much closer in one call are another structure."""


@dataclass(frozen=True, slots=True)
class _Snapshot:
    """The structure for which the list in use was built."""

    positions: NDArray[np.float64]
    cell: NDArray[np.float64]
    pbc: NDArray[np.bool_]


class VerletNeighbors:
    r"""Neighbours inside a cutoff, kept between calls as long as they are certain to be complete.

    The list holds every pair closer than ``cutoff + skin``. When atoms and cell move on, write the
    new periodic lattice vectors as $\mathbf a_k F$ and the new positions as
    $\mathbf x_i F + \mathbf u_i$, where $F$ is the homogeneous deformation since the
    list was built and $\mathbf u_i$ what is left of each displacement. A pair that is not in
    the list was at least ``cutoff + skin`` long and is now at least

    $$\sigma_{\min}(F)\,(r_\mathrm{cut} + r_\mathrm{skin}) - |\mathbf u_1| - |\mathbf u_2|$$

    long, with $\sigma_{\min}$ the smallest singular value and the two largest
    $|\mathbf u_i|$. While this is not below the cutoff, no pair can be missed.

    Parameters
    ----------
    cutoff
        Distance up to which pairs must be complete, Angstrom.
    skin
        How much farther the list reaches, Angstrom; 0 builds it again at each call. None: a short
        one at first, longer where atoms keep moving and the list would be built too often.

    Notes
    -----
    The list holds pairs beyond the cutoff as well: who uses it must leave those out.
    """

    def __init__(self, cutoff: float, skin: float | None = None) -> None:
        if not (np.isfinite(cutoff) and cutoff > 0):
            raise DataError(f"cutoff must be a positive length in Angstrom, not {cutoff!r}")
        if skin is not None and not (np.isfinite(skin) and skin >= 0):
            raise DataError(f"skin must be a length in Angstrom, zero or more, not {skin!r}")
        self.cutoff = float(cutoff)
        self._adapts = skin is None
        self._longest = _LONGEST_SKIN * self.cutoff
        self._skin = min(_FIRST_SKIN, self._longest) if skin is None else float(skin)
        self._n_builds = 0
        self._n_calls = 0  # that the list in use has served
        self._closer = 0.0  # what `_coming_closer` said at the last of them
        self._shorter: tuple[float, int] | None = None  # the skin before, and the calls it served
        self._settled = False
        self._built_for: _Snapshot | None = None
        self._neighbors: NeighborList | None = None
        self._where: Neighborhoods | None = None

    def __getstate__(self) -> dict[str, Any]:
        """Copy and pickle without the list, which the next call builds."""
        return {**self.__dict__, "_built_for": None, "_neighbors": None, "_where": None}

    @property
    def skin(self) -> float:
        """How much farther than the cutoff the list reaches now, Angstrom."""
        return self._skin

    @property
    def n_builds(self) -> int:
        """How many times the list was built so far."""
        return self._n_builds

    def reset(self) -> None:
        """Forget the list, so that the next call builds it again."""
        self._built_for = None
        self._neighbors = None
        self._where = None

    def update(
        self, positions: NDArray[np.float64], cell: NDArray[np.float64], pbc: NDArray[np.bool_]
    ) -> NeighborList:
        """Give a list that is complete for this structure, built again only where needed.

        Parameters
        ----------
        positions : shape (N, 3), Angstrom
            Need not lie inside the cell.
        cell : shape (3, 3), Angstrom
            Lattice vectors as rows.
        pbc : shape (3,)
            Which lattice vectors are periodic.
        """
        closer = self._coming_closer(positions, cell, pbc)
        if self._neighbors is None or not closer <= self._skin:
            if self._adapts:
                self._skin = self._next_skin(closer)
            # Forgotten first: a failed build must not leave a list that fits no structure.
            self.reset()
            self._neighbors = structure_pairs(positions, cell, pbc, self.cutoff + self._skin)
            self._built_for = _Snapshot(positions.copy(), cell.copy(), pbc.copy())
            self._n_builds += 1
            self._n_calls, closer = 0, 0.0
        self._n_calls += 1
        self._closer = closer
        return self._neighbors

    def neighborhoods(
        self,
        positions: NDArray[np.float64],
        cell: NDArray[np.float64],
        pbc: NDArray[np.bool_],
        types: NDArray[np.int32],
    ) -> Neighborhoods:
        """Give what the kernels run over, prepared anew only where the list is.

        Parameters
        ----------
        positions, cell, pbc
            As of `update`.
        types : shape (N,), int32
            Species index of each atom.
        """
        pairs = self.update(positions, cell, pbc)
        cells = np.where(pbc[:, None], cell, 0.0)[None]
        if self._where is None:
            structures = np.zeros(len(positions), dtype=np.int32)
            self._where = Neighborhoods(positions, cells, structures, types, pairs)
        return self._where.with_atoms(positions, cells, types)

    def _coming_closer(
        self, positions: NDArray[np.float64], cell: NDArray[np.float64], pbc: NDArray[np.bool_]
    ) -> float:
        """How much closer than at the last build two atoms can be, Angstrom; inf if unknown."""
        old = self._built_for
        if old is None or len(positions) != len(old.positions) or (pbc != old.pbc).any():
            return np.inf
        if self._skin == 0.0:
            same = (positions == old.positions).all() and (cell == old.cell).all()
            return 0.0 if same else np.inf
        deformation, least_stretch = np.eye(3), 1.0
        if (cell != old.cell).any():
            if not np.isfinite(cell).all():
                return np.inf  # for the search to refuse
            deformation = _deformation(old.cell, cell, pbc)
            least_stretch = float(np.linalg.svd(deformation, compute_uv=False)[-1])
        # Distances do not change when all atoms move together.
        farthest = _core.largest_displacements(positions, old.positions, deformation)
        return sum(farthest) + (1.0 - least_stretch) * (self.cutoff + self._skin)

    def _next_skin(self, closer: float) -> float:
        """Choose from how the list in use has done; the same trajectory gives the same lists."""
        if closer - self._closer > _JUMP:  # not the same structure any more
            self._shorter, self._settled = None, False
            return min(_FIRST_SKIN, self._longest)
        if self._settled or self._n_calls * self._skin > _BUILD_COST:
            return self._skin
        if self._skin == self._longest:
            self._settled = True
            skin, n_calls = self._shorter or (self._skin, 0)
            dearer = ((self.cutoff + self._skin) / (self.cutoff + skin)) ** 3
            # In a liquid a longer skin helps less than it costs.
            return skin if self._n_calls < dearer * n_calls else self._skin
        self._shorter = self._skin, self._n_calls
        return min(self._skin + _MORE_SKIN, self._longest)


def _deformation(
    old: NDArray[np.float64], new: NDArray[np.float64], pbc: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Homogeneous deformation F with ``old[k] @ F == new[k]`` for each periodic k.

    Across the periodic directions F is the identity, so cells without all three vectors serve too.
    """
    if not pbc.any():
        return np.eye(3)
    return np.asarray(np.eye(3) + np.linalg.pinv(old[pbc]) @ (new[pbc] - old[pbc]))
