"""Error reports as JSON with a stable schema."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from maxvolt.fitting.error_statistics import ErrorReport
from maxvolt.report.output import write_json

__all__ = ["SCHEMA", "errors_document", "write_errors_json"]

SCHEMA = "maxvolt-errors/1"
"""Name and version of the layout; a change of meaning or removal of a key raises the version."""


def errors_document(reports: Mapping[str, ErrorReport]) -> dict[str, Any]:
    """Lay out the error reports of one or more datasets.

    Parameters
    ----------
    reports
        By name of the dataset, for instance ``{"training": ..., "validation": ...}``.

    Returns
    -------
    document
        ``{"schema": "maxvolt-errors/1", "datasets": {name: {"total": ..., "groups": {...}}}}``;
        total and each group hold, for every quantity (its unit ends the key),
        count, missing, rmse, mae, max, rmse_percent, rmse_over_structures, reference_rms and
        reference_max; see `maxvolt.fitting.prediction_errors` for what they mean.
    """
    return {
        "schema": SCHEMA,
        "datasets": {name: report.to_dict() for name, report in reports.items()},
    }


def write_errors_json(reports: Mapping[str, ErrorReport], path: str | Path) -> None:
    """Write `errors_document` to a file; numbers that do not exist (no label) become null."""
    write_json(errors_document(reports), path)
