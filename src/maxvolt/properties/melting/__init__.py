"""Melting points by coexistence of crystal and liquid, in LAMMPS."""

from maxvolt.properties.melting.coexistence import Attempt, Coexistence
from maxvolt.properties.melting.interaction import Interaction
from maxvolt.properties.melting.melting_point import melting_curve, melting_point
from maxvolt.properties.melting.phases import PhasePoint
from maxvolt.properties.melting.result import MeltingPoint, plot_melting_curve
from maxvolt.properties.melting.settings import CoexistenceSettings, MeltingSettings
from maxvolt.properties.melting.sizes import SizeMean
from maxvolt.properties.statistics import SeriesMean, series_mean

__all__ = [
    "Attempt",
    "Coexistence",
    "CoexistenceSettings",
    "Interaction",
    "MeltingPoint",
    "MeltingSettings",
    "PhasePoint",
    "SeriesMean",
    "SizeMean",
    "melting_curve",
    "melting_point",
    "plot_melting_curve",
    "series_mean",
]
