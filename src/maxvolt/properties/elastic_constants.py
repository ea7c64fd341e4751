"""Elastic constants by central finite differences of the stress."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator
from numpy.typing import NDArray

from maxvolt.errors import DataError
from maxvolt.html_tables import TableOfNumbers
from maxvolt.properties.arguments import Calculating, system_of
from maxvolt.properties.deformation import InternalRelaxation, deformed, require_bulk, strain_tensor
from maxvolt.properties.shells import (
    Shell,
    changed_shell,
    interaction_cutoff,
    largest_clear_strain,
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

_LARGEST_STRAIN = 0.01
"""Strain that is chosen where no shell of neighbours limits it: the error grows with its square."""

_SMALLEST_STRAIN = 1e-4
"""Strain below which what is left of the internal relaxation drowns the stress."""

_ALLOWED_STRESS = 0.01
"""Part of the largest constant above which the stress of the crystal spoils the constants.

Constants change with the pressure about five times as fast as the pressure itself.
"""

_ALLOWED_FORCE = 0.01
"""Force in eV/Angstrom above which a crystal with clamped atoms is not relaxed."""


@dataclass(frozen=True, slots=True)
class ElasticConstants(TableOfNumbers):
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
    largest_force : eV/Angstrom
        Largest force on an atom of the unstrained structure.
    cutoff : Angstrom or None
        Of the potential; None where the calculator does not say it.
    crossing
        A neighbour shell that crosses the cutoff within the strain, because no strain avoids it;
        None where none does, or where the cutoff is not known.
    """

    matrix: NDArray[np.float64]
    asymmetry: float
    reference_stress: NDArray[np.float64]
    strain: float
    nonlinearity: NDArray[np.float64]
    largest_force: float = 0.0
    cutoff: float | None = None
    crossing: Shell | None = None

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
        said = [f"warning: {warning}" for warning in self.warnings]
        return "\n".join([text, *said, *(f"note: {note}" for note in self.notes)])

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
        found = (self._crossing_warning(), self._change_warning(), *self._relaxation_warnings())
        return tuple(warning for warning in found if warning)

    @property
    def notes(self) -> tuple[str, ...]:
        """What was not checked, and why."""
        if self.cutoff is not None:
            return ()
        return (
            "the calculator does not say its cutoff, so it was not checked whether a neighbour "
            "shell crosses it within the strain",
        )

    def _crossing_warning(self) -> str:
        if self.crossing is None:
            return ""
        return (
            f"{self.crossing} crosses the cutoff within the strain of {self.strain:g}, and no "
            f"strain down to {_SMALLEST_STRAIN:g} keeps all shells on their side: the second "
            "derivatives of the potential jump there, and the constants are means of both sides; "
            f"they change by up to {self.largest_relative_nonlinearity:.1%} at half the strain. "
            "For a crystal, train with another cutoff"
        )

    def _change_warning(self) -> str:
        changed = [
            f"{name} ({full:.1f} GPa at strain {self.strain:g}, {half:.1f} GPa at half of it: "
            f"{change:.0%})"
            for name, full, half, change in self._changes()
            if change > _ALLOWED_CHANGE
        ]
        if not changed:
            return ""
        advice = (
            "the stress is too noisy for so small a strain: relax with a smaller force_tolerance, "
            "or use a larger strain"
            if self.strain < _TINY_STRAIN
            else "the stress is not linear in the strain: use a smaller strain, until the "
            "constants no longer change"
        )
        return (
            f"elastic constants that change by more than {_ALLOWED_CHANGE:.0%} with the strain: "
            f"{', '.join(changed)}; {advice}"
        )

    def _relaxation_warnings(self) -> list[str]:
        found = []
        stress = float(np.abs(self.reference_stress).max())
        if stress > _ALLOWED_STRESS * float(np.abs(self.matrix).max()):
            found.append(
                f"the crystal is not relaxed: a stress of {stress:.3g} GPa is left in it, and the "
                "constants are not those of equilibrium; relax the cell first, with "
                "lattice_constant if it is cubic or with ase.filters.FrechetCellFilter"
            )
        if self.largest_force > _ALLOWED_FORCE:
            found.append(
                f"the atoms are not relaxed: a force of {self.largest_force:.3g} eV/A is left; "
                "leave out relaxation=None, or relax the atoms first"
            )
        return found

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
            "largest_force_eV_per_A": self.largest_force,
            "strain": self.strain,
            "cutoff_A": self.cutoff,
            "nonlinearity_GPa": self.nonlinearity.tolist(),
            "largest_relative_nonlinearity": self.largest_relative_nonlinearity,
            "is_stable": self.is_stable,
            "warnings": list(self.warnings),
            "notes": list(self.notes),
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
    strain: float | None = None,
    relaxation: InternalRelaxation | None = InternalRelaxation(),  # noqa: B008 (immutable)
) -> ElasticConstants:
    """Compute the full 6x6 matrix from the stress at plus and minus one small strain.

    Column k is ``(stress(+strain) - stress(-strain)) / (2 strain)`` with the Voigt component k of
    the strain alone; shear is engineering strain, twice the tensor component. The same at half the
    strain estimates the error; see `ElasticConstants.nonlinearity` and `ElasticConstants.warnings`.

    The second derivatives of a potential jump where a neighbour shell crosses its cutoff, so every
    strained cell must have the neighbours of the unstrained one. That is checked where the
    calculator says its cutoff (attribute ``cutoff`` of it or of its ``potential``), as
    `maxvolt.Calculator` does; `ElasticConstants.notes` says where it was not.

    Parameters
    ----------
    calculator
        Any ASE calculator that gives stress, a potential or ensemble, the path of its file,
        or atoms that carry a calculator.
    atoms
        Crystal in equilibrium (see `lattice_constant`); left unchanged.
    strain
        Amount on either side, without unit. None takes the largest, at most 0.01, that keeps all
        neighbour shells on their side of the cutoff. Where none does, as in a large disordered
        cell, it takes 0.01 and the result says which shell crosses.
    relaxation
        How atoms are relaxed inside each strained cell; None clamps their fractional coordinates,
        which is right only where symmetry holds them.

    Raises
    ------
    DataError
        The structure is not periodic, or the strain is out of range or so large that a neighbour
        shell crosses the cutoff where a smaller one would avoid it; the message names the shell.
    MaxvoltError
        An internal relaxation did not converge.
    """
    calculator, atoms = system_of(calculator, atoms, "elastic constants")
    require_bulk(atoms, "elastic constants")
    if strain is not None and not 0 < strain < 0.5:
        raise DataError(f"strain must lie between 0 and 0.5, not {strain!r}")
    reference = deformed(atoms, np.eye(3), calculator, relaxation)
    measured = _Strained(
        calculator,
        atoms,
        relaxation,
        cutoff=interaction_cutoff(calculator),
        reference_stress=np.asarray(reference.get_stress(voigt=True)) * GPA_PER_EV_A3,
        largest_force=float(np.linalg.norm(reference.get_forces(), axis=1).max()),
        reference=reference.copy(),
    )
    return measured.with_clear_strain() if strain is None else measured.with_strain(float(strain))


