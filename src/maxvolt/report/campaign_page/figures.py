"""All figures of the page, in its order."""

from __future__ import annotations

from maxvolt.report.campaign_page.cost_charts import labels_chart, speed_chart, time_chart
from maxvolt.report.campaign_page.coverage_charts import coverage_charts
from maxvolt.report.campaign_page.data import CampaignData
from maxvolt.report.campaign_page.drawing import Chart
from maxvolt.report.campaign_page.error_charts import error_charts
from maxvolt.report.campaign_page.expected_error_charts import expected_error_charts
from maxvolt.report.campaign_page.grade_chart import grade_charts
from maxvolt.report.campaign_page.parity_charts import parity_charts
from maxvolt.report.campaign_page.physical_charts import physical_charts
from maxvolt.report.campaign_page.reason_chart import reason_chart
from maxvolt.report.campaign_page.reliability_charts import (
    reliability_by_iteration,
    reliability_by_size,
)

__all__ = ["COVERAGE", "EXPECTED_ERRORS", "PHYSICAL_CHECKS", "campaign_figures"]

EXPECTED_ERRORS = "Expected errors"
"""Title of the section that says how far they can be believed."""

COVERAGE = "Local environments"
"""Title of the section of the map of the training set."""

PHYSICAL_CHECKS = "Physical checks"
"""Title of the section of curves computed with the newest potential."""


def campaign_figures(data: CampaignData) -> dict[str, list[Chart]]:
    """Draw what there are data for; call it inside `drawing_style`.

    Returns
    -------
    charts
        By the title of their section.
    """
    sections: dict[str, list[Chart | None]] = {
        "Reliability and errors": [
            reliability_by_size(data),
            *error_charts(data),
            reliability_by_iteration(data),
        ],
        "Extrapolation": [*grade_charts(data), reason_chart(data)],
        EXPECTED_ERRORS: [*expected_error_charts(data)],
        "Parity": [*parity_charts(data)],
        PHYSICAL_CHECKS: [*physical_charts(data)],
        COVERAGE: [*coverage_charts(data.coverage)],
        "Cost": [labels_chart(data), time_chart(data), speed_chart(data)],
    }
    found = {
        title: [chart for chart in charts if chart is not None]
        for title, charts in sections.items()
    }
    # Checks that could not be made are told in their section.
    told = {PHYSICAL_CHECKS} if data.checks is not None and data.checks.left_out else set()
    told |= {COVERAGE} if data.coverage is not None and data.coverage.left_out else set()
    return {title: charts for title, charts in found.items() if charts or title in told}
