"""Rates of reactions in the gas, classical and quantum, by ring-polymer molecular dynamics."""

from maxvolt.properties.dynamic.keeping import Keeping
from maxvolt.properties.reaction_rates.coordinates import Bimolecular, Line, ReactionCoordinate
from maxvolt.properties.reaction_rates.figure import draw_rates
from maxvolt.properties.reaction_rates.model_surfaces import LEPS, EckartBarrier
from maxvolt.properties.reaction_rates.perturbation import SurfaceChange, change_of_surface
from maxvolt.properties.reaction_rates.rate import (
    ReactionRate,
    reaction_rate,
    transmission_coefficient,
)
from maxvolt.properties.reaction_rates.reference_rates import classical_exchange_rate
from maxvolt.properties.reaction_rates.settings import RateSettings
from maxvolt.properties.reaction_rates.surfaces import (
    CalculatorSurface,
    Particles,
    PotentialSurface,
    Surface,
    labelled_structures,
    surface_of,
)
from maxvolt.properties.reaction_rates.transmission import Transmission
from maxvolt.properties.reaction_rates.umbrella import FreeEnergy

__all__ = [
    "LEPS",
    "Bimolecular",
    "CalculatorSurface",
    "EckartBarrier",
    "FreeEnergy",
    "Keeping",
    "Line",
    "Particles",
    "PotentialSurface",
    "RateSettings",
    "ReactionCoordinate",
    "ReactionRate",
    "Surface",
    "SurfaceChange",
    "Transmission",
    "change_of_surface",
    "classical_exchange_rate",
    "draw_rates",
    "labelled_structures",
    "reaction_rate",
    "surface_of",
    "transmission_coefficient",
]
