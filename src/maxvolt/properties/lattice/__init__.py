"""Properties of alloys on a lattice, by Monte Carlo: heat capacity, order, transitions."""
