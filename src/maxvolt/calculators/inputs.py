"""What the calculator is made of: potentials, query strategies, options, and their checks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from maxvolt.errors import DataError, MaxvoltError, SpeciesError, nearest_name
from maxvolt.potentials import Ensemble, Potential, load
from maxvolt.selection import QueryStrategy, read_active_set
from maxvolt.uncertainty import Uncertainty, read_uncertainty

__all__ = [
    "check_names",
    "check_structure",
    "loaded",
    "loaded_query",
    "loaded_uncertainty",
    "positions_of",
]


def loaded(potential: Potential | str | Path) -> Potential:
    """Read the potential where a path is given.

    Raises
    ------
    SpeciesError
        The file does not name its species.
    DataError
        What is given is no potential.
    """
    if isinstance(potential, str | Path):
        try:
            return load(potential)
        except SpeciesError as error:
            raise SpeciesError(
                f"{error}; here: maxvolt.Calculator(maxvolt.load({str(potential)!r}, "
                "species=[...]))"
            ) from error
    if not isinstance(potential, Potential):
        raise DataError(
            "the calculator needs a potential (maxvolt.load, maxvolt.Ensemble) or the path of a "
            f"potential file, not {type(potential).__name__}: of a fit give result.potential, of "
            "several potentials maxvolt.Ensemble((...))"
        )
    return potential


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


def loaded_uncertainty(
    uncertainty: Uncertainty | str | Path | None, members: Sequence[Potential]
) -> Uncertainty | None:
    """Read the uncertainty where a path is given; it must be of these potentials.

    Raises
    ------
    DataError
        What is given is neither, or was calibrated for other potentials.
    """
    if uncertainty is None:
        return None
    if isinstance(uncertainty, str | Path):
        found = read_uncertainty(uncertainty)
    elif isinstance(uncertainty, Uncertainty):
        found = uncertainty
    else:
        raise DataError(
            "uncertainty must be a maxvolt.Uncertainty or the path of its file, not "
            f"{type(uncertainty).__name__}"
        )
    if [one.digest for one in found.members] != [one.digest for one in members]:
        raise DataError(
            "uncertainty: it was calibrated for another potential than the one given; calibrate "
            "again (maxvolt.calibrate), or take its own potential: uncertainty.potential"
        )
    if found.members == tuple(members):
        return found
    # The same numbers: what these potentials say need not be computed again for the others.
    own = Ensemble(tuple(members)) if len(members) > 1 else members[0]
    return Uncertainty(own, found.measures, found.calibration)


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
        near = nearest_name(name, known)
        hint = f"; did you mean {near}?" if near else "."
        raise MaxvoltError(f"{what} has no option {name!r}{hint} It takes {', '.join(known)}")


def positions_of(atoms: Atoms) -> NDArray[np.float64]:
    """Positions as the kernels take them, shape (N, 3)."""
    return np.ascontiguousarray(atoms.positions, dtype=np.float64)
