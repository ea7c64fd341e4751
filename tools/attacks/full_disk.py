"""Fill the disk in the middle of a command: it ends well or with a message, and goes on later."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import numpy as np

import maxvolt
from attacks.campaign_trials.small_campaign import write_campaign
from attacks.finding import FindingError
from attacks.potentials import labelled_aluminium

__all__ = ["COMMANDS", "attack", "trial"]

_DISK = 64 << 20
"""Bytes of the disk where the system lets us make one."""

_SECONDS = 300.0


@dataclass(frozen=True)
class Command:
    """A command that writes files.

    Parameters
    ----------
    arguments
        Behind ``maxvolt``; the folder of the inputs is ``in``, the disk is the current folder.
    outputs
        Files that it makes, by patterns.
    """

    arguments: tuple[str, ...]
    outputs: tuple[str, ...]


_TRAIN = ("--level", "4", "--cutoff", "4.5", "--starts", "1", "--max-iterations", "5")
COMMANDS = {
    "convert": Command(("convert", "in/data.xyz", "out.cfg"), ("out.cfg",)),
    "train": Command(("train", "in/data.xyz", "-o", "out.mtp", *_TRAIN), ("out.mtp",)),
    "select": Command(
        ("select", "in/pot.mtp", "in/data.xyz", "in/more.xyz", "-o", "out.xyz"),
        ("out.xyz",),
    ),
    "label": Command(
        ("label", "in/data.xyz", "-o", "out.xyz", "--calculator", "emt"), ("out.xyz",)
    ),
    "campaign": Command(
        ("run", "small.toml", "--no-report"), ("small/training.xyz", "small/potential.almtp")
    ),
}


def trial(seed: int, scratch: Path) -> str:
    """Run a command with a random part of the room that it needs, then with enough."""
    random = np.random.default_rng(seed)
    name = str(random.choice(list(COMMANDS), p=[0.25, 0.25, 0.2, 0.2, 0.1]))
    return attack(name, float(random.uniform(0.0, 1.1)), scratch)


def attack(name: str, part: float, scratch: Path) -> str:
    """Run a command with a part of the room that it needs; then with enough room."""
    expected, needed = _undisturbed(name)
    command = COMMANDS[name]
    with _disk(scratch / "disk") as limited:
        disk = scratch / "disk"
        _prepare(disk)
        with limited(int(part * needed)) as before:
            code, said = _run(command, disk, before)
        _judge(command, disk, expected, code, said)
        again, said = _run(command, disk, None)
        if again != 0:
            raise FindingError(f"{name} does not go on when there is room again: {said}")
        if _products(command, disk) != expected:
            raise FindingError(f"{name} gives something else after the disk was full")
    return "done" if code == 0 else "message"


def _judge(command: Command, disk: Path, expected: dict[str, bytes], code: int, said: str) -> None:
    """Check what a command leaves on a full disk."""
    if code not in (0, 2) or "Traceback" in said or (code and "error:" not in said):
        raise FindingError(f"exit code {code}: {said}")
    found = _products(command, disk)
    for name, content in found.items():
        if content != expected[name] and command.arguments[0] != "run":  # made step by step
            raise FindingError(f"{name} is half a file ({len(content)} bytes)")
    if code == 0 and found != expected:
        raise FindingError(f"exit code 0, and the files are not as they should be: {said}")
    left = [str(path) for path in disk.rglob(".*.tmp*")]
    if left:
        raise FindingError(f"left over: {', '.join(left)}")


def _products(command: Command, disk: Path) -> dict[str, bytes]:
    paths = {name: disk / name for name in command.outputs}
    return {name: path.read_bytes() for name, path in paths.items() if path.exists()}


@cache
def _undisturbed(name: str) -> tuple[dict[str, bytes], int]:
    """Return what a command makes with enough room, and how much room it takes, bytes."""
    scratch = Path(mkdtemp(prefix=f"undisturbed-{name}."))
    try:
        _prepare(scratch)
        before = _size(scratch)
        code, said = _run(COMMANDS[name], scratch, None)
        if code != 0:
            raise FindingError(f"{name} fails with enough room: {said}")
        return _products(COMMANDS[name], scratch), _size(scratch) - before
    finally:
        shutil.rmtree(scratch)


def _run(command: Command, folder: Path, before: Callable[[], None] | None) -> tuple[int, str]:
    environment = {**os.environ, "TMPDIR": str(folder / "tmp"), "HOME": str(folder / "tmp")}
    try:
        done = subprocess.run(
            [sys.executable, "-m", "maxvolt", *command.arguments],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            preexec_fn=before,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise FindingError(f"hangs: {command.arguments}") from error
    return done.returncode, done.stderr.decode(errors="replace")


def _prepare(folder: Path) -> None:
    """Put the inputs into a folder."""
    (folder / "tmp").mkdir(parents=True)
    (folder / "in").mkdir()
    maxvolt.write(folder / "in" / "data.xyz", labelled_aluminium(4, 0))
    maxvolt.write(folder / "in" / "more.xyz", labelled_aluminium(6, 1))
    (folder / "in" / "pot.mtp").write_bytes(_potential())
    written = write_campaign(folder / "campaign", steps="20")
    written.rename(folder / "small.toml")
    (folder / "campaign").rmdir()


@cache
def _potential() -> bytes:
    folder = Path(mkdtemp(prefix="potential."))
    try:
        path = folder / "pot.mtp"
        settings = maxvolt.FitSettings(starts=1, max_iterations=2)
        start = maxvolt.MTP(level=4, species=("Al",), cutoff=4.5, min_dist=2.0)
        maxvolt.fit(start, labelled_aluminium(4, 0), settings=settings).potential.write(path)
        return path.read_bytes()
    finally:
        shutil.rmtree(folder)


def _size(folder: Path) -> int:
    """Return the room that files take on a disk of pages."""
    sizes = [path.lstat().st_size for path in folder.rglob("*")]
    return sum(-(-size // 4096) * 4096 for size in sizes)


@contextmanager
def _disk(folder: Path) -> Iterator[Callable]:
    """Make a small disk; where that is not allowed, limit the size of each file instead."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={_DISK}", "maxvolt-attack", str(folder)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True).returncode:
        yield _small_files
        return
    try:
        yield lambda room: _ballast(folder, room)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def _ballast(disk: Path, room: int) -> Iterator[None]:
    """Leave so much room on a disk while the block runs."""
    ballast = disk / "ballast"
    free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
    with ballast.open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(1, free - room))
    try:
        yield None
    finally:
        ballast.unlink()


@contextmanager
def _small_files(room: int) -> Iterator[Callable[[], None]]:
    """Let no file grow beyond some room: writing more fails, as on a full disk."""

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))

    yield limit
