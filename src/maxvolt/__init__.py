"""Moment tensor potentials that know when they extrapolate.

The public names of the package; each is imported when it is first used, so that
``import maxvolt`` and ``maxvolt --help`` cost nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maxvolt.lazy_names import imported

if TYPE_CHECKING:
    from maxvolt.calculators.ase import MaxvoltCalculator as Calculator
    from maxvolt.campaign import Campaign
    from maxvolt.dataset import Dataset
    from maxvolt.errors import (
        CampaignError,
        DataError,
        EvaluationError,
        FileFormatError,
        FitError,
        LabellingError,
        MaxvoltError,
        SettingsError,
        SpeciesError,
    )
    from maxvolt.fitting import FitProgress, FitResult, FitSettings, Weights, fit
    from maxvolt.fitting.error_statistics import ErrorReport
    from maxvolt.fitting.network_settings import NetworkSettings
    from maxvolt.fitting.prediction_errors import compute_errors
    from maxvolt.io import read, write
    from maxvolt.labelling import (
        LabelLimits,
        LabelResult,
        LabelStore,
        Reference,
        collect_jobs,
        label,
        write_jobs,
    )
    from maxvolt.neighbors import MinimumDistances, minimum_distances
    from maxvolt.potentials import (
        ANI,
        MTP,
        ANISettings,
        Ensemble,
        Evaluation,
        Potential,
        Predictions,
        load,
        read_potential,
    )
    from maxvolt.potentials.mtp.basis.repulsion import ZBL
    from maxvolt.sampling import (
        Limits,
        MolecularDynamics,
        Relaxation,
        SamplingResult,
        Schedule,
        StopReason,
        Thresholds,
        iterate_scenarios,
        random_structures,
        run_scenarios,
    )
    from maxvolt.selection import ActiveSet, Committee, RowWeights, read_active_set, sparsify
    from maxvolt.uncertainty import (
        ErrorQuery,
        Posterior,
        Uncertainty,
        calibrate,
        read_uncertainty,
    )

__all__ = [
    "ANI",
    "MTP",
    "ZBL",
    "ANISettings",
    "ActiveSet",
    "Calculator",
    "Campaign",
    "CampaignError",
    "Committee",
    "DataError",
    "Dataset",
    "Ensemble",
    "ErrorQuery",
    "ErrorReport",
    "Evaluation",
    "EvaluationError",
    "FileFormatError",
    "FitError",
    "FitProgress",
    "FitResult",
    "FitSettings",
    "LabelLimits",
    "LabelResult",
    "LabelStore",
    "LabellingError",
    "Limits",
    "MaxvoltError",
    "MinimumDistances",
    "MolecularDynamics",
    "NetworkSettings",
    "Posterior",
    "Potential",
    "Predictions",
    "Reference",
    "Relaxation",
    "RowWeights",
    "SamplingResult",
    "Schedule",
    "SettingsError",
    "SpeciesError",
    "StopReason",
    "Thresholds",
    "Uncertainty",
    "Weights",
    "__version__",
    "calibrate",
    "collect_jobs",
    "compute_errors",
    "fit",
    "iterate_scenarios",
    "label",
    "load",
    "minimum_distances",
    "random_structures",
    "read",
    "read_active_set",
    "read_potential",
    "read_uncertainty",
    "run_scenarios",
    "sparsify",
    "write",
    "write_jobs",
]

__version__: str

_HOME = {
    "ANI": "maxvolt.potentials:ANI",
    "ANISettings": "maxvolt.potentials:ANISettings",
    "ActiveSet": "maxvolt.selection:ActiveSet",
    "Calculator": "maxvolt.calculators.ase:MaxvoltCalculator",
    "calibrate": "maxvolt.uncertainty:calibrate",
    "Campaign": "maxvolt.campaign:Campaign",
    "CampaignError": "maxvolt.errors:CampaignError",
    "collect_jobs": "maxvolt.labelling:collect_jobs",
    "Committee": "maxvolt.selection:Committee",
    "compute_errors": "maxvolt.fitting.prediction_errors:compute_errors",
    "DataError": "maxvolt.errors:DataError",
    "Dataset": "maxvolt.dataset:Dataset",
    "Ensemble": "maxvolt.potentials:Ensemble",
    "ErrorQuery": "maxvolt.uncertainty:ErrorQuery",
    "ErrorReport": "maxvolt.fitting.error_statistics:ErrorReport",
    "Evaluation": "maxvolt.potentials:Evaluation",
    "EvaluationError": "maxvolt.errors:EvaluationError",
    "FileFormatError": "maxvolt.errors:FileFormatError",
    "fit": "maxvolt.fitting:fit",
    "FitError": "maxvolt.errors:FitError",
    "FitProgress": "maxvolt.fitting:FitProgress",
    "FitResult": "maxvolt.fitting:FitResult",
    "FitSettings": "maxvolt.fitting:FitSettings",
    "iterate_scenarios": "maxvolt.sampling:iterate_scenarios",
    "label": "maxvolt.labelling:label",
    "LabelLimits": "maxvolt.labelling:LabelLimits",
    "LabellingError": "maxvolt.errors:LabellingError",
    "LabelResult": "maxvolt.labelling:LabelResult",
    "LabelStore": "maxvolt.labelling:LabelStore",
    "Limits": "maxvolt.sampling:Limits",
    "load": "maxvolt.potentials:load",
    "MaxvoltError": "maxvolt.errors:MaxvoltError",
    "minimum_distances": "maxvolt.neighbors:minimum_distances",
    "MinimumDistances": "maxvolt.neighbors:MinimumDistances",
    "MolecularDynamics": "maxvolt.sampling:MolecularDynamics",
    "MTP": "maxvolt.potentials:MTP",
    "NetworkSettings": "maxvolt.fitting.network_settings:NetworkSettings",
    "Posterior": "maxvolt.uncertainty:Posterior",
    "Potential": "maxvolt.potentials:Potential",
    "Predictions": "maxvolt.potentials:Predictions",
    "random_structures": "maxvolt.sampling:random_structures",
    "read": "maxvolt.io:read",
    "read_active_set": "maxvolt.selection:read_active_set",
    "read_potential": "maxvolt.potentials:read_potential",
    "read_uncertainty": "maxvolt.uncertainty:read_uncertainty",
    "Reference": "maxvolt.labelling:Reference",
    "Relaxation": "maxvolt.sampling:Relaxation",
    "RowWeights": "maxvolt.selection:RowWeights",
    "run_scenarios": "maxvolt.sampling:run_scenarios",
    "SamplingResult": "maxvolt.sampling:SamplingResult",
    "Schedule": "maxvolt.sampling:Schedule",
    "sparsify": "maxvolt.selection:sparsify",
    "SettingsError": "maxvolt.errors:SettingsError",
    "SpeciesError": "maxvolt.errors:SpeciesError",
    "StopReason": "maxvolt.sampling:StopReason",
    "Thresholds": "maxvolt.sampling:Thresholds",
    "Uncertainty": "maxvolt.uncertainty:Uncertainty",
    "Weights": "maxvolt.fitting:Weights",
    "write": "maxvolt.io:write",
    "write_jobs": "maxvolt.labelling:write_jobs",
    "ZBL": "maxvolt.potentials.mtp.basis.repulsion:ZBL",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        value: Any = version("maxvolt")
    else:
        value = imported(__name__, _HOME, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
