"""Crystals of boron that are known."""

from __future__ import annotations

from ase import Atoms
from ase.spacegroup import crystal

__all__ = ["alpha_boron", "gamma_boron"]


def alpha_boron() -> Atoms:
    """The primitive cell: one icosahedron.

    Decker and Kasper, Acta Cryst. 12, 503 (1959).
    """
    return crystal(
        ("B", "B"),
        [(0.1189, -0.1189, 0.8912), (0.1969, -0.1969, 0.0243)],
        spacegroup=166,
        cellpar=[4.908, 4.908, 12.567, 90, 90, 120],
        primitive_cell=True,
    )


def gamma_boron() -> Atoms:
    """28 atoms: icosahedra and pairs in the arrangement of rock salt.

    Oganov et al., Nature 457, 863 (2009).
    """
    return crystal(
        ("B",) * 5,
        [
            (0.1702, 0.5206, 0.0),
            (0.1606, 0.2810, 0.3743),
            (0.3472, 0.0924, 0.2093),
            (0.3520, 0.2711, 0.0),
            (0.1644, 0.0080, 0.0),
        ],
        spacegroup=58,
        cellpar=[5.054, 5.612, 6.966, 90, 90, 90],
    )
