"""Moment tensor potentials (Shapeev 2016)."""
