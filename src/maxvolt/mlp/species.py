"""What ``add_species`` does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from maxvolt.cli.console import note
from maxvolt.errors import MaxvoltError
from maxvolt.mlp.command import Call
from maxvolt.mlp.configurations import check_outputs, read_configurations
from maxvolt.mlp.potentials import typed
from maxvolt.mlp.training import with_types
from maxvolt.potentials.mtp.files.access import read_potential_file, write_potential_file

__all__ = ["add_species"]


def add_species(call: Call) -> None:
    """Write the potential with the types that it lacks."""
    path, *given = call.files
    target = call.options["save_to"] or path
    check_outputs(target, inputs=[name for name in given if not name.isdigit()])
    file = read_potential_file(path)
    known = file.species_labels or tuple(range(file.species_count))
    new = [label for label in _types(given) if label not in known]
    if not new:
        note(f"{path}: knows these types already")
    if file.is_trained:
        with_types(typed(path, file), new).potential.write(target)
        if file.active_set is not None:
            note(f"{target}: without an active set, which the new types make meaningless")
    else:
        labels = (*known, *new)
        if new and file.species is not None:
            raise MaxvoltError(f"{path}: names its species; types without names cannot be added")
        write_potential_file(
            target, replace(file, species_count=len(labels), species_labels=labels)
        )
    note(f"{target}: types {', '.join(map(str, (*known, *new)))}")


def _types(given: Sequence[str]) -> list[int]:
    """Types that are named, or that a file of configurations has; ascending."""
    types: set[int] = set()
    for word in given:
        if word.isdigit():
            types.add(int(word))
        elif Path(word).exists():
            for one in read_configurations(word):
                types.update(np.unique(one.types).tolist())
        else:
            raise MaxvoltError(f"{word}: expected a type, such as 1, or a file of configurations")
    return sorted(types)
