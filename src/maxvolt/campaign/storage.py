"""The old address of `maxvolt.campaign.read_result`, kept for one release."""

from __future__ import annotations

import warnings

from maxvolt.campaign.record.storage import StepResult, read_result

__all__ = ["StepResult", "read_result"]

warnings.warn(
    "maxvolt.campaign.storage will be removed; import read_result from maxvolt.campaign",
    DeprecationWarning,
    stacklevel=2,
)
