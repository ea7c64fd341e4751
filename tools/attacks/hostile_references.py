"""Label structures with a calculator that misbehaves at some of them: the others come out right."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from ase.build import bulk
from hostile_calculator import FAULTS, HARMLESS

from attacks.finding import FindingError
from maxvolt.dataset import Dataset
from maxvolt.labelling import LabelLimits, LabelResult, LabelStore, Reference, label
from maxvolt.labelling.content import structure_hash

__all__ = ["trial"]

_STRUCTURES = 6
_WORKERS = 2


def trial(seed: int, scratch: Path) -> str:
    """Label half of some structures under random faults, all of them once more after that."""
    random = np.random.default_rng(seed)
    structures = _structures(random)
    faulty = random.choice(_STRUCTURES, _STRUCTURES // 2, replace=False)
    drawn = random.choice(list(FAULTS), len(faulty))
    faults = {int(index): str(fault) for index, fault in zip(faulty, drawn, strict=True)}
    reference = reference_with(structures, faults)
    store = LabelStore(scratch / "labels.db")
    limits = LabelLimits(timeout=float(random.choice([20.0, 60.0])), retries=int(random.choice(2)))
    first = label(structures, reference, store, limits=limits, workers=_WORKERS)
    check(structures, faults, first)
    again = label(structures, reference, LabelStore(store.path), limits=limits)
    if again.calculated or again.quarantined != first.quarantined:
        raise FindingError("what was found is not what the store says afterwards")
    return "quarantined" if first.quarantined else "labelled"


def reference_with(structures: Dataset, faults: dict[int, str]) -> Reference:
    """Return a reference with faults at some structures, by index."""
    by_hash = {structure_hash(structures[index]): fault for index, fault in faults.items()}
    return Reference("hostile_calculator:Hostile", {"faults": by_hash})


def check(structures: Dataset, faults: dict[int, str], result: LabelResult) -> None:
    """Compare with the labels that the calculator would give without faults."""
    for index, reason in result.quarantined:
        fault = faults.get(index)
        if fault is None or fault in HARMLESS:
            raise FindingError(f"structure {index} ({fault or 'no fault'}) has no label: {reason}")
        reason.encode()
    for place, index in enumerate(result.indices.tolist()):
        fault = faults.get(index)
        if fault is not None and fault not in HARMLESS:
            raise FindingError(f"structure {index} has a label although it {fault}")
        positions = structures[index].positions
        found = result.dataset[place].get_forces()
        energy = 0.5 * float((positions**2).sum())
        if not np.array_equal(found, -positions) or result.dataset.energies[place] != energy:
            raise FindingError(f"structure {index} ({fault or 'no fault'}) has a wrong label")


def _structures(random: np.random.Generator) -> Dataset:
    structures = []
    for _ in range(_STRUCTURES):
        atoms = bulk("Al", cubic=True)
        atoms.positions += random.normal(0, 0.1, atoms.positions.shape)
        structures.append(atoms)
    return Dataset.from_atoms(structures)
