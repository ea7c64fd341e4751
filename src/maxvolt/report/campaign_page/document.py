"""The numbers of the page as a JSON document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from maxvolt.report.campaign_page.data import CampaignData, Parity
from maxvolt.report.campaign_page.histograms import grade_bins, grade_counts
from maxvolt.report.campaign_page.physical_checks import PhysicalChecks

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
                    "unit": one.unit,
                    "counts": grade_counts(one, edges).tolist(),
                }
                for one in data.iterations
                if len(one.grades)
            ],
        },
        "parity": {parity.name: _errors(parity) for parity in data.parities},
        "expected_errors": None
        if data.expected_errors is None
        else {**data.expected_errors.record, "reliability": data.expected_errors.reliability},
        "physical_checks": _checks(data.checks),
        "coverage": None
        if data.coverage is None
        else {
            "map": None if data.coverage.map is None else data.coverage.map.to_dict(),
            "left_out": list(data.coverage.left_out),
        },
        "quarantined": [
            {"iteration": one.iteration, "index": one.index, "reason": one.reason}
            for one in data.quarantined
        ],
        "files": {
            "potential": [str(path) for path in data.potential],
            "training": None if data.training is None else str(data.training),
        },
    }


def _checks(checks: PhysicalChecks | None) -> Mapping[str, Any] | None:
    if checks is None:
        return None
    curve, distribution = checks.energy_volume, checks.distribution
    return {
        "structure": checks.structure,
        "reference": checks.reference,
        "energy_volume": None
        if curve is None
        else {
            "volumes_A3_per_atom": curve.volumes.tolist(),
            "potential_eV_per_atom": curve.potential.tolist(),
            "reference_eV_per_atom": _listed(curve.reference),
            "training_volumes_A3_per_atom": _listed(curve.training),
        },
        "radial_distribution": None
        if distribution is None
        else {
            "temperature_K": distribution.temperature,
            "atoms": distribution.n_atoms,
            "distances_A": distribution.distances.tolist(),
            "potential": distribution.potential.tolist(),
            "reference": _listed(distribution.reference),
            "shortest_training_distance_A": distribution.training,
        },
        "left_out": list(checks.left_out),
    }


def _listed(values: np.ndarray[Any, np.dtype[np.float64]] | None) -> list[float] | None:
    return None if values is None else [float(value) for value in values]


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
