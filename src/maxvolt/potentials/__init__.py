"""Potentials: the contract, the families that follow it, and ensembles of them."""

from maxvolt.potentials.ensemble import Ensemble
from maxvolt.potentials.evaluation import NeighborhoodPotential
from maxvolt.potentials.families import member_paths
from maxvolt.potentials.loading import load
from maxvolt.potentials.mtp.potential import MTP, read_potential
from maxvolt.potentials.protocol import HasMembers, ParameterGradients, Potential, SharesVirials
from maxvolt.potentials.results import Energies, Evaluation, Predictions

__all__ = [
    "MTP",
    "Energies",
    "Ensemble",
    "Evaluation",
    "HasMembers",
    "NeighborhoodPotential",
    "ParameterGradients",
    "Potential",
    "Predictions",
    "SharesVirials",
    "load",
    "member_paths",
    "read_potential",
]
