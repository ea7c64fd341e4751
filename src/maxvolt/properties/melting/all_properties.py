"""Melting points by their name."""

from __future__ import annotations

from maxvolt.properties.melting.melting_findings import MeltingCurveSettings, melting_findings
from maxvolt.properties.named_property import Property

__all__ = ["MELTING"]

MELTING = (
    Property(
        "melting",
        "Melting",
        "melting points at one or several pressures, by coexistence in LAMMPS",
        MeltingCurveSettings,
        melting_findings,
        ("fcc", "bcc", "hcp", "diamond"),
        quick=False,
        simulates=True,
    ),
)
"""In the order of a card."""
