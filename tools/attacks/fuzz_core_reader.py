"""Damaged potentials are read by the compiled core exactly where Python reads them, and alike.

An input must be refused by both, or give the same arrays, bit by bit, and the same active set. Only
Python reads untrained potentials, and takes control characters off the ends of a line of text.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from attacks.finding import FindingError
from attacks.fuzz_potentials import KINDS, inputs, numbers_changed
from attacks.mutations import survive
from maxvolt.compiled import _core
from maxvolt.errors import MaxvoltError
from maxvolt.potentials.mtp.conversion import model_of_file
from maxvolt.potentials.mtp.files.active_set import ActiveSetRecord
from maxvolt.potentials.mtp.files.parser import parse_potential
from maxvolt.potentials.mtp.model import Model, compile_model
from maxvolt.species import check_species

__all__ = ["INPUTS", "check", "trial"]

INPUTS = 100
"""Of each kind in a trial."""

Read = tuple[Model, tuple[str, ...], ActiveSetRecord | None]
"""Model, species as far as the file names them, active set."""


def read_by_python(path: Path) -> Read | None:
    """Read a trained potential; None where Python refuses it."""
    try:
        file = parse_potential(path.read_bytes(), path)
        if not file.is_trained:
            return None
        unnamed = ("H", "He", "Li", "Be", "B", "C", "N", "O")[: file.species_count]
        species = file.species if file.species is not None else unnamed
        check_species(species)
        model, symbols, _ = model_of_file(path, file, species)
    except MaxvoltError:
        return None
    if file.species is None and model.repulsion is not None:
        return None  # of elements that the core does not know
    return model, () if file.species is None else symbols, file.active_set


def check(data: bytes, path: Path) -> str:
    """Return 'read' or 'refused'; raise FindingError where both readers disagree."""
    path.write_bytes(data)
    expected = read_by_python(path)
    try:
        core, species, active_set = _core.read_potential(str(path))
    except RuntimeError as error:
        if expected is not None and "control characters" not in str(error):
            raise FindingError(f"Python reads it, the core says: {error}") from error
        if not str(error).startswith(f"{path}, "):
            raise FindingError(f"the message does not say where: {error}") from error
        return "refused"
    if expected is None:
        raise FindingError("the core reads it, Python does not")
    model, symbols, record = expected
    if tuple(species) != symbols:
        raise FindingError(f"species {species}, not {symbols}")
    if not symbols:
        model = _without_charges(model)
    if core.file_bytes([]) != compile_model(model, planned=False).file_bytes([]):
        raise FindingError("other arrays")
    if (record is None) != (active_set is None):
        raise FindingError("only one of them has an active set")
    if record is not None and active_set is not None:
        inverse = np.array(active_set["inverse"]).reshape(record.inverse.shape)
        of_kernels = record.inverse.copy()  # whose rows are by coefficient times scaling
        of_kernels[: model.n_radial] *= model.scaling
        if not np.array_equal(inverse, of_kernels):
            raise FindingError("another inverse of the active set")
    return "read"


def _without_charges(model: Model) -> Model:
    """Return what the core makes of a potential whose elements it does not know."""
    return replace(model, numbers=np.zeros(len(model.numbers), dtype=np.int32))


def streams(seed: str) -> Iterator[Iterator[bytes]]:
    """Give damaged files of each kind."""
    for kind in KINDS:
        yield inputs(kind, seed)
        yield numbers_changed(kind, random.Random(f"numbers {kind} {seed}"))


def trial(seed: int, scratch: Path, count: int = INPUTS) -> str:
    """Read some damaged files with both readers."""
    for number, stream in enumerate(streams(str(seed))):
        path = scratch / f"read-{number}.mtp"
        survive(stream, lambda data: check(data, path), scratch / "input", count=count)  # noqa: B023
    return "held"
