r"""Positions and cell as variables of one minimisation.

With the first positions :math:`\mathbf x_i` and cell :math:`A` (rows are lattice vectors),
displacements :math:`\mathbf u_i` and a symmetric strain :math:`\varepsilon`,

.. math:: \mathbf r_i = (\mathbf x_i + \mathbf u_i)(1 + \varepsilon),\qquad A' = A (1 + \varepsilon)

and the enthalpy is :math:`H = E + P V`. With forces :math:`\mathbf f_i` and
:math:`W = V(\sigma + P)`,

.. math::
    \frac{\partial H}{\partial \mathbf u_i} = -\mathbf f_i (1 + \varepsilon),\qquad
    \frac{\partial H}{\partial \varepsilon}
    = \tfrac12\left[(1+\varepsilon)^{-1} W + W (1+\varepsilon)^{-1}\right]

Atoms that are held have no displacement along what is forbidden, so that they keep their scaled
coordinates where the cell changes; gradients are projected on what is free.

The variables are rows: one of :math:`\mathbf u_i` for each atom and, where the cell is relaxed, the
three of :math:`L \varepsilon`, with a length :math:`L` that gives cell and atoms similar
curvatures. Components of the strain that are held have no gradient, and stay zero.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from maxvolt.cells import cell_volumes
from maxvolt.sampling.batch import Batch
from maxvolt.units import VOIGT

__all__ = ["Coordinates"]


class Coordinates:
    """Variables of the structures of a batch, from their first positions.

    Parameters
    ----------
    start
        The first structures.
    cell
        Whether the cells are relaxed.
    pressure : eV/Angstrom^3
        External pressure.
    lengths : shape (n,), Angstrom
        What a strain is multiplied with.
    strains
        Which components of the strain (Voigt order) are free.
    """

    def __init__(
        self,
        start: Batch,
        cell: bool,
        pressure: float,
        lengths: NDArray[np.float64],
        strains: Sequence[bool] = (True,) * 6,
    ) -> None:
        self.start = start
        self._free_strains = np.zeros((3, 3))
        for is_free, (a, b) in zip(strains, VOIGT, strict=True):
            self._free_strains[a, b] = self._free_strains[b, a] = is_free
        self._free: list[NDArray[np.float64] | None] = [None] * len(start)
        self.cell = cell
        self.pressure = pressure
        self.lengths = lengths
        self._index()

    def _index(self) -> None:
        """Find which rows are atoms and which are strains."""
        extra = 3 if self.cell else 0
        self.counts = self.start.counts + extra
        ends = np.cumsum(self.counts)
        self._is_atom = np.ones(int(self.counts.sum()), np.bool_)
        if extra:
            self._is_atom[(ends[:, None] - np.arange(1, 4)).ravel()] = False

    def zeros(self) -> NDArray[np.float64]:
        """Give the variables of the first structures, shape (R, 3)."""
        return np.zeros((len(self._is_atom), 3))

    def remove(self, which: NDArray[np.bool_]) -> None:
        """Take structures out."""
        self.start = self.start.select(~which)
        self.lengths = self.lengths[~which]
        self._free = [self._free[k] for k in np.flatnonzero(~which)]
        self._index()

    def add(
        self,
        more: Batch,
        lengths: NDArray[np.float64],
        free: Sequence[NDArray[np.float64] | None],
    ) -> None:
        """Put structures in, with the projectors of `free_directions` for each."""
        self.start = self.start.joined(more)
        self.lengths = np.concatenate([self.lengths, lengths])
        self._free += free
        self._index()

    def free_forces(
        self, x: NDArray[np.float64], forces: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Forces without those on what is held, shape (N, 3)."""
        if all(free is None for free in self._free):
            return forces
        deformation = self._deformation(x)
        if deformation is None:
            return self._projected(forces)
        of_atom = deformation[self.start.structure_of_atom]
        free = self._projected(np.einsum("ia,iab->ib", forces, of_atom))
        return np.asarray(np.linalg.solve(of_atom.transpose(0, 2, 1), free[:, :, None])[:, :, 0])

    def _projected(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Rows of atoms, shape (N, 3), along what is free."""
        projected = rows.copy()
        for k, free in enumerate(self._free):
            if free is not None:
                of = slice(self.start.offsets[k], self.start.offsets[k + 1])
                projected[of] = np.einsum("iab,ib->ia", free, rows[of])
        return projected

    def structures(self, x: NDArray[np.float64]) -> Batch:
        """Give the structures at these variables, shape (R, 3)."""
        deformation = self._deformation(x)
        moved = self.start.positions + x[self._is_atom]
        if deformation is None:
            return self.start.moved(moved, self.start.cells)
        of_atom = deformation[self.start.structure_of_atom]
        return self.start.moved(
            np.einsum("ia,iab->ib", moved, of_atom), self.start.cells @ deformation
        )

    def enthalpies(self, at: Batch, energies: NDArray[np.float64]) -> NDArray[np.float64]:
        """Energies plus pressure times volume where the cell is relaxed, shape (n,), eV."""
        if not (self.cell and self.pressure):
            return energies
        return energies + self.pressure * cell_volumes(at.cells)

    def gradients(
        self,
        x: NDArray[np.float64],
        at: Batch,
        forces: NDArray[np.float64],
        virials: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Gradient of the enthalpies by the variables, shape (R, 3).

        Parameters
        ----------
        x : shape (R, 3)
            Variables.
        at
            Structures there.
        forces : shape (N, 3), eV/Angstrom
        virials : shape (n, 6), eV
            Volume times stress.
        """
        deformation = self._deformation(x)
        if deformation is None:
            return self._projected(-forces)
        gradient = np.empty_like(x)
        of_atom = deformation[self.start.structure_of_atom]
        gradient[self._is_atom] = self._projected(-np.einsum("ia,iab->ib", forces, of_atom))
        work = np.empty((len(at), 3, 3))
        for value, (a, b) in zip(virials.T, VOIGT, strict=True):
            work[:, a, b] = work[:, b, a] = value
        work += (self.pressure * cell_volumes(at.cells))[:, None, None] * np.eye(3)
        half = np.linalg.solve(deformation, work)
        symmetric = 0.5 * (half + half.transpose(0, 2, 1)) / self.lengths[:, None, None]
        gradient[~self._is_atom] = (self._free_strains * symmetric).reshape(-1, 3)
        return gradient

    def _deformation(self, x: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """One plus strain, shape (n, 3, 3); None where the cells stay."""
        if not self.cell:
            return None
        strain = x[~self._is_atom].reshape(-1, 3, 3) / self.lengths[:, None, None]
        return strain + np.eye(3)
