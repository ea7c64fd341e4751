"""Kills at random instants, and several processes at once: nothing twice, nothing lost.

``MAXVOLT_KILLS=50`` kills more often than the few times of an ordinary run.
"""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import numpy as np
from faulty_calculator import begun, ended
from labelling_data import make_structures

from maxvolt.labelling import LabelStore, Reference, known_labels
from maxvolt.labelling.sessions import kill_session

PROGRAM = Path(__file__).with_name("label_in_a_loop.py")
KILLS = int(os.environ.get("MAXVOLT_KILLS", "3"))
LONGEST = 0.6
"""Seconds after which the latest kill comes."""


def start(folder: Path, structures: int, seconds: float = 0.05, workers: int = 2):
    return subprocess.Popen(
        [
            *(sys.executable, str(PROGRAM), str(folder / "labels.db"), str(folder / "log")),
            *(str(structures), str(seconds), str(workers)),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def finish(process: subprocess.Popen) -> list[int]:
    try:
        out, errors = process.communicate(timeout=300)
    finally:
        process.kill()  # leaves nothing behind where it did not end
        process.communicate()
    assert process.returncode == 0, errors.decode()
    return [int(word) for word in out.split()]


def workers_of(process: subprocess.Popen) -> list[int]:
    """Return the children of a process; each leads a session of its own."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    tasks = children.parent.parent.glob("*/children") if children.exists() else []
    return [int(child) for task in tasks for child in task.read_text().split()]


def let_it_run(process: subprocess.Popen, log: Path, random: np.random.Generator) -> None:
    """Wait a random time, in most cases from the first calculation of this process on."""
    before = len(begun(log))
    wait = random.random() < 0.8
    while wait and process.poll() is None and len(begun(log)) == before:
        time.sleep(0.01)
    time.sleep(random.uniform(0.0, LONGEST))


def check_everything(folder: Path, structures: int) -> None:
    """All labelled and right, the database whole, no half file."""
    reference = Reference("faulty_calculator:Faulty", {"log": str(folder / "log"), "seconds": 0.05})
    store = LabelStore(folder / "labels.db")
    dataset = make_structures(structures)
    known = known_labels(dataset, reference, store)
    assert len(known.dataset) == structures
    np.testing.assert_array_equal(known.dataset.forces, -dataset.positions)
    with closing(sqlite3.connect(store.path)) as check:
        assert check.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        rows = check.execute("SELECT COUNT(*), COUNT(DISTINCT unique_id) FROM systems").fetchone()
    assert rows == (structures, structures)
    for path in store.work_folder.rglob("*.json"):
        json.loads(path.read_text())
    assert not list(folder.glob("labels.db-*"))
    left = [path.name for path in store.work_folder.iterdir()]
    assert left == ["claims"]


def test_kills_of_the_process_group(tmp_path):
    random = np.random.default_rng()
    structures = 20 + 8 * KILLS
    for _ in range(KILLS):
        process = start(tmp_path, structures)
        let_it_run(process, tmp_path / "log", random)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    assert finish(start(tmp_path, structures))[:2] == [structures, 0]
    finished = ended(tmp_path / "log")
    assert len(finished) == len(set(finished)) == structures
    check_everything(tmp_path, structures)


def test_kills_of_everything(tmp_path):
    """The workers die in the same instant: what was in work is lost, what was finished is not."""
    random = np.random.default_rng()
    structures = 20 + 4 * KILLS
    for _ in range(KILLS):
        process = start(tmp_path, structures)
        let_it_run(process, tmp_path / "log", random)
        for leader in [process.pid, *workers_of(process)]:
            kill_session(leader)
        process.communicate()
    assert finish(start(tmp_path, structures))[:2] == [structures, 0]
    assert set(ended(tmp_path / "log")) == set(begun(tmp_path / "log"))
    check_everything(tmp_path, structures)


def test_kills_of_workers(tmp_path):
    """A worker that dies is replaced, and its calculation made again."""
    process = start(tmp_path, 40)
    killed = 0
    while killed < 3 and process.poll() is None:
        for leader in workers_of(process)[:1]:
            if begun(tmp_path / "log"):
                os.kill(leader, signal.SIGKILL)
                killed += 1
                time.sleep(0.3)
        time.sleep(0.02)
    assert finish(process)[:2] == [40, 0]
    check_everything(tmp_path, 40)


def test_several_processes_share_the_work(tmp_path):
    with start(tmp_path, 40) as first, start(tmp_path, 40) as second:
        results = [finish(process) for process in (first, second)]
    assert [result[:2] for result in results] == [[40, 0]] * 2
    assert len(begun(tmp_path / "log")) == len(ended(tmp_path / "log")) == 40
    check_everything(tmp_path, 40)
