"""The operation count behind the shares of the peak."""

from __future__ import annotations

import pytest

from maxvolt.potentials.mtp.binding.layout import moment_layout
from maxvolt.potentials.mtp.binding.plan_report import plan_report
from performance.cases import random_potential
from performance.operations import OperationCount, Stage, operation_count


def stage(count: OperationCount, name: str) -> Stage:
    return next(one for one in count.stages if one.name == name)


def test_a_multiply_add_is_two_operations_and_one_instruction() -> None:
    count = OperationCount((Stage("a", 10, 3), Stage("b", 0, 1)))
    assert count.flops == 24
    assert count.instructions == 14


class Counted:
    """A number that knows how often numbers were multiplied and added; zero and one are free."""

    multiply_adds = 0
    others = 0

    def __init__(self, value: float) -> None:
        self.value = value

    def times(self, other: Counted) -> Counted:
        if self.value not in (0.0, 1.0) and other.value not in (0.0, 1.0):
            Counted.others += 1
        return Counted(self.value * other.value)

    def plus_product(self, a: Counted, b: Counted) -> Counted:
        """Give self + a * b."""
        if 0.0 not in (a.value, b.value):
            if 1.0 in (a.value, b.value):
                Counted.others += self.value != 0.0
            elif self.value == 0.0:
                Counted.others += 1
            else:
                Counted.multiply_adds += 1
        return Counted(self.value + a.value * b.value)


ZERO, ONE = Counted(0.0), Counted(1.0)
Coefficients = dict[tuple[int, int, int], Counted]


def accumulated(degree: int, f: Counted, x: Counted, y: Counted, z: Counted) -> Coefficients:
    """Add one neighbour to moments of one mu, as core/polynomial.hpp does; all moments are 0.1."""
    powers = [ONE]
    for _ in range(degree):
        powers.append(powers[-1].times(x))
    moments = {}
    for nz in (0, 1):
        weight = f.times(z) if nz and degree else f
        for ny in range(degree - nz + 1):
            for nx in range(degree - nz - ny + 1):
                moments[nx, ny, nz] = Counted(0.1).plus_product(weight, powers[nx])
            if ny < degree - nz:
                weight = weight.times(y)
    return moments


def plane(
    degree: int, nz: int, c: Coefficients, x: Counted, y: Counted
) -> tuple[Counted, Counted, Counted]:
    """Value and derivatives by x and y of the terms with so many z, as core/polynomial.hpp does."""
    value = by_x = by_y = ZERO
    for ny in range(degree - nz, -1, -1):
        v = dv = ZERO
        for nx in range(degree - nz - ny, -1, -1):
            v, dv = c[nx, ny, nz].plus_product(v, x), v.plus_product(dv, x)
        by_y = value.plus_product(by_y, y)
        value, by_x = v.plus_product(value, y), dv.plus_product(by_x, y)
    return value, by_x, by_y


def polynomial(
    degree: int, c: Coefficients, x: Counted, y: Counted, z: Counted
) -> tuple[Counted, Counted, Counted, Counted]:
    by_z, by_zx, by_zy = plane(degree, 1, c, x, y)
    value, by_x, by_y = plane(degree, 0, c, x, y)
    return (
        value.plus_product(z, by_z),
        by_x.plus_product(z, by_zx),
        by_y.plus_product(z, by_zy),
        by_z,
    )


@pytest.mark.parametrize("level", [2, 6, 8, 12, 16, 20])
def test_moments_and_polynomials_are_counted_as_they_are_computed(level: int) -> None:
    potential = random_potential(level)
    table = potential.model.table
    layout = moment_layout(table.basic, table.products, table.scalars, table.n_moments)
    degrees = [round(count**0.5) - 1 for count in layout.monomial_counts.tolist()]
    f, x, y, z = (Counted(v) for v in (0.7, 0.48, 0.6, 0.64))
    Counted.multiply_adds = Counted.others = 0
    for degree in degrees:
        accumulated(degree, f, x, y, z)
    counted = stage(operation_count(potential, 1), "moments")
    # Powers of x are the same for every mu: counted once, computed once for each.
    again = sum(max(degree - 1, 0) for degree in degrees[1:])
    assert (counted.multiply_adds, counted.others + again) == (
        Counted.multiply_adds,
        Counted.others,
    )
    Counted.multiply_adds = Counted.others = 0
    for degree in degrees:
        c = {key: Counted(0.3 + sum(key)) for key in accumulated(degree, ONE, ONE, ONE, ONE)}
        Counted.others = 0
        gradient = polynomial(degree, c, x, y, z)
        # Times f_mu, and the value times f_mu', added to those of other mu.
        for part in gradient:
            Counted(0.1).plus_product(f, part)
    counted = stage(operation_count(potential, 1), "polynomials")
    assert (counted.multiply_adds, counted.others) == (Counted.multiply_adds, Counted.others)


def test_the_polynomials_that_are_counted_are_right() -> None:
    c = {
        (nx, ny, nz): Counted(0.1 * (1 + nx + 2 * ny + 3 * nz))
        for nz in (0, 1)
        for ny in range(4 - nz)
        for nx in range(4 - nz - ny)
    }

    def value(x: float, y: float, z: float) -> float:
        return sum(k.value * x**a * y**b * z**d for (a, b, d), k in c.items())

    at, h = (0.48, 0.6, 0.64), 1e-6
    found = [part.value for part in polynomial(3, c, *map(Counted, at))]
    assert found[0] == pytest.approx(value(*at), rel=1e-14)
    for axis in range(3):
        there, here = ([v + s * h * (i == axis) for i, v in enumerate(at)] for s in (1, -1))
        assert found[1 + axis] == pytest.approx((value(*there) - value(*here)) / (2 * h), rel=1e-8)


def test_level_two_by_hand() -> None:
    # One radial function, one moment that sums it, a polynomial that is a constant.
    count = operation_count(random_potential(2), 10)
    assert stage(count, "moments") == Stage("moments", 0, 10)
    assert stage(count, "polynomials") == Stage("polynomials", 10, 0)
    assert stage(count, "radial functions").multiply_adds == 10 * (8 + 2 * 7 + 1)


def test_the_part_after_the_moments_is_that_of_the_plan() -> None:
    potential = random_potential(12)
    report = plan_report(potential.model.table)
    assert report is not None
    virial = 9
    assert operation_count(potential, 0).instructions == report.plan.operations + virial


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
