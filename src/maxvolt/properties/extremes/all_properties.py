"""Properties far from equilibrium by their names."""

from __future__ import annotations

from maxvolt.properties.extremes.indentation_settings import IndentationSettings
from maxvolt.properties.extremes.nanoindentation import nanoindentation
from maxvolt.properties.extremes.shock import ShockSettings, shock
from maxvolt.properties.named_property import Property

__all__ = ["EXTREMES"]

EXTREMES = (
    Property(
        "shock",
        "Shock",
        "supported shocks in LAMMPS: points of the Hugoniot, forces in clusters of a reference",
        ShockSettings,
        shock,
        quick=False,
        simulates=True,
        checks_frames=True,
    ),
    Property(
        "nanoindentation",
        "Nanoindentation",
        "load against depth of a sphere pressed into a crystal, and its hardness, in LAMMPS",
        IndentationSettings,
        nanoindentation,
        quick=False,
        simulates=True,
    ),
)
"""In the order of a card."""
