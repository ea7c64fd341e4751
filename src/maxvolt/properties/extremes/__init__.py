"""Shocks and indentation: what simulations in LAMMPS drive far from equilibrium."""
