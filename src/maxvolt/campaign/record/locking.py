"""One process works on a campaign at a time."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from maxvolt.campaign.record.owner import is_owned, read_owner
from maxvolt.errors import CampaignError

__all__ = ["is_locked", "locked", "owner_file"]

_held: set[tuple[int, str]] = set()
"""Locks of processes, by number and file: of its own a process must not even open the file again,
for the system drops the lock when any descriptor of it is closed."""


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock while the block runs; the system drops it when the process ends, however.

    Raises
    ------
    CampaignError
        Another process holds it, or the file system has no locks.
    """
    own = _own(path)
    if own in _held:
        raise CampaignError(f"{path.parent}: this process works on this campaign already")
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    except OSError as error:
        raise CampaignError(f"{path}: cannot be opened: {error.strerror}") from error
    try:
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            raise CampaignError(_held_by_another(path)) from None
        except OSError as error:
            raise CampaignError(
                f"{path}: cannot be locked ({error.strerror}); keep the campaign on a file system "
                "with locks, such as a local disk, or enable locks there"
            ) from error
        _held.add(own)
        yield
    finally:
        _held.discard(own)
        os.close(descriptor)


def owner_file(path: Path) -> Path:
    """File in which whoever holds a lock says who it is."""
    return path.with_name(".owner.json")


def is_locked(path: Path) -> bool:
    """Whether a process holds the lock, be it this one or one of another machine."""
    return _is_locked(path) or is_owned(owner_file(path))


def _is_locked(path: Path) -> bool:
    if _own(path) in _held:
        return True
    try:
        descriptor = os.open(path, os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return True
    except OSError:
        return False  # without locks, nobody holds this one
    finally:
        os.close(descriptor)
    return False


def _held_by_another(path: Path) -> str:
    said = f"{path.parent}: another process works on this campaign"
    owner, wait = read_owner(owner_file(path)), "wait until it ends, or stop it"
    if owner is None:
        return f"{said}; {wait}"
    if not owner.is_elsewhere:
        return f"{said} ({owner}); {wait}"
    return (
        f"{said} ({owner}); {wait} there. Where that machine is down and the file system keeps its "
        f"lock: make sure that nothing runs there, then remove {path}"
    )


def _own(path: Path) -> tuple[int, str]:
    return os.getpid(), os.path.realpath(path)
