"""What may be written in a campaign file: read, checked, compared."""

from maxvolt.campaign.settings.schema import campaign_schema
from maxvolt.campaign.settings.stages import (
    CampaignSettings,
    Settings,
    read_settings,
    settings_of,
)

__all__ = ["CampaignSettings", "Settings", "campaign_schema", "read_settings", "settings_of"]
