"""What workers load first (``--preload``): a way to end that holds.

A worker of Dask that is asked to end in two ways at once, by a signal of the batch system and by
the campaign that leaves, may wait for itself forever, and where the batch system has lost sight of
it, it stays. It gets a while to end by itself.
"""

from __future__ import annotations

import os
import threading
import time
from typing import Any

__all__ = ["GRACE", "dask_setup"]

GRACE = 5.0
"""Seconds to end by itself; nothing depends on it: what workers were doing is done again."""

_LOOK = 0.5


def dask_setup(worker: Any) -> None:
    """Watch a worker until it ends."""
    threading.Thread(target=_end_after, args=(worker,), daemon=True).start()


def _end_after(worker: Any) -> None:
    while worker.status.name in ("undefined", "created", "init", "starting", "running", "paused"):
        time.sleep(_LOOK)
    time.sleep(GRACE)
    os._exit(0)  # processes of tasks notice, and end
