"""How the surface of an elastic slab gives way: half spaces and slabs of any crystal."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import expm

from maxvolt.errors import DataError

__all__ = ["indentation_modulus", "slab_compliance", "surface_response"]

_DEEP = 12.0
"""Thickness in units of 1/q from which a slab is a half space, but for exp(-24)."""

_DIRECTIONS = 72
"""Of waves in half a turn; the opposite ones respond alike."""

_SMEARED = 1 / 100
"""Width of the load that stands for a point, over the width of the cell."""

_DECAYED = 5.0
"""Widths of its Gaussian in q after which nothing is left."""

_VOIGT_PLACES = np.array([[0, 5, 4], [5, 1, 3], [4, 3, 2]])


def indentation_modulus(matrix: NDArray[np.float64]) -> float:
    """Modulus with which a half space answers to a round contact, equation (157).

    Of an isotropic material E / (1 - nu^2).

    Parameters
    ----------
    matrix : shape (6, 6)
        Elastic constants in Voigt's order, with the surface across z.

    Returns
    -------
    modulus
        In the unit of the matrix.

    Raises
    ------
    DataError
        The crystal is not stable.
    """
    angles = np.pi * np.arange(_DIRECTIONS) / _DIRECTIONS
    tensor = _tensor(matrix)
    return float(2 / np.mean([surface_response(tensor, angle, _DEEP) for angle in angles]))


def slab_compliance(
    matrix: NDArray[np.float64], cell: NDArray[np.float64], thickness: float
) -> float:
    """What a held, periodic slab gives way beyond a half space, per load, equation (158).

    Negative where the ground that holds it counts more than the images of the load.

    Parameters
    ----------
    matrix : shape (6, 6)
        Elastic constants in Voigt's order, with the surface across z.
    cell : shape (2, 2), Angstrom
        Vectors along which the slab is periodic.
    thickness : Angstrom
        From the surface to what is held.

    Returns
    -------
    compliance
        Of unit 1 / (unit of the matrix times Angstrom).
    """
    tensor = _tensor(matrix)
    area = abs(float(np.linalg.det(cell)))
    reciprocal = 2 * np.pi * np.linalg.inv(cell).T
    smear = _SMEARED * np.sqrt(area)
    counts = np.ceil(_DECAYED / smear * np.linalg.norm(cell, axis=1) / (2 * np.pi)).astype(int)
    grid = np.mgrid[-counts[0] : counts[0] + 1, -counts[1] : counts[1] + 1].reshape(2, -1).T
    waves = grid[grid.any(axis=1)] @ reciprocal
    length = np.linalg.norm(waves, axis=1)
    angle = np.arctan2(waves[:, 1], waves[:, 0])
    turns = np.pi * np.arange(_DIRECTIONS + 1) / _DIRECTIONS
    half_space = np.array([surface_response(tensor, one, _DEEP) for one in turns])
    response = np.interp(angle % np.pi, turns, half_space)
    point = half_space[:-1].mean() / (4 * np.sqrt(np.pi) * smear)
    images = float((response / length * np.exp(-((length * smear) ** 2))).sum()) / area - point
    shallow = np.flatnonzero(length * thickness < _DEEP)
    ground = sum(
        float((surface_response(tensor, angle[k], length[k] * thickness) - response[k]) / length[k])
        for k in shallow
    )
    uniform = thickness * float(np.linalg.inv(tensor[:, 2, :, 2])[2, 2])
    return float(images + (ground + uniform) / area)


def surface_response(tensor: NDArray[np.float64], angle: float, depth: float) -> float:
    """Amplitude of the normal displacement under a wave of normal load, times q, equation (156).

    Parameters
    ----------
    tensor : shape (3, 3, 3, 3)
        Elastic constants, with the surface across z.
    angle : rad
        Direction of the wave, from x.
    depth
        Thickness of the slab, whose lower face is held, times q.

    Raises
    ------
    DataError
        The crystal is not stable.
    """
    along = np.array([np.cos(angle), np.sin(angle), 0.0])
    q = np.einsum("j,ijkl,l->ik", along, tensor, along)
    r = np.einsum("j,ijk->ik", along, tensor[:, :, :, 2])
    t = tensor[:, 2, :, 2]
    if min(np.linalg.eigvalsh(one)[0] for one in (q, t)) <= 0:
        raise DataError("the elastic constants are those of no stable crystal")
    inverse = np.linalg.inv(t)
    system = np.block([[-1j * inverse @ r.T, inverse], [q - r @ inverse @ r.T, -1j * r @ inverse]])
    through = expm(min(depth, _DEEP) * system)
    displacement = through[:3, 3:] @ np.linalg.inv(through[3:, 3:])
    return float(displacement[2, 2].real)


def _tensor(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Elastic constants as a tensor, shape (3, 3, 3, 3)."""
    return np.asarray(
        np.asarray(matrix, float)[_VOIGT_PLACES[:, :, None, None], _VOIGT_PLACES[None, None]]
    )
