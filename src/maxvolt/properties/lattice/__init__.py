"""Properties of alloys on a lattice, by Monte Carlo: heat capacity, order, transitions."""

from maxvolt.properties.lattice.annealing import (
    AnnealingSettings,
    anneal,
    random_occupation,
    temperatures_of,
)
from maxvolt.properties.lattice.at_temperature import AtTemperature
from maxvolt.properties.lattice.order import OrderedState, Sublattices, ordered_state
from maxvolt.properties.lattice.orderings import enumerated_arrangements
from maxvolt.properties.lattice.quasirandom import Quasirandom, quasirandom_structure
from maxvolt.properties.lattice.replica_exchange import ReplicaExchange, replica_exchange
from maxvolt.properties.lattice.reweighting import (
    binder_cumulant,
    cumulant_crossing,
    reweighted,
)
from maxvolt.properties.lattice.seeds import seed_of_chain
from maxvolt.properties.lattice.several_chains import anneal_chains, mean_of_chains
from maxvolt.properties.lattice.short_range_order import ShellPairs

__all__ = [
    "AnnealingSettings",
    "AtTemperature",
    "OrderedState",
    "Quasirandom",
    "ReplicaExchange",
    "ShellPairs",
    "Sublattices",
    "anneal",
    "anneal_chains",
    "binder_cumulant",
    "cumulant_crossing",
    "enumerated_arrangements",
    "mean_of_chains",
    "ordered_state",
    "quasirandom_structure",
    "random_occupation",
    "replica_exchange",
    "reweighted",
    "seed_of_chain",
    "temperatures_of",
]
