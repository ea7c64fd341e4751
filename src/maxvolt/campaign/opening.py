"""Campaigns of whatever kind, by the name of their file or folder."""

from __future__ import annotations

from pathlib import Path

from maxvolt.campaign.campaign import Campaign
from maxvolt.campaign.lattice.campaign import LatticeCampaign
from maxvolt.campaign.lattice.file import is_lattice_file, read_lattice_settings
from maxvolt.campaign.record.folder import CampaignFolder

__all__ = ["find_campaign_folder", "open_campaign"]


def open_campaign(path: str | Path) -> Campaign | LatticeCampaign:
    """Open a campaign file as what it is.

    Raises
    ------
    SettingsError
        The file cannot be used; the message names every key at fault.
    """
    return LatticeCampaign(path) if is_lattice_file(path) else Campaign(path)


def find_campaign_folder(path: str | Path) -> CampaignFolder:
    """Find the folder of a campaign by its own name or by that of the campaign file.

    Raises
    ------
    CampaignError, SettingsError
        There is none.
    """
    path = Path(path)
    if path.is_dir():
        return CampaignFolder(path).begun()
    if not is_lattice_file(path):
        return CampaignFolder.find(path)
    return CampaignFolder(read_lattice_settings(path).folder).begun()
