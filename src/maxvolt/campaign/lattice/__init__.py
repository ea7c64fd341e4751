"""Campaigns of alloys on a lattice: Monte Carlo, labels, fits, until nothing is new."""
