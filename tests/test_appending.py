"""Adding to files: what fails, is killed or goes on at once never costs the old content."""

from __future__ import annotations

import logging
import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.singlepoint import SinglePointCalculator

from maxvolt import io
from maxvolt.appending import append_lines, appending, unfinished
from maxvolt.dataset import Dataset
from maxvolt.errors import DataError, FileFormatError

FORMATS = ["a.cfg", "a.bin.cfg", "a.xyz", "a.traj", "a.db", "a.json"]
IN_PLACE = ["a.cfg", "a.bin.cfg", "a.xyz", "a.traj"]


def structures(count: int, size: int = 2, seed: int = 0) -> Dataset:
    """Rattled cells with energies 0, 1, 2 ... and forces."""
    made = []
    for number in range(count):
        atoms: Atoms = bulk("Cu", cubic=True) * (size, 1, 1)
        atoms.rattle(0.1, seed=seed + number)
        atoms.calc = SinglePointCalculator(
            atoms, energy=float(seed + number), forces=np.ones((len(atoms), 3)) / 3
        )
        made.append(atoms)
    return Dataset.from_atoms(made)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@contextmanager
def largest_file(size: int) -> Iterator[None]:
    """Let the system write files up to that size: the write that crosses it is a short one."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize("room", [1, 20_000])
@pytest.mark.parametrize("name", FORMATS)
def test_a_full_disk_leaves_the_old_file(tmp_path: Path, name: str, room: int) -> None:
    path = tmp_path / name
    io.write(path, structures(3))
    before = path.read_bytes()
    with largest_file(len(before) + room), pytest.raises(DataError, match=f"{name}: cannot be wri"):
        io.write(path, structures(40, size=8, seed=3), append=True)
    if name.endswith(".traj"):  # has room for the places of structures, where anything may stand
        assert io.read(path).energies.tolist() == [0, 1, 2]
        assert path.stat().st_size == len(before)
    else:
        assert path.read_bytes() == before
    assert names(tmp_path) == [name]
    io.write(path, structures(2, seed=3), append=True)
    assert io.read(path).energies.tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("name", ["a.cfg", "a.xyz", "a.traj", "a.db", "a.json"])
def test_what_cannot_be_written_leaves_the_old_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    io.write(path, structures(2))
    before = path.read_bytes()
    good = structures(2, seed=2)
    bad = structures(1, seed=4)[0]
    bad.info["key\nwith \v line end"] = "text"
    bad.info["code"] = test_what_cannot_be_written_leaves_the_old_file
    mixed = Dataset.from_atoms([*good, bad])
    with pytest.raises(DataError, match=f"{name}|extended XYZ|to a .cfg"):
        io.write(path, mixed, append=True)
    if name != "a.traj":
        assert path.read_bytes() == before
    assert io.read(path).energies.tolist() == [0, 1]
    assert names(tmp_path) == [name]


KILLED = """
import os, signal, sys
from maxvolt.appending import appending

with open(sys.argv[2], "rb") as stream:
    whole = stream.read()
with appending(sys.argv[1]) as target, target.open("r+b") as stream:
    stream.write(whole[: -int(sys.argv[3])])
    stream.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("lost", [1, 500])
@pytest.mark.parametrize("name", IN_PLACE)
def test_a_kill_leaves_the_old_content(
    tmp_path: Path, name: str, lost: int, caplog: pytest.LogCaptureFixture
) -> None:
    path, longer = tmp_path / name, tmp_path / ("longer." + name)
    io.write(path, structures(3))
    before = path.read_bytes()
    shutil.copy(path, longer)
    io.write(longer, structures(2, seed=3), append=True)
    arguments = [sys.executable, "-c", KILLED, str(path), str(longer), str(lost)]
    assert subprocess.run(arguments, check=False).returncode == -signal.SIGKILL
    assert path.stat().st_size > len(before)
    with caplog.at_level(logging.WARNING):
        assert io.read(path).energies.tolist() == [0, 1, 2]
    assert "adding to it was interrupted" in caplog.text
    assert f"after byte {len(before)}" in caplog.text
    io.write(path, structures(1, seed=7), append=True)
    caplog.clear()
    assert io.read(path).energies.tolist() == [0, 1, 2, 7]
    assert not caplog.text
    assert names(tmp_path) == [name, longer.name]


