"""Densities of states by the walks of Wang and Landau, and thermodynamics from them."""

from maxvolt.properties.lattice.flat_histogram.density_of_states import (
    DensityOfStates,
    Thermodynamics,
    thermodynamics,
)
from maxvolt.properties.lattice.flat_histogram.wang_landau import (
    WangLandauSettings,
    wang_landau,
)

__all__ = [
    "DensityOfStates",
    "Thermodynamics",
    "WangLandauSettings",
    "thermodynamics",
    "wang_landau",
]
