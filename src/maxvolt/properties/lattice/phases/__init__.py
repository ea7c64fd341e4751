"""Phase diagrams of binary alloys on a lattice, by semi-grand-canonical integration."""

from maxvolt.properties.lattice.phases.diagram import (
    PhaseDiagram,
    consolute_temperature,
    phase_diagram,
)
from maxvolt.properties.lattice.phases.equilibrium import Boundary, Coexistence, Equilibrium
from maxvolt.properties.lattice.phases.ground_states import GroundState, ground_states
from maxvolt.properties.lattice.phases.plan import PhaseDiagramSettings

__all__ = [
    "Boundary",
    "Coexistence",
    "Equilibrium",
    "GroundState",
    "PhaseDiagram",
    "PhaseDiagramSettings",
    "consolute_temperature",
    "ground_states",
    "phase_diagram",
]
