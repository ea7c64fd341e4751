"""Small campaigns for tests."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from maxvolt.campaign import CampaignFolder, CampaignResult, Event

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
from attacks.campaign_trials.small_campaign import SMALL, InThisProcess, products, write_campaign

__all__ = ["SMALL", "InThisProcess", "Run", "products", "write_campaign"]


@dataclass(frozen=True)
class Run:
    """A campaign that has ended, and what it told."""

    file: Path
    result: CampaignResult
    events: tuple[Event, ...]

    @property
    def folder(self) -> CampaignFolder:
        return CampaignFolder(self.result.folder)
