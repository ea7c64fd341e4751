"""Calls of the compiled kernels; `reference.py` says the same in NumPy.

All derivatives with respect to parameters are ordered radial, species, moment coefficients
(docs/formulation, equations (17) and (18)); those by radial coefficients are by the product of
coefficient and scaling, which is all that the kernels know, where `reference.py` takes the
coefficient alone. Virials are dE/d(strain) in eV, Voigt order of `maxvolt.units`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray

from maxvolt.compiled import _core
from maxvolt.errors import MaxvoltError
from maxvolt.neighbors.neighborhoods import Neighborhoods
from maxvolt.potentials.mtp.binding.jacobians import Jacobian, aligned_zeros
from maxvolt.potentials.mtp.binding.windows import system_of, windows_of
from maxvolt.potentials.refusals import check_distinct, check_finite
from maxvolt.potentials.results import Energies, Precision
from maxvolt.threads import map_ranges, run_ranges, split, thread_count

__all__ = [
    "ATOMS_TO_FOLD",
    "BEST",
    "Columns",
    "EvaluationArrays",
    "Jacobian",
    "atomic_virials",
    "check_precision",
    "directional_gradient",
    "evaluate",
    "evaluate_with_gradients",
    "instruction_sets",
    "invariant_rows",
    "jacobian",
    "site_gradients",
    "structure_gradients",
    "window_ranges",
]

Columns = Literal["all", "radial", "linear"]

BEST = ""
"""Name that stands for the best instruction set of this processor."""

_WINDOWS_AT_ONCE = 16
"""Windows evaluated without a break: long against its cost, at high levels about a second."""

ATOMS_TO_FOLD = 20_000
"""Atoms for which a thread that sums their forces costs less than it saves."""


def instruction_sets() -> tuple[str, ...]:
    """Instruction sets that this processor and build offer, best first."""
    return tuple(_core.kernel_names())


def check_precision(core: _core.Core, precision: str) -> None:
    """Refuse a precision that there is not, or not for this model.

    Raises
    ------
    MaxvoltError
        The precision is unknown, or single for a potential without a plan.
    """
    if precision not in ("double", "single"):
        raise MaxvoltError(f'precision must be "double" or "single"; got {precision!r}')
    if precision == "single" and not core.has_plan:
        raise MaxvoltError(
            'precision="single" is not available for this potential: it has scalars of more than '
            'four moments, or of moments of very high rank; use "double"'
        )


def evaluate(
    core: _core.Core,
    neighborhoods: Neighborhoods,
    *,
    threads: int | None = None,
    kernels: str = BEST,
    precision: Precision = "double",
) -> Energies:
    """Energies, forces and virials, equations (1) to (6).

    Parameters
    ----------
    core
        Compiled model.
    neighborhoods
        Structures and neighbours.
    threads
        Number of threads; None for every core.
    kernels
        Instruction set, one of `instruction_sets`; the best by default.
    precision
        "single" computes moments and contractions in single precision, two blocks of atoms at once;
        distances, radial functions and sums of forces stay double.

    Raises
    ------
    DataError
        Two atoms coincide.
    MaxvoltError
        The precision is unknown, or single for a potential without a plan.
    """
    check_precision(core, precision)
    single = precision == "single"
    into = EvaluationArrays.of(neighborhoods)
    threads = thread_count(threads)
    found = run_ranges(
        lambda _, begin, end: _core.evaluate(
            core,
            system_of(neighborhoods),
            begin,
            end,
            kernels,
            single,
            into.energies,
            into.rows,
            into.virials,
        ),
        window_ranges(neighborhoods, threads),
        threads,
    )
    check_distinct(found, neighborhoods)
    return into.folded(neighborhoods, threads)


@dataclass(frozen=True, slots=True, eq=False)
class EvaluationArrays:
    """What the kernels write energies, forces and virials to, window by window."""

    energies: NDArray[np.float64]
    rows: NDArray[np.float64]
    virials: NDArray[np.float64]

    @classmethod
    def of(cls, neighborhoods: Neighborhoods) -> Self:
        """Make room for the results of all windows."""
        return cls(
            np.empty(neighborhoods.n_atoms),
            _core.empty_rows(windows_of(neighborhoods).n_rows),
            np.empty((windows_of(neighborhoods).n_parts, 6)),
        )

    def folded(self, neighborhoods: Neighborhoods, threads: int) -> Energies:
        """Sum up what all windows say of the same atoms and structures."""
        virials = np.zeros((neighborhoods.n_structures, 6))
        _core.fold_virials(system_of(neighborhoods), self.virials, virials)
        return Energies(self.energies, _folded_forces(neighborhoods, self.rows, threads), virials)


def _folded_forces(
    neighborhoods: Neighborhoods, rows: NDArray[np.float64], threads: int
) -> NDArray[np.float64]:
    """Sum up the rows of each atom, shape (N, 3)."""
    forces = np.empty((neighborhoods.n_atoms, 3))
    run_ranges(
        lambda _, begin, end: _core.fold_forces(system_of(neighborhoods), begin, end, rows, forces),
        split(neighborhoods.n_atoms, min(threads, neighborhoods.n_atoms // ATOMS_TO_FOLD)),
        threads,
    )
    return forces


def window_ranges(neighborhoods: Neighborhoods, threads: int) -> list[tuple[int, int]]:
    """Ranges of windows: as many for each thread, none so long that Ctrl-C would seem to hang."""
    n = windows_of(neighborhoods).n_windows
    return split(n, threads * max(1, -(-n // (threads * _WINDOWS_AT_ONCE))))


def atomic_virials(
    core: _core.Core,
    neighborhoods: Neighborhoods,
    *,
    threads: int | None = None,
    kernels: str = BEST,
) -> NDArray[np.float64]:
    """Share of each atom in the virial, equation (13a), shape (N, 3, 3), eV.

    Entry [i, a, b] is the sum over neighbours j of component a of the vector from j to i times the
    derivative of the energy of j by component b of that vector. The sum over atoms is dE/d(strain);
    one share need not be symmetric. Parameters and errors as of `evaluate`.
    """
    threads = thread_count(threads)
    into = EvaluationArrays.of(neighborhoods)
    moments = [_core.empty_rows(windows_of(neighborhoods).n_rows) for _ in range(3)]
    evaluated = (into.energies, into.rows, into.virials, *moments)
    found = run_ranges(
        lambda _, begin, end: _core.evaluate_moments(
            core, system_of(neighborhoods), begin, end, kernels, *evaluated
        ),
        window_ranges(neighborhoods, threads),
        threads,
    )
    check_distinct(found, neighborhoods)
    check_finite(into.folded(neighborhoods, threads), neighborhoods)
    return np.stack([_folded_forces(neighborhoods, rows, threads) for rows in moments], axis=1)


def site_gradients(
    core: _core.Core,
    neighborhoods: Neighborhoods,
    *,
    threads: int | None = None,
    kernels: str = BEST,
) -> NDArray[np.float64]:
    """Gradient of every site energy with respect to all parameters, shape (N, P).

    Parameters and errors as of `evaluate`.
    """
    return _site_gradients(core, neighborhoods, None, threads, kernels)


def structure_gradients(
    core: _core.Core,
    neighborhoods: Neighborhoods,
    *,
    threads: int | None = None,
    kernels: str = BEST,
) -> NDArray[np.float64]:
    """Gradient of every energy with respect to all parameters, shape (n, P).

    Rows of the atoms are summed up a few at a time: memory does not grow with the atoms, and the
    order of the sums does not depend on the number of threads. Parameters and errors as of
    `evaluate`.
    """
    return _structure_gradients(core, neighborhoods, None, threads, kernels)


def evaluate_with_gradients(
    core: _core.Core,
    neighborhoods: Neighborhoods,
    *,
    sites: bool = False,
    threads: int | None = None,
    kernels: str = BEST,
) -> tuple[Energies, NDArray[np.float64]]:
    """Energies, forces and virials together with gradients by the parameters, in one pass.

    Parameters
    ----------
    core, neighborhoods, threads, kernels
        As of `evaluate`.
    sites
        True: the gradients of `site_gradients`; False: those of `structure_gradients`.
    """
    threads = thread_count(threads)
    into = EvaluationArrays.of(neighborhoods)
    compute = _site_gradients if sites else _structure_gradients
    gradients = compute(core, neighborhoods, into, threads, kernels)
    return into.folded(neighborhoods, threads), gradients


def _site_gradients(
    core: _core.Core,
    neighborhoods: Neighborhoods,
    into: EvaluationArrays | None,
    threads: int | None,
    kernels: str,
) -> NDArray[np.float64]:
    threads = thread_count(threads)
    gradients = np.empty((neighborhoods.n_atoms, core.n_parameters))
    evaluated = () if into is None else (into.energies, into.rows, into.virials)
    found = run_ranges(
        lambda _, begin, end: _core.site_gradients(
            core, system_of(neighborhoods), begin, end, kernels, gradients, *evaluated
        ),
        window_ranges(neighborhoods, threads),
        threads,
    )
    check_distinct(found, neighborhoods)
    return gradients


def _structure_gradients(
    core: _core.Core,
    neighborhoods: Neighborhoods,
    into: EvaluationArrays | None,
    threads: int | None,
    kernels: str,
) -> NDArray[np.float64]:
    width = core.n_parameters
    evaluated = () if into is None else (into.energies, into.rows, into.virials)

    def work(begin: int, end: int) -> tuple[int, slice, NDArray[np.float64]]:
        first, last = windows_of(neighborhoods).structures(begin)
        parts = np.empty((last - first, width))
        bad = _core.structure_gradients(
            core, system_of(neighborhoods), begin, end, kernels, parts, *evaluated
        )
        return bad, slice(first, last), parts

    out = np.zeros((neighborhoods.n_structures, width))
    windows = [(w, w + 1) for w in range(windows_of(neighborhoods).n_windows)]
    for bad, structures, parts in map_ranges(work, windows, thread_count(threads)):
        check_distinct([bad], neighborhoods)
        out[structures] += parts
    return out


def directional_gradient(
    core: _core.Core,
    neighborhoods: Neighborhoods,
    energy_weights: NDArray[np.float64],
    displacements: NDArray[np.float64],
    strains: NDArray[np.float64],
    *,
    threads: int | None = None,
    kernels: str = BEST,
) -> NDArray[np.float64]:
    """Gradient with respect to the parameters of sum_s w_s E_s + dE(displacements, strains).

    dE is the derivative of the total energy when atoms move along `displacements` and cells along
    `strains`. With residuals as weights this is half the gradient of the loss, equation (26).

    Parameters
    ----------
    core, neighborhoods, threads, kernels
        As of `evaluate`.
    energy_weights : shape (n,)
    displacements : shape (N, 3)
    strains : shape (n, 3, 3)

    Returns
    -------
    gradient : shape (P,)
    """
    threads = thread_count(threads)
    ranges = split(windows_of(neighborhoods).n_windows, threads)
    gradients = np.zeros((len(ranges), core.n_parameters))
    w, d, e = (
        np.ascontiguousarray(a, dtype=float) for a in (energy_weights, displacements, strains)
    )
    found = run_ranges(
        lambda part, begin, end: _core.directional_gradient(
            core, system_of(neighborhoods), begin, end, kernels, w, d, e, gradients[part]
        ),
        ranges,
        threads,
    )
    check_distinct(found, neighborhoods)
    return np.asarray(gradients.sum(axis=0))


def jacobian(
    core: _core.Core,
    neighborhoods: Neighborhoods,
    *,
    columns: Columns = "all",
    precision: Precision = "double",
    kernels: str = BEST,
) -> Jacobian:
    """Derivatives of energies, forces and virials with respect to parameters, on one thread.

    Columns of the linear parameters are the rows of the linear least-squares problem, those of the
    radial coefficients complete them for Gauss-Newton steps, equation (24). Either costs about half
    of both together. A caller that wants several threads gives each its own structures.

    Parameters
    ----------
    core, neighborhoods, kernels
        As of `evaluate`.
    columns
        Parameters wanted: all of them, the radial coefficients, or the species and moment
        coefficients.
    precision
        Of what each atom adds to the columns of the radial coefficients; sums are in double
        precision.
    """
    radial, linear = columns != "linear", columns != "radial"
    rows = Jacobian.zeros(neighborhoods, core.n_columns(radial, linear))
    bad = _core.jacobian(
        *(core, system_of(neighborhoods), 0, windows_of(neighborhoods).n_windows, kernels),
        *(rows.energies, rows.forces, rows.virials),
        *(radial, linear, precision == "single"),
    )
    check_distinct([bad], neighborhoods)
    return rows


def invariant_rows(
    core: _core.Core,
    neighborhoods: Neighborhoods,
    n_columns: int,
    *,
    factors: NDArray[np.float64] | None = None,
    precision: Precision = "double",
    kernels: str = BEST,
) -> Jacobian:
    """Derivatives by the coefficients of the plan's invariants, on one thread, equation (240).

    They cost less than those by the coefficients of the scalars, which are sums of them.

    Parameters
    ----------
    core
        With an evaluation plan.
    neighborhoods, kernels
        As of `evaluate`.
    n_columns
        Width of the rows, a multiple of 16: the invariants, then the species; zeros behind them.
    factors : shape (n + 3 N + 6 n,), optional
        Each row is multiplied by its factor. Where those of a structure's virial are all zero, its
        rows are not made.
    precision
        Of the rows of forces before they are multiplied: "single" takes half of the time and leaves
        a relative error of about 1e-7 of the largest share. Sums of energies and virials are in
        double precision.
    """
    rows, single = Jacobian.zeros(neighborhoods, n_columns), precision == "single"
    n = neighborhoods.n_structures
    virials = np.ones((n, 6)) if factors is None else factors[len(factors) - 6 * n :].reshape(n, 6)
    has_virial = np.ascontiguousarray((virials != 0).any(axis=1))
    forces = aligned_zeros(rows.forces.shape, np.float32) if single else rows.forces
    bad = _core.invariant_rows(
        *(core, system_of(neighborhoods), 0, windows_of(neighborhoods).n_windows, kernels),
        *(rows.energies, forces, rows.virials, has_virial),
    )
    check_distinct([bad], neighborhoods)
    if single:
        np.copyto(rows.forces, forces)
    if factors is not None:
        rows.table[:] *= factors[:, None]
    return rows
