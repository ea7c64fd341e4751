"""The properties from dynamics by their names."""

from __future__ import annotations

from maxvolt.properties.dynamic.density import density
from maxvolt.properties.dynamic.elastic_at_temperature import (
    ElasticTemperatureSettings,
    elastic_at_temperature,
)
from maxvolt.properties.dynamic.heating_cooling import HeatingSettings, heating_cooling
from maxvolt.properties.dynamic.settings import PhaseSettings
from maxvolt.properties.dynamic.structure import StructureSettings, structure
from maxvolt.properties.dynamic.transport import (
    DiffusionSettings,
    TransportSettings,
    self_diffusion,
    viscosity,
)
from maxvolt.properties.dynamic.vacancy_diffusion import (
    VacancyDiffusionSettings,
    vacancy_diffusion,
)
from maxvolt.properties.named_property import Property

__all__ = ["DYNAMIC"]

DYNAMIC = (
    Property(
        "density",
        "Density",
        "density of a crystal or melt at temperature and pressure",
        PhaseSettings,
        density,
        quick=False,
        simulates=True,
    ),
    Property(
        "structure",
        "Structure",
        "radial distribution function and structure factor at temperature and pressure",
        StructureSettings,
        structure,
        quick=False,
        simulates=True,
    ),
    Property(
        "elastic-at-temperature",
        "Elastic constants at temperature",
        "isothermal elastic constants at temperature, from stress under strain",
        ElasticTemperatureSettings,
        elastic_at_temperature,
        quick=False,
        simulates=True,
    ),
    Property(
        "vacancy-diffusion",
        "Self-diffusion by vacancies",
        "vacancies times their jumps, in the harmonic approximation",
        VacancyDiffusionSettings,
        vacancy_diffusion,
        ("fcc", "bcc"),
        quick=False,
    ),
    Property(
        "self-diffusion",
        "Self-diffusion",
        "self-diffusion of a melt, from mean square displacements",
        DiffusionSettings,
        self_diffusion,
        quick=False,
        simulates=True,
    ),
    Property(
        "viscosity",
        "Viscosity",
        "shear viscosity of a melt, by the formula of Green and Kubo",
        TransportSettings,
        viscosity,
        quick=False,
        simulates=True,
    ),
    Property(
        "heating-cooling",
        "Heating and cooling",
        "a crystal heated through melting and cooled again, its phases, frames against a reference",
        HeatingSettings,
        heating_cooling,
        quick=False,
        simulates=True,
        checks_frames=True,
    ),
)
"""In the order of a card."""
