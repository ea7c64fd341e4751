"""Elastic constants by central finite differences of the stress."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from maxvolt.errors import DataError
from maxvolt.properties.arguments import Calculating, system_of
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

_ALLOWED_CHANGE = 0.05
"""Relative change between the full and half the strain above which a constant is doubted."""

_NEGLIGIBLE = 0.05
"""Part of the largest constant below which a constant is too small to be a measure of itself."""

_TINY_STRAIN = 2e-3
"""Strain below which a change comes from noise in the stress rather than from a curved answer."""


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
    nonlinearity : shape (6, 6), GPa
        `matrix` less the same matrix at half the strain: an estimate of its error. Zero where the
        stress is linear in the strain.
    """

    matrix: NDArray[np.float64]
    asymmetry: float
    reference_stress: NDArray[np.float64]
    strain: float
    nonlinearity: NDArray[np.float64]

    def __repr__(self) -> str:
        """Write the constants with their unit, their change at half the strain, and warnings."""
        if self.is_cubic:
            constants = ", ".join(
                f"{n} = {getattr(self, n):.1f} GPa" for n in ("C11", "C12", "C44")
            )
        else:
            constants = f"matrix in GPa =\n{np.array2string(self.matrix, precision=1)}\n"
        text = (
            f"ElasticConstants({constants}; strain {self.strain:g}, "
            f"largest change at half the strain {self.largest_relative_nonlinearity:.1%})"
        )
        return "\n".join([text, *(f"warning: {warning}" for warning in self.warnings)])

    @property
    def C11(self) -> float:
        """Cubic C11 in GPa: mean of the three longitudinal constants (cubic axes along x, y, z)."""
        return float(_cubic_constants(self.matrix)[0])

    @property
    def C12(self) -> float:
        """Cubic C12 in GPa: mean of xx-yy, xx-zz and yy-zz (cubic axes along x, y, z)."""
        return float(_cubic_constants(self.matrix)[1])

    @property
    def C44(self) -> float:
        """Cubic C44 in GPa: mean of the three shear constants (cubic axes along x, y, z)."""
        return float(_cubic_constants(self.matrix)[2])

    @property
    def cubic_deviation(self) -> float:
        """Largest distance in GPa of the matrix from that of `C11`, `C12`, `C44`.

        Large where the crystal is not cubic or its cubic axes do not lie along x, y, z; then the
        three constants mean nothing.
        """
        return _distance_from_cubic(self.matrix)

    @property
    def is_cubic(self) -> bool:
        """Whether the matrix at half the strain is cubic along x, y, z, within 5 % of its largest.

        Judged at half the strain, which a jump of the stress at large strain spoils less.
        """
        half = self.matrix - self.nonlinearity
        return _distance_from_cubic(half) <= 0.05 * float(np.abs(half).max())

    @property
    def largest_relative_nonlinearity(self) -> float:
        """Largest relative change of a constant between half the strain and the full strain.

        Of `C11`, `C12` and `C44` where the crystal is cubic, else of all elements of the matrix.
        Relative to the constant at half the strain, or to 5 % of the largest constant where it is
        smaller than that (one that vanishes by symmetry must not count). Without unit.
        """
        return max(change for _, _, _, change in self._changes())

    @property
    def warnings(self) -> tuple[str, ...]:
        """What speaks against the numbers; empty when nothing does."""
        changed = [
            f"{name} ({full:.1f} GPa at strain {self.strain:g}, {half:.1f} GPa at half of it: "
            f"{change:.0%})"
            for name, full, half, change in self._changes()
            if change > _ALLOWED_CHANGE
        ]
        if not changed:
            return ()
        advice = (
            "the stress is too noisy for so small a strain: relax with a smaller force_tolerance, "
            "or use a larger strain"
            if self.strain < _TINY_STRAIN
            else "the stress is not linear in the strain: use a smaller strain, until the "
            "constants no longer change"
        )
        return (
            f"elastic constants that change by more than {_ALLOWED_CHANGE:.0%} with the strain: "
            f"{', '.join(changed)}; {advice}",
        )

    def _changes(self) -> list[tuple[str, float, float, float]]:
        """Name, value at full strain, at half of it (GPa) and relative change of each constant."""
        half_matrix = self.matrix - self.nonlinearity
        if self.is_cubic:
            full, half = _cubic_constants(self.matrix), _cubic_constants(half_matrix)
            names = ["C11", "C12", "C44"]
        else:
            upper = np.triu_indices(6)
            full, half = self.matrix[upper], half_matrix[upper]
            names = [f"C{i + 1}{j + 1}" for i, j in zip(*upper, strict=True)]
        scale = np.maximum(np.abs(half), _NEGLIGIBLE * np.abs(half_matrix).max())
        difference = np.abs(full - half)
        # A calculator without any stress has no scale, and no change either.
        change = np.divide(difference, scale, out=np.zeros_like(scale), where=scale > 0)
        return list(zip(names, full.tolist(), half.tolist(), change.tolist(), strict=True))

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
            "nonlinearity_GPa": self.nonlinearity.tolist(),
            "largest_relative_nonlinearity": self.largest_relative_nonlinearity,
            "is_stable": self.is_stable,
            "warnings": list(self.warnings),
        }

    def plot(self) -> Figure:
        """Draw the matrix as coloured squares with the numbers and their nonlinearity in them."""
        from matplotlib.figure import Figure

        figure = Figure(figsize=(5.4, 4.6), layout="constrained")
        axes = figure.add_subplot()
        largest = float(np.abs(self.matrix).max())
        image = axes.imshow(self.matrix, cmap="RdBu_r", vmin=-largest, vmax=largest)
        for row in range(6):
            for column in range(6):
                value = round(float(self.matrix[row, column]))  # an integer has no -0
                shade = "white" if abs(value) > 0.6 * largest else "black"
                change = abs(round(float(self.nonlinearity[row, column])))
                text = f"{value}\n± {change}" if change else f"{value}"
                axes.text(column, row, text, ha="center", va="center", color=shade)
        axes.set_xticks(range(6), _VOIGT_LABELS)
        axes.set_yticks(range(6), _VOIGT_LABELS)
        axes.set_xlabel("strain")
        axes.set_ylabel("stress")
        axes.set_title(
            f"change from half the strain: up to {self.largest_relative_nonlinearity:.1%}",
            color="red" if self.warnings else "black",
        )
        figure.colorbar(image, ax=axes, label="elastic constant (GPa)")
        return figure


