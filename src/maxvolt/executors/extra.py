"""What campaigns on a cluster need besides the package itself."""

from __future__ import annotations

import importlib
from types import ModuleType

from maxvolt.errors import MaxvoltError

__all__ = ["check_extra", "imported"]

_MODULES = ("dask", "distributed", "dask_jobqueue", "cryptography")


def imported(module: str) -> ModuleType:
    """Import a module of the extra.

    Raises
    ------
    MaxvoltError
        It is not installed.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise MaxvoltError(
            f'kind = "dask" in [executor] needs {error.name}, which is not installed; run: '
            "pip install 'maxvolt[dask]'"
        ) from error


def check_extra() -> None:
    """Import all of it.

    Raises
    ------
    MaxvoltError
        Something is not installed.
    """
    for module in _MODULES:
        imported(module)
