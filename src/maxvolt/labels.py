"""Find the labels of an `ase.Atoms` object, wherever its maker put them, and attach labels.

Energies, forces and stresses are looked for among the results of an attached calculator, in
``atoms.info`` and in ``atoms.arrays``, under the plain names and the usual prefixes for reference
data (``REF_``, ``DFT_`` ...). When two places hold different values, none is preferred: that is an
error, because only the user can say which one to train on.

The free energy is the force-consistent one and stands before ``energy`` of the same origin. A
virial is taken as minus the stress times the volume (positive under compression).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
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

__all__ = ["ARRAYS_KEY", "Labels", "attach_labels", "labels_of_atoms"]

# ASE does not annotate it.
_single_point: Callable[..., Any] = SinglePointCalculator

ARRAYS_KEY = "arrays"
"""Key of ``Dataset.infos`` under which per-atom arrays that are not labels are kept."""

_PREFIXES = ("", "REF_", "ref_", "DFT_", "dft_")
_FORCES = ("forces", "force")
_VIRIALS = ("virial", "virials")
_WEIGHTS = ("config_weight", "weight")

_LABEL_KEYS = frozenset(
    prefix + name
    for prefix in _PREFIXES
    for name in ("energy", "free_energy", "stress", *_FORCES, *_VIRIALS)
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
        When a label has the wrong shape, or two places hold different values for one label.
    """
    results = _valid_results(atoms)
    info = {key: value for key, value in atoms.info.items() if key not in _LABEL_KEYS}
    arrays = {
        key: value
        for key, value in atoms.arrays.items()
        if key not in _LABEL_KEYS and key not in ("numbers", "positions")
    }
    if arrays:
        info[ARRAYS_KEY] = {**info.get(ARRAYS_KEY, {}), **arrays}
    if atoms.constraints and (records := constraint_records(atoms)):
        info[CONSTRAINTS_KEY] = records
    group = info.pop("config_type", "")
    return Labels(
        energy=_energy(results, atoms),
        forces=_forces(results, atoms),
        stress=_stress(results, atoms),
        weight=_take_weight(info),
        group=str(group),
        info=info,
    )


def attach_labels(atoms: Atoms, labels: Labels) -> None:
    """Put labels where ASE expects them; `labels_of_atoms` finds them again."""
    info = dict(labels.info)
    for name, array in info.pop(ARRAYS_KEY, {}).items():
        atoms.arrays[name] = np.array(array)
    if is_constraint_records(info.get(CONSTRAINTS_KEY)):
        attach_constraints(atoms, info.pop(CONSTRAINTS_KEY))
    if labels.group:
        info["config_type"] = labels.group
    if labels.weight != 1.0:
        info["config_weight"] = labels.weight
    atoms.info.update(info)
    results: dict[str, Any] = {}
    if labels.energy is not None:
        results["energy"] = results["free_energy"] = labels.energy
    if labels.forces is not None:
        results["forces"] = labels.forces
    if labels.stress is not None:
        results["stress"] = labels.stress
    if results:
        atoms.calc = _single_point(atoms, **results)


def _valid_results(atoms: Atoms) -> Mapping[str, Any]:
    """Return the results a calculator holds, if they belong to the atoms as they are now."""
    calculator = atoms.calc
    results: Mapping[str, Any] = getattr(calculator, "results", {})
    computed = getattr(calculator, "atoms", None)
    if not results or (computed is not None and not _same_structure(computed, atoms)):
        return {}
    return results


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
            for name in ("free_energy", "energy"):
                if source.get(prefix + name) is not None:
                    key = prefix + name
                    found.append((key, _numbers(key, source[key], ((), (1,))).reshape(())))
                    break
    value = _agreed(found, rtol=1e-9, atol=1e-6)
    return None if value is None else float(value)


def _forces(results: Mapping[str, Any], atoms: Atoms) -> NDArray[np.float64] | None:
    shape = (len(atoms), 3)
    found = [
        (key, _numbers(key, source[key], (shape,)))
        for source in (results, atoms.arrays, atoms.info)
        for key in _keys(_FORCES)
        if source.get(key) is not None
    ]
    return _agreed(found, rtol=1e-6, atol=1e-6)


def _stress(results: Mapping[str, Any], atoms: Atoms) -> NDArray[np.float64] | None:
    found = []
    volume = cell_volume(atoms.cell.array)
    for source in (results, atoms.info):
        for key in _keys(("stress",)):
            if source.get(key) is not None:
                found.append((key, _voigt(key, source[key])))
        for key in _keys(_VIRIALS):
            if source.get(key) is not None:
                if not volume > 0:
                    raise DataError(f"{key} is given, but the structure has no cell with a volume")
                found.append((key, plus_stress_to_stress(_voigt(key, source[key]), volume)))
    # A stress and a virial are printed with few digits; a wrong sign or unit differs by far more.
    return _agreed(found, rtol=1e-3, atol=1e-5)


def _keys(names: tuple[str, ...]) -> Iterator[str]:
    return (prefix + name for prefix in _PREFIXES for name in names)


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
    return first


def _take_weight(info: dict[str, Any]) -> float:
    for key in _WEIGHTS:
        if key in info:
            return float(_numbers(key, info.pop(key), ((), (1,))).reshape(()))
    return 1.0
