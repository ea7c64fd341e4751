"""The example that finds aluminium from disorder: its campaign file, and its quick form at work."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

import pytest

from example_modules import example_modules
from maxvolt.campaign import CampaignFolder, read_settings
from maxvolt.campaign.settings import settings_of
from promises import needs

EXAMPLE = Path(__file__).parents[2] / "examples" / "aluminium_discovery"
