"""Derivatives of the loss along the errors of a portion."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from maxvolt.compiled import _core
from maxvolt.fitting.training_set import Portion
from maxvolt.potentials.mtp.binding import kernels
from maxvolt.units import VOIGT_COUNTS

__all__ = ["pull_back"]

Array = NDArray[np.float64]


def pull_back(core: _core.Core, portion: Portion, errors: Array) -> Array:
    """Derivatives of the rows of a portion by all parameters, times weighted errors; shape (P,).

    Parameters
    ----------
    core
        Compiled model.
    portion
        Structures and weights.
    errors : shape (n + 3 N + 6 n,)
        Of energies, force components and virials.
    """
    energies, forces, virials = portion.split(portion.weights * errors)
    # Forces are minus the derivative by positions. Of a shear component half the weight counts for
    # each of the two entries of the strain.
    xx, yy, zz, yz, xz, xy = (virials / VOIGT_COUNTS).T
    strains = np.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]]).transpose(2, 0, 1)
    return kernels.directional_gradient(
        core, portion.neighborhoods, energies, -forces, strains, threads=1
    )
