"""How the kernels couple two harmonic moments: products in slots, and small matrices from slots.

Products of the complex components m1 and m2 that belong to one M stand together in slots; each M is
then one dense matrix from slots to the ranks L >= M (docs/formulation, equation (31)).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from maxvolt.potentials.mtp.basis.harmonics import coupling_coefficients

__all__ = ["Coupling", "CouplingBlock", "CouplingTables", "coupling_tables", "make_coupling"]

UNUSED = 0
"""Slot for products that nothing needs."""


@dataclass(frozen=True, slots=True)
class CouplingBlock:
    """All components M of a coupled tensor, for several ranks.

    Attributes
    ----------
    width : int
        2 for complex numbers, 1 for the real ones of M = 0.
    first_slot : int
        Where the products stand, `width` slots each.
    ranks : tuple of int
        Positions in the list of ranks of the coupling.
    component : int
        First component of M in a tensor.
    values : shape (products, ranks)
        Coupling coefficients.
    """

    width: int
    first_slot: int
    ranks: tuple[int, ...]
    component: int
    values: NDArray[np.float64]


@dataclass(slots=True)
class Coupling:
    """Coupling of harmonic moments of ranks l1 and l2 to several ranks.

    Attributes
    ----------
    real_products : list of (component 1, component 2, slot)
    complex_products : list of (component 1, component 2, slots of re and im of sum and difference)
        Products of two complex components with m1 >= m2, then those with m1 < m2.
    n_ordered : int
        Number of those with m1 >= m2.
    blocks : list of CouplingBlock
    n_slots : int
    """

    real_products: list[tuple[int, int, int]] = field(default_factory=list)
    complex_products: list[tuple[int, int, int, int, int, int]] = field(default_factory=list)
    n_ordered: int = 0
    blocks: list[CouplingBlock] = field(default_factory=list)
    n_slots: int = 1


@dataclass(frozen=True, slots=True)
class CouplingTables:
    """All couplings of a plan as the kernels read them.

    Attributes
    ----------
    n_slots : int
        Most slots of a coupling.
    couplings : shape (n + 1, 4), int32
        Begins of real products, of complex ones with m1 >= m2 and with m1 < m2, of blocks.
    real_products : shape (n, 3), int32
        Components of both factors, slot.
    complex_products : shape (n, 6), int32
        Real components of both factors; slots of real and imaginary part of sum and difference.
    blocks : shape (n, 7), int32
        Width, number and start of products, number and start of ranks, component, start of values.
    block_ranks : int32
        Positions in the list of ranks of the coupling.
    block_values : float64
        Coefficients of each block, shape (products, ranks).
    """

    n_slots: int
    couplings: NDArray[np.int32]
    real_products: NDArray[np.int32]
    complex_products: NDArray[np.int32]
    blocks: NDArray[np.int32]
    block_ranks: NDArray[np.int32]
    block_values: NDArray[np.float64]


def coupling_tables(couplings: list[Coupling]) -> CouplingTables:
    """Put couplings one behind the other."""
    begins: list[tuple[int, ...]] = []
    real: list[tuple[int, ...]] = []
    complex_: list[tuple[int, ...]] = []
    blocks: list[tuple[int, ...]] = []
    ranks: list[int] = []
    values: list[float] = []
    for c in couplings:
        begins.append((len(real), len(complex_), len(complex_) + c.n_ordered, len(blocks)))
        real += c.real_products
        complex_ += c.complex_products
        for block in c.blocks:
            n_products, n_ranks = block.values.shape
            products = (block.width, n_products, block.first_slot)
            blocks.append((*products, n_ranks, len(ranks), block.component, len(values)))
            ranks += block.ranks
            values += block.values.ravel().tolist()
    begins.append((len(real), len(complex_), len(complex_), len(blocks)))
    return CouplingTables(
        n_slots=max((c.n_slots for c in couplings), default=1),
        couplings=np.array(begins, dtype=np.int32),
        real_products=np.array(real, dtype=np.int32).reshape(-1, 3),
        complex_products=np.array(complex_, dtype=np.int32).reshape(-1, 6),
        blocks=np.array(blocks, dtype=np.int32).reshape(-1, 7),
        block_ranks=np.array(ranks, dtype=np.int32),
        block_values=np.array(values, dtype=np.float64),
    )


Product = tuple[int, int, int]
"""m1, m2, sign."""


def make_coupling(l1: int, l2: int, ranks: tuple[int, ...]) -> Coupling:
    """Lay out the coupling of ranks l1 and l2 to the given ranks."""
    coefficients = [coupling_coefficients(l1, l2, rank) for rank in ranks]
    out = Coupling()
    slots: dict[tuple[Product, int], int] = {}  # of real (0) and imaginary (1) part
    for m in range(max(ranks) + 1):
        for part in (0, 1) if m == 0 else (None,):
            chosen = tuple(
                k
                for k, rank in enumerate(ranks)
                if rank >= m and (part is None or (l1 + l2 + rank) % 2 == part)
            )
            products = sorted(
                {p for k in chosen for p in coefficients[k] if abs(p[0] + p[2] * p[1]) == m}
            )
            if not chosen:
                continue
            values = np.array([[coefficients[k].get(p, 0.0) for k in chosen] for p in products])
            parts = (0, 1) if part is None else (part,)
            component = max(2 * m - 1, 0)
            out.blocks.append(CouplingBlock(len(parts), out.n_slots, chosen, component, values))
            for p in products:
                for q in parts:
                    slots[p, q] = out.n_slots
                    out.n_slots += 1
    _add_products(out, slots)
    return out


def _add_products(out: Coupling, slots: dict[tuple[Product, int], int]) -> None:
    """List the products that fill the slots."""
    ordered: list[tuple[int, int, int, int, int, int]] = []
    reverse: list[tuple[int, int, int, int, int, int]] = []
    for m1, m2 in sorted({(m1, m2) for (m1, m2, _), _ in slots}):
        if m1 and m2:
            parts = [slots.get(((m1, m2, s), part), UNUSED) for s in (1, -1) for part in (0, 1)]
            row = (2 * m1 - 1, 2 * m2 - 1, parts[0], parts[1], parts[2], parts[3])
            (ordered if m1 >= m2 else reverse).append(row)
            continue
        first, second = max(2 * m1 - 1, 0), max(2 * m2 - 1, 0)
        out.real_products.append((first, second, slots[(m1, m2, 1), 0]))
        if m1 or m2:
            imaginary = (first + (m1 > 0), second + (m2 > 0), slots[(m1, m2, 1), 1])
            out.real_products.append(imaginary)
    out.complex_products = ordered + reverse
    out.n_ordered = len(ordered)
