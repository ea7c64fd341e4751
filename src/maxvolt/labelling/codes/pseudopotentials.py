"""Files of pseudopotentials, for messages that say what there is instead of one that lacks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

__all__ = ["files_for"]


def files_for(symbol: str, folder: Path, endings: Sequence[str]) -> str:
    """Names of the files of a folder that may be pseudopotentials of an element, in words."""
    if not folder.is_dir():
        return "nothing: it is no folder"
    own = (f"{symbol.lower()}.", f"{symbol.lower()}_", f"{symbol.lower()}-")
    names = [path.name for path in folder.iterdir()]
    found = sorted(
        name
        for name in names
        if name.lower().startswith(own) and name.lower().endswith(tuple(endings))
    )
    return ", ".join(found) or "none for it"
