"""The functions of an embedded-atom potential, as splines through its tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from maxvolt.potentials.eam.splines import Splines
from maxvolt.potentials.eam.tables import Tables

__all__ = ["Functions"]

Array = NDArray[np.float64]
Types = NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Functions:
    """Pair energies, densities and embedding energies, each with its derivative.

    Parameters
    ----------
    pair_of : shape (c, c)
        Spline of the pair energy of two species.
    density_of : shape (c, c)
        Spline of the density that the first species contributes at the second.
    largest_density : float
        Where the tables of embedding energies end.
    """

    pair_of: NDArray[np.intp]
    density_of: NDArray[np.intp]
    largest_density: float
    pair: Splines
    density: Splines
    embedding: Splines

    @classmethod
    def of(cls, tables: Tables) -> Self:
        """Make the splines."""
        count, points = len(tables.species), tables.pairs.shape[-1]
        upper = np.triu_indices(count)
        pair_of = np.empty((count, count), np.intp)
        pair_of[upper] = pair_of.T[upper] = np.arange(len(upper[0]))
        # The table holds r phi(r), which says nothing of phi at zero.
        distances = tables.distance_spacing * np.arange(1, points)
        phi = tables.pairs[upper][:, 1:] / distances
        if tables.form == "fs":
            density_of = np.arange(count * count).reshape(count, count)
        else:
            density_of = np.broadcast_to(np.arange(count)[:, None], (count, count))
        return cls(
            pair_of=pair_of,
            density_of=density_of,
            largest_density=tables.density_spacing * (tables.embedding.shape[1] - 1),
            pair=Splines.through(phi, tables.distance_spacing, tables.distance_spacing),
            density=Splines.through(tables.densities.reshape(-1, points), tables.distance_spacing),
            embedding=Splines.through(tables.embedding, tables.density_spacing),
        )

    def pair_energies(self, one: Types, other: Types, distances: Array) -> tuple[Array, Array]:
        """Energy of each pair of species at a distance, eV, and its slope."""
        return self.pair(self.pair_of[one, other], distances)

    def densities(self, source: Types, host: Types, distances: Array) -> tuple[Array, Array]:
        """Density that an atom of one species contributes at another, and its slope."""
        return self.density(self.density_of[source, host], distances)

    def embedding_energies(self, types: Types, density: Array) -> tuple[Array, Array]:
        """Embedding energies of atoms, eV, and their slopes; straight lines beyond the table."""
        inside = np.clip(density, 0.0, self.largest_density)
        energy, slope = self.embedding(types, inside)
        return energy + slope * (density - inside), slope
