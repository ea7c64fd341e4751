"""Energies, forces and virials of configurations by a potential."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maxvolt.cli.console import progress_bar
from maxvolt.dataset import Dataset
from maxvolt.io.cfg_record import CfgConfiguration
from maxvolt.mlp.configurations import with_features
from maxvolt.mlp.potentials import TypedPotential
from maxvolt.neighbors.neighborhoods import dataset_neighborhoods
from maxvolt.parallel.ranks import Ranks
from maxvolt.potentials import MTP
from maxvolt.potentials.evaluation import ATOMS_AT_ONCE

__all__ = ["evaluated", "predicted"]

_MADE_BY = {2: "MultiMTP", 3: "MultiMTP3"}
"""What the feature EFS_by says of predictions of a version of MLIP."""

_Arrays = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]


def evaluated(
    potential: TypedPotential,
    configurations: Sequence[CfgConfiguration],
    path: str | Path,
    ranks: Ranks,
) -> list[CfgConfiguration]:
    """Return configurations with energy, forces and PlusStress by a potential.

    PlusStress is the virial, which configurations without a full cell have, too, as in MLIP.

    Parameters
    ----------
    potential
        Trained.
    configurations, path
        As of `TypedPotential.dataset`.
    ranks
        Processes that share the work.
    """
    dataset = potential.dataset(configurations, path)
    pieces = ((part.start, dataset.select(part)) for part in dataset.portions(ATOMS_AT_ONCE))
    found: list[CfgConfiguration] = []
    with progress_bar("evaluating", len(dataset)) as advance:
        for arrays in ranks.stream(partial(_evaluating, potential.potential), pieces):
            for energy, forces, virial in _split(configurations, len(found), *arrays):
                one = configurations[len(found)]
                found.append(replace(one, energy=energy, forces=forces, plus_stress=-virial))
                advance(1)
    return found


def predicted(
    potential: TypedPotential,
    configurations: Sequence[CfgConfiguration],
    path: str | Path,
    ranks: Ranks,
    version: int,
) -> list[CfgConfiguration]:
    """The same as `evaluated`, with the feature EFS_by as a version of MLIP has it."""
    made_by = {"EFS_by": _MADE_BY[version]}
    found = evaluated(potential, configurations, path, ranks)
    return [with_features(one, made_by) for one in found]


def _evaluating(potential: MTP) -> Callable[[tuple[int, Dataset]], _Arrays]:
    def work(piece: tuple[int, Dataset]) -> _Arrays:
        first, dataset = piece
        neighborhoods = dataset_neighborhoods(
            dataset, potential.species, potential.cutoff, first_structure=first
        )
        out = potential.evaluate_neighborhoods(neighborhoods)
        energies = np.bincount(neighborhoods.structures, out.site_energies, len(dataset))
        return np.asarray(energies, np.float64), out.forces, out.virials

    return work


def _split(
    configurations: Sequence[CfgConfiguration],
    first: int,
    energies: NDArray[np.float64],
    forces: NDArray[np.float64],
    virials: NDArray[np.float64],
) -> Iterator[tuple[float, Any, Any]]:
    """Energy, forces and virial of each configuration of a piece."""
    begin = 0
    for number, (energy, virial) in enumerate(zip(energies, virials, strict=True)):
        end = begin + len(configurations[first + number])
        yield float(energy), forces[begin:end], virial
        begin = end
