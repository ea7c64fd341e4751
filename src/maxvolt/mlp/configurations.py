"""Configurations as `mlp` reads and writes them: types stay types, features stand in MLIP's order.

A ``.cfg`` has no elements, and none are needed: where geometry is all that counts, those of the
first elements of the periodic table stand in for the types, which may be as large as 117.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from ase.data import chemical_symbols

from maxvolt.cli.console import note
from maxvolt.cli.inputs import check_is_structures
from maxvolt.dataset import Dataset
from maxvolt.errors import DataError, SpeciesError
from maxvolt.io.cfg import Encoding, read_cfg, write_cfg
from maxvolt.io.cfg_dataset import cfg_from_dataset, dataset_from_cfg
from maxvolt.io.cfg_record import CfgConfiguration

__all__ = [
    "SPECIES",
    "as_configurations",
    "dataset_by_type",
    "read_configurations",
    "renumbered",
    "symbols_of_types",
    "with_features",
    "write_configurations",
]

SPECIES = "species"
"""Feature of this package that names the elements; MLIP has none."""


def read_configurations(path: str | Path) -> list[CfgConfiguration]:
    """Read a ``.cfg``, text or binary; an empty one is said to be empty.

    Raises
    ------
    FileFormatError
        The file is not understood.
    DataError
        It is a potential.
    """
    check_is_structures(Path(path))
    found = read_cfg(path)
    if not found:
        note(f"mlp: warning: {path}: holds no configuration")
    return found


def write_configurations(
    path: str | Path,
    configurations: Iterable[CfgConfiguration],
    *,
    encoding: Encoding = "ordinary",
    append: bool = False,
) -> None:
    """Write a ``.cfg`` as MLIP does: its usual digits, features in the order of their names."""
    write_cfg(path, map(_sorted, configurations), encoding=encoding, append=append)


def with_features(configuration: CfgConfiguration, **features: str) -> CfgConfiguration:
    """Return a configuration with further features."""
    return replace(configuration, features={**configuration.features, **features})


def _sorted(configuration: CfgConfiguration) -> CfgConfiguration:
    return replace(configuration, features=dict(sorted(configuration.features.items())))


def symbols_of_types(types: int) -> tuple[str, ...]:
    """Symbols that stand in for so many types: hydrogen for type 0, helium for type 1.

    Raises
    ------
    SpeciesError
        There are fewer elements than types.
    """
    if types >= len(chemical_symbols):
        raise SpeciesError(f"type {types - 1}: expected types below {len(chemical_symbols) - 1}")
    return tuple(chemical_symbols[1 : types + 1])


def dataset_by_type(
    configurations: Sequence[CfgConfiguration], path: str | Path = "configurations"
) -> Dataset:
    """Translate configurations to a dataset in which type 0 is hydrogen, type 1 helium and so on.

    Raises
    ------
    SpeciesError
        A type beyond the number of elements.
    DataError
        A configuration that cannot be used.
    """
    largest = max((int(c.types.max(initial=-1)) for c in configurations), default=-1)
    nameless = [_without_species(configuration) for configuration in configurations]
    return dataset_from_cfg(nameless, symbols_of_types(largest + 1), path=path)


def as_configurations(dataset: Dataset, symbols: Sequence[str]) -> list[CfgConfiguration]:
    """Translate structures with the element of each type to configurations as MLIP has them.

    What this package notes besides (elements, constraints) is left out.
    """
    found = []
    for configuration in cfg_from_dataset(dataset, symbols):
        kept = {key: configuration.features[key] for key in _OF_MLIP if key in configuration.features}
        found.append(replace(configuration, features=kept))
    return found


_OF_MLIP = ("EFS_by",)


def _without_species(configuration: CfgConfiguration) -> CfgConfiguration:
    if SPECIES not in configuration.features:
        return configuration
    kept = {key: text for key, text in configuration.features.items() if key != SPECIES}
    return replace(configuration, features=kept)


def renumbered(configuration: CfgConfiguration, new: Sequence[int]) -> CfgConfiguration:
    """Return a configuration whose type t has become ``new[t]``.

    Raises
    ------
    DataError
        A type that is not among them.
    """
    largest = int(configuration.types.max(initial=-1))
    if largest >= len(new):
        raise DataError(
            f"atoms of type {largest}, but new types are given for 0 to {len(new) - 1} only"
        )
    types = np.asarray(new, np.int32)[configuration.types]
    return _without_species(replace(configuration, types=types))
