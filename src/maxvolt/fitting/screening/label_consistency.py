"""Whether energies, forces and stresses belong together: differences of energy are work.

Between two structures that differ by small displacements d and a small strain e the energy changes
by E2 - E1 = -(F1 + F2) d / 2 + (V1 sigma1 + V2 sigma2) : e / 2, up to third order. Over many pairs
of a training set the two kinds of work have one factor each, which is 1 in the right units and
signs, -1 for gradients in place of forces or pressures in place of stresses, 1/160 for GPa.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maxvolt.cells import cell_volumes
from maxvolt.dataset import Dataset
from maxvolt.errors import FitError
from maxvolt.units import EV_PER_HARTREE, EV_PER_RYDBERG, GPA_PER_EV_A3, VOIGT, VOIGT_COUNTS

__all__ = ["CAUSES", "Work", "check_work", "measure_work"]

_MOST_PAIRS = 2000
_FEWEST_PAIRS = 5
_FARTHEST = 0.5
"""Angstrom; beyond it the mean of two forces is not that along the way."""
_MOST_STRAIN = 0.1
_EXPLAINED = 0.9
"""Part of the squared differences of energy that work must explain for its factors to be believed;
by chance or of noise it explains none."""
_ROUNDING = 1e-4
"""Work relative to the differences of energy that no unit makes of work, but rounding does."""
_SMALL_PART = 0.2
"""Part of the differences of energy that a kind of work must explain for its factor to count."""
_WITHIN = 0.2  # of a factor, for its cause to be named
_RIGHT = 0.5  # distance from 1 that smearing and cut-offs of the calculation may cause
_SURE = 3.0
"""Standard errors by which a factor has to be farther from 1: few pairs that are not small steps
have large ones, though all labels are right."""

_BOHR = 0.529177

CAUSES: dict[str, tuple[tuple[float, str], ...]] = {
    "stresses": (
        (-1.0, "the stresses have the opposite sign: positive is tension, so change their sign"),
        (1 / GPA_PER_EV_A3, "the stresses are in GPa: divide them by 160.2177"),
        (-1 / GPA_PER_EV_A3, "the stresses are pressures in GPa: divide them by -160.2177"),
        (0.1 / GPA_PER_EV_A3, "the stresses are in kbar: divide them by 1602.177"),
        (-0.1 / GPA_PER_EV_A3, "the stresses are in kbar, and positive under pressure, as VASP "
         "prints them: divide them by -1602.177"),
    ),
    "forces": (
        (-1.0, "the forces have the opposite sign (gradients): change their sign"),
        (EV_PER_RYDBERG / _BOHR, "the forces are in Ry/Bohr: multiply them by 25.7110"),
        (EV_PER_HARTREE / _BOHR, "the forces are in Ha/Bohr: multiply them by 51.4221"),
    ),
    "both": (
        (1 / EV_PER_RYDBERG, "the energies are in Rydberg: multiply them by 13.605693"),
        (1 / EV_PER_HARTREE, "the energies are in Hartree: multiply them by 27.211386"),
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Work:
    """How differences of energy follow from forces and from stresses.

    Attributes
    ----------
    pairs : int
        Pairs of structures.
    forces, stresses : float
        Factors of the two kinds of work; NaN where the pairs have none of it.
    explained : float
        Part of the squared differences of energy that is explained by both.
    forces_error, stresses_error : float
        Standard errors of the factors, by what is not explained.
    """

    pairs: int
    forces: float
    stresses: float
    explained: float
    forces_error: float = 0.0
    stresses_error: float = 0.0

    @property
    def is_doubtful(self) -> bool:
        """Whether a factor is not 1, for all that is known of it."""
        factors = ((self.forces, self.forces_error), (self.stresses, self.stresses_error))
        return any(abs(value - 1.0) > _RIGHT + _SURE * error for value, error in factors)


def check_work(dataset: Dataset) -> list[str]:
    """Refuse labels whose units or signs contradict each other; doubt those that do not agree.

    Raises
    ------
    FitError
        Names the labels, what they seem to be, and the factor to correct them by.
    """
    work = measure_work(dataset)
    if work.pairs < _FEWEST_PAIRS or not work.explained > _EXPLAINED:
        return []
    factors = {
        name: factor
        for name, factor in (("forces", work.forces), ("stresses", work.stresses))
        if not np.isnan(factor)
    }
    found = [cause for name, value in factors.items() for cause in _causes(name, value)]
    if all(_causes("both", value) for value in factors.values()):
        found = _causes("both", next(iter(factors.values())))
    measured = ", ".join(f"{value:.3g} times the work of the {n}" for n, value in factors.items())
    text = f"over {work.pairs} pairs of similar structures the energy changes by {measured}"
    if found:
        raise FitError(f"{text}, where 1 is right: {found[0]}")
    if work.is_doubtful:
        return [f"{text}, where 1 is right: check units, signs and the convergence of the labels"]
    return []


def _causes(name: str, value: float) -> list[str]:
    return [text for factor, text in CAUSES[name] if abs(value / factor - 1.0) < _WITHIN]


def measure_work(dataset: Dataset) -> Work:
    """Compare structures that follow each other in a dataset, where they are similar."""
    rows, changes = [], []
    step = max(-(-(len(dataset) - 1) // _MOST_PAIRS), 1)
    for s in range(0, len(dataset) - 1, step):
        found = _work_between(dataset, s, s + 1)
        if found is not None:
            changes.append(found[0])
            rows.append(found[1])
    if len(rows) < _FEWEST_PAIRS:
        return Work(len(rows), np.nan, np.nan, 0.0)
    table, change = np.array(rows), np.array(changes)
    sizes, total = np.linalg.norm(table, axis=0), float(np.linalg.norm(change))
    used = sizes > _ROUNDING * total
    if not used.any() or total == 0.0:
        return Work(len(rows), np.nan, np.nan, 0.0)
    scaled = table[:, used] / sizes[used]
    solution = np.linalg.lstsq(scaled, change, rcond=1e-3)[0]
    left = change - scaled @ solution
    # Of a kind of work that explains little the factor is not measured.
    factors = np.full(2, np.nan)
    factors[used] = np.where(np.abs(solution) > _SMALL_PART * total, solution / sizes[used], np.nan)
    squares = float(left @ left)
    errors = np.zeros(2)
    variance = squares / max(len(rows) - int(used.sum()), 1)
    errors[used] = np.sqrt(variance * np.diag(np.linalg.pinv(scaled.T @ scaled))) / sizes[used]
    (forces, stresses), (of_forces, of_stresses) = factors.tolist(), errors.tolist()
    explained = 1.0 - squares / total**2
    return Work(len(rows), forces, stresses, explained, of_forces, of_stresses)


def _work_between(dataset: Dataset, a: int, b: int) -> tuple[float, NDArray[np.float64]] | None:
    """Change of energy and work of forces and stresses, eV; None where they are not known."""
    if not _comparable(dataset, a, b):
        return None
    one, two = (slice(dataset.offsets[s], dataset.offsets[s + 1]) for s in (a, b))
    moved, strain = _difference(dataset, a, b)
    if np.abs(moved).max() > _FARTHEST or np.abs(strain).max() > _MOST_STRAIN:
        return None
    of_forces = of_stress = 0.0
    if np.abs(moved).max() > 1e-8:
        if not dataset.has_forces[[a, b]].all():
            return None
        of_forces = -0.5 * float(np.sum((dataset.forces[one] + dataset.forces[two]) * moved))
    if np.abs(strain).max() > 1e-8:
        if not dataset.has_stress[[a, b]].all():
            return None
        voigt = np.array([strain[pair] for pair in VOIGT]) * VOIGT_COUNTS
        virials = dataset.stresses[[a, b]] * cell_volumes(dataset.cells[[a, b]])[:, None]
        of_stress = 0.5 * float(virials.sum(axis=0) @ voigt)
    return float(dataset.energies[b] - dataset.energies[a]), np.array([of_forces, of_stress])


def _comparable(dataset: Dataset, a: int, b: int) -> bool:
    """Say whether two structures have energies and the same atoms in the same order."""
    if dataset.counts[a] != dataset.counts[b] or not dataset.has_energy[[a, b]].all():
        return False
    numbers = dataset.numbers[dataset.offsets[a] : dataset.offsets[b + 1]].reshape(2, -1)
    periodic = bool((dataset.pbc[a] == dataset.pbc[b]).all())
    weighted = bool((dataset.weights[[a, b]] > 0).all())
    return periodic and weighted and bool((numbers[0] == numbers[1]).all())


def _difference(
    dataset: Dataset, a: int, b: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Displacements (N, 3) beyond the strain of the cell, Angstrom, and that strain (3, 3)."""
    one = dataset.positions[dataset.offsets[a] : dataset.offsets[a + 1]]
    two = dataset.positions[dataset.offsets[b] : dataset.offsets[b + 1]]
    if not dataset.pbc[a].any():
        return two - one, np.zeros((3, 3))
    if not dataset.pbc[a].all():  # strain is not defined; only equal cells can be compared
        equal = np.array_equal(dataset.cells[a], dataset.cells[b])
        return two - one, np.full((3, 3), 0.0 if equal else np.inf)
    cells = dataset.cells[[a, b]]
    fractional = np.linalg.solve(cells[1].T, two.T).T - np.linalg.solve(cells[0].T, one.T).T
    fractional -= np.round(fractional)
    middle = cells.mean(axis=0)
    if abs(np.linalg.det(middle)) < 0.5 * cell_volumes(cells).min():
        return two - one, np.full((3, 3), np.inf)  # cells of unlike shapes have no cell between
    gradient = np.linalg.solve(middle, cells[1] - cells[0])
    return fractional @ middle, 0.5 * (gradient + gradient.T)
