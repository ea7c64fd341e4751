"""Modules of an example, whose common names (`run`, `figures`) other examples use too."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

__all__ = ["importable"]


@contextmanager
def importable(folder: Path) -> Iterator[None]:
    """Let modules be imported from the folder of an example, as when it runs from there."""
    names = [file.stem for file in folder.glob("*.py")]
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        for name in names:
            patch.delitem(sys.modules, name, raising=False)
        try:
            yield
        finally:
            for name in names:
                sys.modules.pop(name, None)
