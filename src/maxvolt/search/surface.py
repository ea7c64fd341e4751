"""Atoms of a cluster that go to another place on its surface."""

from __future__ import annotations

import numpy as np
from ase import Atoms

__all__ = ["carry_outermost"]


def carry_outermost(atoms: Atoms, generator: np.random.Generator, count: int = 1) -> None:
    """Put the outermost atoms somewhere else on the surface: they are bound the least.

    Parameters
    ----------
    atoms
        A cluster, which is changed.
    generator
        Of the directions from the centre.
    count
        How many atoms; each comes to the distance of the outermost one.
    """
    center = atoms.positions.mean(axis=0)
    distances = np.linalg.norm(atoms.positions - center, axis=1)
    outermost = np.argsort(distances, kind="stable")[::-1][:count]
    directions = generator.standard_normal((len(outermost), 3))
    directions /= np.linalg.norm(directions, axis=1)[:, None]
    atoms.positions[outermost] = center + distances.max() * directions
