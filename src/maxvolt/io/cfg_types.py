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

__all__ = ["with_indices", "with_labels"]


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
        Type of the first species, of the second and so on; None for 0, 1, ...
    path
        Of their file, for messages.

    Raises
    ------
    SpeciesError
        A type that is none of the labels.
    """
    if labels is None or tuple(labels) == tuple(range(len(labels))):
        return list(configurations)
    index = {label: number for number, label in enumerate(labels)}
    found = []
    for number, configuration in enumerate(configurations):
        foreign = sorted(set(configuration.types.tolist()) - set(index))
        if foreign:
            raise SpeciesError(
                f"{path}: configuration {number} has atoms of type "
                f"{', '.join(map(str, foreign))}, but the potential knows the types "
                f"{', '.join(map(str, labels))}"
            )
        types = np.array([index[label] for label in configuration.types.tolist()], np.int32)
        found.append(replace(configuration, types=types))
    return found


def with_labels(
    configurations: Sequence[CfgConfiguration], labels: Sequence[int] | None
) -> list[CfgConfiguration]:
    """Return configurations whose types are labels instead of indices; undoes `with_indices`."""
    if labels is None:
        return list(configurations)
    names = np.array(labels, np.int32)
    return [replace(one, types=names[one.types]) for one in configurations]
