"""Physical properties of crystals from any ASE calculator, one module a property."""

from maxvolt.properties.convex_hull import ConvexHull, convex_hull
from maxvolt.properties.curves import Curve
from maxvolt.properties.deformation import InternalRelaxation
from maxvolt.properties.dynamic.keeping import Keeping
from maxvolt.properties.elastic_constants import ElasticConstants, elastic_constants
from maxvolt.properties.ensemble import EnsembleStatistics, MeanSpread, ensemble_statistics
from maxvolt.properties.equation_of_state import (
    EquationOfState,
    equation_of_state,
    fit_birch_murnaghan,
)
from maxvolt.properties.evaluation import PropertyResult, Value, compute_property
from maxvolt.properties.findings import Findings, Quantity
from maxvolt.properties.lattice_constant import LatticeConstant, lattice_constant
from maxvolt.properties.named_property import Property
from maxvolt.properties.registry import find_property, register, registered
from maxvolt.properties.same_crystals import SameCrystals, crystal_fingerprints, same_crystals
from maxvolt.properties.shells import Shell, interaction_cutoff, nearest_shell

__all__ = [
    "ConvexHull",
    "Curve",
    "ElasticConstants",
    "EnsembleStatistics",
    "EquationOfState",
    "Findings",
    "InternalRelaxation",
    "Keeping",
    "LatticeConstant",
    "MeanSpread",
    "Property",
    "PropertyResult",
    "Quantity",
    "SameCrystals",
    "Shell",
    "Value",
    "compute_property",
    "convex_hull",
    "crystal_fingerprints",
    "elastic_constants",
    "ensemble_statistics",
    "equation_of_state",
    "find_property",
    "fit_birch_murnaghan",
    "interaction_cutoff",
    "lattice_constant",
    "nearest_shell",
    "register",
    "registered",
    "same_crystals",
]
