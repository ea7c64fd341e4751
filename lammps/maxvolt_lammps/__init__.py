"""The LAMMPS plugin of maxvolt: ``lmp`` of the same environment finds ``pair_style maxvolt``."""

from pathlib import Path

__all__ = ["plugin_folder"]


def plugin_folder() -> str:
    """Folder that LAMMPS looks for plugins in."""
    return str(Path(__file__).resolve().parent)
