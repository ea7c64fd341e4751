"""The potential that a training begins with, and the structures it is trained on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from maxvolt.cli.console import note
from maxvolt.dataset import Dataset
from maxvolt.errors import SpeciesError
from maxvolt.fitting.variable_projection.new_potential import FINAL_SET
from maxvolt.fitting.variable_projection.training import with_min_dist
from maxvolt.io.cfg_record import CfgConfiguration
from maxvolt.io.cfg_types import SPECIES
from maxvolt.limits import NARROWEST_BASIS
from maxvolt.mlp.potentials import TypedPotential, typed
from maxvolt.mlp.untrained import level_of_name, untrained_potential
from maxvolt.neighbors import minimum_distances
from maxvolt.potentials import MTP
from maxvolt.potentials.mtp.files.access import PotentialFile, read_potential_file
from maxvolt.potentials.mtp.model import species_numbers
from maxvolt.unnamed_types import are_stand_ins, stand_ins

__all__ = ["read_start", "started", "with_shortest_distance", "with_types"]


def read_start(path: str) -> PotentialFile:
    """Read the potential to train; where ``16.mtp`` does not exist, make MLIP's file of that name.

    Raises
    ------
    FileFormatError
        There is no such file, or it is no potential.
    """
    level = level_of_name(path)
    if level is None or Path(path).exists():
        return read_potential_file(path)
    note(
        f"mlp: note: {path} does not exist; taking the untrained potential of level {level} "
        f"(written by: mlp untrained {level} -o {path})"
    )
    return untrained_potential(level)


def started(
    path: str, file: PotentialFile, configurations: Sequence[CfgConfiguration], version: int
) -> TypedPotential:
    """Make the potential to train of what its file says and of the types of its training set.

    Parameters
    ----------
    path, file
        The file, and what it says.
    configurations
        Training set.
    version
        Of MLIP: 3 takes types from the training set, 2 those that the file counts.

    Raises
    ------
    SpeciesError
        The training set has types that the potential does not know and does not get.
    """
    types = sorted({int(t) for one in configurations for t in np.unique(one.types)})
    known = file.species_labels or tuple(range(file.species_count))
    new = [label for label in types if label not in known]
    names = _names(configurations)
    if version == 2 and new:
        raise SpeciesError(
            f"the training set has atoms of type {', '.join(map(str, new))}, but {path} is made "
            f"for {file.species_count} types, from 0: set species_count in it, or make one with "
            f"mlp untrained LEVEL --species-count={max(types) + 1}"
        )
    if not file.is_trained and file.species is None:
        labels = tuple(types) if version == 3 else known
        file = replace(file, species_count=len(labels), species_labels=labels)
        if names is not None and len(names) > max(labels):
            file = replace(file, species=tuple(names[label] for label in labels))
        if version == 3:
            note(f"types of the potential: {', '.join(map(str, labels))}")
        return typed(path, file)
    start = typed(path, file)
    if not new or (file.species is not None and names is not None):  # names say what a type is
        return start
    note(f"types {', '.join(map(str, new))} are added to the potential")
    return with_types(start, new)


def with_types(start: TypedPotential, new: Sequence[int]) -> TypedPotential:
    """Add types to a potential; their radial functions begin as the average of the others.

    Raises
    ------
    SpeciesError
        The potential names its elements, and so it needs names, not types.
    """
    potential, labels = start.potential, (*start.labels, *new)
    model, before, count = potential.model, len(start.labels), len(labels)
    if not are_stand_ins(potential.species):
        raise SpeciesError(
            f"{start.path}: names its species ({', '.join(potential.species)}); types without "
            "names cannot be added to it"
        )
    species = stand_ins(count)
    radial = np.empty((count, count, *model.radial_coeffs.shape[2:]))
    radial[:] = model.radial_coeffs.mean(axis=(0, 1))
    radial[:before, :before] = model.radial_coeffs
    coefficients = np.full(count, model.species_coeffs.mean())
    coefficients[:before] = model.species_coeffs
    larger = replace(
        model,
        radial_coeffs=radial,
        species_coeffs=coefficients,
        numbers=species_numbers(species),
    )
    about = replace(potential.about, species_labels=labels)
    return TypedPotential(MTP.from_model(larger, species, about), labels, start.path)


def with_shortest_distance(start: TypedPotential, dataset: Dataset) -> TypedPotential:
    """Let the radial basis begin a little below the shortest distance of the training set."""
    potential = start.potential
    shortest = minimum_distances(dataset, search_radius=potential.cutoff).overall
    wanted = FINAL_SET * shortest
    if not wanted <= potential.cutoff - NARROWEST_BASIS:
        return start
    note(
        f"the shortest distance in the training set is {shortest:g} A; min_dist becomes "
        f"{wanted:g} A"
    )
    return replace(start, potential=with_min_dist(potential, wanted))


def _names(configurations: Sequence[CfgConfiguration]) -> tuple[str, ...] | None:
    """Names of the types, where every configuration says the same."""
    said = {one.features.get(SPECIES) for one in configurations}
    if None in said:
        return None
    longest = max((str(text).split() for text in said), key=len)
    if all(longest[: len(names)] == names for names in (str(text).split() for text in said)):
        return tuple(longest)
    return None
