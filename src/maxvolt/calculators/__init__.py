"""Potentials behind the interfaces of other programs."""

from maxvolt.calculators.ase import MaxvoltCalculator
from maxvolt.calculators.members import member_calculators
from maxvolt.neighbors.verlet import VerletNeighbors

__all__ = ["MaxvoltCalculator", "VerletNeighbors", "member_calculators"]
