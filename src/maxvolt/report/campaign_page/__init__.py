"""The page of a campaign: one HTML file with figures, tables and downloads in it."""

from maxvolt.report.campaign_page.collect import collect_campaign
from maxvolt.report.campaign_page.data import CampaignData, Iteration, Parity, Run, Stage
from maxvolt.report.campaign_page.document import campaign_document
from maxvolt.report.campaign_page.page import campaign_page, write_campaign_page

__all__ = [
    "CampaignData",
    "Iteration",
    "Parity",
    "Run",
    "Stage",
    "campaign_document",
    "campaign_page",
    "collect_campaign",
    "write_campaign_page",
]
