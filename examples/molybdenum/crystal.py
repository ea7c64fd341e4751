"""Properties of bcc molybdenum with each potential of an ensemble."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ase import Atoms
from ase.build import bulk
from ase.calculators.calculator import Calculator

from maxvolt.properties import (
    ElasticConstants,
    EnsembleStatistics,
    EquationOfState,
    LatticeConstant,
    elastic_constants,
    ensemble_statistics,
    equation_of_state,
    lattice_constant,
)


@dataclass(frozen=True, slots=True)
class CrystalProperties:
    """What each member of the ensemble says of the crystal.

    Attributes
    ----------
    lattice
        Lattice constant.
    elastic
        Elastic constants at the member's own lattice constant, from the largest strain at which no
        neighbour shell crosses the cutoff.
    curve
        Energy-volume curve, at the same volumes for all members.
    """

    lattice: EnsembleStatistics[LatticeConstant]
    elastic: EnsembleStatistics[ElasticConstants]
    curve: EnsembleStatistics[EquationOfState]

    def to_dict(self) -> dict[str, Any]:
        """Mean, twice the standard deviation, and the results of the members."""
        numbers = {
            "lattice_constant_A": self.lattice.of(lambda result: result.value),
            "C11_GPa": self.elastic.of(lambda result: result.C11),
            "C12_GPa": self.elastic.of(lambda result: result.C12),
            "C44_GPa": self.elastic.of(lambda result: result.C44),
            "bulk_modulus_GPa": self.curve.of(lambda result: result.bulk_modulus),
            "strain": self.elastic.of(lambda result: result.strain),
        }
        return {
            **{
                name: {"mean": float(spread.mean), "two_sigma": float(spread.two_sigma)}
                for name, spread in numbers.items()
            },
            "members": [
                {"lattice": a.to_dict(), "elastic": b.to_dict(), "curve": c.to_dict()}
                for a, b, c in zip(
                    self.lattice.results, self.elastic.results, self.curve.results, strict=True
                )
            ],
        }


def crystal_properties(calculators: Sequence[Calculator]) -> CrystalProperties:
    """Compute all properties with each calculator."""
    primitive = bulk("Mo", "bcc", a=3.16)
    lattice = ensemble_statistics(lambda calc: lattice_constant(calc, primitive), calculators)
    equilibrium: dict[int, Atoms] = {
        id(calc): result.atoms for calc, result in zip(calculators, lattice.results, strict=True)
    }
    return CrystalProperties(
        lattice=lattice,
        elastic=ensemble_statistics(
            lambda calc: elastic_constants(calc, equilibrium[id(calc)]), calculators
        ),
        curve=ensemble_statistics(
            lambda calc: equation_of_state(calc, primitive, volume_range=0.10), calculators
        ),
    )
