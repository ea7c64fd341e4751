"""Find the labels of an `ase.Atoms` object, wherever its maker put them, and attach labels.

Energies, forces and stresses are looked for among the results of an attached calculator, in
``atoms.info`` and in ``atoms.arrays``, under the plain names and the usual prefixes for reference
data (``REF_``, ``DFT_``), in capitals or not. When two places hold different values, none is
preferred: that is an error, because only the user can say which one to train on.

The free energy is the force-consistent one and stands before ``energy`` of the same origin. A
virial is taken as minus the stress times the volume (positive under compression). A structure that
is not periodic in three directions has no stress, whatever its maker wrote.

Other results of a calculation (energies of atoms, magnetic moments, dipoles, grades ...) are kept
with what else is known of a structure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from numpy.typing import NDArray

from maxvolt.cells import cell_volume
from maxvolt.constraints import (
    CONSTRAINTS_KEY,
    attach_constraints,
    constraint_records,
    is_constraint_records,
)
from maxvolt.errors import DataError
from maxvolt.units import VOIGT, plus_stress_to_stress

__all__ = [
    "ARRAYS_KEY",
    "OTHER_RESULTS",
    "Labels",
    "attach_labels",
    "has_stress_key",
    "labels_of_atoms",
    "other_results",
    "unrecognized_labels",
]

# ASE does not annotate it.
_single_point: Callable[..., Any] = SinglePointCalculator

ARRAYS_KEY = "arrays"
"""Key of ``Dataset.infos`` under which per-atom arrays that are not labels are kept."""

_PREFIXES = ("", "ref_", "dft_")
_ENERGIES = ("free_energy", "energy")
_FORCES = ("forces", "force")
_STRESSES = ("stress",)
_VIRIALS = ("virial", "virials")
_WEIGHTS = ("config_weight", "weight")

_LABEL_KEYS = frozenset(
    prefix + name for prefix in _PREFIXES for name in (*_ENERGIES, *_FORCES, *_STRESSES, *_VIRIALS)
)

# Results that are not labels: those that ASE's calculators may hold, and those of this package's.
_ASE_STRUCTURE_RESULTS = ("dipole", "magmom", "polarization", "dielectric_tensor")
_ASE_ATOM_RESULTS = ("energies", "magmoms", "charges", "stresses", "born_effective_charges")
OTHER_RESULTS = (*_ASE_STRUCTURE_RESULTS, "grade", "energy_std", "stress_std")
"""Results of a structure that are numbers but not labels; they are kept in ``Dataset.infos``."""

_OTHER_ATOM_RESULTS = (*_ASE_ATOM_RESULTS, "grades", "energies_std", "forces_std")
_GRADES = ("grade", "grades")

# What a key looks like that holds a label, and what else it has where it holds something about a
# label or an energy of another kind.
_LOOKS_LIKE = {
    "energy": re.compile("energy|^e_?(tot|dft|0|pot)", re.IGNORECASE),
    "forces": re.compile("force", re.IGNORECASE),
    "stress": re.compile("stress|virial", re.IGNORECASE),
}
_IS_ABOUT = re.compile(
    "sigma|weight|std|error|mask|tol|max|min|mean|unit|scale|mixing|formation|binding|cohesive|"
    "adsorption|surface|atomi[sz]ation|interaction|kinetic|fermi|gap",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Labels:
    """Labels and other information of one structure; None where a label is absent.

    Parameters
    ----------
    energy : eV
    forces : shape (N, 3), eV/Angstrom
    stress : shape (6,), eV/Angstrom^3
    weight : weight in a fit
    group : group name, "" when there is none
    info : what else was attached
    """

    energy: float | None
    forces: NDArray[np.float64] | None
    stress: NDArray[np.float64] | None
    weight: float
    group: str
    info: Mapping[str, Any]


def labels_of_atoms(atoms: Atoms) -> Labels:
    """Return the labels of one structure.

    Raises
    ------
    DataError
        When a label has the wrong shape or is not a finite number, or two places hold different
        values for one label.
    """
    results = _valid_results(atoms)
    info = {key: value for key, value in atoms.info.items() if not _is_label(key)}
    arrays = {
        key: value
        for key, value in atoms.arrays.items()
        if not _is_label(key) and key not in ("numbers", "positions")
    }
    others = _other_results(results)
    arrays = {**others.pop(ARRAYS_KEY, {}), **info.get(ARRAYS_KEY, {}), **arrays}
    if arrays:
        info[ARRAYS_KEY] = arrays
    if atoms.constraints and (records := constraint_records(atoms)):
        info[CONSTRAINTS_KEY] = records
    info = {**others, **info}
    group = info.pop("config_type", "")
    return Labels(
        energy=_energy(results, atoms),
        forces=_forces(results, atoms),
        stress=_stress(results, atoms),
        weight=_take_weight(info),
        group=str(group),
        info=info,
    )


def other_results(atoms: Atoms) -> dict[str, Any]:
    """Return the results of a structure that are not labels, those of atoms under `ARRAYS_KEY`."""
    return _other_results(_valid_results(atoms))


def _other_results(results: Mapping[str, Any]) -> dict[str, Any]:
    found = {key: results[key] for key in OTHER_RESULTS if results.get(key) is not None}
    arrays = {key: results[key] for key in _OTHER_ATOM_RESULTS if results.get(key) is not None}
    return {**found, ARRAYS_KEY: arrays} if arrays else found


def attach_labels(atoms: Atoms, labels: Labels) -> None:
    """Put labels where ASE expects them; `labels_of_atoms` finds them again."""
    info = dict(labels.info)
    results: dict[str, Any] = {}
    for name, array in info.pop(ARRAYS_KEY, {}).items():
        where = results if name in _ASE_ATOM_RESULTS else atoms.arrays
        where[name] = np.array(array)
    for name in _ASE_STRUCTURE_RESULTS:
        if name in info and np.asarray(info[name]).dtype.kind in "fiu":
            results[name] = info.pop(name)
    if is_constraint_records(info.get(CONSTRAINTS_KEY)):
        attach_constraints(atoms, info.pop(CONSTRAINTS_KEY))
    if labels.group:
        info["config_type"] = labels.group
    if labels.weight != 1.0:
        info["config_weight"] = labels.weight
    atoms.info.update(info)
    if labels.energy is not None:
        results["energy"] = results["free_energy"] = labels.energy
    if labels.forces is not None:
        results["forces"] = labels.forces
    if labels.stress is not None:
        results["stress"] = labels.stress
    if results:
        atoms.calc = _single_point(atoms, **results)


def unrecognized_labels(atoms: Atoms, absent: Sequence[str]) -> list[str]:
    """List keys that look like a label that a structure lacks.

    Parameters
    ----------
    atoms
        A structure.
    absent
        Which of "energy", "forces" and "stress" were not found there.
    """
    return [
        key
        for source, kinds in ((atoms.info, ("energy", "stress")), (atoms.arrays, ("forces",)))
        for key, value in source.items()
        if not _is_label(key)
        and key not in OTHER_RESULTS
        and key not in _OTHER_ATOM_RESULTS
        and _could_be_label(key, value)
        and any(kind in absent and _LOOKS_LIKE[kind].search(key) for kind in kinds)
    ]


def has_stress_key(atoms: Atoms) -> bool:
    """Whether a structure comes with a stress or virial, whether it is defined for it or not."""
    return any(_of(source, _STRESSES + _VIRIALS) for source in (_valid_results(atoms), atoms.info))


def _is_label(key: object) -> bool:
    return isinstance(key, str) and key.lower() in _LABEL_KEYS


def _could_be_label(key: object, value: object) -> bool:
    """Whether a key is a text that says nothing about a label, and its value numbers."""
    if not isinstance(key, str) or _IS_ABOUT.search(key):
        return False
    return isinstance(value, int | float | np.number) or (
        isinstance(value, np.ndarray) and value.dtype.kind in "fiu" and value.ndim < 3
    )


def _valid_results(atoms: Atoms) -> Mapping[str, Any]:
    """Return the results a calculator holds, if they belong to the atoms as they are now."""
    calculator = atoms.calc
    # A calculator that threads share has moments at which its results are not those of its atoms.
    with getattr(calculator, "exclusive", nullcontext)():
        results: Mapping[str, Any] = getattr(calculator, "results", {})
        computed = getattr(calculator, "atoms", None)
    if not results or (computed is not None and not _same_structure(computed, atoms)):
        return {}
    # Grades come back from files of ASE among the parameters of the calculator.
    parameters = getattr(calculator, "parameters", None) or {}
    return {**{key: parameters[key] for key in _GRADES if key in parameters}, **results}


def _same_structure(one: Atoms, other: Atoms) -> bool:
    return (
        np.array_equal(one.numbers, other.numbers)
        and np.array_equal(one.positions, other.positions)
        and np.array_equal(one.cell.array, other.cell.array)
        and np.array_equal(one.pbc, other.pbc)
    )


def _energy(results: Mapping[str, Any], atoms: Atoms) -> float | None:
    found = []
    for source in (results, atoms.info):
        for prefix in _PREFIXES:
            # The free energy of an origin, else its energy.
            keys = _of(source, ("free_energy",), (prefix,)) or _of(source, ("energy",), (prefix,))
            found += [(key, _numbers(key, source[key], ((), (1,))).reshape(())) for key in keys]
    value = _agreed(found, rtol=1e-9, atol=1e-6)
    return None if value is None else float(value)


def _forces(results: Mapping[str, Any], atoms: Atoms) -> NDArray[np.float64] | None:
    shape = (len(atoms), 3)
    found = [
        (key, _numbers(key, source[key], (shape,)))
        for source in (results, atoms.arrays, atoms.info)
        for key in _of(source, _FORCES)
    ]
    return _agreed(found, rtol=1e-6, atol=1e-6)


def _stress(results: Mapping[str, Any], atoms: Atoms) -> NDArray[np.float64] | None:
    sources = [source for source in (results, atoms.info) if _of(source, _STRESSES + _VIRIALS)]
    if not sources or not atoms.pbc.all():
        return None
    volume = cell_volume(atoms.cell.array)
    if not volume > 0:
        return None
    found = []
    for source in sources:
        for key in _of(source, _STRESSES):
            found.append((key, _voigt(key, source[key])))
        for key in _of(source, _VIRIALS):
            found.append((key, plus_stress_to_stress(_voigt(key, source[key]), volume)))
    # A stress and a virial are printed with few digits; a wrong sign or unit differs by far more.
    return _agreed(found, rtol=1e-3, atol=1e-5)


def _of(
    source: Mapping[str, Any], names: tuple[str, ...], prefixes: tuple[str, ...] = _PREFIXES
) -> list[str]:
    """List the keys of a source that stand for a label, in the order of prefixes and names."""
    labels = [key for key in source if _is_label(key) and source[key] is not None]
    if not labels:  # most sources have none
        return []
    wanted = [prefix + name for prefix in prefixes for name in names]
    found = [key for key in labels if key.lower() in wanted]
    return sorted(found, key=lambda key: wanted.index(key.lower()))


def _numbers(key: str, value: object, shapes: tuple[tuple[int, ...], ...]) -> NDArray[np.float64]:
    try:
        array = np.asarray(value, np.float64)
    except (TypeError, ValueError) as error:
        raise DataError(f"{key} is {value!r}; expected numbers") from error
    if array.shape not in shapes:
        expected = " or ".join(map(str, shapes))
        raise DataError(f"{key} has shape {array.shape}; expected {expected}")
    return array


def _voigt(key: str, value: object) -> NDArray[np.float64]:
    """Return a stress or virial given as 6 (Voigt), 9 or 3x3 numbers in Voigt order."""
    array = _numbers(key, value, ((6,), (9,), (3, 3)))
    if array.size == 6:
        return array
    tensor = array.reshape(3, 3)
    if np.abs(tensor - tensor.T).max() > 1e-3 * max(np.abs(tensor).max(), 1e-3):
        raise DataError(f"{key} is not symmetric; expected a symmetric 3x3 tensor")
    symmetric = 0.5 * (tensor + tensor.T)
    return np.array([symmetric[pair] for pair in VOIGT])


def _agreed(
    found: list[tuple[str, NDArray[np.float64]]], *, rtol: float, atol: float
) -> NDArray[np.float64] | None:
    if not found:
        return None
    first_key, first = found[0]
    for key, other in found[1:]:
        if not np.allclose(first, other, rtol=rtol, atol=atol, equal_nan=True):
            raise DataError(
                f"{first_key} and {key} hold different values for the same label; "
                "remove the one that is not to be used"
            )
    # A calculation that went wrong, not one that lacks the label: to train on the rest of it
    # without a word would hide that.
    if not np.isfinite(first).all():
        raise DataError(
            f"{first_key} holds numbers that are not finite (NaN or infinity); remove this "
            "structure, or remove the label to use the structure without it"
        )
    return first


def _take_weight(info: dict[str, Any]) -> float:
    for key in _WEIGHTS:
        if key in info:
            return float(_numbers(key, info.pop(key), ((), (1,))).reshape(()))
    return 1.0
