"""Long-range order: occupations of sublattices, structure factors, and names of structures."""

from maxvolt.properties.lattice.order.concentration_waves import ConcentrationWaves
from maxvolt.properties.lattice.order.cubic_sites import CubicSites
from maxvolt.properties.lattice.order.peaks import Peak
from maxvolt.properties.lattice.order.prototypes import PROTOTYPES, Prototype
from maxvolt.properties.lattice.order.state import OrderedState, SiteClass, ordered_state
from maxvolt.properties.lattice.order.sublattices import Sublattices

__all__ = [
    "PROTOTYPES",
    "ConcentrationWaves",
    "CubicSites",
    "OrderedState",
    "Peak",
    "Prototype",
    "SiteClass",
    "Sublattices",
    "ordered_state",
]
