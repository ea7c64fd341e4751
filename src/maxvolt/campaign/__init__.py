"""Campaigns: active learning from a file of settings, which any kill leaves ready to go on."""

from maxvolt.campaign.campaign import Campaign, CampaignResult
from maxvolt.campaign.record.journal import Callback, Event
from maxvolt.campaign.record.folder import CampaignFolder, IterationFolder
from maxvolt.campaign.settings.schema import campaign_schema
from maxvolt.campaign.settings.stages import CampaignSettings, Settings, read_settings
from maxvolt.campaign.record.campaign_summary import CampaignSummary, summarize

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
