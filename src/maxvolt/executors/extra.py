"""What campaigns on a cluster need besides the package itself."""

from __future__ import annotations

import importlib
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from maxvolt.errors import MaxvoltError

__all__ = ["check_extra", "imported"]

_MODULES = ("dask", "distributed", "dask_jobqueue", "cryptography")


def imported(module: str) -> ModuleType:
    """Import a module of the extra.

    Raises
    ------
    MaxvoltError
        It is not installed, or cannot be imported in this thread.
    """
    try:
        with _same_signals():
            return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise MaxvoltError(
            f'kind = "dask" in [executor] needs {error.name}, which is not installed; run: '
            "pip install 'maxvolt[dask]'"
        ) from error


@contextmanager
def _same_signals() -> Iterator[None]:
    """Keep what happens on Ctrl-C: dask_jobqueue changes it for the whole program when imported."""
    before = signal.getsignal(signal.SIGINT)
    try:
        yield
    except ValueError as error:
        if threading.current_thread() is threading.main_thread():
            raise
        raise MaxvoltError(
            f"dask_jobqueue cannot be imported in a thread ({error}); write import dask_jobqueue "
            "where the program begins, or run the campaign in its main thread"
        ) from error
    finally:
        if signal.getsignal(signal.SIGINT) is not before:
            signal.signal(signal.SIGINT, before)


def check_extra() -> None:
    """Import all of it.

    Raises
    ------
    MaxvoltError
        Something is not installed.
    """
    for module in _MODULES:
        imported(module)
