"""What a power cut may leave of a folder, from the file operations of this process.

Of files only what was synchronised is certain, and of names only those whose folder was. All else
may be there as it is, be cut short, be empty, or be missing; a rename may not have happened. What
other code than Python's writes, SQLite above all, counts as synchronised.
"""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["RecordedDisk"]

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC
_active: list[RecordedDisk] = []


class RecordedDisk:
    """Follows the operations below a folder.

    Parameters
    ----------
    root
        The folder.
    notice
        Called before each operation.
    """

    def __init__(self, root: Path, notice: Callable[[], None]) -> None:
        self._root = root
        self._notice = notice
        self._files: dict[Path, int] = {}  # by path, the file that has it
        self._synced: dict[int, bytes] = {}
        self._names: dict[Path, dict[str, int]] = {}  # of folders, when they were synchronised
        self._folders: set[Path] = {root}
        self._next = 0

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Follow what is done while the block runs."""
        if not _hooked:
            sys.addaudithook(_hear)
            _hooked.append(True)
        fsync = os.fsync

        def synchronize(file: Any) -> None:
            fsync(file)
            number = file if isinstance(file, int) else file.fileno()
            self._synchronized(Path(f"/proc/self/fd/{number}").readlink())

        _active.append(self)
        os.fsync = synchronize
        try:
            yield
        finally:
            os.fsync = fsync
            _active.remove(self)

    def operation(self, event: str, arguments: tuple[Any, ...]) -> None:
        """Take in an operation that is about to be done."""
        paths = [Path(one) for one in arguments[:2] if isinstance(one, str | Path)]
        if not paths or not paths[0].is_relative_to(self._root):
            return
        if event == "open":
            if not arguments[2] & _WRITES:
                return
            self._notice()
            self._file(paths[0])
        elif event == "os.rename":
            self._notice()
            if paths[0] in self._files:
                self._files[paths[1]] = self._files.pop(paths[0])
        elif event == "os.remove":
            self._notice()
            self._files.pop(paths[0], None)

    def after_a_cut(self, generator: random.Random, target: Path) -> None:
        """Build one of the folders that a power cut may leave now."""
        folders = [self._root, *(p for p in sorted(self._root.rglob("*")) if p.is_dir())]
        for folder in folders:
            if self._is_left(folder, generator):
                self._cut_folder(folder, generator, target / folder.relative_to(self._root))

    def _cut_folder(self, folder: Path, generator: random.Random, made: Path) -> None:
        made.mkdir(parents=True, exist_ok=True)
        there = {path.name for path in folder.iterdir() if path.is_file()}
        now = {p.name: f for p, f in self._files.items() if p.parent == folder and p.name in there}
        old = self._names.get(folder, {})
        for name in there - set(now) - set(old):  # not written by Python
            (made / name).write_bytes((folder / name).read_bytes())
        for name in sorted(now.keys() | old.keys()):
            file = generator.choice([now.get(name), old.get(name)])
            if file is not None:
                content = self._content(file, now.get(name) == file, folder / name)
                (made / name).write_bytes(generator.choice(content))

    def _is_left(self, folder: Path, generator: random.Random) -> bool:
        above = [one for one in (folder, *folder.parents) if one.is_relative_to(self._root)]
        return all(one in self._folders or generator.random() < 0.5 for one in above)

    def _content(self, file: int, is_here: bool, path: Path) -> list[bytes]:
        """What may be in a file."""
        synced = self._synced.get(file)
        if not is_here:
            return [b"" if synced is None else synced]
        now = path.read_bytes()
        if synced == now:
            return [now]
        return [now, now[: len(now) // 2], b"" if synced is None else synced]

    def _file(self, path: Path) -> int:
        if path not in self._files:
            self._files[path] = self._next
            if path.is_file():
                self._synced[self._next] = path.read_bytes()
            self._next += 1
        return self._files[path]

    def _synchronized(self, path: Path) -> None:
        if path.is_dir():
            names = {p.name: f for p, f in self._files.items() if p.parent == path}
            self._names[path] = names
            self._folders |= {one for one in path.iterdir() if one.is_dir()}
        elif path in self._files:
            self._synced[self._files[path]] = path.read_bytes()


_hooked: list[bool] = []


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if _active and event in ("open", "os.rename", "os.remove"):
        disks = _active.copy()
        _active.clear()  # what is done to follow is not followed
        try:
            for disk in disks:
                disk.operation(event, arguments)
        finally:
            _active.extend(disks)
