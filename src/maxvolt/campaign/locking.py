"""One process works on a campaign at a time."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from maxvolt.errors import CampaignError

__all__ = ["is_locked", "locked"]


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock while the block runs; the system drops it when the process ends, however.

    Raises
    ------
    CampaignError
        Another process holds it.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        try:
            fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            raise CampaignError(
                f"{path.parent}: another process works on this campaign; wait for it, or end it"
            ) from None
        yield
    finally:
        os.close(descriptor)


def is_locked(path: Path) -> bool:
    """Whether another process holds the lock."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return True
    finally:
        os.close(descriptor)
    return False
