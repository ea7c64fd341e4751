"""Counts of the report on a plan, against a plan that is carried out number by number."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from maxvolt.potentials.mtp.basis.contraction import ContractionTable, contraction_table
from maxvolt.potentials.mtp.basis.plan import EvaluationPlan, evaluation_plan
from maxvolt.potentials.mtp.binding.couplings import UNUSED
from maxvolt.potentials.mtp.binding.harmonic_layout import HarmonicLayout, harmonic_layout
from maxvolt.potentials.mtp.binding.layout import moment_layout
from maxvolt.potentials.mtp.binding.plan_report import plan_report

# Products of MLIP's tables.
MLIP_PRODUCTS = {20: 6349, 28: 180069}


@dataclass
class Counter:
    """Arithmetic that is carried out, and how."""

    products: int = 0
    multiply_adds: int = 0
    others: int = 0


def planned(level: int) -> tuple[EvaluationPlan, HarmonicLayout]:
    table = contraction_table(level)
    plan = evaluation_plan(table)
    assert plan is not None
    layout = moment_layout(table.basic, table.products, table.scalars, table.n_moments)
    return plan, harmonic_layout(plan, layout.moment_offsets)


def couple(layout: HarmonicLayout) -> Counter:
    """Count products of pairs and couplings as `core/harmonic.hpp` runs through them."""
    found, tables = Counter(), layout.couplings
    for _, _, coupling, _ in layout.pairs.tolist():
        begin, end = tables.couplings[coupling : coupling + 2].tolist()
        for _ in tables.real_products[begin[0] : end[0]]:
            found.products += 1
            found.others += 1
        for row in tables.complex_products[begin[1] : end[1]].tolist():
            found.products += 4
            found.others += 4 + sum(slot != UNUSED for slot in row[2:])
        for width, n_products, _, n_ranks, *_ in tables.blocks[begin[3] : end[3]].tolist():
            found.multiply_adds += width * n_products * n_ranks
    return found


@pytest.mark.parametrize("level", [2, 4, 8, 12, 16, 20])
def test_products_and_couplings_are_counted_as_they_are_carried_out(level: int) -> None:
    plan, layout = planned(level)
    report = plan_report(contraction_table(level))
    assert report is not None
    coupled = couple(layout)
    harmonic, products, coupling, form = report.plan.forward
    assert (products.multiply_adds, products.others) == (0, coupled.others)
    assert (coupling.multiply_adds, coupling.others) == (coupled.multiply_adds, 0)
    in_invariants = sum(2 * i.rank + 1 for i in plan.invariants if i.left)
    assert (report.pairs, report.products_of_pairs) == (len(plan.pairs), coupled.products)
    assert report.plan.products == coupled.products + in_invariants
    # Each harmonic moment takes its row of the matrix; each invariant stands in both rows.
    assert harmonic.multiply_adds == len(layout.harmonics.harmonic_values)
    assert form.multiply_adds == sum(
        (2 * i.rank + 1) * (1 if i.left == i.right else 2) for i in plan.invariants
    ) + int(layout.form.rows[:, 1].sum())
    # All components of both factors, but for products that no rank needs.
    every = sum((2 * a[1] + 1) * (2 * b[1] + 1) for a, b in plan.pairs)
    assert 0.9 * every <= coupled.products <= every


def test_smallest_plan_by_hand() -> None:
    """Level 4: A and A A, A the one component of M_{0,0}; u is (1, A)."""
    report = plan_report(contraction_table(4))
    assert report is not None
    assert (report.scalars, report.invariants) == (2, 2)
    assert (report.basic_moments, report.independent_basic_moments) == (1, 1)
    assert [s.multiply_adds for s in report.plan.stages] == [1, 0, 0, 3 + 2, 0, 0, 1]
    assert report.plan.products == 1
    assert report.plan.operations == 7
    assert [s.multiply_adds for s in report.table.stages] == [0, 1, 2, 2, 0]
    assert [s.others for s in report.table.stages] == [0, 1, 0, 1, 0]


@pytest.mark.parametrize(("level", "most"), [(20, 0.5), (28, 0.25)])
def test_products_are_far_fewer_than_those_of_mlip(level: int, most: float) -> None:
    report = plan_report(contraction_table(level))
    assert report is not None
    assert report.plan.products < most * MLIP_PRODUCTS[level]
    assert report.plan.operations < report.table.operations


def test_a_table_without_a_plan_has_no_report() -> None:
    vector = ContractionTable(np.array([[0, 1, 0, 0]]), np.zeros((0, 4)), np.array([0]), 1)
    assert plan_report(vector) is None
