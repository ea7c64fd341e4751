"""Properties of alloys on a lattice, by Monte Carlo: heat capacity, order, transitions."""

from maxvolt.properties.lattice.annealing import (
    AnnealingSettings,
    anneal,
    random_occupation,
    temperatures_of,
)
from maxvolt.properties.lattice.at_temperature import AtTemperature
from maxvolt.properties.lattice.order import OrderedState, Sublattices, ordered_state
from maxvolt.properties.lattice.reweighting import (
    binder_cumulant,
    cumulant_crossing,
    reweighted,
)
from maxvolt.properties.lattice.short_range_order import ShellPairs

__all__ = [
    "AnnealingSettings",
    "AtTemperature",
    "OrderedState",
    "ShellPairs",
    "Sublattices",
    "anneal",
    "binder_cumulant",
    "cumulant_crossing",
    "ordered_state",
    "random_occupation",
    "reweighted",
    "temperatures_of",
]
