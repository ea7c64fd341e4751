"""Monte Carlo on lattices: chains of arrangements at constant composition or chemical potential."""
