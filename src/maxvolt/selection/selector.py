"""Passes over structures until none of their rows enlarges the volume of an active set."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from maxvolt.dataset import Dataset
from maxvolt.errors import DataError
from maxvolt.io.structures import Structures
from maxvolt.parallel.ranks import ONE_PROCESS, Ranks
from maxvolt.potentials import ParameterGradients
from maxvolt.selection.maxvol import Basis, exchange, largest_coordinates
from maxvolt.selection.mlip_order import Algorithm, check_algorithm, in_batches, with_initial_rows
from maxvolt.selection.row_store import MEMORY, Portion, RowStore
from maxvolt.selection.rows import Rows, as_datasets, iterate_rows
from maxvolt.selection.weights import RowWeights

__all__ = ["NOWHERE", "Outcome", "Selector", "grades_of_structures"]

NOWHERE = -1
"""Source, structure and equation of a row that was never replaced."""


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """A finished selection.

    Parameters
    ----------
    matrix, inverse : shape (n, n)
    owners : shape (n, 3), int64
        Source, structure and equation of each row; `NOWHERE` for one that was never replaced.
    structures
        The structures with at least one row, in the order of source and number.
    numbers : shape (k, 2), int64
        Source and number of each of them.
    grades : shape (m,)
        Of the structures of the last source before the selection.
    """

    matrix: NDArray[np.float64]
    inverse: NDArray[np.float64]
    owners: NDArray[np.int64]
    structures: Dataset
    numbers: NDArray[np.int64]
    grades: NDArray[np.float64]

    def origins(self) -> NDArray[np.int64]:
        """Return the number in `structures` and the equation of each row, shape (n, 2)."""
        origins = np.full((len(self.owners), 2), NOWHERE, np.int64)
        found = {(s, k): i for i, (s, k) in enumerate(self.numbers.tolist())}
        for row, (source, structure, equation) in enumerate(self.owners.tolist()):
            if source != NOWHERE:
                origins[row] = found[source, structure], equation
        return origins


@dataclass(frozen=True, slots=True, eq=False)
class Selector:
    """Where a selection starts, and how it is done.

    Parameters
    ----------
    potential, weights
        What rows are gradients of.
    matrix : shape (n, n)
        Rows to begin with.
    owners : shape (n, 3), int64
        As in `Outcome`.
    threshold
        Rows with a larger grade are taken in.
    threads
        Number of threads; None for every core.
    algorithm
        "stream", in bounded memory, or "mlip", in MLIP's order (see `mlip_order`).
    memory
        Bytes of rows that are held in memory; those beyond it go to a temporary file.
    atoms_at_once
        As of `iterate_rows`.
    rounding
        Grades above the threshold by less than this factor may be left by rounding, and do no harm.
    large
        Entries of rows up to this leave enough digits beside the initial 1e-6.
    ranks
        Who computes rows; the selection itself is one long chain of decisions, made here.
    entry
        Grade above which a row is looked at; None: the threshold.
    """

    potential: ParameterGradients
    weights: RowWeights
    matrix: NDArray[np.float64]
    owners: NDArray[np.int64]
    threshold: float
    threads: int | None
    algorithm: Algorithm = "stream"
    memory: int = MEMORY
    atoms_at_once: int | None = None
    rounding: float = 1.1
    large: float = 1e3
    ranks: Ranks = ONE_PROCESS
    entry: float | None = None

    def __post_init__(self) -> None:
        check_algorithm(self.algorithm)
        if not (np.isfinite(self.threshold) and self.threshold >= 1):
            raise DataError(
                f"the threshold of a selection is {self.threshold}; expected 1 or more, for "
                "example 1.001: rows of the active set have grade 1"
            )
        if not self.potential.is_trained:
            raise DataError(
                "the potential is untrained: its gradients are meaningless; fit it first, with "
                "maxvolt.fit"
            )

    def run(self, sources: Sequence[Structures], limit: int | None = None) -> Outcome:
        """Select from all sources; at most `limit` structures of the last one.

        Each source is read once. The rows are kept, and gone through until a whole pass changes
        nothing: then no structure of any source exceeds the threshold.

        Raises
        ------
        DataError
            Rounding leaves grades above the threshold.
        """
        if limit is not None and limit < 0:
            raise DataError(f"limit is {limit}; expected the largest number of structures")
        if limit is not None and self.algorithm == "mlip":
            raise DataError("MLIP's order has no limit of structures; give only one of the two")
        # One thread for linear algebra: the same sums, and so the same choice, on every machine.
        with RowStore(self.memory) as store, threadpool_limits(1, user_api="blas"):
            start, owners, last = self.matrix, self.owners.copy(), len(sources) - 1
            basis, grades = Basis(start), [np.empty(0)]
            before = basis.inverse
            for number, portion in enumerate(self._portions(sources)):
                if number == 0 and (owners == NOWHERE).all() and self.algorithm == "stream":
                    start = _of_size(start, portion.rows.values, self.large)
                    basis = Basis(start)
                    before = basis.inverse
                if portion.source == last:
                    grades.append(_grades(portion, before))
                self._offer(basis, owners, portion)
                store.append(portion)
            self._settle(basis, owners, store, None)
            chosen = _of_source(owners, last)
            if limit is not None and len(chosen) > limit:
                basis, owners = self._limited(start, store, last, limit, owners)
            numbers = np.unique(owners[owners[:, 0] != NOWHERE, :2], axis=0)
            return Outcome(
                matrix=basis.matrix,
                inverse=basis.inverse,
                owners=owners,
                structures=_structures(store, numbers),
                numbers=numbers,
                grades=np.concatenate(grades),
            )

    def _portions(self, sources: Sequence[Structures]) -> Iterator[Portion]:
        portions = self._pieces(sources)
        return in_batches(portions) if self.algorithm == "mlip" else portions

    def _pieces(self, sources: Sequence[Structures]) -> Iterator[Portion]:
        for number, structures in enumerate(sources):
            first = 0
            for dataset in as_datasets(structures, self.potential.species):
                for part, rows in iterate_rows(
                    self.potential,
                    self.weights,
                    dataset,
                    first=first,
                    threads=self.threads,
                    atoms_at_once=self.atoms_at_once,
                    ranks=self.ranks,
                ):
                    yield Portion(number, first + part.start, dataset.select(part), rows)
                first += len(dataset)

    def _offer(self, basis: Basis, owners: NDArray[np.int64], portion: Portion) -> None:
        rows, values, at_once = portion.rows, portion.rows.values, None
        if self.algorithm == "mlip":
            values = with_initial_rows(values, self.matrix[self.owners[:, 0] == NOWHERE])
            at_once = len(values)
        changed = basis.offer(values, self.threshold, at_once=at_once, entry=self.entry)
        for position, row in changed.items():
            if row < len(rows):
                owners[position] = portion.source, rows.structures[row], rows.equations[row]
            else:
                owners[position] = NOWHERE

    def _settle(
        self,
        basis: Basis,
        owners: NDArray[np.int64],
        store: RowStore,
        allowed: dict[int, NDArray[np.int64]] | None,
    ) -> None:
        """Go through all rows until none enters; of some sources, those of allowed structures."""
        before = -1
        while basis.swaps != before:
            before, basis.kept_out = basis.swaps, 0.0
            for portion in store:
                if allowed is not None and portion.source in allowed:
                    portion = _only(portion, allowed[portion.source])
                self._offer(basis, owners, portion)
        if basis.kept_out > self.rounding * (self.entry or self.threshold):
            raise DataError(
                f"the active set cannot be found: rounding leaves grades of {basis.kept_out:.2g} "
                "where none above the threshold should be. The gradients of this potential are too "
                "large beside the rows that the set began with; make it again from the training "
                "set (maxvolt select POT TRAIN --save-active-set), or fit the potential again"
            )

    def _limited(
        self,
        start: NDArray[np.float64],
        store: RowStore,
        last: int,
        limit: int,
        chosen: NDArray[np.int64],
    ) -> tuple[Basis, NDArray[np.int64]]:
        """Select again among the structures that won, largest grade first, up to the limit."""
        pool = [
            (portion.source, portion.rows.select(np.isin(portion.rows.structures, wanted)))
            for portion in store
            if len(wanted := _of_source(chosen, portion.source))
        ]
        rows = Rows(
            np.concatenate([rows.values for _, rows in pool]),
            np.concatenate([rows.structures for _, rows in pool]),
            np.concatenate([rows.equations for _, rows in pool]),
        )
        sources = np.concatenate([np.full(len(rows), source) for source, rows in pool])
        basis, owners, tried = Basis(start), self.owners.copy(), self.owners.copy()
        names = np.column_stack([sources, rows.structures, rows.equations])
        coordinates = rows.values @ basis.inverse
        if limit == 0:
            coordinates[sources == last] = 0.0

        def close_at_limit(candidate: int, position: int) -> None:
            tried[position] = names[candidate]
            inside = _of_source(tried, last)
            if len(inside) >= limit:
                coordinates[(sources == last) & ~np.isin(rows.structures, inside)] = 0.0

        swaps = exchange(coordinates, self.threshold, close_at_limit)
        for position, candidate in basis.swap(rows.values, swaps).items():
            owners[position] = names[candidate]
        self._settle(basis, owners, store, {last: _of_source(owners, last)})
        return basis, owners


def _of_size(
    matrix: NDArray[np.float64], rows: NDArray[np.float64], large: float
) -> NDArray[np.float64]:
    """Scale the columns of an initial matrix where those of the first rows are large.

    What is 1e-6 beside 1e8 would be lost in the rounding of the rest. Potentials whose moments are
    of the size that MLIP gives them have no such columns.
    """
    return np.asarray(matrix * np.maximum(1.0, abs(rows).max(axis=0, initial=0.0) / large))


def grades_of_structures(
    grades: NDArray[np.float64], structures: NDArray[np.int64], count: int
) -> NDArray[np.float64]:
    """Largest grade of the rows of each structure, 0 for one that has none, shape (count,)."""
    found = np.zeros(count)
    begin = np.flatnonzero(np.diff(structures, prepend=-1))
    if len(begin):
        found[structures[begin]] = np.maximum.reduceat(grades, begin)
    return found


def _grades(portion: Portion, inverse: NDArray[np.float64]) -> NDArray[np.float64]:
    rows = portion.rows
    grades = largest_coordinates(rows.values @ inverse)
    return grades_of_structures(grades, rows.structures - portion.first, len(portion.structures))


def _of_source(owners: NDArray[np.int64], source: int) -> NDArray[np.int64]:
    """Numbers of the structures of a source that have a row."""
    return np.unique(owners[owners[:, 0] == source, 1])


def _only(portion: Portion, structures: NDArray[np.int64]) -> Portion:
    chosen = portion.rows.select(np.isin(portion.rows.structures, structures))
    return Portion(portion.source, portion.first, portion.structures, chosen)


def _structures(store: RowStore, numbers: NDArray[np.int64]) -> Dataset:
    """Collect structures by source and number; portions come in this order."""
    found = []
    for portion in store:
        wanted = numbers[numbers[:, 0] == portion.source, 1] - portion.first
        inside = wanted[(wanted >= 0) & (wanted < len(portion.structures))]
        if len(inside):
            found.append(portion.structures.select(inside))
    return Dataset.concatenate(found)
