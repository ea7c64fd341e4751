"""How much arithmetic an evaluation takes: the count behind every share of the peak.

Counted is what the kernels' algorithm needs for energies, forces and virials of one atom, whatever
vectors hold it: a multiply-add is one operation with two floating-point results, a lone
multiplication or addition is one with one. Not counted are comparisons, index arithmetic,
neighbours beyond the cutoff, lanes that stay empty, multiplications by zero at the beginning of a
sum, what is computed once for each mu though once would do, and roots beyond one operation. A share
of the peak that follows from it is therefore a lower bound for how busy the arithmetic units are.
What lies between the moments of an atom and its energy is counted by
`maxvolt.potentials.mtp.binding.plan_report`.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt

import maxvolt
from maxvolt.potentials.mtp.binding.layout import MomentLayout, moment_layout
from maxvolt.potentials.mtp.binding.neighbor_operations import (
    moment_operations,
    polynomial_operations,
    radial_operations,
)
from maxvolt.potentials.mtp.binding.plan_report import plan_report, table_operations

__all__ = ["OperationCount", "Stage", "operation_count"]


@dataclass(frozen=True, slots=True)
class Stage:
    """One part of the evaluation of an atom.

    Attributes
    ----------
    name : str
    multiply_adds : float
        Multiplications whose result is added at once.
    others : float
        Multiplications and additions that stand alone.
    """

    name: str
    multiply_adds: float
    others: float

    @property
    def flops(self) -> float:
        """Floating-point operations: two for a multiply-add, one for each of the others."""
        return 2.0 * self.multiply_adds + self.others


@dataclass(frozen=True, slots=True)
class OperationCount:
    """Arithmetic of one atom's energy, forces and virial, stage by stage."""

    stages: tuple[Stage, ...]

    @property
    def flops(self) -> float:
        """Floating-point operations of all stages."""
        return sum(stage.flops for stage in self.stages)

    @property
    def instructions(self) -> float:
        """Multiply-adds, multiplications and additions, each counted once."""
        return sum(stage.multiply_adds + stage.others for stage in self.stages)


def operation_count(potential: maxvolt.MTP, neighbours: float) -> OperationCount:
    """Count the arithmetic of one atom.

    Parameters
    ----------
    potential
        Its table of products and its radial basis.
    neighbours
        Mean number of neighbours inside the cutoff.
    """
    table, model = potential.model.table, potential.model
    layout = moment_layout(table.basic, table.products, table.scalars, table.n_moments)
    n_mu, size = model.radial_coeffs.shape[2], model.radial.size
    return OperationCount(
        (
            *_neighbour_stages(layout, n_mu, size, neighbours),
            *_contraction_stages(potential, layout),
        )
    )


def _neighbour_stages(
    layout: MomentLayout, n_mu: int, size: int, neighbours: float
) -> tuple[Stage, ...]:
    """What is done for every neighbour, forward and back."""
    n = neighbours
    degrees = [isqrt(count) - 1 for count in layout.monomial_counts.tolist()]
    moments, lone = map(sum, zip(*map(moment_operations, degrees), strict=True))
    polynomials = sum(map(polynomial_operations, degrees))
    series, products = radial_operations(size)
    return (
        # Difference of positions, its square, root and inverse, unit vector.
        Stage("distances", 2 * n, 9 * n),
        # Envelope, recurrence of the polynomials, series for f_mu and its slope, their products.
        Stage("radial functions", n * (size + n_mu * series), n * (4 + n_mu * products)),
        # Powers of x, f_mu times powers of y and z, sums of their products.
        Stage("moments", n * moments, n * (lone + max(layout.max_degree - 1, 0))),
        Stage("polynomials", n * polynomials, 0),
        # Along and across the bond, own and neighbour's force.
        Stage("forces", n * 6, n * 10),
        Stage("virials", 9, 0),
    )


def _contraction_stages(potential: maxvolt.MTP, layout: MomentLayout) -> tuple[Stage, ...]:
    """What is done once an atom with its moments, forward and back: by the plan if there is one."""
    report = plan_report(potential.model.table)
    counts = table_operations(layout) if report is None else report.plan
    return tuple(
        Stage(stage.name, stage.multiply_adds, stage.others)
        for stage in counts.stages
        if stage.multiply_adds or stage.others
    )