@dataclass(frozen=True, slots=True, eq=False)
class _Strained:
    """A crystal whose stress is measured in strained cells."""

    calculator: Calculator
    atoms: Atoms
    relaxation: InternalRelaxation | None
    cutoff: float | None
    reference_stress: NDArray[np.float64]
    largest_force: float
    reference: Atoms

    def with_clear_strain(self) -> ElasticConstants:
        """Measure at the largest strain that keeps all shells on their side."""
        strain, limiting = self._clear_strain(_LARGEST_STRAIN)
        while strain >= _SMALLEST_STRAIN:
            constants = self._measure(strain)
            if constants.crossing is None:
                return constants
            # The atoms moved further inside the strained cells than with them.
            limiting, strain = constants.crossing, _two_digits(strain / 2)
        constants = self._measure(_LARGEST_STRAIN)
        return replace(constants, crossing=constants.crossing or limiting)

    def with_strain(self, strain: float) -> ElasticConstants:
        """Measure at one strain; refuse it where it is too large and a smaller one would do."""
        constants = self._measure(strain)
        if constants.crossing is None:
            return constants
        clear, _ = self._clear_strain(strain)
        if clear < _SMALLEST_STRAIN:
            return constants
        if clear == strain:  # the atoms moved further inside the strained cells than with them
            clear = _two_digits(strain / 2)
        raise DataError(
            f"elastic constants: {constants.crossing} crosses the cutoff within the strain of "
            f"{strain:g}, and the second derivatives of the potential jump there; use a strain of "
            f"at most {clear:g}, or leave strain out to have it chosen"
        )

    def _clear_strain(self, most: float) -> tuple[float, Shell | None]:
        if self.cutoff is None:
            return most, None
        unit = np.stack([strain_tensor(component, 1.0) for component in range(6)])
        limit, shell = largest_clear_strain(self.reference, self.cutoff, unit, most)
        return (limit if shell is None else _two_digits(limit)), shell

    def _measure(self, strain: float) -> ElasticConstants:
        measured, first = self._matrix(strain)
        at_half, second = self._matrix(strain / 2)
        difference = measured - at_half
        return ElasticConstants(
            matrix=(measured + measured.T) / 2,
            asymmetry=float(np.abs(measured - measured.T).max()),
            reference_stress=self.reference_stress,
            strain=strain,
            nonlinearity=(difference + difference.T) / 2,
            largest_force=self.largest_force,
            cutoff=self.cutoff,
            crossing=first or second,
        )

    def _matrix(self, amount: float) -> tuple[NDArray[np.float64], Shell | None]:
        """Differences of the stress in GPa, and a shell that crosses the cutoff in a cell used."""
        crossing: Shell | None = None
        columns = []
        for component in range(6):
            stresses = []
            for signed in (amount, -amount):
                gradient = np.eye(3) + strain_tensor(component, signed)
                cell = deformed(self.atoms, gradient, self.calculator, self.relaxation)
                stresses.append(np.asarray(cell.get_stress(voigt=True)))
                if crossing is None and self.cutoff is not None:
                    crossing = changed_shell(self.reference, cell, self.cutoff)
            columns.append((stresses[0] - stresses[1]) / (2 * amount))
        return np.stack(columns, axis=1) * GPA_PER_EV_A3, crossing


def _two_digits(strain: float) -> float:
    """Round down to two digits."""
    if strain <= 0:
        return 0.0
    unit = 10.0 ** (np.floor(np.log10(strain)) - 1)
    return float(f"{np.floor(strain / unit) * unit:.1e}")


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
