"""Configurations as structures of which only the geometry counts.

A ``.cfg`` has no elements, and none are needed: those of the first elements of the periodic table
stand in for the types, which may be atomic numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from ase.data import chemical_symbols
from numpy.typing import NDArray

from maxvolt.dataset import Dataset
from maxvolt.errors import DataError, SpeciesError
from maxvolt.io.cfg_dataset import cfg_from_dataset, dataset_from_cfg
from maxvolt.io.cfg_record import CfgConfiguration
from maxvolt.io.cfg_types import without_names

__all__ = ["as_configurations", "dataset_by_type", "moved", "renumbered", "symbols_of_types"]

_OF_MLIP = ("EFS_by",)
"""Features that MLIP has, too, when it reads files of other programs."""


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
    nameless = [without_names(configuration) for configuration in configurations]
    return dataset_from_cfg(nameless, symbols_of_types(largest + 1), path=path)


def as_configurations(dataset: Dataset, symbols: Sequence[str]) -> list[CfgConfiguration]:
    """Translate structures with the element of each type to configurations as MLIP has them.

    What this package notes besides (elements, constraints) is left out.
    """
    found = []
    for configuration in cfg_from_dataset(dataset, symbols):
        kept = {
            key: configuration.features[key] for key in _OF_MLIP if key in configuration.features
        }
        found.append(replace(configuration, features=kept))
    return found


def moved(
    configuration: CfgConfiguration,
    positions: NDArray[np.float64],
    cell: NDArray[np.float64] | None = None,
) -> CfgConfiguration:
    """Return a configuration elsewhere, without what was known of it where it was."""
    return replace(
        configuration,
        positions=positions,
        cell=configuration.cell if cell is None else cell,
        energy=None,
        forces=None,
        plus_stress=None,
        site_energies=None,
        nbh_grades=None,
    )


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
    return without_names(replace(configuration, types=types))
