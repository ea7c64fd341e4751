"""Labels of some structures that the others contradict, found by a cheap fit of all.

A small potential is fitted robustly (`quick_fit`); structures whose labels lie far from it are
examined. Other units, a wrong sign, energies of another calculation or swapped atoms are told by
what they explain: with the label corrected, little of the error is left. A structure that the small
potential cannot describe looks no better by any correction, and is left alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from maxvolt.dataset import Dataset
from maxvolt.fitting.robust_weights import LabelErrors, scales
from maxvolt.fitting.screening.findings import Finding
from maxvolt.fitting.screening.label_consistency import CAUSES
from maxvolt.fitting.variable_projection.quick_fit import QuickFit
from maxvolt.units import EV_PER_HARTREE, EV_PER_RYDBERG

__all__ = ["Misfits", "contrary_forces", "misfits_of", "other_energies", "other_units"]

_EXAMINED = 10.0
"""Times the usual error from which on a label is examined."""

_CERTAIN = 30.0
"""Times the usual error of one structure alone for its cause to be certain; of two with the same
cause, the former will do."""

_LEFT = 0.35
"""Part of a label that its correction may leave unexplained."""

_CLOSE = 0.15
"""The same of one structure at least, where only the sign is wrong."""

_BEYOND = 3.0
"""Times the largest label that the fit agrees with: a correction to more explains nothing. A cell
under high pressure has a few forces along its axes, and a fit that has seen nothing like it is
wrong by any factor, also by that of a unit."""

_OFFSET = 0.3
"""eV/atom; least offset of energies of another calculation that is told from errors of the small
potential, which are smooth but not small."""

_FAR_ENERGY = 20.0
"""Times the usual error from which on an energy is examined: surfaces and clusters among crystals
reach 15."""

_FEW = 3
"""Structures with the same offset per atom that tell another calculation."""

_HALF_OF_NORMAL = 0.6745
"""Half of normal numbers are smaller."""

_SMALLEST = 1e-5
"""eV/atom; labels have no more digits."""

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Misfits:
    """Errors of a small potential, in multiples of the usual error; 0 where there is no label.

    Attributes
    ----------
    energies, forces, stresses : shape (n,)
        Of structures; of forces, the root mean square over the atoms.
    energies_left : shape (n,), eV/atom
        Labels less predictions; NaN where there is no label.
    """

    energies: Array
    forces: Array
    stresses: Array
    energies_left: Array


def misfits_of(dataset: Dataset, fitted: QuickFit) -> Misfits:
    """Compare all labels with a fit."""
    used = dataset.weights > 0
    has_forces = np.repeat(dataset.has_forces & used, dataset.counts)
    root = np.sqrt(np.maximum(dataset.counts, 1))
    left = np.where(dataset.has_energy & used, dataset.energies - fitted.energies, np.nan)
    left, of_energies = _centred(dataset, left / dataset.counts)
    of_atoms = np.linalg.norm(dataset.forces - fitted.forces, axis=1)
    virials = dataset.stresses * dataset.volumes[:, None] - fitted.virials
    of_virials = np.linalg.norm(virials, axis=1)
    errors = LabelErrors(
        np.abs(left),
        np.where(has_forces, of_atoms, np.nan),
        np.where(dataset.has_stress & used, of_virials, np.nan) / root,
    )
    usual = scales(errors)
    squares = np.bincount(
        dataset.structure_of_atom, np.nan_to_num(errors.forces) ** 2, minlength=len(dataset)
    )
    return Misfits(
        np.nan_to_num(errors.energies) / of_energies,
        np.sqrt(squares / (3 * np.maximum(dataset.counts, 1))) / usual[1],
        np.nan_to_num(errors.stresses) / (np.sqrt(6) * usual[2]),
        left,
    )


def _centred(dataset: Dataset, left: Array) -> tuple[Array, float]:
    """Errors of energies relative to those of the greater part, and the usual one, eV/atom.

    Energies of two calculations that are mixed pull the constants of the small potential between
    them. The half that lies closest together says where the constants should be.
    """
    known = np.flatnonzero(~np.isnan(left))
    if not known.size:
        return left, 1.0
    fractions = _fractions(dataset, np.unique(dataset.numbers).astype(np.int64))[known]
    centred = left.copy()
    centred[known] -= fractions @ robust_offsets(fractions, left[known])
    ordered = np.sort(centred[known])
    half = len(ordered) // 2 + 1
    lengths = ordered[half - 1 :] - ordered[: len(ordered) - half + 1]
    first = int(np.argmin(lengths))
    centred[known] -= ordered[first : first + half].mean()
    return centred, max(float(lengths[first]) / (2 * _HALF_OF_NORMAL), _SMALLEST)


def contrary_forces(dataset: Dataset, fitted: QuickFit, misfits: Misfits) -> NDArray[np.bool_]:
    """Structures whose forces or stresses are further from a fit than from nothing, shape (n,).

    Many of them, as where a third has the wrong sign, pull a fit half-way to theirs; one without
    them tells the two kinds apart.
    """
    squares = [
        np.bincount(dataset.structure_of_atom, (vectors**2).sum(axis=1), minlength=len(dataset))
        for vectors in (dataset.forces, dataset.forces - fitted.forces)
    ]
    clear = misfits.forces > 1.0
    virials = dataset.stresses * dataset.volumes[:, None]
    of_stress = ((virials - fitted.virials) ** 2).sum(axis=1) > (virials**2).sum(axis=1)
    found = (clear & (squares[1] > squares[0])) | ((misfits.stresses > 1.0) & of_stress)
    # Were most of them contrary, the fit would be wrong, not the labels.
    return np.asarray(found if 2 * found.sum() < len(found) else np.zeros_like(found))


def other_units(dataset: Dataset, fitted: QuickFit, misfits: Misfits) -> list[Finding]:
    """Find forces and stresses in other units, or with the wrong sign, in some structures."""
    virials = dataset.stresses * dataset.volumes[:, None]
    parts = {
        "forces": (misfits.forces, np.split(dataset.forces, dataset.offsets[1:-1]),
                   np.split(fitted.forces, dataset.offsets[1:-1])),
        "stresses": (misfits.stresses, list(virials), list(fitted.virials)),
    }  # fmt: skip
    found = []
    for name, (sizes, labels, predicted) in parts.items():
        by_cause: dict[str, list[int]] = {}
        size = partial(_size, name, dataset, labels)
        labelled = dataset.has_forces if name == "forces" else dataset.has_stress
        agree = np.flatnonzero(labelled & (sizes <= _EXAMINED) & (dataset.counts > 0)).tolist()
        most = _BEYOND * max((abs(size(s)) for s in agree), default=np.inf)
        for s in np.flatnonzero(sizes > _EXAMINED).tolist():
            explained = _cause(name, labels[s], predicted[s])
            if explained is not None and abs(explained[0] * size(s)) <= most:
                by_cause.setdefault(explained[1], []).append(s)
        for cause, structures in by_cause.items():
            if "sign" in cause and not _clear(structures, sizes, labels, predicted):
                continue
            worst = structures[int(np.argmax(sizes[structures]))]
            found.append(
                Finding(
                    "force" if name == "forces" else "stress",
                    tuple(structures),
                    f"has {name} of {size(worst):.3g} {_UNIT[name]}",
                    f"{_size(name, dataset, predicted, worst):.3g} {_UNIT[name]} follow from the "
                    "labels of all other structures",
                    cause,
                    len(structures) > 1 or bool(sizes[worst] > _CERTAIN),
                )
            )
    return found


_UNIT = {"forces": "eV/A", "stresses": "eV/A^3"}


def _cause(name: str, label: Array, predicted: Array) -> tuple[float, str] | None:
    """The unit or sign that explains a label, and its factor, if one does."""
    for factor, text in CAUSES[name]:  # label = factor^-1 of what is right
        corrected = label * factor
        size = max(np.linalg.norm(corrected), np.linalg.norm(predicted))
        if np.linalg.norm(corrected - predicted) < _LEFT * size:
            return factor, text
    return None


def _clear(
    structures: list[int], sizes: Array, labels: list[Array], predicted: list[Array]
) -> bool:
    """Whether a wrong sign is more than a poor prediction with a sign of its own.

    One of the structures at least agrees closely once its sign is changed, and of all that are
    predicted as poorly at least half agree.
    """
    left = [
        float(np.linalg.norm(labels[s] + predicted[s]) / np.linalg.norm(labels[s]))
        for s in structures
    ]
    poor = np.count_nonzero(sizes > _EXAMINED)
    return bool(min(left) < _CLOSE and 2 * len(structures) >= poor)


def _size(name: str, dataset: Dataset, values: list[Array], s: int) -> float:
    """The component of a label that is largest, with its sign."""
    flat = values[s].ravel()
    largest = float(flat[np.argmax(np.abs(flat))])
    return largest / float(dataset.volumes[s]) if name == "stresses" else largest


def other_energies(dataset: Dataset, fitted: QuickFit, misfits: Misfits) -> list[Finding]:
    """Find energies in other units, and those that differ by a constant for each atom."""
    far = (misfits.energies > _FAR_ENERGY) & (np.abs(misfits.energies_left) > _OFFSET)
    found, units = [], np.zeros(len(dataset), np.bool_)
    for factor, unit in ((EV_PER_RYDBERG, "Rydberg"), (EV_PER_HARTREE, "Hartree")):
        left = np.abs(dataset.energies * factor - fitted.energies) / dataset.counts
        alike = far & (left < 0.02 * np.abs(misfits.energies_left)) & (left < _OFFSET)
        if alike.any():
            units |= alike
            first = int(np.flatnonzero(alike)[0])
            found.append(
                Finding(
                    "energy",
                    tuple(np.flatnonzero(alike).tolist()),
                    f"has an energy of {dataset.energies[first] / dataset.counts[first]:.6g} "
                    "eV/atom",
                    f"{fitted.energies[first] / dataset.counts[first]:.6g} follows from the labels "
                    "of all other structures",
                    f"the energy is in {unit}: multiply it by {factor:g}",
                )
            )
    return found + _offsets(dataset, fitted, misfits, far & ~units)


def _offsets(
    dataset: Dataset, fitted: QuickFit, misfits: Misfits, far: NDArray[np.bool_]
) -> list[Finding]:
    """Energies of another functional, or of other pseudopotentials: offsets by composition."""
    # Atoms alone differ by what the small potential lacks, and so do forces in odd structures.
    joined = (fitted.lonely == 0) & (misfits.forces < _EXAMINED)
    structures = np.flatnonzero(far & joined)
    if len(structures) < _FEW:
        return []
    numbers = dataset.numbers[np.isin(dataset.structure_of_atom, structures)]
    elements = np.unique(numbers).astype(np.int64)
    fractions = _fractions(dataset, elements)[structures]
    left = misfits.energies_left[structures]
    offsets = robust_offsets(fractions, left)
    alike = np.abs(left - fractions @ offsets) < 0.1 * np.abs(left)
    if alike.sum() < max(_FEW, len(elements) + 2):
        return []
    members = structures[alike]
    if not _among_others(dataset, members):
        return []
    shifts = ", ".join(
        f"{value:+.3g} eV for each {symbol}"
        for value, symbol in zip(offsets, _symbols(elements), strict=True)
    )
    return [
        Finding(
            "energy",
            tuple(members.tolist()),
            f"has an energy {left[alike][0]:+.3g} eV/atom away from what the others give",
            f"forces agree, and a constant explains it ({shifts})",
            "energies of another functional, pseudopotential or code (calculate all structures "
            "with one, or shift these by the differences of the energies of their atoms), or "
            "another phase, which is right as it is",
            # A small potential fitted to forces does not know the energies of phases: another phase
            # among many structures of one looks the same.
            False,
        )
    ]


def _among_others(dataset: Dataset, members: NDArray[np.int64]) -> bool:
    """Whether half of some structures are as dense as others are.

    Surfaces and other structures with much space of their own differ by what the small potential
    lacks.
    """
    periodic: NDArray[np.bool_] = np.array(dataset.pbc.all(axis=1))
    others = periodic.copy()
    others[members] = False
    if not others.any() or not periodic[members].all():
        return True
    densities = dataset.counts / np.where(periodic, dataset.volumes, 1.0)
    low, high = np.percentile(densities[others], (5, 95))
    inside = (densities[members] >= low) & (densities[members] <= high)
    return bool(2 * inside.sum() >= len(members))


def robust_offsets(fractions: Array, left: Array) -> Array:
    """Energies of atoms that explain most of some energies: least sum of magnitudes."""
    offsets = np.linalg.lstsq(fractions, left, rcond=None)[0]
    for _ in range(50):
        root = 1.0 / np.sqrt(np.maximum(np.abs(left - fractions @ offsets), 1e-6))
        offsets = np.linalg.lstsq(fractions * root[:, None], left * root, rcond=None)[0]
    return np.asarray(offsets)


def _fractions(dataset: Dataset, elements: NDArray[np.int64]) -> Array:
    counts = np.zeros((len(dataset), len(elements)))
    for column, number in enumerate(elements):
        of = dataset.structure_of_atom[dataset.numbers == number]
        counts[:, column] = np.bincount(of, minlength=len(dataset))
    return counts / dataset.counts[:, None]


def _symbols(elements: NDArray[np.int64]) -> list[str]:
    from ase.data import chemical_symbols

    return [chemical_symbols[number] for number in elements]
