"""Low-rank potentials of alloys on a lattice."""
