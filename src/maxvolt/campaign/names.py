"""Names of files after names of scenarios."""

from __future__ import annotations

import re

__all__ = ["part_name"]


def part_name(scenario: str, part: int) -> str:
    """Name of the files of a part of a scenario."""
    return f"{re.sub(r'[^0-9A-Za-z._+-]', '_', scenario)}.{part}"