def elastic_constants(
    calculator: Calculating,
    atoms: Atoms | None = None,
    *,
    strain: float = 0.02,
    relaxation: InternalRelaxation | None = InternalRelaxation(),  # noqa: B008 (immutable)
) -> ElasticConstants:
    """Compute the full 6x6 matrix from the stress at plus and minus one small strain.

    Column k is ``(stress(+strain) - stress(-strain)) / (2 strain)`` with the Voigt component k of
    the strain alone; shear is engineering strain, twice the tensor component. The same at half the
    strain estimates the error; see `ElasticConstants.nonlinearity` and `ElasticConstants.warnings`.

    Parameters
    ----------
    calculator
        Any ASE calculator that gives stress, a potential or ensemble, the path of its file,
        or atoms that carry a calculator.
    atoms
        Crystal in equilibrium (see `lattice_constant`); left unchanged.
    strain
        Amount on either side, without unit.
    relaxation
        How atoms are relaxed inside each strained cell; None clamps their fractional coordinates,
        which is right only where symmetry holds them.
    """
    calculator, atoms = system_of(calculator, atoms, "elastic constants")
    require_bulk(atoms, "elastic constants")
    if not 0 < strain < 0.5:
        raise DataError(f"strain must lie between 0 and 0.5, not {strain!r}")

    def stress_at(component: int, amount: float) -> NDArray[np.float64]:
        gradient = np.eye(3) + strain_tensor(component, amount)
        return np.asarray(deformed(atoms, gradient, calculator, relaxation).get_stress(voigt=True))

    def measure(amount: float) -> NDArray[np.float64]:
        columns = [
            (stress_at(component, amount) - stress_at(component, -amount)) / (2 * amount)
            for component in range(6)
        ]
        return np.stack(columns, axis=1) * GPA_PER_EV_A3

    measured, at_half = measure(strain), measure(strain / 2)
    difference = measured - at_half
    return ElasticConstants(
        matrix=(measured + measured.T) / 2,
        asymmetry=float(np.abs(measured - measured.T).max()),
        reference_stress=stress_at(0, 0.0) * GPA_PER_EV_A3,
        strain=float(strain),
        nonlinearity=(difference + difference.T) / 2,
    )


def _cubic_constants(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """C11, C12 and C44 as means over the elements that are equal in a cubic crystal."""
    diagonal = np.diag(matrix)
    off_diagonal = matrix[(0, 0, 1), (1, 2, 2)]
    return np.array([diagonal[:3].mean(), off_diagonal.mean(), diagonal[3:].mean()])


def _distance_from_cubic(matrix: NDArray[np.float64]) -> float:
    """Largest distance of an element from the cubic matrix with the mean constants."""
    c11, c12, c44 = _cubic_constants(matrix)
    cubic = np.zeros((6, 6))
    cubic[:3, :3] = c12
    np.fill_diagonal(cubic, 3 * [c11] + 3 * [c44])
    return float(np.abs(matrix - cubic).max())
