"""Between `Dataset` and the configurations of MLIP files: the border where conventions change."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from ase.data import atomic_numbers, chemical_symbols
from numpy.typing import NDArray

from maxvolt.constraints import CONSTRAINTS_KEY, is_constraint_records
from maxvolt.dataset import ARRAYS_KEY, Dataset
from maxvolt.errors import DataError, FileFormatError, SpeciesError
from maxvolt.io.cfg_record import ATOM_FIELDS, CfgConfiguration
from maxvolt.io.cfg_types import SPECIES
from maxvolt.labels import OTHER_RESULTS
from maxvolt.units import plus_stress_to_stress, stress_to_plus_stress
from maxvolt.unnamed_types import are_stand_ins

__all__ = ["cfg_from_dataset", "check_named", "dataset_from_cfg"]

_logger = logging.getLogger(__name__)

_GROUP, _WEIGHT = "config_type", "config_weight"

# Per-atom quantities other than forces keep their numbers under these names in Dataset.infos; those
# that ASE knows under ASE's.
_ARRAY_NAMES = {
    "site_energies": "energies",
    "charges": "charges",
    "magmoms": "magmoms",
    "magmom_derivatives": "en_der_m",
    "ghost": "ghost",
    "nbh_grades": "nbh_grades",
}

# Further names under which they are written: of files of earlier versions, and of calculators.
_OTHER_ARRAY_NAMES = {
    "site_en": "site_energies",
    "charge": "charges",
    "magnetic_moment": "magmoms",
    "grades": "nbh_grades",
}


def dataset_from_cfg(
    configurations: Sequence[CfgConfiguration],
    species: Sequence[str] | None = None,
    *,
    path: str | Path = "configurations",
) -> Dataset:
    """Translate configurations to a dataset.

    Parameters
    ----------
    configurations
        What a .cfg file says.
    species
        Symbol of the element of type 0, of type 1 and so on; for stand-ins
        (`maxvolt.unnamed_types`) types count and names in the file do not. None: as the feature
        ``species`` of each configuration says.
    path
        Name of the file for error messages.

    Raises
    ------
    SpeciesError
        When the element of a type is not known, or two sources name different ones.
    """
    counts = [len(configuration) for configuration in configurations]
    forces = [
        np.full((len(c), 3), np.nan) if c.forces is None else c.forces for c in configurations
    ]
    none = np.empty((0, 3))
    weights = [_weight(c, path, index) for index, c in enumerate(configurations)]
    try:
        return Dataset.from_arrays(
            offsets=np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]),
            numbers=_numbers(configurations, species, path),
            positions=np.concatenate([none, *(c.positions for c in configurations)]),
            cells=np.array([c.cell for c in configurations]).reshape(-1, 3, 3),
            pbc=np.array([c.cell.any(axis=1) for c in configurations], np.bool_).reshape(-1, 3),
            energies=np.array([np.nan if c.energy is None else c.energy for c in configurations]),
            forces=np.concatenate([none, *forces]),
            stresses=_stresses(configurations, path),
            weights=weights,
            groups=[c.features.get(_GROUP, "") for c in configurations],
            infos=[_info(configuration, named=_named(species)) for configuration in configurations],
        )
    except DataError as error:
        raise DataError(f"{path}: {error}") from error


def cfg_from_dataset(
    dataset: Dataset, species: Sequence[str] | None = None, *, quiet: bool = False
) -> list[CfgConfiguration]:
    """Translate a dataset to configurations.

    Parameters
    ----------
    dataset
        What to write. Lattice vectors of non-periodic directions are left out.
    species
        Symbol of the element of type 0, of type 1 and so on; None for the elements of the
        dataset by atomic number. Stand-ins are not written.
    quiet
        Say nothing of arrays that have no place in a .cfg.

    Raises
    ------
    SpeciesError
        When an element of the dataset is not among the species.
    """
    symbols = dataset.species if species is None else tuple(species)
    check_named(dataset, symbols)
    types = _types_by_number(symbols)[dataset.numbers]
    virials = stress_to_plus_stress(dataset.stresses, dataset.volumes)
    configurations = []
    left_out: set[str] = set()
    for s in range(len(dataset)):
        of_s = dataset.atoms_of(s)
        fields, features, without = _from_info(dataset.infos[s])
        left_out.update(without)
        if not are_stand_ins(symbols):
            features[SPECIES] = " ".join(symbols)
        if dataset.groups[s]:
            features[_GROUP] = dataset.groups[s]
        if dataset.weights[s] != 1.0:
            features[_WEIGHT] = repr(float(dataset.weights[s]))
        configurations.append(
            CfgConfiguration(
                types=types[of_s],
                positions=dataset.positions[of_s],
                cell=np.where(dataset.pbc[s][:, None], dataset.cells[s], 0.0),
                energy=float(dataset.energies[s]) if dataset.has_energy[s] else None,
                forces=dataset.forces[of_s] if dataset.has_forces[s] else None,
                plus_stress=virials[s] if dataset.has_stress[s] else None,
                features=features,
                **fields,
            )
        )
    if left_out and not quiet:  # said once, however many structures have them
        _logger.warning(
            "a .cfg cannot hold the arrays %s; not written", ", ".join(sorted(left_out))
        )
    return configurations


# --------------------------------------------------------------------- species


def check_named(dataset: Dataset, species: Sequence[str]) -> None:
    """Refuse structures with elements that are not among those named.

    Raises
    ------
    SpeciesError
        Names the first such structure, and its file.
    """
    of_atoms = _types_by_number(species)[dataset.numbers]
    if not (of_atoms < 0).any():
        return
    missing = np.unique(dataset.numbers[of_atoms < 0])
    first = int(dataset.structure_of_atom[np.flatnonzero(of_atoms < 0)[0]])
    raise SpeciesError(
        f"{dataset.name_of(first)}: {', '.join(chemical_symbols[z] for z in missing)} not among "
        f"the species {' '.join(species)}; name every element of the structures"
    )


def _numbers(
    configurations: Sequence[CfgConfiguration], species: Sequence[str] | None, path: str | Path
) -> NDArray[np.int32]:
    """Return the atomic numbers of all atoms."""
    given = None if species is None else tuple(species)
    tables: dict[tuple[str, ...], NDArray[np.int32]] = {}
    parts: list[NDArray[np.int32]] = [np.empty(0, np.int32)]
    for index, configuration in enumerate(configurations):
        where = f"{path}: configuration {index}"
        symbols = _symbols(configuration, given, where)
        if symbols not in tables:
            tables[symbols] = np.array([_atomic_number(symbol) for symbol in symbols], np.int32)
        largest = int(configuration.types.max(initial=-1))
        if largest >= len(symbols):
            raise SpeciesError(
                f"{where} has atoms of type {largest}, but only {len(symbols)} species are named "
                f"({' '.join(symbols)}); name one for each type, beginning with type 0"
            )
        parts.append(tables[symbols][configuration.types])
    return np.concatenate(parts)


def _symbols(
    configuration: CfgConfiguration, given: tuple[str, ...] | None, where: str
) -> tuple[str, ...]:
    if given is not None and are_stand_ins(given):
        return given
    named = configuration.features.get(SPECIES)
    if named is None:
        if given is None:
            raise SpeciesError(
                f"{where}: a .cfg file has types, not elements; say which elements they are, "
                "type 0 first: species=('Ti', 'Al') or --species Ti,Al"
            )
        return given
    from_file = tuple(named.split())
    if given is not None and given[: len(from_file)] != from_file[: len(given)]:
        raise SpeciesError(
            f"{where} says that its types are {' '.join(from_file)}, but --species says "
            f"{' '.join(given)}; leave out --species, or remove the feature from the file"
        )
    return from_file if given is None or len(from_file) > len(given) else given


def _atomic_number(symbol: str) -> int:
    number = atomic_numbers.get(symbol, 0)
    if number < 1:
        raise SpeciesError(f"{symbol!r} is not the symbol of an element")
    return int(number)


def _types_by_number(symbols: Sequence[str]) -> NDArray[np.int32]:
    """Return the type of each atomic number, -1 where it has none."""
    type_of = np.full(len(chemical_symbols), -1, np.int32)
    for index, symbol in enumerate(symbols):
        number = _atomic_number(symbol)
        if type_of[number] >= 0:
            raise SpeciesError(f"{symbol} is named twice among the species {' '.join(symbols)}")
        type_of[number] = index
    return type_of


# --------------------------------------------------------------------- labels and the rest


def _stresses(configurations: Sequence[CfgConfiguration], path: str | Path) -> NDArray[np.float64]:
    stresses = np.full((len(configurations), 6), np.nan)
    without_volume = 0
    for stress, configuration in zip(stresses, configurations, strict=True):
        if configuration.plus_stress is None:
            continue
        volume = configuration.volume
        if volume > 0:
            with np.errstate(over="ignore"):  # the dataset refuses a stress that is not finite
                stress[:] = plus_stress_to_stress(configuration.plus_stress, volume)
        else:
            without_volume += 1
    if without_volume:
        _logger.warning(
            "%s: PlusStress of %d configurations without a full cell is not a stress; left out",
            path,
            without_volume,
        )
    return stresses


def _weight(configuration: CfgConfiguration, path: str | Path, index: int) -> float:
    text = configuration.features.get(_WEIGHT, "1")
    try:
        return float(text)
    except ValueError as error:
        raise FileFormatError(
            path, f"{_WEIGHT} of configuration {index} is {text!r}; expected a number"
        ) from error


def _named(species: Sequence[str] | None) -> bool:
    """Whether symbols are those of elements; what a file calls its types is kept otherwise."""
    return species is None or not are_stand_ins(species)


def _info(configuration: CfgConfiguration, *, named: bool) -> dict[str, Any]:
    info: dict[str, Any] = {
        name: _number(value) if name in OTHER_RESULTS else value
        for name, value in configuration.features.items()
        if name not in (*((SPECIES,) if named else ()), _GROUP, _WEIGHT)
    }
    arrays = {
        name: getattr(configuration, attribute)
        for attribute, name in _ARRAY_NAMES.items()
        if getattr(configuration, attribute) is not None
    }
    if arrays:
        info[ARRAYS_KEY] = arrays
    if (records := _constraints(info.get(CONSTRAINTS_KEY, ""))) is not None:
        info[CONSTRAINTS_KEY] = records
    return info


def _number(text: str) -> Any:
    """Return the number or the numbers that `_as_text` has written; other texts as they are."""
    try:
        value = json.loads(text)
    except ValueError:
        return text
    return np.array(value) if isinstance(value, list) else value


def _constraints(text: str) -> Any:
    """Return the constraints that a feature keeps as text; None when it is not such a text."""
    try:
        records = json.loads(text)
    except ValueError:
        return None
    return records if is_constraint_records(records) else None


def _from_info(info: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str], list[str]]:
    """Return the per-atom fields, the features, and the arrays that have no place in a .cfg."""
    fields: dict[str, Any] = {}
    attributes = {name: attribute for attribute, name in _ARRAY_NAMES.items()}
    columns = {field.attribute: len(field.columns) for field in ATOM_FIELDS}
    left_out = []
    for name, values in info.get(ARRAYS_KEY, {}).items():
        attribute = attributes.get(name) or _OTHER_ARRAY_NAMES.get(name)
        array = np.asarray(values)
        if attribute is None or array.ndim != (1 if columns[attribute] == 1 else 2):
            left_out.append(name)
        elif name in attributes or attribute not in fields:
            fields[attribute] = array
    features = {str(key): _as_text(value) for key, value in info.items() if key != ARRAYS_KEY}
    return fields, features, left_out


def _as_text(value: object) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    try:
        return json.dumps(value)
    except TypeError:
        return str(value)
