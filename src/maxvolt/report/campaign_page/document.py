"""The numbers of the page as a JSON document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from maxvolt.report.campaign_page.data import CampaignData, Parity
from maxvolt.report.campaign_page.histograms import grade_bins, grade_counts

__all__ = ["campaign_document"]


def campaign_document(data: CampaignData) -> dict[str, Any]:
    """Return what the figures and tables of the page show, as plain values.

    It is what ``maxvolt status --json`` prints and, beyond that, the histograms of grades, root
    mean square errors of the parity plots, stages with their settings, quarantine and files.
    """
    edges = grade_bins(data.iterations)
    return {
        **data.summary.to_dict(),
        "began": data.began,
        "ended": data.ended,
        "reference_calculations": data.n_labels,
        "stages": [
            {
                "name": stage.name,
                "reference": stage.calculator,
                "stand_in": stage.stand_in or None,
                "settings": stage.settings,
            }
            for stage in data.stages
        ],
        "grades": {
            "edges": edges.tolist(),
            "iterations": [
                {
                    "iteration": one.number,
                    "select": one.select,
                    "break": one.stop,
                    "counts": grade_counts(one, edges).tolist(),
                }
                for one in data.iterations
                if len(one.grades)
            ],
        },
        "parity": {parity.name: _errors(parity) for parity in data.parities},
        "quarantined": [
            {"iteration": one.iteration, "index": one.index, "reason": one.reason}
            for one in data.quarantined
        ],
        "files": {
            "potential": [str(path) for path in data.potential],
            "training": None if data.training is None else str(data.training),
        },
    }


def _errors(parity: Parity) -> Mapping[str, Any]:
    return {
        "n_structures": len(parity.energies),
        "energy_rmse_eV_per_atom": _rmse(parity.energies),
        "force_rmse_eV_per_A": _rmse(parity.forces),
    }


def _rmse(pairs: np.ndarray[Any, np.dtype[np.float64]]) -> float | None:
    if not len(pairs):
        return None
    return float(np.sqrt(np.mean((pairs[:, 1] - pairs[:, 0]) ** 2)))
