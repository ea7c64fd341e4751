"""Weights of labels by the size of their errors: equations (49) and (50) of docs/formulation.

Huber's loss grows with the square of a small error and with the size of a large one, so that a
wrong label pulls no harder than a poor one. Its minimum is found by least squares with weights that
fall with the error (P. J. Huber, Ann. Math. Stat. 35, 73 (1964); P. W. Holland and R. E. Welsch,
Commun. Stat. A 6, 813 (1977)). Errors that are vectors count by their length, so that weights do
not depend on the axes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import chi2, norm

from maxvolt.dataset import Dataset

__all__ = ["LabelErrors", "RobustReport", "RobustStructure", "factors", "robust_report", "scales"]

_TUNING = 1.345
"""Standard deviations from which on an error counts less: 95 % efficiency for normal errors."""

_COMPONENTS = (1, 3, 6)
"""Of an energy, a force, a stress."""

KINDS = ("energy", "force", "stress")

_SMALLEST = 1e-6
"""Least usual error, eV, eV/Angstrom, eV: labels have no more digits."""

_LISTED = 10
"""Structures that a report names."""

_STRONG = 0.1
"""Factor below which a label all but does not count: its error is 13 times the usual one."""

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class LabelErrors:
    """Sizes of the errors of labels, or factors of their weights; NaN where there is no label.

    Attributes
    ----------
    energies : shape (n,), eV
        Divided by the square root of the number of atoms.
    forces : shape (N,), eV/Angstrom
        Lengths of the vectors.
    stresses : shape (n,), eV
        Norms of the virials, divided by the square root of the number of atoms.
    """

    energies: Array
    forces: Array
    stresses: Array

    def kinds(self) -> tuple[Array, Array, Array]:
        """The three arrays, in the order of `KINDS`."""
        return self.energies, self.forces, self.stresses

    @classmethod
    def joined(cls, parts: Sequence[LabelErrors]) -> LabelErrors:
        """Those of all structures, from those of portions of them."""
        return cls(*map(np.concatenate, zip(*(part.kinds() for part in parts), strict=True)))


def scales(errors: LabelErrors) -> tuple[float, float, float]:
    """Usual error of a component of each kind of label, equation (50).

    The median of the sizes over that of a normal distribution with unit variance: half of the
    labels may be wrong before it has no meaning.
    """
    found = []
    for sizes, components in zip(errors.kinds(), _COMPONENTS, strict=True):
        known = sizes[~np.isnan(sizes)]
        median = float(np.median(known)) if known.size else 0.0
        found.append(max(median / float(np.sqrt(chi2.ppf(0.5, components))), _SMALLEST))
    return found[0], found[1], found[2]


def factors(errors: LabelErrors, usual: tuple[float, float, float]) -> LabelErrors:
    """Factors of the weights, equation (49): 1 up to a limit, then the limit over the error."""
    found = []
    for sizes, scale, components in zip(errors.kinds(), usual, _COMPONENTS, strict=True):
        limit = scale * _limit(components)
        found.append(limit / np.maximum(sizes, limit))
    return LabelErrors(*found)


def _limit(components: int) -> float:
    """Length of a vector of normal numbers that as many exceed as exceed 1.345 of one number."""
    return float(np.sqrt(chi2.ppf(2 * norm.cdf(_TUNING) - 1, components)))


@dataclass(frozen=True, slots=True)
class RobustStructure:
    """A structure whose labels count less.

    Attributes
    ----------
    structure : int
        Its number in the training set, from 0.
    name : str
        As messages have it, with the file where that is known.
    kind : str
        "energy", "force" or "stress": the kind of label that counts least.
    factor : float
        Of the weight of that label; of forces, the mean over the atoms.
    """

    structure: int
    name: str
    kind: str
    factor: float


@dataclass(frozen=True, slots=True)
class RobustReport:
    """What a robust loss did: which labels count less than others.

    Attributes
    ----------
    equations : mapping of str to int
        Equations that count, by kind of label.
    reduced, strongly : mapping of str to int
        Of them, how many have a factor below 1, and below 0.1. Of normal errors, 18 % have one
        below 1 and none one below 0.1.
    structures : tuple of RobustStructure
        Those with the lowest factors, at most ten, lowest first.
    """

    equations: dict[str, int]
    reduced: dict[str, int]
    strongly: dict[str, int]
    structures: tuple[RobustStructure, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers and text."""
        return {
            "equations": dict(self.equations),
            "reduced": dict(self.reduced),
            "strongly_reduced": dict(self.strongly),
            "structures": [
                {"structure": s.structure, "name": s.name, "kind": s.kind, "factor": s.factor}
                for s in self.structures
            ],
        }

    def lines(self) -> list[str]:
        """Text for people."""
        counts = ", ".join(
            f"{self.reduced[kind]} of {number} equations of {_PLURAL[kind]} "
            f"({self.strongly[kind]} by more than ten times)"
            for kind, number in self.equations.items()
            if number
        )
        text = [f"robust loss: reduced weights of {counts}"]
        strong = [s for s in self.structures if s.factor < _STRONG]
        text += [
            f"robust loss: {s.name}: its {_PLURAL[s.kind] if s.kind == 'force' else s.kind} "
            f"{'count' if s.kind == 'force' else 'counts'} {s.factor:.2g} times as much as others; "
            "check the label"
            for s in strong
        ]
        return text


_PLURAL = {"energy": "energies", "force": "forces", "stress": "stresses"}


def robust_report(dataset: Dataset, found: Sequence[LabelErrors]) -> RobustReport:
    """Sum up the factors that a fit ended with.

    Parameters
    ----------
    dataset
        Training set.
    found
        Factors of each potential of an ensemble; their mean counts.
    """
    means = [np.mean(parts, axis=0) for parts in zip(*(f.kinds() for f in found), strict=True)]
    counted = dict(zip(KINDS, zip(means, _COMPONENTS, strict=True), strict=True))

    def count(limit: float) -> dict[str, int]:
        return {kind: int((m < limit).sum()) * size for kind, (m, size) in counted.items()}

    used = ~np.isnan(means[1])
    atoms = np.bincount(dataset.structure_of_atom[used], minlength=len(dataset))
    sums = np.bincount(dataset.structure_of_atom[used], means[1][used], minlength=len(dataset))
    forces = np.where(atoms > 0, sums / np.maximum(atoms, 1), np.nan)
    table = np.column_stack([means[0], forces, means[2]])
    table[np.isnan(table)] = np.inf
    least = table.min(axis=1)
    order = np.argsort(least, kind="stable")[:_LISTED]
    return RobustReport(
        equations={k: int((~np.isnan(m)).sum()) * size for k, (m, size) in counted.items()},
        reduced=count(1.0),
        strongly=count(_STRONG),
        structures=tuple(
            RobustStructure(
                int(s),
                dataset.name_of(int(s), "the training set"),
                KINDS[int(np.argmin(table[s]))],
                float(least[s]),
            )
            for s in order
            if least[s] < 1.0
        ),
    )
