"""Lattice constants, elastic constants and equations of state as findings."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from ase import Atoms

from maxvolt.properties.arguments import Calculating, system_of
from maxvolt.properties.curves import Curve
from maxvolt.properties.deformation import InternalRelaxation
from maxvolt.properties.elastic_constants import ElasticConstants, elastic_constants
from maxvolt.properties.elemental_crystals import resting_crystal
from maxvolt.properties.equation_of_state import EquationOfState, equation_of_state
from maxvolt.properties.findings import Findings, Quantity
from maxvolt.properties.static.resting_cells import resting_cell

__all__ = ["ElasticSettings", "EquationOfStateSettings", "LatticeSettings"]

_NEGLIGIBLE = 0.01
"""Part of the largest elastic constant below which one that symmetry forbids is left out."""

_SMALL_STRAIN = 2e-3
_SMALL_FORCE = 1e-5
"""eV/Angstrom; forces that so small a strain leaves inside a cell must relax, too."""


@dataclass(frozen=True, slots=True)
class LatticeSettings:
    """There is nothing to set."""


@dataclass(frozen=True, slots=True)
class ElasticSettings:
    """Settings of elastic constants.

    Parameters
    ----------
    strain
        Of each component, up and down; None: the largest with which no neighbour shell crosses the
        cutoff, at most 0.002 with a potential of this package, 0.01 with other calculators.
    """

    strain: float | None = None


@dataclass(frozen=True, slots=True)
class EquationOfStateSettings:
    """Settings of an equation of state.

    Parameters
    ----------
    volume_range
        Largest relative change of the volume to either side.
    points
        Number of volumes.
    """

    volume_range: float = 0.06
    points: int = 13


def lattice_findings(
    calculator: Calculating, atoms: Atoms | None = None, settings: LatticeSettings | None = None
) -> Findings:
    """Lattice constants and energy of a crystal of one element at rest."""
    calculator, atoms = system_of(calculator, atoms, "lattice constants")
    crystal = resting_crystal(calculator, atoms, "lattice constants")
    quantities = {"a": Quantity(crystal.a, "Å")}
    if crystal.c is not None:
        quantities["c"] = Quantity(crystal.c, "Å")
        quantities["c/a"] = Quantity(crystal.c / crystal.a)
    quantities["energy"] = Quantity(crystal.energy_per_atom(calculator), "eV/atom")
    quantities["volume"] = Quantity(crystal.volume, "Å³/atom")
    return Findings("Lattice constants", quantities, notes=(f"{crystal.kind} crystal",))


def elastic_findings(
    calculator: Calculating,
    atoms: Atoms | None = None,
    settings: ElasticSettings = ElasticSettings(),
) -> Findings:
    """Elastic constants of a crystal, relaxed first.

    Stresses of potentials of this package have no noise: a small strain is taken, and extrapolated
    to none by equation (105).
    """
    calculator, atoms = system_of(calculator, atoms, "elastic constants")
    crystal = resting_cell(calculator, atoms, "elastic constants", right_angled=True)
    found = elastic_constants(calculator, crystal, strain=settings.strain)
    is_smooth = getattr(calculator, "potential", None) is not None and found.crossing is None
    if is_smooth and settings.strain is None and found.strain > _SMALL_STRAIN:
        found = elastic_constants(
            calculator, crystal, strain=_SMALL_STRAIN, relaxation=InternalRelaxation(_SMALL_FORCE)
        )
    note = f"strain {found.strain:g}"
    limit = found
    if is_smooth:
        matrix = found.matrix - 4 / 3 * found.nonlinearity
        limit = replace(found, matrix=matrix, nonlinearity=np.zeros((6, 6)))
        note += " and half of it, extrapolated to none"
    return Findings(
        "Elastic constants",
        {name: Quantity(value, "GPa") for name, value in _constants(limit).items()},
        warnings=found.warnings,
        notes=(*found.notes, note),
    )


def _constants(found: ElasticConstants) -> dict[str, float]:
    if found.is_cubic:
        named = {name: float(getattr(found, name)) for name in ("C11", "C12", "C44")}
    else:
        least = _NEGLIGIBLE * float(np.abs(found.matrix).max())
        named = {
            f"C{i + 1}{j + 1}": float(found.matrix[i, j])
            for i in range(6)
            for j in range(i, 6)
            if abs(found.matrix[i, j]) > least
        }
    return {**named, "bulk modulus": found.bulk_modulus}


def equation_of_state_findings(
    calculator: Calculating,
    atoms: Atoms | None = None,
    settings: EquationOfStateSettings = EquationOfStateSettings(),
) -> Findings:
    """Equation of state of a crystal, relaxed first."""
    calculator, atoms = system_of(calculator, atoms, "an equation of state")
    crystal = resting_cell(calculator, atoms, "an equation of state")
    found: EquationOfState = equation_of_state(
        calculator, crystal, volume_range=settings.volume_range, points=settings.points
    )
    labels = ("volume (Å³/atom)", "energy above equilibrium (meV/atom)")
    above = 1000 * (found.energies - found.energy)
    quantities = {
        "volume": Quantity(found.volume, "Å³/atom"),
        "energy": Quantity(found.energy, "eV/atom"),
        "bulk modulus": Quantity(found.bulk_modulus, "GPa"),
        "derivative of the bulk modulus": Quantity(found.bulk_modulus_derivative),
    }
    return Findings(
        "Equation of state",
        quantities,
        (Curve.of("energy", found.volumes, above, labels),),
        found.warnings,
        found.notes,
    )
