"""What an evaluation plan saves: arithmetic from the moments of an atom to its energy, and back.

Counted is what one atom takes for the energy and its derivatives by the basic moments: by the
contraction table as it stands, equation (15), and by its plan, equations (29) to (34). What is done
for each neighbour is the same for both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from maxvolt.potentials.mtp.basis.contraction import ContractionTable
from maxvolt.potentials.mtp.basis.plan import evaluation_plan
from maxvolt.potentials.mtp.binding.couplings import UNUSED
from maxvolt.potentials.mtp.binding.harmonic_layout import HarmonicLayout, harmonic_layout
from maxvolt.potentials.mtp.binding.layout import MomentLayout, moment_layout

__all__ = [
    "OperationCounts",
    "PlanReport",
    "Stage",
    "plan_operations",
    "plan_report",
    "table_operations",
]


@dataclass(frozen=True, slots=True)
class Stage:
    """One part of the evaluation.

    Attributes
    ----------
    name : str
    multiply_adds : int
        Multiplications whose result is added at once.
    others : int
        Multiplications and additions that stand alone.
    """

    name: str
    multiply_adds: int
    others: int


@dataclass(frozen=True, slots=True)
class OperationCounts:
    """Arithmetic of one atom.

    Attributes
    ----------
    products : int
        Multiplications of two numbers that both depend on the neighbours, for the energy alone: how
        often two moments are multiplied.
    forward : tuple of Stage
        Up to the energy; with a plan its gradient by the channels comes with it.
    reverse : tuple of Stage
        From there to the derivatives by the basic moments.
    """

    products: int
    forward: tuple[Stage, ...]
    reverse: tuple[Stage, ...]

    @property
    def stages(self) -> tuple[Stage, ...]:
        """All stages in order."""
        return self.forward + self.reverse

    @property
    def multiply_adds(self) -> int:
        """Multiply-adds of all stages."""
        return sum(stage.multiply_adds for stage in self.stages)

    @property
    def operations(self) -> int:
        """Multiply-adds, multiplications and additions of all stages, each counted once."""
        return self.multiply_adds + sum(stage.others for stage in self.stages)


@dataclass(frozen=True, slots=True)
class PlanReport:
    """Sizes of a contraction table and of its evaluation plan.

    Attributes
    ----------
    scalars, invariants : int
        Basis functions, and the independent invariants that they are sums of; fewer, since vectors
        to neighbours enter as unit vectors.
    basic_moments, independent_basic_moments : int
        Components of moments in the table; those that are summed over neighbours.
    pairs, products_of_pairs : int
        Pairs of harmonic moments that the plan couples; products of two moments for that, the
        others are in the invariants.
    table, plan : OperationCounts
        By the table as it stands; by the plan.
    """

    scalars: int
    invariants: int
    basic_moments: int
    independent_basic_moments: int
    pairs: int
    products_of_pairs: int
    table: OperationCounts
    plan: OperationCounts


def plan_report(table: ContractionTable) -> PlanReport | None:
    """Compare a table with its plan.

    Returns
    -------
    report
        None for a table that has no plan.
    """
    plan = evaluation_plan(table)
    if plan is None:
        return None
    moments = moment_layout(table.basic, table.products, table.scalars, table.n_moments)
    layout = harmonic_layout(plan, moments.moment_offsets)
    couplings = _coupling_operations(layout)
    return PlanReport(
        scalars=len(table.scalars),
        invariants=len(plan.invariants),
        basic_moments=len(table.basic),
        independent_basic_moments=moments.n_independent,
        pairs=len(layout.pairs),
        products_of_pairs=couplings.products,
        table=table_operations(moments),
        plan=plan_operations(layout),
    )


def table_operations(layout: MomentLayout) -> OperationCounts:
    """Count the evaluation of a table as it stands, equations (15) and (28)."""
    products, scalars, traces = len(layout.factors), len(layout.scalars), len(layout.traces)
    return OperationCounts(
        products,
        forward=(
            Stage("dependent moments", 0, 2 * traces),
            Stage("products", products, products),
            Stage("energy", scalars, 0),
        ),
        reverse=(
            Stage("products, reverse", 2 * products, products),
            Stage("dependent moments, reverse", 0, 3 * traces),
        ),
    )


def plan_operations(layout: HarmonicLayout) -> OperationCounts:
    """Count the evaluation by a plan, equations (29) to (34)."""
    harmonics = len(layout.harmonics.harmonic_values)
    pairs = _coupling_operations(layout)
    form = int((layout.form.rows[:, 1] * layout.form.rows[:, 2]).sum())
    in_invariants = int(layout.form.invariants[:, 2].sum()) - _with_constant(layout)
    return OperationCounts(
        pairs.products + in_invariants,
        forward=(
            Stage("harmonic moments", harmonics, 0),
            Stage("products of pairs", 0, pairs.products + pairs.sums),
            Stage("coupling", pairs.coupled, 0),
            Stage("quadratic form", form + layout.n_components, 0),
        ),
        reverse=(
            Stage("coupling, reverse", pairs.coupled, 0),
            Stage("products of pairs, reverse", 2 * pairs.products, 4 * pairs.complex_products),
            Stage("harmonic moments, reverse", harmonics, 0),
        ),
    )


def _with_constant(layout: HarmonicLayout) -> int:
    """Count the invariants of one factor: multiplied by the number 1."""
    return int((layout.form.invariants[:, :2] == layout.constant).any(axis=1).sum())


class _Couplings(NamedTuple):
    """What coupling all pairs takes, equation (31)."""

    products: int  # of two real numbers
    complex_products: int  # of two complex ones: four of the above each
    sums: int  # of two products
    coupled: int  # multiply-adds from products to components


def _coupling_operations(layout: HarmonicLayout) -> _Couplings:
    tables = layout.couplings
    used = (tables.complex_products[:, 2:] != UNUSED).sum(axis=1)
    size = tables.blocks[:, 0] * tables.blocks[:, 1] * tables.blocks[:, 3]
    real = complex_products = sums = coupled = 0
    for coupling in layout.pairs[:, 2]:
        begin, end = tables.couplings[coupling : coupling + 2].tolist()
        real += end[0] - begin[0]
        complex_products += end[1] - begin[1]
        sums += int(used[begin[1] : end[1]].sum())
        coupled += int(size[begin[3] : end[3]].sum())
    return _Couplings(real + 4 * complex_products, complex_products, sums, coupled)
