"""The operation count behind the shares of the peak."""

from __future__ import annotations

import pytest

from maxvolt.native.plan_report import plan_report
from performance.cases import random_potential
from performance.operations import OperationCount, Stage, operation_count


def stage(count: OperationCount, name: str) -> Stage:
    return next(one for one in count.stages if one.name == name)


def test_a_multiply_add_is_two_operations_and_one_instruction() -> None:
    count = OperationCount((Stage("a", 10, 3), Stage("b", 0, 1)))
    assert count.flops == 24
    assert count.instructions == 14


def test_level_two_by_hand() -> None:
    # One moment, M_0,0, and one scalar: no products, one monomial that is 1.
    count = operation_count(random_potential(2), 10)
    assert stage(count, "moments").multiply_adds == 10
    assert stage(count, "monomials").flops == 0
    assert stage(count, "radial functions").multiply_adds == 10 * 2 * 1 * 8


def test_the_part_after_the_moments_is_that_of_the_plan() -> None:
    potential = random_potential(12)
    report = plan_report(potential.model.table)
    assert report is not None
    assert operation_count(potential, 0).instructions == report.plan.operations


@pytest.mark.parametrize("level", [8, 16, 20])
def test_the_part_of_the_neighbours_is_proportional_to_them(level: int) -> None:
    potential = random_potential(level)
    none, some, twice = (operation_count(potential, n).flops for n in (0, 13, 26))
    assert twice - some == pytest.approx(some - none)
    assert none > 0


def test_higher_levels_take_more() -> None:
    counts = [operation_count(random_potential(level), 26).flops for level in (8, 12, 16, 20)]
    assert counts == sorted(counts)
    assert len(set(counts)) == 4
