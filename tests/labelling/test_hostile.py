"""Calculators that misbehave: a bad calculation is quarantined alone, the others come right."""

from __future__ import annotations

import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from labelling_data import make_structures

from maxvolt.errors import DataError, FileFormatError
from maxvolt.labelling import (
    LabelLimits,
    LabelStore,
    Reference,
    collect_jobs,
    label,
    write_jobs,
)
from maxvolt.labelling.jobs import (
    JOB,
    RESULT,
    Job,
    Outcome,
    Status,
    described,
    read_result,
    readable,
    write_result,
)
from maxvolt.labelling.limits import CalculatedLabels
from maxvolt.labelling.worker_answers import Answers, EndedError, HungError

TOOLS = Path(__file__).resolve().parents[2] / "tools"
FIRST = {
    "says a lone surrogate": r"RuntimeError: caf\udce9 \x00 \x1b[31m",
    "cannot say": "_SpeechlessError: its message cannot be shown",
    "raises SystemExit": "SystemExit: leaving",
    "removes its folder and fails": "lost 3 times",
    "gives too much energy": "free_energy is 2.5e+08 eV/atom, beyond the limit of",
    "gives too much stress": "a stress of 1e+09 eV/A^3 is above the limit of 100 eV/A^3",
    "gives complex numbers": "energy is 1j; expected numbers",
    "spoils its result": "ended with code 0",
    "spoils its description": "RuntimeError: spoilt",
}
SECOND = {
    "dies, its child keeps the pipes": "killed by SIGKILL",
    "closes descriptors": "the process of the calculation",
    "forges its result": "free_energy is 2.5e+299 eV/atom, beyond the limit",
    "stops itself by a strange signal": "killed by signal",
}


@pytest.mark.parametrize("expected", [FIRST, SECOND])
def test_faults_end_in_quarantine(expected, store, monkeypatch):
    monkeypatch.syspath_prepend(str(TOOLS))
    from attacks.hostile_references import check, reference_with

    structures = make_structures(len(expected) + 2)
    faults = dict(enumerate(expected))
    reference = reference_with(structures, faults)
    limits = LabelLimits(timeout=300.0, retries=0 if expected is FIRST else 1)
    began = time.monotonic()
    result = label(structures, reference, store, limits=limits, workers=2)
    assert time.monotonic() - began < limits.timeout
    check(structures, faults, result)
    found = {faults[index]: reason for index, reason in result.quarantined}
    assert {name: part in found[name] for name, part in expected.items()} == dict.fromkeys(
        expected, True
    )
    again = label(structures, reference, LabelStore(store.path))
    assert (again.calculated, again.quarantined) == (0, result.quarantined)


def test_faults_that_do_no_harm_have_their_label(store, monkeypatch):
    monkeypatch.syspath_prepend(str(TOOLS))
    from attacks.hostile_references import check, reference_with
    from hostile_calculator import HARMLESS

    names = [name for name in HARMLESS if name != "leaves a thread"]
    structures = make_structures(len(names))
    faults = dict(enumerate(names))
    limits = LabelLimits(timeout=300.0, retries=0)
    result = label(structures, reference_with(structures, faults), store, limits=limits, workers=2)
    assert result.quarantined == []
    check(structures, faults, result)


# --------------------------------------------------------------------- folders and the store


def labels(energy: float = -1.0, atoms: int = 4) -> CalculatedLabels:
    return CalculatedLabels(energy, energy, np.zeros((atoms, 3)), np.zeros(6))


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"calculator": None}, "unknown calculator 'None'"),
        ({"numbers": [13, 13, 13, 999]}, "atomic number 999"),
        ({"positions_A": [[float("nan")] * 3] * 4}, "positions holds nan"),
        ({"positions_A": [[1e30] * 3] * 4}, r"positions holds 1e\+30"),
        ({"cell_A": "large"}, "is not the description of a job"),
        ({"settings": {"x": float("nan")}}, "is not the description of a job"),
        ({"machine": {"environment": 3}}, "expected a table"),
        ({"arrays": {"initial_charges": [1]}}, "is not the description of a job"),
    ],
)
def test_a_folder_that_describes_no_job(changes, complaint, structures, store, tmp_path):
    """It is named; the folders beside it are collected."""
    bad, good = write_jobs(structures.select([0, 1]), Reference("emt"), tmp_path / "jobs").folders
    document = json.loads((bad / JOB).read_text())
    (bad / JOB).write_text(json.dumps(document | changes))
    with pytest.raises(FileFormatError, match=complaint):
        Job.read(bad)
    write_result(good, Outcome(Status.LABELLED, labels=labels()))
    collected = collect_jobs(tmp_path / "jobs", store)
    assert collected.labelled == (good,)
    assert [path for path, _ in collected.unfinished] == [bad]
    write_jobs(structures, Reference("emt"), tmp_path / "jobs")  # goes on beside it


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "{}", '{"status": "failed", "reason": "", "seconds": 0, "attempts": 1}']
)
def test_a_result_that_is_none(text, tmp_path):
    (tmp_path / RESULT).write_text(text)
    with pytest.raises(FileFormatError):
        read_result(tmp_path)


