"""Physical properties of crystals from any ASE calculator, one module a property."""

from maxvolt.properties.convex_hull import ConvexHull, convex_hull
from maxvolt.properties.deformation import InternalRelaxation
from maxvolt.properties.elastic_constants import ElasticConstants, elastic_constants
from maxvolt.properties.ensemble import EnsembleStatistics, MeanSpread, ensemble_statistics
from maxvolt.properties.equation_of_state import (
    EquationOfState,
    equation_of_state,
    fit_birch_murnaghan,
)
from maxvolt.properties.lattice_constant import LatticeConstant, lattice_constant
from maxvolt.properties.same_crystals import SameCrystals, crystal_fingerprints, same_crystals
from maxvolt.properties.shells import Shell, interaction_cutoff, nearest_shell

__all__ = [
    "ConvexHull",
    "ElasticConstants",
    "EnsembleStatistics",
    "EquationOfState",
    "InternalRelaxation",
    "LatticeConstant",
    "MeanSpread",
    "SameCrystals",
    "Shell",
    "convex_hull",
    "crystal_fingerprints",
    "elastic_constants",
    "ensemble_statistics",
    "equation_of_state",
    "fit_birch_murnaghan",
    "interaction_cutoff",
    "lattice_constant",
    "nearest_shell",
    "same_crystals",
]
