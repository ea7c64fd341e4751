"""Elastic constants by central finite differences of the stress."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator
from numpy.typing import NDArray

from maxvolt.errors import DataError
from maxvolt.properties.deformation import (
    InternalRelaxation,
    deformed,
    require_bulk,
    strain_tensor,
)
from maxvolt.units import GPA_PER_EV_A3

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["ElasticConstants", "elastic_constants"]

_VOIGT_LABELS = ("xx", "yy", "zz", "yz", "xz", "xy")


@dataclass(frozen=True, slots=True)
class ElasticConstants:
    """Elastic constants in the Cartesian axes of the cell, Voigt order xx yy zz yz xz xy.

    Attributes
    ----------
    matrix : shape (6, 6), GPa
        Symmetrised: the mean of the measured matrix and its transpose.
    asymmetry : GPa
        Largest difference between the measured matrix and its transpose.
    reference_stress : shape (6,), GPa
        Stress of the unstrained structure. The constants are those of an equilibrium crystal only
        where it vanishes.
    strain
        Amount of the Voigt strain on either side, without unit.
    """

    matrix: NDArray[np.float64]
    asymmetry: float
    reference_stress: NDArray[np.float64]
    strain: float

    @property
    def C11(self) -> float:
        """Cubic C11 in GPa: mean of the three longitudinal constants (cubic axes along x, y, z)."""
        return float(np.mean(np.diag(self.matrix)[:3]))

    @property
    def C12(self) -> float:
        """Cubic C12 in GPa: mean of xx-yy, xx-zz and yy-zz (cubic axes along x, y, z)."""
        return float(np.mean(self.matrix[(0, 0, 1), (1, 2, 2)]))

    @property
    def C44(self) -> float:
        """Cubic C44 in GPa: mean of the three shear constants (cubic axes along x, y, z)."""
        return float(np.mean(np.diag(self.matrix)[3:]))

    @property
    def cubic_deviation(self) -> float:
        """Largest distance in GPa of the matrix from that of `C11`, `C12`, `C44`.

        Large where the crystal is not cubic or its cubic axes do not lie along x, y, z; then the
        three constants mean nothing.
        """
        cubic = np.zeros((6, 6))
        cubic[:3, :3] = self.C12
        np.fill_diagonal(cubic, 3 * [self.C11] + 3 * [self.C44])
        return float(np.abs(self.matrix - cubic).max())

    @property
    def bulk_modulus(self) -> float:
        """Voigt's bulk modulus in GPa: the answer to an isotropic strain."""
        return float(self.matrix[:3, :3].mean())

    @property
    def is_stable(self) -> bool:
        """Born's criterion: every small strain costs energy (the matrix is positive definite)."""
        return bool(np.linalg.eigvalsh(self.matrix)[0] > 0)

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain numbers and lists, units in the keys."""
        return {
            "matrix_GPa": self.matrix.tolist(),
            "C11_GPa": self.C11,
            "C12_GPa": self.C12,
            "C44_GPa": self.C44,
            "cubic_deviation_GPa": self.cubic_deviation,
            "bulk_modulus_GPa": self.bulk_modulus,
            "asymmetry_GPa": self.asymmetry,
            "reference_stress_GPa": self.reference_stress.tolist(),
            "strain": self.strain,
            "is_stable": self.is_stable,
        }

    def plot(self) -> Figure:
        """Draw the matrix as coloured squares with the numbers in them."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=(5.4, 4.6), layout="constrained")
        axes = figure.add_subplot()
        largest = float(np.abs(self.matrix).max())
        image = axes.imshow(self.matrix, cmap="RdBu_r", vmin=-largest, vmax=largest)
        for row in range(6):
            for column in range(6):
                value = round(float(self.matrix[row, column]))  # an integer has no -0
                shade = "white" if abs(value) > 0.6 * largest else "black"
                axes.text(column, row, f"{value}", ha="center", va="center", color=shade)
        axes.set_xticks(range(6), _VOIGT_LABELS)
        axes.set_yticks(range(6), _VOIGT_LABELS)
        axes.set_xlabel("strain")
        axes.set_ylabel("stress")
        figure.colorbar(image, ax=axes, label="elastic constant (GPa)")
        return figure


def elastic_constants(
    calculator: Calculator,
    atoms: Atoms,
    *,
    strain: float = 0.02,
    relaxation: InternalRelaxation | None = InternalRelaxation(),  # noqa: B008 (immutable)
) -> ElasticConstants:
    """Compute the full 6x6 matrix from the stress at plus and minus one small strain.

    Column k is ``(stress(+strain) - stress(-strain)) / (2 strain)`` with the Voigt component k of
    the strain alone; shear is engineering strain, twice the tensor component.

    Parameters
    ----------
    calculator
        Any ASE calculator that gives stress.
    atoms
        Crystal in equilibrium (see `lattice_constant`); left unchanged.
    strain
        Amount on either side, without unit.
    relaxation
        How atoms are relaxed inside each strained cell; None clamps their fractional coordinates,
        which is right only where symmetry holds them.
    """
    require_bulk(atoms, "elastic constants")
    if not 0 < strain < 0.5:
        raise DataError(f"strain must lie between 0 and 0.5, not {strain!r}")

    def stress_at(component: int, amount: float) -> NDArray[np.float64]:
        gradient = np.eye(3) + strain_tensor(component, amount)
        return np.asarray(deformed(atoms, gradient, calculator, relaxation).get_stress(voigt=True))

    columns = [
        (stress_at(component, strain) - stress_at(component, -strain)) / (2 * strain)
        for component in range(6)
    ]
    measured = np.stack(columns, axis=1) * GPA_PER_EV_A3
    return ElasticConstants(
        matrix=(measured + measured.T) / 2,
        asymmetry=float(np.abs(measured - measured.T).max()),
        reference_stress=stress_at(0, 0.0) * GPA_PER_EV_A3,
        strain=float(strain),
    )
