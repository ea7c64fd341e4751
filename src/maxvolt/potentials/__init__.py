"""Potentials: the contract, the families that follow it, and ensembles of them.

Each name is imported when it is first used: telling what a file is needs no kernels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from maxvolt.lazy_names import imported

if TYPE_CHECKING:
    from maxvolt.potentials.ani.potential import ANI
    from maxvolt.potentials.ani.settings import ANISettings
    from maxvolt.potentials.ensemble import Ensemble
    from maxvolt.potentials.evaluation import NeighborhoodPotential
    from maxvolt.potentials.families import member_paths
    from maxvolt.potentials.loading import load
    from maxvolt.potentials.mtp.potential import MTP, read_potential
    from maxvolt.potentials.protocol import (
        DescribesSites,
        EvaluatesTogether,
        GradesSites,
        HasMembers,
        ParameterGradients,
        Potential,
        SharesVirials,
        SiteGrader,
        Trainable,
    )
    from maxvolt.potentials.results import Energies, Evaluation, Predictions

__all__ = [
    "ANI",
    "MTP",
    "ANISettings",
    "DescribesSites",
    "Energies",
    "Ensemble",
    "EvaluatesTogether",
    "Evaluation",
    "GradesSites",
    "HasMembers",
    "NeighborhoodPotential",
    "ParameterGradients",
    "Potential",
    "Predictions",
    "SharesVirials",
    "SiteGrader",
    "Trainable",
    "load",
    "member_paths",
    "read_potential",
]

_HOME = {
    "ANI": "maxvolt.potentials.ani.potential:ANI",
    "ANISettings": "maxvolt.potentials.ani.settings:ANISettings",
    "MTP": "maxvolt.potentials.mtp.potential:MTP",
    "DescribesSites": "maxvolt.potentials.protocol:DescribesSites",
    "Energies": "maxvolt.potentials.results:Energies",
    "Ensemble": "maxvolt.potentials.ensemble:Ensemble",
    "EvaluatesTogether": "maxvolt.potentials.protocol:EvaluatesTogether",
    "Evaluation": "maxvolt.potentials.results:Evaluation",
    "GradesSites": "maxvolt.potentials.protocol:GradesSites",
    "HasMembers": "maxvolt.potentials.protocol:HasMembers",
    "NeighborhoodPotential": "maxvolt.potentials.evaluation:NeighborhoodPotential",
    "ParameterGradients": "maxvolt.potentials.protocol:ParameterGradients",
    "Potential": "maxvolt.potentials.protocol:Potential",
    "Predictions": "maxvolt.potentials.results:Predictions",
    "SharesVirials": "maxvolt.potentials.protocol:SharesVirials",
    "SiteGrader": "maxvolt.potentials.protocol:SiteGrader",
    "Trainable": "maxvolt.potentials.protocol:Trainable",
    "load": "maxvolt.potentials.loading:load",
    "member_paths": "maxvolt.potentials.families:member_paths",
    "read_potential": "maxvolt.potentials.mtp.potential:read_potential",
}


def __getattr__(name: str) -> Any:
    value = globals()[name] = imported(__name__, _HOME, name)
    return value
