"""The loss: weights of every equation, equations (7), (11) and (12) of docs/formulation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from maxvolt.dataset import Dataset
from maxvolt.errors import FitError
from maxvolt.units import VOIGT_COUNTS

__all__ = ["EquationWeights", "Scaling", "Weights", "equation_weights"]

Scaling = Literal["vibrations", "molecules", "structures"]

# Powers of 1/N for (energy and stress, forces): the paper's three uses of a potential.
_POWERS: dict[str, tuple[int, int]] = {
    "vibrations": (1, 0),
    "molecules": (0, 0),
    "structures": (2, 1),
}


@dataclass(frozen=True, slots=True)
class Weights:
    """Weights of the three kinds of labels in the loss.

    Attributes
    ----------
    energy : float, 1/eV^2
    forces : float, Angstrom^2/eV^2
    stress : float, 1/eV^2
        Of the virial, volume times stress.

    Raises
    ------
    FitError
        A weight is negative or not finite, or all are zero.
    """

    energy: float = 1.0
    forces: float = 0.01
    stress: float = 0.001

    def __post_init__(self) -> None:
        values = (self.energy, self.forces, self.stress)
        if not all(np.isfinite(v) and v >= 0 for v in values) or not any(values):
            raise FitError(
                f"expected weights >= 0, at least one above 0; got energy={self.energy}, "
                f"forces={self.forces}, stress={self.stress}"
            )


@dataclass(frozen=True, slots=True, eq=False)
class EquationWeights:
    """Weight of every equation in the loss; zero where there is no label.

    Attributes
    ----------
    energies : shape (n,)
    forces : shape (N,)
        The same for the three components.
    virials : shape (n, 6)
    """

    energies: NDArray[np.float64]
    forces: NDArray[np.float64]
    virials: NDArray[np.float64]


def equation_weights(dataset: Dataset, weights: Weights, scaling: Scaling) -> EquationWeights:
    """Weights of all equations of a dataset.

    Parameters
    ----------
    dataset
        Structures with labels; their own weights multiply.
    weights
        Weights of energies, forces and stresses.
    scaling
        vibrations: energies and stresses divided by N, equation (11); molecules: nothing divided,
        equation (7); structures: energies and stresses by N^2, forces by N, equation (12). All are
        divided by the number of structures, so that a loss does not grow with the set.

    Raises
    ------
    FitError
        Unknown scaling.
    """
    if scaling not in _POWERS:
        raise FitError(f"scaling must be one of {', '.join(get_args(Scaling))}; got {scaling!r}")
    power, force_power = _POWERS[scaling]
    counts = dataset.counts.astype(float)
    own = dataset.weights / max(len(dataset), 1)
    periodic = dataset.pbc.all(axis=1)
    forces = weights.forces * own * dataset.has_forces / counts**force_power
    stress = weights.stress * own * (dataset.has_stress & periodic) / counts**power
    return EquationWeights(
        energies=weights.energy * own * dataset.has_energy / counts**power,
        forces=np.repeat(forces, dataset.counts),
        virials=stress[:, None] * VOIGT_COUNTS,
    )
