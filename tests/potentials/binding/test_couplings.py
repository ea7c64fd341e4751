"""Tables of couplings, read as the kernels read them, against the coupling itself."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from maxvolt.potentials.mtp.basis.harmonics import coupling
from maxvolt.potentials.mtp.binding.couplings import (
    UNUSED,
    Coupling,
    coupling_tables,
    make_coupling,
)

Array = NDArray[np.float64]

CASES = [
    (0, 0, (0,)),
    (0, 3, (3,)),
    (1, 1, (0, 1, 2)),
    (1, 1, (1,)),
    (1, 2, (1, 3)),
    (2, 1, (2,)),
    (2, 2, (0, 2, 4)),
    (3, 2, (1, 2, 3, 4, 5)),
    (2, 5, (4,)),
    (4, 4, (1, 3, 8)),
    (6, 3, (3, 4, 9)),
]


def fill_slots(c: Coupling, a: Array, b: Array) -> Array:
    """Products of components, each slot once; slot UNUSED takes those that nothing needs."""
    slots = np.full(c.n_slots, np.nan)
    written = [slot for _, _, slot in c.real_products]
    for first, second, slot in c.real_products:
        slots[slot] = a[first] * b[second]
    for row, (first, second, *four) in enumerate(c.complex_products):
        x, y = complex(*a[first : first + 2]), complex(*b[second : second + 2])
        difference = x * y.conjugate() if row < c.n_ordered else x.conjugate() * y
        values = (x * y).real, (x * y).imag, difference.real, difference.imag
        for slot, value in zip(four, values, strict=True):
            slots[slot] = value
            written.append(slot)
    used = [slot for slot in written if slot != UNUSED]
    assert sorted(used) == list(range(1, c.n_slots))
    return slots


def coupled(c: Coupling, l1: int, l2: int, ranks: tuple[int, ...], a: Array, b: Array) -> Array:
    """All ranks, one behind the other."""
    slots = fill_slots(c, a, b)
    begins = np.cumsum([0, *(2 * rank + 1 for rank in ranks)])
    out = np.full(begins[-1], np.nan)
    for block in c.blocks:
        n = len(block.values)
        products = slots[block.first_slot : block.first_slot + block.width * n]
        values = block.values.T @ products.reshape(n, block.width)
        for k, value in zip(block.ranks, values, strict=True):
            begin = begins[k] + block.component
            assert np.isnan(out[begin : begin + block.width]).all()
            out[begin : begin + block.width] = value
    return out


@pytest.mark.parametrize(("l1", "l2", "ranks"), CASES)
def test_products_and_blocks_are_the_coupling(l1: int, l2: int, ranks: tuple[int, ...]) -> None:
    generator = np.random.default_rng([l1, l2])
    a, b = generator.normal(size=2 * l1 + 1), generator.normal(size=2 * l2 + 1)
    found = coupled(make_coupling(l1, l2, ranks), l1, l2, ranks, a, b)
    expected = [np.einsum("cab,a,b->c", coupling(l1, l2, rank), a, b) for rank in ranks]
    np.testing.assert_allclose(found, np.concatenate(expected), rtol=0, atol=1e-13)


def test_couplings_stand_one_behind_the_other() -> None:
    made = [make_coupling(*case) for case in CASES]
    tables = coupling_tables(made)
    assert tables.n_slots == max(c.n_slots for c in made)
    for c, begin, end in zip(made, tables.couplings[:-1], tables.couplings[1:], strict=True):
        assert tables.real_products[begin[0] : end[0]].tolist() == list(map(list, c.real_products))
        complex_ = list(map(list, c.complex_products))
        assert tables.complex_products[begin[1] : end[1]].tolist() == complex_
        assert begin[2] - begin[1] == c.n_ordered
        for row, block in zip(tables.blocks[begin[3] : end[3]].tolist(), c.blocks, strict=True):
            width, n_products, first_slot, n_ranks, ranks_at, component, values_at = row
            assert (width, first_slot) == (block.width, block.first_slot)
            assert component == block.component
            assert tuple(tables.block_ranks[ranks_at : ranks_at + n_ranks]) == block.ranks
            values = tables.block_values[values_at : values_at + n_products * n_ranks]
            np.testing.assert_array_equal(values, block.values.ravel())


def test_no_couplings() -> None:
    tables = coupling_tables([])
    assert tables.n_slots == 1
    assert tables.couplings.tolist() == [[0, 0, 0, 0]]
    assert tables.blocks.shape == (0, 7)
