"""Have files and the names in folders on the disk, not only in the memory of the system."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["synchronize", "synchronize_folder"]


def synchronize(path: Path) -> None:
    """Have the content of a file on the disk."""
    with path.open("rb") as stream:
        os.fsync(stream.fileno())


def synchronize_folder(folder: Path) -> None:
    """Have the names in a folder on the disk: a file that was made, renamed or removed."""
    if os.name != "posix":
        return  # other systems do not open folders
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
