"""What the calculator is made of: potentials, query strategies, options, and their checks."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from ase import Atoms

from maxvolt.errors import DataError, MaxvoltError, SpeciesError
from maxvolt.native.kernels import Energies
from maxvolt.native.neighborhoods import Neighborhoods
from maxvolt.native.threads import thread_count
from maxvolt.potentials import MTP
from maxvolt.potentials.files import read_potential
from maxvolt.selection import QueryStrategy, read_active_set

__all__ = [
    "NeighborhoodPotential",
    "PotentialEnsemble",
    "check_names",
    "check_options",
    "check_structure",
    "loaded",
    "loaded_query",
    "members_of",
]


@runtime_checkable
class NeighborhoodPotential(Protocol):
    """What the calculator asks of a potential."""

    @property
    def species(self) -> tuple[str, ...]:
        """Symbols of the elements it knows, in the order of its types."""

    @property
    def cutoff(self) -> float:
        """Largest distance of interacting atoms, Angstrom."""

    def evaluate_neighborhoods(
        self, where: Neighborhoods, *, threads: int | None = None
    ) -> Energies:
        """Energies, forces and virials; neighbours beyond the cutoff are skipped."""


class PotentialEnsemble(Protocol):
    """Several potentials for the same material."""

    @property
    def members(self) -> Sequence[NeighborhoodPotential]:
        """The potentials."""


def loaded(
    potential: NeighborhoodPotential | PotentialEnsemble | str | Path,
) -> NeighborhoodPotential | PotentialEnsemble:
    """Read the potential where a path is given.

    Raises
    ------
    SpeciesError
        The file does not name its species.
    """
    if not isinstance(potential, str | Path):
        return potential
    try:
        return read_potential(potential)
    except SpeciesError as error:
        raise SpeciesError(
            f"{error}; here: maxvolt.Calculator(maxvolt.read_potential({str(potential)!r}, "
            "species=[...]))"
        ) from error


def loaded_query(query: QueryStrategy | str | Path | None) -> QueryStrategy | None:
    """Read the active set where a path is given.

    Raises
    ------
    DataError
        What is given is neither.
    """
    if query is None or isinstance(query, QueryStrategy):
        return query
    if not isinstance(query, str | Path):
        raise DataError(
            "query must be a maxvolt.ActiveSet, a maxvolt.Committee or the path of a potential "
            f"file with an active set, not {type(query).__name__}"
        )
    return read_active_set(query)


def members_of(
    potential: NeighborhoodPotential | PotentialEnsemble,
) -> tuple[NeighborhoodPotential, ...]:
    """Give the potentials of an ensemble, or the one there is.

    Raises
    ------
    DataError
        None, or something that is no potential.
    """
    members = tuple(getattr(potential, "members", (potential,)))
    if not members:
        raise DataError("the ensemble has no member")
    for member in members:
        if not isinstance(member, NeighborhoodPotential):
            raise DataError(
                "the calculator needs a potential (maxvolt.MTP, maxvolt.Ensemble) or the path of "
                f"a potential file, not {type(member).__name__}: of a fit give result.potential, "
                "of several potentials maxvolt.Ensemble((...))"
            )
    return members


def check_structure(atoms: Atoms) -> None:
    """Refuse what no neighbour list can be built for, naming the first atom at fault."""
    if len(atoms) == 0:
        raise DataError("the structure has no atoms")
    if np.isfinite(atoms.positions.sum() + atoms.cell.array.sum()):
        return
    bad = np.flatnonzero(~np.isfinite(atoms.positions).all(axis=1))
    if len(bad):
        others = f" (and {len(bad) - 1} more)" if len(bad) > 1 else ""
        raise DataError(
            f"atom {bad[0]}{others} has the position "
            f"{atoms.positions[bad[0]].tolist()}, which is not finite: a dynamics or relaxation "
            "that blew up? Look at the last good step, use a shorter time step"
        )
    if not np.isfinite(atoms.cell.array).all():
        raise DataError(f"the cell is not finite: {atoms.cell.array.tolist()}")


def check_names(given: Iterable[str], known: Sequence[str], what: str) -> None:
    """Refuse options that do not exist, naming the one that may be meant.

    Raises
    ------
    MaxvoltError
        An unknown option.
    """
    for name in given:
        if name in known:
            continue
        near = difflib.get_close_matches(name, known, n=1)
        hint = f"; did you mean {near[0]}?" if near else "."
        raise MaxvoltError(f"{what} has no option {name!r}{hint} It takes {', '.join(known)}")


def check_options(
    members: Sequence[NeighborhoodPotential], *, threads: int | None, precision: str
) -> None:
    """Refuse a number of threads and a precision that cannot be.

    Raises
    ------
    MaxvoltError
        Threads below one; a precision that is unknown, or not available for a member.
    """
    thread_count(threads)
    if precision not in ("double", "single"):
        raise MaxvoltError(f'precision must be "double" or "single"; got {precision!r}')
    for member in members:
        if isinstance(member, MTP):
            member.check_options(threads=threads, precision=precision)
        elif precision == "single":
            raise MaxvoltError(
                f'precision="single" is not available for {type(member).__name__}; use "double"'
            )
