"""Clusters cut out of a simulation, of growing radius, for a reference calculator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from maxvolt.errors import DataError
from maxvolt.properties.dynamic.frame_check import asked_reference
from maxvolt.properties.dynamic.keeping import Keeping

__all__ = ["ClusterErrors", "cluster_around", "cluster_errors"]

_GAP = 12.0
"""Angstrom between the images of a cluster, for references that need a periodic cell."""


@dataclass(frozen=True, slots=True, eq=False)
class ClusterErrors:
    """Forces on chosen atoms, in clusters of r radii.

    Attributes
    ----------
    radii : shape (r,), Angstrom
    errors : shape (r,), eV/Angstrom
        Root mean square difference of a component of the force that the simulation has from that
        of the reference in the cluster.
    changes : shape (r,), eV/Angstrom
        The same of the reference in the cluster, from the reference in the largest one.
    size : eV/Angstrom
        Root mean square component of the reference in the largest cluster.
    atoms : shape (r,)
        Mean number in a cluster.
    """

    radii: NDArray[np.float64]
    errors: NDArray[np.float64]
    changes: NDArray[np.float64]
    size: float
    atoms: NDArray[np.float64]


def cluster_around(atoms: Atoms, centre: int, radius: float) -> Atoms:
    """Cut a ball around an atom, which comes first, in the middle of a cell of its own.

    Parameters
    ----------
    atoms
        Periodic along x and y, with its cell vectors there across z.
    centre
        Index of the atom.
    radius : Angstrom
    """
    vectors = atoms.positions - atoms.positions[centre]
    near = np.flatnonzero(np.abs(vectors[:, 2]) <= radius)
    plane = atoms.cell.array[:2, :2]
    heights = abs(np.linalg.det(plane)) / np.linalg.norm(plane, axis=1)[::-1]
    # The part of a vector along a cell vector is between -1 and 1 of it.
    counts = (np.ceil(radius / heights) + 1).astype(int)
    shifts = [
        (i, j) for i in range(-counts[0], counts[0] + 1) for j in range(-counts[1], counts[1] + 1)
    ]
    moved = vectors[near][None] + (np.array(shifts, float) @ atoms.cell.array[:2])[:, None]
    lengths = np.linalg.norm(moved, axis=2)
    inside = lengths <= radius
    order = np.argsort(lengths[inside], kind="stable")
    edge = 2 * radius + _GAP
    numbers = np.broadcast_to(atoms.numbers[near], lengths.shape)[inside][order]
    return Atoms(numbers, moved[inside][order] + edge / 2, cell=[edge] * 3, pbc=True)


def cluster_errors(
    reference: Any,
    atoms: Atoms,
    forces: NDArray[np.float64],
    chosen: Sequence[int],
    radii: Sequence[float],
    keeping: Keeping,
    purpose: str,
) -> ClusterErrors:
    """Ask a reference for the forces on atoms in clusters around them.

    As Figure 8 of J. S. Smith et al., Nat. Commun. 12, 1257 (2021).

    Parameters
    ----------
    reference
        ASE calculator.
    atoms
        The whole structure, as for `cluster_around`.
    forces : shape (N, 3), eV/Angstrom
        Of the simulation.
    chosen
        Indices of atoms.
    radii : Angstrom
        Growing.
    keeping
        Where the answers of the reference are kept.
    purpose
        What is computed, for messages.

    Raises
    ------
    DataError
        No atom was chosen, or no radius is given.
    MaxvoltError
        The reference fails.
    """
    if not len(chosen) or not len(radii):
        raise DataError(f"{purpose}: clusters need atoms and radii; got none")
    found = np.empty((len(radii), len(chosen), 3))
    counts = np.empty((len(radii), len(chosen)))
    for row, radius in enumerate(radii):
        for column, centre in enumerate(chosen):
            if keeping.progress is not None:
                done = row * len(chosen) + column
                keeping.progress("clusters", done, len(radii) * len(chosen))
            cluster = cluster_around(atoms, centre, radius)
            _, there = asked_reference(reference, cluster, keeping.folder, purpose)
            found[row, column], counts[row, column] = there[0], len(cluster)
    ours = forces[list(chosen)]
    return ClusterErrors(
        np.array(radii, float),
        np.sqrt(np.mean((found - ours) ** 2, axis=(1, 2))),
        np.sqrt(np.mean((found - found[-1]) ** 2, axis=(1, 2))),
        float(np.sqrt(np.mean(found[-1] ** 2))),
        counts.mean(axis=1),
    )
