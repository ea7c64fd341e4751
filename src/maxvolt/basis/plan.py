"""The cheapest way to evaluate the scalars of a contraction table: invariants of harmonic moments.

Where a table multiplies Cartesian moments scalar by scalar, a plan couples few pairs of harmonic
moments, each once; with the linear coefficients fixed, the energy is one quadratic form in the
coupled pairs, and all scalars merge into it (docs/formulation, equations (29) to (34)).
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from maxvolt.basis.contraction import ContractionTable
from maxvolt.basis.expansion import expand_scalars
from maxvolt.basis.invariant_selection import select_invariants
from maxvolt.basis.invariants import (
    MOST_FACTORS,
    Channel,
    Invariant,
    harmonic_factors,
    scalar_vertices,
)

__all__ = ["EvaluationPlan", "evaluation_plan"]

_VERSION = 1
"""Of the cached files; counted up when plans change."""

_WORTH_KEEPING = 5_000
"""Products of a table; plans of smaller ones take no time."""


@dataclass(frozen=True, slots=True, eq=False)
class EvaluationPlan:
    """Scalars as sums of invariants.

    Attributes
    ----------
    invariants : tuple of Invariant
        Linearly independent, sorted.
    expansion : sparse, shape (n_scalars, n_invariants)
        Coefficients of each scalar in the invariants.
    """

    invariants: tuple[Invariant, ...]
    expansion: csr_array

    @property
    def pairs(self) -> dict[Channel, tuple[int, ...]]:
        """Pairs of harmonic moments, sorted, and the ranks each is coupled to."""
        ranks: dict[Channel, set[int]] = {}
        for invariant in self.invariants:
            for channel in (invariant.left, invariant.right):
                if len(channel) == 2:
                    ranks.setdefault(channel, set()).add(invariant.rank)
        return {channel: tuple(sorted(ranks[channel])) for channel in sorted(ranks)}


def evaluation_plan(table: ContractionTable) -> EvaluationPlan | None:
    """Find the plan of a table; large ones are kept in the user's cache folder.

    The folder is ``$MAXVOLT_CACHE``, else ``$XDG_CACHE_HOME/maxvolt``, else ``~/.cache/maxvolt``;
    files in it may be deleted at any time.

    Returns
    -------
    plan
        None for a table with a scalar that is not rotationally invariant or is a product of more
        than four moments; it is then evaluated as it stands.
    """
    digest = hashlib.sha256(repr((_VERSION, table.n_moments)).encode())
    for array in (table.basic, table.products, table.scalars):
        digest.update(repr(array.shape).encode() + np.ascontiguousarray(array).tobytes())
    key = digest.hexdigest()
    if key not in _recent:
        path = _cache_folder() / f"plan-{key[:32]}.npz"
        plan = _read(path) if len(table.products) > _WORTH_KEEPING else None
        if plan is None:
            plan = _make_plan(table)
            if plan is not None and len(table.products) > _WORTH_KEEPING:
                _write(path, plan)
        while len(_recent) >= _MOST_RECENT:
            _recent.pop(next(iter(_recent)))
        _recent[key] = plan
    return _recent[key]


_recent: dict[str, EvaluationPlan | None] = {}
_MOST_RECENT = 32


def _make_plan(table: ContractionTable) -> EvaluationPlan | None:
    vertices = scalar_vertices(table)
    if vertices is None or max(map(len, vertices), default=0) > MOST_FACTORS:
        return None
    factors = {f for key in set(vertices) for f in harmonic_factors(key)}
    invariants = select_invariants(sorted(factors))
    expansion = expand_scalars(table, vertices, invariants) if invariants else None
    if expansion is None:
        return None
    return EvaluationPlan(tuple(invariants), expansion)


def _cache_folder() -> Path:
    own = os.environ.get("MAXVOLT_CACHE")
    if own:
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "maxvolt"


def _rows(invariants: tuple[Invariant, ...]) -> NDArray[np.int16]:
    """One row an invariant: rank, lengths of both channels, four harmonics (mu, l), -1 for none."""
    rows = np.full((len(invariants), 11), -1, dtype=np.int16)
    for row, invariant in zip(rows, invariants, strict=True):
        numbers = [n for harmonic in invariant.left + invariant.right for n in harmonic]
        row[:3] = invariant.rank, len(invariant.left), len(invariant.right)
        row[3 : 3 + len(numbers)] = numbers
    return rows


def _invariant(row: list[int]) -> Invariant:
    rank, n_left, n_right = row[:3]
    factors = tuple((row[3 + 2 * k], row[4 + 2 * k]) for k in range(n_left + n_right))
    return Invariant(rank, factors[:n_left], factors[n_left:])


def _write(path: Path, plan: EvaluationPlan) -> None:
    """Keep a plan; where that cannot be done it is made again the next time."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".npz", delete=False) as file:
            np.savez(
                file,
                invariants=_rows(plan.invariants),
                data=plan.expansion.data,
                indices=plan.expansion.indices,
                indptr=plan.expansion.indptr,
            )
        Path(file.name).replace(path)
    except OSError:  # a folder that cannot be written costs time, not results
        return


def _read(path: Path) -> EvaluationPlan | None:
    try:
        with np.load(path) as stored:
            rows = stored["invariants"].tolist()
            parts = (stored["data"], stored["indices"], stored["indptr"])
    except (OSError, ValueError, KeyError, EOFError):  # absent, or damaged: made again
        return None
    shape = (len(parts[2]) - 1, len(rows))
    return EvaluationPlan(tuple(map(_invariant, rows)), csr_array(parts, shape=shape))
