"""Campaigns: active learning from a file of settings, which any kill leaves ready to go on."""

from maxvolt.campaign.campaign import Campaign, CampaignResult
from maxvolt.campaign.events import Callback, Event
from maxvolt.campaign.folder import CampaignFolder, IterationFolder
from maxvolt.campaign.schema import campaign_schema
from maxvolt.campaign.settings import CampaignSettings, Settings, read_settings
from maxvolt.campaign.summary import CampaignSummary, summarize

__all__ = [
    "Callback",
    "Campaign",
    "CampaignFolder",
    "CampaignResult",
    "CampaignSettings",
    "CampaignSummary",
    "Event",
    "IterationFolder",
    "Settings",
    "campaign_schema",
    "read_settings",
    "summarize",
]
