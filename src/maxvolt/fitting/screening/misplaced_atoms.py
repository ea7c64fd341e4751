"""Structures whose atoms are not where their labels say: swapped elements, positions in Bohr.

A structure far from what a cheap fit predicts (`contrary_labels`) is changed in the ways in which
structures get mixed up, and the labels are compared again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
from ase.data import chemical_symbols
from numpy.typing import NDArray

from maxvolt.dataset import Dataset
from maxvolt.errors import MaxvoltError
from maxvolt.fitting.screening.contrary_labels import Misfits
from maxvolt.fitting.screening.findings import Finding
from maxvolt.fitting.variable_projection.quick_fit import QuickFit

__all__ = ["misplaced_atoms"]

_EXAMINED = 8.0
"""Times the usual error from which on the positions of a structure are examined."""

_MOST_STRUCTURES = 30
_MOST_ATOMS = 6
"""Of each element that are tried for a swap: those with the largest errors of forces."""

_EXPLAINED = 4.0
"""Times by which a change must lower the error of forces."""

_LENGTHS = {
    1 / 0.529177: "the positions are in units of Bohr: multiply positions and cell by 0.529177",
    0.529177: "the positions were converted from Bohr twice: divide positions and cell by 0.529177",
}
"""By the factor that positions have."""

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class _Change:
    """A structure changed, and what to say if that explains its labels."""

    changed: Dataset
    kind: str
    expected: str
    remedy: str


def misplaced_atoms(
    dataset: Dataset,
    fitted: QuickFit,
    misfits: Misfits,
    explained: NDArray[np.bool_],
    *,
    threads: int,
) -> list[Finding]:
    """Find structures whose forces a swap of two elements or another unit of length explains.

    Parameters
    ----------
    dataset
        Labelled structures.
    fitted, misfits
        A cheap fit, and errors by it.
    explained : shape (n,)
        Structures whose error has a cause already.
    threads
        Number of threads.
    """
    several = dataset.counts > 2
    far = np.flatnonzero((misfits.forces > _EXAMINED) & ~explained & several)
    worst = far[np.argsort(-misfits.forces[far], kind="stable")][:_MOST_STRUCTURES]
    found = []
    for s in np.sort(worst).tolist():
        changes = list(_changes(dataset, fitted, s))
        if not changes:
            continue
        errors = [_error(change.changed, fitted, threads) for change in changes]
        best = int(np.argmin(errors))
        before = _root_mean_square(dataset.select([s]).forces - fitted.forces[dataset.atoms_of(s)])
        size = _root_mean_square(dataset.select([s]).forces)
        if errors[best] * _EXPLAINED < before and errors[best] < 0.5 * size:
            change = changes[best]
            text = f"has forces {before:.3g} eV/A away from what the others give"
            certain = bool(misfits.forces[s] > 2 * _EXAMINED)
            found.append(Finding(change.kind, (s,), text, change.expected, change.remedy, certain))
    return found


def _changes(dataset: Dataset, fitted: QuickFit, s: int) -> Iterator[_Change]:
    one = dataset.select([s])
    for factor, remedy in _LENGTHS.items():
        scaled = replace(one, positions=one.positions / factor, cells=one.cells / factor)
        yield _Change(scaled, "positions", "forces agree with other lengths", remedy)
    atoms = dataset.atoms_of(s)
    errors = np.linalg.norm(dataset.forces[atoms] - fitted.forces[atoms], axis=1)
    worst = [_worst(one.numbers == number, errors) for number in np.unique(one.numbers)]
    for place, several in enumerate(worst):
        for a, b in product(several, [other for rest in worst[place + 1 :] for other in rest]):
            numbers = one.numbers.copy()
            numbers[[a, b]] = numbers[[b, a]]
            first, second = (f"{chemical_symbols[one.numbers[k]]} atom {k}" for k in (a, b))
            yield _Change(
                replace(one, numbers=numbers),
                "species",
                f"with {first} and {second} exchanged (counted from 0) they agree",
                f"the elements of {first} and {second} are swapped: exchange them, or remove the "
                "structure",
            )


def _worst(of_element: NDArray[np.bool_], errors: Array) -> list[int]:
    atoms = np.flatnonzero(of_element)
    order = np.argsort(-errors[atoms], kind="stable")
    chosen: list[int] = atoms[order][:_MOST_ATOMS].tolist()
    return chosen


def _error(changed: Dataset, fitted: QuickFit, threads: int) -> float:
    """Root mean square error of the forces; infinite where the structure cannot be evaluated."""
    try:
        found = fitted.potential.evaluate_dataset(changed, threads=threads)
    except MaxvoltError:  # a cell that is too small by now: no explanation
        return float("inf")
    return _root_mean_square(changed.forces - found.forces)


def _root_mean_square(values: Array) -> float:
    with np.errstate(over="ignore", invalid="ignore"):
        return float(np.nan_to_num(np.sqrt(np.mean(values**2)), nan=np.inf))
