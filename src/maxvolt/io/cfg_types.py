"""Types of atoms in .cfg files, which may be numbered otherwise than those of a potential.

A potential of MLIP-3 may call its species by any numbers, such as 13 and 28; the types of a .cfg
are then these numbers. Everything here numbers species from 0, in the order of the potential.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from maxvolt.errors import SpeciesError
from maxvolt.io.cfg_record import CfgConfiguration

__all__ = ["SPECIES", "with_index", "with_indices", "with_labels", "without_names"]

SPECIES = "species"
"""Feature of this package that names the elements of the types; MLIP has none."""


def with_indices(
    configurations: Sequence[CfgConfiguration],
    labels: Sequence[int] | None,
    path: str | Path = "configurations",
) -> list[CfgConfiguration]:
    """Return configurations whose types are indices instead of labels.

    Parameters
    ----------
    configurations
        Their types are labels.
    labels
        Type of the first species, of the second and so on; None: types are indices already.
    path
        Of their file, for messages.

    Raises
    ------
    SpeciesError
        A type that is none of the labels.
    """
    if labels is None:
        return list(configurations)
    return [
        with_index(one, labels, f"{path}: configuration {number}")
        for number, one in enumerate(configurations)
    ]


def with_index(one: CfgConfiguration, labels: Sequence[int], where: str) -> CfgConfiguration:
    """The same for one configuration, which messages call `where`."""
    index = {label: number for number, label in enumerate(labels)}
    given = one.types.tolist()
    foreign = sorted(set(given) - set(index))
    if foreign:
        raise SpeciesError(
            f"{where} has atoms of type {', '.join(map(str, foreign))}, but the potential knows "
            f"the types {', '.join(map(str, labels))}"
        )
    return replace(one, types=np.array([index[label] for label in given], np.int32))


def without_names(one: CfgConfiguration) -> CfgConfiguration:
    """Return a configuration that does not name the elements of its types."""
    if SPECIES not in one.features:
        return one
    return replace(one, features={k: text for k, text in one.features.items() if k != SPECIES})


def with_labels(
    configurations: Sequence[CfgConfiguration], labels: Sequence[int] | None
) -> list[CfgConfiguration]:
    """Return configurations whose types are labels instead of indices; undoes `with_indices`."""
    if labels is None:
        return list(configurations)
    names = np.array(labels, np.int32)
    return [replace(one, types=names[one.types]) for one in configurations]
