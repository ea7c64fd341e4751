"""Numbers of the paper: I. S. Novikov, K. Gubaev, E. V. Podryabinkin, A. V. Shapeev, Mach. Learn.:
Sci. Technol. 2, 025002 (2021), for their own, recomputed labels.
"""  # noqa: D205 (the reference is longer than a line)

from __future__ import annotations

LATTICE_CONSTANT = 3.159
"""Angstrom."""

ELASTIC_CONSTANTS = {"C11": (466.0, 22.0), "C12": (161.0, 20.0), "C44": (98.0, 14.0)}
"""Mean and 2 sigma over the ensemble, GPa."""

TRAINING_ERRORS = {"energy": 5.54, "forces": 175.0, "stress": 0.46}
"""Root mean square errors: meV/atom, meV/Angstrom, GPa."""
