"""The properties of this package by their names."""

from __future__ import annotations

from maxvolt.properties.named_property import Property
from maxvolt.properties.static.cold_curves import ColdCurveSettings, cold_curves
from maxvolt.properties.static.force_constants import PhononSettings
from maxvolt.properties.static.grain_boundaries import GrainBoundarySettings, grain_boundaries
from maxvolt.properties.static.of_crystals import (
    ElasticSettings,
    EquationOfStateSettings,
    LatticeSettings,
    elastic_findings,
    equation_of_state_findings,
    lattice_findings,
)
from maxvolt.properties.static.phonons import phonons
from maxvolt.properties.static.point_defects import DefectSettings, interstitials, vacancies
from maxvolt.properties.static.quasi_harmonic import QuasiHarmonicSettings, quasi_harmonic
from maxvolt.properties.static.stacking_faults import StackingFaultSettings, stacking_faults
from maxvolt.properties.static.surfaces import SurfaceSettings, surfaces
from maxvolt.properties.static.transformation_paths import (
    TransformationSettings,
    transformation_paths,
)
from maxvolt.properties.static.vacancy_migration import MigrationSettings, vacancy_migration

__all__ = ["STATIC"]

_SIMPLE = ("fcc", "bcc", "sc", "hcp", "diamond")

STATIC = (
    Property(
        "lattice",
        "Lattice constants",
        "lattice constants, energy and volume at rest",
        LatticeSettings,
        lattice_findings,
        _SIMPLE,
    ),
    Property(
        "elastic",
        "Elastic constants",
        "elastic constants at rest, of any symmetry",
        ElasticSettings,
        elastic_findings,
    ),
    Property(
        "equation-of-state",
        "Equation of state",
        "energy against volume near equilibrium, bulk modulus",
        EquationOfStateSettings,
        equation_of_state_findings,
    ),
    Property(
        "cold-curves",
        "Cold curves",
        "energy of fcc, hcp, bcc, sc, diamond and A15 over a wide range of volume",
        ColdCurveSettings,
        cold_curves,
    ),
    Property(
        "paths",
        "Transformation paths",
        "Bain and trigonal paths at constant volume",
        TransformationSettings,
        transformation_paths,
        _SIMPLE,
    ),
    Property(
        "stacking-faults",
        "Stacking faults",
        "generalised stacking faults: slip, and twinning in fcc",
        StackingFaultSettings,
        stacking_faults,
        ("fcc", "bcc", "hcp"),
    ),
    Property(
        "vacancies",
        "Vacancies",
        "formation energies of a vacancy and a divacancy",
        DefectSettings,
        vacancies,
        _SIMPLE,
    ),
    Property(
        "vacancy-migration",
        "Vacancy migration",
        "barrier of a vacancy's jump, by a nudged elastic band",
        MigrationSettings,
        vacancy_migration,
        _SIMPLE,
    ),
    Property(
        "interstitials",
        "Interstitials",
        "formation energies of dumbbells, octahedral and tetrahedral interstitials",
        DefectSettings,
        interstitials,
        ("fcc", "bcc", "hcp", "diamond"),
    ),
    Property(
        "surfaces",
        "Surfaces",
        "surface energies and the distances of the first layers",
        SurfaceSettings,
        surfaces,
        _SIMPLE,
    ),
    Property(
        "grain-boundaries",
        "Grain boundaries",
        "energies of symmetric tilt grain boundaries",
        GrainBoundarySettings,
        grain_boundaries,
        ("fcc", "bcc"),
        quick=False,
    ),
    Property(
        "phonons",
        "Phonons",
        "phonon bands and density of states, by phonopy",
        PhononSettings,
        phonons,
        quick=False,
    ),
    Property(
        "quasi-harmonic",
        "Quasi-harmonic approximation",
        "thermal expansion, heat capacity, bulk modulus against temperature, by phonopy",
        QuasiHarmonicSettings,
        quasi_harmonic,
        quick=False,
    ),
)
"""In the order of a card."""
