"""Which arrangements on a lattice are worth a label: by D-optimality, or by a committee."""

from maxvolt.selection.lattice.active_set import LatticeActiveSet
from maxvolt.selection.lattice.committee import LatticeCommittee
from maxvolt.selection.lattice.selected import ArrangementSelection

__all__ = ["ArrangementSelection", "LatticeActiveSet", "LatticeCommittee"]
