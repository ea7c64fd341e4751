"""How much arithmetic an evaluation takes: the count behind every share of the peak.

Counted is what the algorithm needs for energies, forces and virials of one atom, whatever vectors
hold it: a multiply-add is one operation with two floating-point results, a lone multiplication or
addition is one with one. Not counted are divisions and square roots beyond one each a neighbour,
comparisons, index arithmetic, neighbours beyond the cutoff, lanes that stay empty and what is
computed twice to save memory (the monomials, on the way back). A share of the peak that follows
from it is therefore a lower bound for how busy the arithmetic units are. What lies between the
moments of an atom and its energy is counted by `maxvolt.native.plan_report`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

import maxvolt
from maxvolt.native.layout import MomentLayout, moment_layout
from maxvolt.native.plan_report import plan_report, table_operations

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
    monomials = (layout.max_degree + 1) ** 2
    moments = float(np.sum(layout.monomial_counts))
    degrees = np.arange(1, layout.max_degree + 1)
    return (
        # Difference of positions, its square, root and inverse, unit vector.
        Stage("distances", 2 * n, 9 * n),
        # Envelope; recurrence of the basis functions and their derivatives, three terms each.
        Stage("radial basis", n * (1 + 4 * (size - 1)), n * (3 + 2 * (size - 1))),
        Stage("radial functions", n * 2 * n_mu * size, 0),
        Stage("monomials", 0, n * (monomials - 1)),
        Stage("moments", n * moments, 0),
        # Adjoints of the monomials and slopes of the radial functions.
        Stage("moments, reverse", n * 2 * moments, 0),
        Stage("monomials, reverse", n * float(np.sum(4 * degrees + 2)), 0),
        # Along and across the bond, own and neighbour's force, virial.
        Stage("forces and virials", n * (n_mu + 3 + 3 + 6), n * (3 + 1 + 3 + 3 + 6)),
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
