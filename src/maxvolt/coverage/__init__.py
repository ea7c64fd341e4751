"""Maps of local environments: which of them a training set holds."""

from maxvolt.coverage.averages import radius_averages
from maxvolt.coverage.coverage_map import COLOURINGS, CoverageMap, Marker, coverage_map
from maxvolt.coverage.crystals import perfect_crystals
from maxvolt.coverage.embedding import available_libraries, embed
from maxvolt.coverage.environments import AtomicQuantities, atomic_quantities

__all__ = [
    "COLOURINGS",
    "AtomicQuantities",
    "CoverageMap",
    "Marker",
    "atomic_quantities",
    "available_libraries",
    "coverage_map",
    "embed",
    "perfect_crystals",
    "radius_averages",
]
