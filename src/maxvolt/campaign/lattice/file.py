"""Campaign files of kind "lattice": told from others, and read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from maxvolt.campaign.lattice.settings import KIND, LatticeFile, lattice_settings_of
from maxvolt.campaign.settings.stages import campaign_document
from maxvolt.errors import SettingsError

__all__ = ["is_lattice_file", "read_lattice_settings"]


def is_lattice_file(path: str | Path) -> bool:
    """Whether a campaign file says ``kind = "lattice"``.

    Raises
    ------
    SettingsError
        It cannot be read, or says another kind.
    """
    kind = _kind(campaign_document(Path(path)))
    if kind not in (None, KIND):
        raise SettingsError(
            f"{path}: [campaign] kind: expected {KIND!r}, found {kind!r}; campaigns of interatomic "
            "potentials have no kind"
        )
    return kind == KIND


def read_lattice_settings(path: str | Path) -> LatticeFile:
    """Read and check a campaign file.

    Raises
    ------
    SettingsError
        Names every key at fault, what is expected there and what to do.
    """
    path = Path(path)
    document = campaign_document(path)
    if _kind(document) != KIND:
        raise SettingsError(
            f'{path}: is no campaign of an alloy on a lattice; write kind = "lattice" in [campaign]'
        )
    return lattice_settings_of(document, path)


def _kind(document: dict[str, Any]) -> object:
    general = document.get("campaign")
    return general.get("kind") if isinstance(general, dict) else None
