"""Static structure factors, by direct sums over the wave vectors that a cell allows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["structure_factor", "wave_vectors"]

_MOST_OF_A_BIN = 40
"""Wave vectors that are summed for a bin: chosen evenly from all of them."""


def wave_vectors(
    cell: NDArray[np.float64], largest: float, width: float
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """List wave vectors that a cell allows, one of each pair q and -q, at most 40 in a bin.

    Parameters
    ----------
    cell : shape (3, 3), Angstrom
    largest : 1/Angstrom
        Length up to which they are listed.
    width : 1/Angstrom
        Of a bin.

    Returns
    -------
    indices : shape (k, 3)
        q is 2 pi indices @ inverse(cell).T.
    bins : shape (k,)
        Index into the bins.
    lengths : shape (n,), 1/Angstrom
        Mean length in each bin.
    """
    inverse = 2 * np.pi * np.linalg.inv(cell).T
    most = np.ceil(largest * np.linalg.norm(cell, axis=1) / (2 * np.pi)).astype(int)
    grid = np.meshgrid(*(np.arange(-n, n + 1) for n in most), indexing="ij")
    indices = np.stack(grid, axis=-1).reshape(-1, 3)
    first = np.array([1, 0, 0])
    half = (indices @ first > 0) | (
        (indices[:, 0] == 0) & ((indices[:, 1] > 0) | ((indices[:, 1] == 0) & (indices[:, 2] > 0)))
    )
    indices = indices[half]
    lengths = np.linalg.norm(indices @ inverse, axis=1)
    inside = lengths <= largest
    indices, lengths = indices[inside], lengths[inside]
    bins = (lengths / width).astype(int)
    chosen: list[NDArray[np.int64]] = []
    middles: list[float] = []
    numbered: list[NDArray[np.int64]] = []
    for one in np.unique(bins):
        members = np.flatnonzero(bins == one)
        if len(members) > _MOST_OF_A_BIN:
            even = np.linspace(0, len(members) - 1, _MOST_OF_A_BIN).round().astype(int)
            members = members[even]
        numbered.append(np.full(len(members), len(chosen)))
        chosen.append(members)
        middles.append(float(lengths[members].mean()))
    return indices[np.concatenate(chosen)], np.concatenate(numbered), np.array(middles)


def structure_factor(
    frames: Sequence[NDArray[np.float64]],
    cell: NDArray[np.float64],
    *,
    largest: float,
    width: float,
    blocks: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Average S(q) over frames of one cell and over directions, equation (97).

    All atoms count alike, whatever their element.

    Parameters
    ----------
    frames : each of shape (N, 3), Angstrom
    cell : shape (3, 3), Angstrom
    largest, width : 1/Angstrom
        Of the wave vectors, and of the bins in which they are averaged.
    blocks
        Into which the frames are divided, in order.

    Returns
    -------
    lengths : shape (n,), 1/Angstrom
    factors : shape (b, n)
        In each block.
    """
    indices, bins, lengths = wave_vectors(cell, largest, width)
    weights = np.bincount(bins)
    inverse = np.linalg.inv(cell)
    factors = []
    for part in np.array_split(np.arange(len(frames)), blocks):
        sums = np.zeros(len(indices))
        for k in part:
            sums += np.abs(_amplitudes(frames[k] @ inverse, indices)) ** 2
        means = np.bincount(bins, sums) / weights
        factors.append(means / (len(part) * len(frames[0])))
    return lengths, np.array(factors)


def _amplitudes(scaled: NDArray[np.float64], indices: NDArray[np.int64]) -> NDArray[np.complex128]:
    """Sum of exp(i q r) over atoms; powers of three phases for each atom, not exponentials."""
    phases = []
    for axis in range(3):
        most = int(np.abs(indices[:, axis]).max())
        steps = np.arange(-most, most + 1)
        waves = np.exp(2j * np.pi * np.outer(steps, scaled[:, axis]))
        phases.append(waves[indices[:, axis] + most])
    return np.asarray((phases[0] * phases[1] * phases[2]).sum(axis=1))
