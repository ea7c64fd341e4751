"""Potentials: moment tensor potentials and ensembles of them."""

from maxvolt.potentials.ensemble import Ensemble, member_paths
from maxvolt.potentials.files import read_potential, write_potential
from maxvolt.potentials.mtp import MTP
from maxvolt.potentials.protocol import Potential
from maxvolt.potentials.results import Evaluation, Predictions

__all__ = [
    "MTP",
    "Ensemble",
    "Evaluation",
    "Potential",
    "Predictions",
    "member_paths",
    "read_potential",
    "write_potential",
]
