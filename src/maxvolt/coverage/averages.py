"""Averages over what lies near in a map, equation (192)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from maxvolt.errors import DataError, MaxvoltError

__all__ = ["radius_averages"]


def radius_averages(
    points: NDArray[np.float64], values: NDArray[np.float64], radius: float
) -> NDArray[np.float64]:
    """Mean of a quantity over all points within a radius, equation (192).

    Parameters
    ----------
    points : shape (n, d)
        Places in the map, or in the space of features.
    values : shape (n,)
        The quantity; where it is NaN a point has none, and counts in no mean.
    radius
        In the unit of the places.

    Returns
    -------
    means : shape (n,)
        In the unit of the values; NaN where no point within the radius has the quantity.

    Raises
    ------
    MaxvoltError
        The radius is not positive.
    DataError
        There are not as many values as points, or a place is not finite.
    """
    if not radius > 0:
        raise MaxvoltError(f"radius: expected a number above 0; got {radius}")
    if len(points) != len(values):
        raise DataError(f"values: expected one for each of {len(points)} points; got {len(values)}")
    if not np.isfinite(points).all():
        raise DataError("points: a place in the map is not finite")
    has_value = np.isfinite(values)
    means = np.full(len(points), np.nan)
    if not has_value.any():
        return means
    near = KDTree(points[has_value]).query_ball_point(points, radius)
    known = values[has_value]
    for index, indices in enumerate(near):
        if indices:
            means[index] = known[indices].mean()
    return means
