"""Fault injection: a reference that fails, hangs and gives NaN; labelling ends in order."""

from __future__ import annotations

import numpy as np
from faulty_calculator import begun, ended
from labelling_data import make_structures

import maxvolt
from maxvolt.labelling import LabelLimits, label

STRUCTURES = 60


def test_labelling_ends_and_its_data_are_clean(store, faulty, tmp_path):
    """One attempt in five fails, one in twenty hangs, one in fifty gives NaN."""
    structures = make_structures(STRUCTURES)
    reference = faulty(fails=0.2, hangs=0.05, gives_nan=0.02)
    limits = LabelLimits(timeout=0.5, retries=2)
    result = label(structures, reference, store, limits=limits, workers=4)

    lost = [entry.structure for entry in result.quarantined]
    assert sorted([*result.indices, *lost]) == list(range(STRUCTURES))
    expected = [0.5 * (atoms.positions**2).sum() for atoms in structures.select(result.indices)]
    np.testing.assert_allclose(result.dataset.energies, expected, rtol=1e-14)
    np.testing.assert_array_equal(
        result.dataset.forces, -structures.select(result.indices).positions
    )

    # All three faults happened, and each left its trace where it belongs.
    reasons = [entry.reason for entry in result.quarantined]
    assert any("NaN" in reason for reason in reasons)
    log = tmp_path / "log"
    hung_or_failed = len(begun(log)) - len(ended(log))
    assert hung_or_failed > STRUCTURES * 0.1
    assert max(begun(log).count(name) for name in begun(log)) <= 1 + limits.retries
    assert max(ended(log).count(name) for name in ended(log)) == 1

    read_back = maxvolt.read(store.path)
    assert len(read_back) == STRUCTURES
    assert read_back.has_energy.sum() == read_back.has_forces.sum() == len(result.dataset)
    kept = np.sort(store.labelled().energies)  # in the order in which they came in
    np.testing.assert_array_equal(kept, np.sort(result.dataset.energies))

    again = label(structures, reference, store, limits=limits)
    assert again.calculated == 0
    assert again.quarantined == result.quarantined
