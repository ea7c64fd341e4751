"""New labels that those of the training set contradict go into quarantine, with the reason."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT

from maxvolt.campaign.steps.labelling import _contradicting
from maxvolt.dataset import Dataset


def crystals(count: int, seed: int) -> Dataset:
    generator, found = np.random.default_rng(seed), []
    for _ in range(count):
        atoms = bulk("Al", cubic=True, a=generator.uniform(3.8, 4.3)) * (2, 1, 1)
        atoms.positions += 0.1 * generator.normal(size=(8, 3))
        atoms.calc = EMT()
        atoms.get_stress()
        found.append(atoms)
    return Dataset.from_atoms(found)


def runner(training: Dataset) -> Any:
    """What the check asks of the runner of a step."""
    context = SimpleNamespace(threads=lambda kind: 1, compute=lambda work, *given: work(*given))
    return SimpleNamespace(state=SimpleNamespace(training=training), context=context)


def with_labels(dataset: Dataset, **labels: Any) -> Dataset:
    found = dataset.to_atoms()
    for s, atoms in enumerate(found):
        results = dict(atoms.calc.results)
        for name, values in labels.items():
            results[name] = values[s]
        atoms.calc.results = results
    return Dataset.from_atoms(found)


def test_right_labels_stay() -> None:
    assert _contradicting(runner(crystals(40, 0)), crystals(5, 1)) == {}
    assert _contradicting(runner(crystals(40, 0).select([])), crystals(5, 1)) == {}


def test_stresses_in_other_units_go() -> None:
    new = crystals(5, 1)
    stresses = new.stresses.copy()
    stresses[2:4] *= 1602.177
    found = _contradicting(runner(crystals(40, 0)), with_labels(new, stress=stresses))
    assert set(found) == {2, 3}
    assert all(reason.startswith("it has") for reason in found.values())
    assert "kbar" in found[2]


@pytest.mark.parametrize("size", [5000.0])
def test_a_force_that_no_atom_exerts_goes(size: float) -> None:
    new = crystals(5, 1)
    forces = np.split(new.forces.copy(), new.offsets[1:-1])
    forces[4][0] = [0.0, size, 0.0]
    found = _contradicting(runner(crystals(40, 0)), with_labels(new, forces=forces))
    assert set(found) == {4}
    assert "5e+03 eV/A" in found[4]
