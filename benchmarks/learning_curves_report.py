"""Figures and tables of the learning curves."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

__all__ = ["write_report"]


def write_report(fits: Sequence[dict[str, Any]], folder: Path) -> None:
    """Draw figures into the folder, put tables into the page beside it."""
    print(f"{len(fits)} fits in {folder}")
