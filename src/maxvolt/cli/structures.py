"""Structures for commands to which the names of the elements do not matter."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ase.data import chemical_symbols

from maxvolt.cli.inputs import read_structures
from maxvolt.dataset import Dataset
from maxvolt.errors import SpeciesError
from maxvolt.io.cfg import read_cfg
from maxvolt.io.cfg_dataset import dataset_from_cfg
from maxvolt.io.recognition import recognized_format
from maxvolt.sources import holding

__all__ = ["read_with_names"]


def read_with_names(
    path: Path, species: tuple[str, ...] | None
) -> tuple[Dataset, Mapping[str, str]]:
    """Read structures, and say how each of the dataset's symbols is to be printed.

    Symbols stand for themselves. A .cfg that names no elements is read all the same: its types
    take the symbols of the first elements and are printed as ``type 0``, ``type 1``, ...
    """
    with holding(path):
        try:
            dataset = read_structures(path, species)
        except SpeciesError:
            if species is not None or recognized_format(path) not in ("cfg", "cfg-binary"):
                raise
        else:
            return dataset, {symbol: symbol for symbol in dataset.species}
        configurations = read_cfg(path)
    types = 1 + max(int(configuration.types.max()) for configuration in configurations)
    symbols = chemical_symbols[1 : types + 1]
    dataset = dataset_from_cfg(configurations, symbols, path=path)
    return dataset, {symbol: f"type {index}" for index, symbol in enumerate(symbols)}
