"""The store: what goes in comes out, once."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from ase.db import connect
from labelling_data import make_structures

import maxvolt
from maxvolt.errors import DataError
from maxvolt.labelling import LabelStore, Reference
from maxvolt.labelling.jobs import Job, Outcome, Status
from maxvolt.labelling.limits import CalculatedLabels


def make_job(seed: int = 0) -> Job:
    return Job.for_reference(make_structures(1, seed)[0], Reference("emt"))


def labelled(energy: float = -1 / 3) -> Outcome:
    forces = np.random.default_rng(1).normal(size=(4, 3))
    labels = CalculatedLabels(energy, energy + 0.1, forces, np.arange(6) / 7)
    return Outcome(Status.LABELLED, labels=labels, seconds=1.5, attempts=2)


QUARANTINED = Outcome(Status.QUARANTINED, "forces holds NaN or infinity")


def test_all_digits_come_back(store):
    job = make_job()
    assert store.add(job, labelled())
    stored = store.lookup([job.key])[job.key]
    expected = labelled().labels
    assert stored.outcome.labels.free_energy == expected.free_energy
    assert stored.outcome.labels.energy == expected.energy
    np.testing.assert_array_equal(stored.outcome.labels.forces, expected.forces)
    np.testing.assert_array_equal(stored.outcome.labels.stress, expected.stress)
    np.testing.assert_array_equal(stored.atoms.positions, job.atoms.positions)
    assert (stored.outcome.seconds, stored.outcome.attempts) == (1.5, 2)
    assert store.get(job.atoms, Reference("emt")).calculator == "emt"
    assert store.get(job.atoms, Reference("gpaw")) is None


def test_a_label_is_never_replaced(store):
    job = make_job()
    store.add(job, labelled(-1.0))
    assert not store.add(job, labelled(-2.0))
    assert not store.add(job, QUARANTINED)
    assert store.labelled().energies == pytest.approx([-1.0])
    assert store.quarantined() == []


def test_a_quarantined_entry_is_replaced_by_what_comes_later(store):
    job = make_job()
    store.add(job, QUARANTINED)
    assert [reason for _, reason in store.quarantined()] == [QUARANTINED.reason]
    assert store.add(job, Outcome(Status.QUARANTINED, "not converged"))
    assert [reason for _, reason in store.quarantined()] == ["not converged"]
    assert store.add(job, labelled(-2.0))
    assert store.quarantined() == []
    assert store.labelled().energies == pytest.approx([-2.0])


def test_quarantined_rows_hold_nothing_to_train_on(store):
    store.add(make_job(1), QUARANTINED)
    store.add(make_job(2), labelled())
    dataset = maxvolt.read(store.path)
    assert dataset.has_energy.tolist() == [False, True]
    assert dataset.has_forces.tolist() == [False, True]
    assert dataset.has_stress.tolist() == [False, True]
    assert dataset.energies[1] == labelled().labels.free_energy


def test_ase_browses_it(store):
    store.add(make_job(), labelled())
    with connect(store.path) as database:
        row = database.get(status="labelled")
        assert row.reference == row.calculator == "emt"
        assert row.settings_hash == f"settings-{Reference('emt').key}"
        assert row.energy == labelled().labels.energy


def test_by_reference(store):
    atoms = make_structures(1)[0]
    for name, energy in (("emt", -1.0), ("gpaw", -2.0)):
        store.add(Job.for_reference(atoms, Reference(name)), labelled(energy))
    assert len(store.labelled()) == 2
    assert store.labelled(Reference("gpaw")).energies == pytest.approx([-2.0])
    assert store.quarantined(Reference("gpaw")) == []


def test_moments_and_charges_come_back(store):
    atoms = make_structures(1)[0]
    atoms.set_initial_magnetic_moments([1.0, 0, 0, -1.0])
    job = Job.for_reference(atoms, Reference("emt"))
    store.add(job, labelled())
    assert (
        Job.for_reference(store.get(atoms, Reference("emt")).atoms, Reference("emt")).key == job.key
    )


def test_a_file_that_is_something_else(tmp_path):
    path = tmp_path / "labels.db"
    path.write_text("not a database, but long enough to have a header" * 50)
    with pytest.raises(DataError, match=r"labels\.db: cannot be used as a database"):
        LabelStore(path).labelled()


def test_no_place_for_a_file(tmp_path):
    with pytest.raises(DataError, match="give a file in a folder that exists"):
        LabelStore(tmp_path / "missing" / "labels.db")
    with pytest.raises(DataError, match="give a file in a folder that exists"):
        LabelStore(tmp_path)


def test_tables_are_made_all_or_none(store, monkeypatch):
    """Whoever is stopped while it makes the tables leaves none behind."""
    from maxvolt.labelling import store as module

    statements = [*module.init_statements[:3], "SELECT this FROM nowhere"]
    with monkeypatch.context() as patch:
        patch.setattr(module, "init_statements", statements)
        with pytest.raises(DataError):
            store.labelled()
    assert len(store.labelled()) == 0


_WRITER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from test_store import labelled, make_job
from maxvolt.labelling import LabelStore
store = LabelStore(Path(sys.argv[2]))
print(sum(store.add(make_job(seed), labelled()) for seed in range(20)))
"""


def test_two_processes_write_at_once(store):
    """Each label gets in, and exactly one of the two says that it put it there."""
    here = str(Path(__file__).parent)
    command = [sys.executable, "-c", _WRITER, here, str(store.path)]
    writers = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in range(2)]
    added = [int(writer.communicate()[0]) for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0]
    assert sum(added) == 20
    assert len(store.labelled()) == 20
    check = sqlite3.connect(store.path)
    assert check.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    check.close()