@pytest.mark.parametrize("name", ["a.db", "a.json"])
def test_a_lock_left_by_ase_is_not_waited_for(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    io.write(path, structures(2))
    (tmp_path / f"{name}.lock").touch()  # as ASE leaves it when it is killed
    io.write(path, structures(1, seed=2), append=True)
    assert io.read(path).energies.tolist() == [0, 1, 2]


@pytest.mark.parametrize("name", IN_PLACE)
def test_who_reads_meanwhile_sees_whole_structures(
    tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    path, longer = tmp_path / name, tmp_path / ("longer." + name)
    io.write(path, structures(2))
    shutil.copy(path, longer)
    io.write(longer, structures(2, seed=2), append=True)
    with appending(path) as target:
        with target.open("r+b") as stream:
            stream.write(longer.read_bytes()[:-7])
        with caplog.at_level(logging.WARNING):
            assert io.read(path).energies.tolist() == [0, 1]
        assert not caplog.text
        shutil.copyfile(longer, target)
    assert io.read(path).energies.tolist() == [0, 1, 2, 3]


def test_two_add_at_once(tmp_path: Path) -> None:
    path = tmp_path / "a.xyz"
    io.write(path, structures(1))
    with ThreadPoolExecutor(4) as pool:
        done = [
            pool.submit(io.write, path, structures(1, seed=seed), append=True)
            for seed in range(1, 13)
        ]
        for one in done:
            one.result()
    assert sorted(io.read(path).energies.tolist()) == list(range(13))


def test_a_new_file_of_the_same_name_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "a.xyz"
    io.write(path, structures(2))
    with appending(path) as target:
        note = next(p for p in tmp_path.iterdir() if p.name.endswith(".append"))
        kept = note.read_bytes()
        append_to = target.stat().st_size
    assert not note.exists()
    note.write_bytes(kept)
    assert unfinished(path) is None  # as long as it says
    (tmp_path / "new.xyz").write_bytes(path.read_bytes() * 2)
    (tmp_path / "new.xyz").rename(path)
    assert path.stat().st_size > append_to
    assert len(io.read(path)) == 4
    note.write_bytes(kept[:20])  # a note that was cut off: nothing had been added yet
    io.write(path, structures(1, seed=2), append=True)
    assert len(io.read(path)) == 5
    assert not note.exists()


@pytest.mark.parametrize("end", ["", "\n\n \n"])
def test_lines_begin_behind_a_line(tmp_path: Path, end: str) -> None:
    """Also behind blank lines, where ASE's reader would end."""
    path = tmp_path / "a.xyz"
    io.write(path, structures(2))
    path.write_text(path.read_text().rstrip("\n") + end)
    io.write(path, structures(2, seed=2), append=True)
    assert io.read(path).energies.tolist() == [0, 1, 2, 3]


def test_a_pipe_gets_what_is_appended(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as pool:
        read = pool.submit(pipe.read_bytes)
        append_lines(pipe, b"some text\n")
        assert read.result(timeout=10) == b"some text\n"


@pytest.mark.parametrize("name", ["a.db", "a.json", "a.traj"])
def test_what_is_no_database_is_not_replaced(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_text('{"precious": 1}')
    with pytest.raises((DataError, FileFormatError), match=f"{name}: cannot"):
        io.write(path, structures(1), append=True)
    assert path.read_text() == '{"precious": 1}'


def test_a_folder_that_may_not_be_written_to(tmp_path: Path) -> None:
    path = tmp_path / "a.xyz"
    io.write(path, structures(1))
    path.rename(tmp_path / "b.xyz")
    (tmp_path / "folder.xyz").mkdir()
    with pytest.raises(DataError, match=r"folder\.xyz"):
        io.write(tmp_path / "folder.xyz", structures(1), append=True)
