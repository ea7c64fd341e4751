"""Thermal conductivity: phonons that scatter each other, and fluctuations of the heat flux."""
