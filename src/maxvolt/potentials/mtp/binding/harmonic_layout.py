"""Arrays of an evaluation plan as `core/kernels/harmonic.hpp` reads them.

All components of all channels stand in one vector u: by rank, and in a rank channel after channel,
2 L + 1 components each.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from maxvolt.compiled import _core
from maxvolt.potentials.mtp.basis.harmonics import harmonics_from_monomials
from maxvolt.potentials.mtp.basis.invariants import Channel
from maxvolt.potentials.mtp.basis.plan import EvaluationPlan
from maxvolt.potentials.mtp.binding.couplings import (
    Coupling,
    CouplingTables,
    coupling_tables,
    make_coupling,
)

__all__ = ["HarmonicLayout", "HarmonicMatrix", "QuadraticForm", "harmonic_layout"]


@dataclass(frozen=True, slots=True)
class HarmonicMatrix:
    """Sparse matrix from independent basic moments to components of harmonic moments, both ways.

    Attributes
    ----------
    harmonic_rows : shape (n, 2), int32
        Component and number of its entries.
    harmonic_columns : int32
        Independent basic moments, row by row.
    harmonic_values : float64
    moment_rows, moment_columns, moment_values
        The same by moments: moment and number of its entries, components, values.
    """

    harmonic_rows: NDArray[np.int32]
    harmonic_columns: NDArray[np.int32]
    harmonic_values: NDArray[np.float64]
    moment_rows: NDArray[np.int32]
    moment_columns: NDArray[np.int32]
    moment_values: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class QuadraticForm:
    """Which products of channels make the energy; row by row, each invariant in both its rows.

    Attributes
    ----------
    rows : shape (n, 3), int32
        Component where the channel begins, 2 L + 1, number of entries; one row for each channel.
    columns : int32
        Component where the other channel begins.
    entry : int32
        Number of the invariant.
    weights : float64
        1, or 2 for the product of a channel with itself.
    invariants : shape (n, 3), int32
        Components where both channels of an invariant begin, 2 L + 1.
    """

    rows: NDArray[np.int32]
    columns: NDArray[np.int32]
    entry: NDArray[np.int32]
    weights: NDArray[np.float64]
    invariants: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class HarmonicLayout:
    """Plan of a potential without its coefficients.

    Attributes
    ----------
    n_components, constant : int
        Length of u, component that is 1 (-1: none).
    harmonics : HarmonicMatrix
    couplings : CouplingTables
    pairs : shape (n, 4), int32
        Components where both factors begin, coupling, start of the targets.
    targets : int32
        Component where each rank of each pair begins.
    form : QuadraticForm
    expansion : sparse, shape (n_scalars, n_invariants)
        Scalars in invariants.
    """

    n_components: int
    constant: int
    harmonics: HarmonicMatrix
    couplings: CouplingTables
    pairs: NDArray[np.int32]
    targets: NDArray[np.int32]
    form: QuadraticForm
    expansion: csr_array

    def arrays(self, coefficients: NDArray[np.float64]) -> _core.PlanArrays:
        """Give all arrays to the compiled core, the form for these coefficients, equation (33)."""
        form = np.asarray((coefficients @ self.expansion)[self.form.entry] * self.form.weights)
        return _core.PlanArrays(
            n_components=self.n_components,
            constant=self.constant,
            **{f.name: getattr(self.harmonics, f.name) for f in fields(self.harmonics)},
            **{f.name: getattr(self.couplings, f.name) for f in fields(self.couplings)},
            pairs=self.pairs,
            targets=self.targets,
            rows=self.form.rows,
            columns=self.form.columns,
            form=form,
            invariants=self.form.invariants,
            expansion_first=self.expansion.indptr.astype(np.int32),
            expansion_columns=self.expansion.indices.astype(np.int32),
            expansion_values=np.asarray(self.expansion.data, dtype=np.float64),
        )


Places = dict[tuple[Channel, int], int]
"""Component of u at which a channel of a rank begins."""


def harmonic_layout(plan: EvaluationPlan, moment_offsets: NDArray[np.int32]) -> HarmonicLayout:
    """Lay out a plan.

    Parameters
    ----------
    plan
        The plan.
    moment_offsets : shape (n_mu,)
        First independent basic moment of each mu (`MomentLayout`).
    """
    place, n_components = _components(plan)
    pairs, targets, couplings = _pairs(plan, place)
    return HarmonicLayout(
        n_components=n_components,
        constant=place.get(((), 0), -1),
        harmonics=_harmonics(place, moment_offsets),
        couplings=coupling_tables(couplings),
        pairs=pairs,
        targets=targets,
        form=_form(plan, place, n_components),
        expansion=plan.expansion,
    )


def _components(plan: EvaluationPlan) -> tuple[Places, int]:
    """Order the channels: by rank; the number 1, single harmonic moments, pairs."""
    channels = {(c, i.rank) for i in plan.invariants for c in (i.left, i.right)}
    channels |= {((h,), h[1]) for c, _ in channels for h in c}
    place: Places = {}
    n_components = 0
    for channel, rank in sorted(channels, key=lambda c: (c[1], len(c[0]), c[0])):
        place[channel, rank] = n_components
        n_components += 2 * rank + 1
    return place, n_components


def _harmonics(place: Places, moment_offsets: NDArray[np.int32]) -> HarmonicMatrix:
    components, moments, values = [], [], []
    for (channel, rank), begin in place.items():
        if len(channel) == 1:
            matrix = harmonics_from_monomials(rank)
            row, column = np.nonzero(matrix)
            components.append(begin + row)
            moments.append(moment_offsets[channel[0][0]] + column)
            values.append(matrix[row, column])
    component, moment, value = map(np.concatenate, (components, moments, values))
    by_row = np.lexsort((moment, component))
    by_moment = np.lexsort((component, moment))
    return HarmonicMatrix(
        harmonic_rows=_counted(component[by_row]),
        harmonic_columns=moment[by_row].astype(np.int32),
        harmonic_values=value[by_row],
        moment_rows=_counted(moment[by_moment]),
        moment_columns=component[by_moment].astype(np.int32),
        moment_values=value[by_moment],
    )


def _counted(sorted_numbers: NDArray[np.int64]) -> NDArray[np.int32]:
    """Each number and how often it occurs, shape (n, 2)."""
    return np.stack(np.unique(sorted_numbers, return_counts=True), axis=1).astype(np.int32)


def _pairs(
    plan: EvaluationPlan, place: Places
) -> tuple[NDArray[np.int32], NDArray[np.int32], list[Coupling]]:
    numbers: dict[tuple[int, int, tuple[int, ...]], int] = {}
    rows: list[tuple[int, ...]] = []
    targets: list[int] = []
    in_order = sorted(plan.pairs.items(), key=lambda p: (p[0][0][1], p[0][1][1], p[1], p[0]))
    for pair, ranks in in_order:
        (_, l1), (_, l2) = pair
        number = numbers.setdefault((l1, l2, ranks), len(numbers))
        first, second = (place[(harmonic,), harmonic[1]] for harmonic in pair)
        rows.append((first, second, number, len(targets)))
        targets += [place[pair, rank] for rank in ranks]
    couplings = [make_coupling(l1, l2, ranks) for l1, l2, ranks in numbers]
    table = np.array(rows, dtype=np.int32).reshape(-1, 4)
    return table, np.array(targets, dtype=np.int32), couplings


def _form(plan: EvaluationPlan, place: Places, n_components: int) -> QuadraticForm:
    invariants = np.array(
        [(place[i.left, i.rank], place[i.right, i.rank], 2 * i.rank + 1) for i in plan.invariants],
        dtype=np.int32,
    ).reshape(-1, 3)
    left, right, _ = invariants.T
    number = np.arange(len(invariants))
    square = left == right
    # Both halves of the symmetric form, the diagonal doubled.
    row = np.concatenate([left, right[~square]])
    column = np.concatenate([right, left[~square]])
    number = np.concatenate([number, number[~square]])
    order = np.lexsort((column, row))
    # Each channel has a row, those of no invariant an empty one: the form sets the whole gradient.
    begins = np.array(sorted(place.values()), dtype=np.int64)
    widths = np.diff(begins, append=n_components)
    counts = np.bincount(np.searchsorted(begins, row), minlength=len(begins))
    return QuadraticForm(
        rows=np.stack([begins, widths, counts], axis=1).astype(np.int32),
        columns=column[order],
        entry=number[order].astype(np.int32),
        weights=np.where(square[number], 2.0, 1.0)[order],
        invariants=invariants,
    )