def test_what_cannot_be_recovered_is_put_aside(structures, store, caplog):
    reference = Reference("emt")
    spoilt, forged, kept = (Job.for_reference(structures[i], reference) for i in range(3))
    for job, n_atoms in ((spoilt, 4), (forged, 3), (kept, 4)):
        folder = store.work_folder / job.key
        folder.mkdir(parents=True)
        job.write(folder)
        write_result(folder, Outcome(Status.LABELLED, labels=labels(atoms=n_atoms)))
    (store.work_folder / spoilt.key / JOB).write_text("{}")
    result = label(structures, reference, store)
    assert [index for index, _ in result.quarantined] == [1]
    assert "forces has shape (3, 3)" in result.quarantined[0][1]
    assert result.dataset.energies[1] == -1.0  # recovered
    assert result.dataset.energies[0] != -1.0  # calculated anew
    assert "is not the description of a job" in caplog.text


def test_no_label_is_stored_that_cannot_be_read_back(structures, store):
    job = Job.for_reference(structures[0], Reference("emt"))
    for wrong in (labels(atoms=3), labels(float("nan"))):
        with pytest.raises(DataError, match="cannot be stored as a label"):
            store.add(job, Outcome(Status.LABELLED, labels=wrong))
    assert store.count() == 0


def test_a_reason_can_always_be_stored(structures, store, monkeypatch):
    monkeypatch.setenv("USER", "caf\udce9")
    job = Job.for_reference(structures[0], Reference("emt"))
    store.add(job, Outcome(Status.QUARANTINED, "\ud800\x00" + "x" * 10_000))
    ((_, reason),) = store.quarantined()
    assert reason.startswith(r"\ud800\x00xxx")
    assert len(reason) < 3000


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE systems SET positions = x'00' WHERE id = 1",
        "UPDATE systems SET forces = NULL WHERE id = 1",
        "UPDATE systems SET free_energy = 9e999 WHERE id = 1",
        "UPDATE systems SET key_value_pairs = '{' WHERE id = 1",
        "UPDATE systems SET data = '{' WHERE id = 1",
        "UPDATE systems SET numbers = x'e7030000e7030000e7030000e7030000' WHERE id = 1",
    ],
)
def test_a_row_that_cannot_be_read_is_as_good_as_quarantined(damage, structures, store, caplog):
    reference = Reference("emt")
    jobs = [Job.for_reference(atoms, reference) for atoms in structures.select([0, 1])]
    for job in jobs:
        store.add(job, Outcome(Status.LABELLED, labels=labels()))
    with closing(sqlite3.connect(store.path)) as database:
        database.execute(damage)
        database.commit()
    found = store.lookup([job.key for job in jobs])
    assert found[jobs[0].key].outcome.status is Status.QUARANTINED
    assert "row 1 of" in found[jobs[0].key].outcome.reason
    assert found[jobs[1].key].outcome.status is Status.LABELLED
    assert len(store.labelled()) == 1
    assert "row 1 of" in caplog.text
    assert store.add(jobs[0], Outcome(Status.LABELLED, labels=labels(-2.0)))
    assert len(store.labelled()) == 2


def test_a_store_without_locks(structures, store, monkeypatch):
    import fcntl

    from maxvolt.labelling.claims import Claims
    from maxvolt.labelling.codes.protocol import MisconfiguredError

    def refuse(*_: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "lockf", refuse)
    claims = Claims(store.path.with_name("claims"))
    with pytest.raises(MisconfiguredError, match="cannot be locked"), claims.claimed("0" * 32):
        pass


def test_half_a_database(structures, store):
    store.add(Job.for_reference(structures[0], Reference("emt")), Outcome(Status.QUARANTINED, "x"))
    content = store.path.read_bytes()
    store.path.write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match=r"labels\.db: cannot be used as a database of labels"):
        store.labelled()


# --------------------------------------------------------------------- small parts


def test_a_day_is_the_longest_calculation():
    from maxvolt.cli import label as command

    assert LabelLimits().timeout == command._A_DAY == 86400.0


def test_text_is_made_readable():
    assert readable("Å\n\t") == "Å\n\t"
    assert described(ValueError("a\x07")) == r"ValueError: a\x07"


def test_answers_between_garbage():
    import os

    reader, writer = os.pipe()
    answers = Answers(reader, lambda: True)
    os.write(writer, b'\x00{"request": "1"}\n["1"]\n{"request": "0", "n": 0}\nxx')
    with pytest.raises(HungError):
        answers.next("1", 0.05)
    os.write(writer, b'\n{"request": "1", "n": 2}\n')
    assert answers.next("1", 10.0)["n"] == 2
    os.close(writer)
    with pytest.raises(EndedError):
        answers.next("1", 10.0)
    os.close(reader)


def test_a_dead_worker_is_not_waited_for_although_its_pipe_is_open():
    import os

    reader, writer = os.pipe()
    os.write(writer, b'\n{"request": "1", "n": 1}\n')
    answers = Answers(reader, lambda: False)
    assert answers.next("1", None)["n"] == 1  # what it said last
    with pytest.raises(EndedError):
        answers.next("1", None)
    os.close(reader)
    os.close(writer)
