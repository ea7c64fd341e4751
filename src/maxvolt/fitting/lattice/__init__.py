"""Fits of low-rank potentials of alloys on a lattice."""
