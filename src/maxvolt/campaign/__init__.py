"""Campaigns: active learning from a file of settings, which any kill leaves ready to go on."""

from maxvolt.campaign.campaign import Campaign, CampaignResult
from maxvolt.campaign.lattice.campaign import LatticeCampaign
from maxvolt.campaign.lattice.settings import LatticeSettings, lattice_schema
from maxvolt.campaign.opening import find_campaign_folder, open_campaign
from maxvolt.campaign.record.campaign_summary import CampaignSummary, summarize
from maxvolt.campaign.record.checkpoints import Checkpointing
from maxvolt.campaign.record.folder import CampaignFolder, IterationFolder
from maxvolt.campaign.record.journal import Callback, Event
from maxvolt.campaign.record.storage import StepResult, read_result
from maxvolt.campaign.settings.schema import campaign_schema
from maxvolt.campaign.settings.stages import CampaignSettings, Settings, read_settings

__all__ = [
    "Callback",
    "Campaign",
    "CampaignFolder",
    "CampaignResult",
    "CampaignSettings",
    "CampaignSummary",
    "Checkpointing",
    "Event",
    "IterationFolder",
    "LatticeCampaign",
    "LatticeSettings",
    "Settings",
    "StepResult",
    "campaign_schema",
    "find_campaign_folder",
    "lattice_schema",
    "open_campaign",
    "read_result",
    "read_settings",
    "summarize",
]
