"""Potentials and ensembles as an ASE calculator."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
from ase import Atoms
from ase.calculators.calculator import (
    Calculator,
    PropertyNotImplementedError,
    all_changes,
    all_properties,
)
from ase.outputs import Properties
from numpy.typing import NDArray

from maxvolt.calculators.verlet import VerletNeighbors
from maxvolt.errors import DataError, SpeciesError
from maxvolt.native.kernels import Energies, Precision
from maxvolt.native.neighborhoods import Neighborhoods
from maxvolt.potentials.files import read_potential
from maxvolt.potentials.neighborhoods import species_types
from maxvolt.selection import Grades, QueryStrategy, read_active_set

__all__ = ["MaxvoltCalculator", "member_calculators"]


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


class MaxvoltCalculator(Calculator):
    """ASE calculator of a potential, or of the mean of an ensemble.

    Results, in ASE's units and sign: ``energy`` and ``free_energy`` (the same), ``energies`` (per
    atom), ``forces`` and, where the cell is periodic in three directions, ``stress``. All are
    computed at once, whichever is asked for.

    An ensemble gives the mean over its members and, as further results, the sample standard
    deviation over them: ``energy_std`` (eV), ``energies_std`` (N,), ``forces_std`` (N, 3) and
    ``stress_std`` (6,); read them with ``calculator.get_property("energy_std", atoms)``.

    With a query strategy (an active set or a committee) it also says how far the structure
    extrapolates: ``grade`` (one number) and, where the strategy has them, ``grades`` (N,).

    Parameters
    ----------
    potential
        A potential, an ensemble, or the path of a potential file that names its species.
    query
        What grades structures: a `maxvolt.ActiveSet`, a `maxvolt.Committee`, or the path of a
        potential file with an active set; None: no grades.
    skin
        How far beyond the cutoff the neighbour list reaches, Angstrom. A longer skin makes each
        step slower and rebuilds rarer; see `VerletNeighbors`. 0 builds the list at each step,
        None finds a length that suits how the atoms move.
    threads
        Number of threads; None for every core.
    precision
        "single" is up to twice as fast and good to 1e-6 of the forces (docs/conventions); grades
        stay double.

    Examples
    --------
    ``atoms.calc = maxvolt.Calculator("pot.mtp")``, or for a file that does not name its species
    ``maxvolt.Calculator(maxvolt.read_potential("pot.mtp", species=["Mo"]))``

    Raises
    ------
    SpeciesError
        The file does not name its species.
    FileFormatError
        The file is no valid potential.
    DataError
        What is given is none of these.
    """

    name = "maxvolt"
    implemented_properties: list[str] = [  # noqa: RUF012 (as ASE declares it)
        "energy",
        "free_energy",
        "energies",
        "forces",
        "stress",
        "energy_std",
        "energies_std",
        "forces_std",
        "stress_std",
        "grade",
        "grades",
    ]

    def __init__(
        self,
        potential: NeighborhoodPotential | PotentialEnsemble | str | Path,
        *,
        query: QueryStrategy | str | Path | None = None,
        skin: float | None = None,
        threads: int | None = None,
        precision: Precision = "double",
        **kwargs: Any,
    ) -> None:
        Calculator.__init__(self, **kwargs)
        self.query = _loaded_query(query)
        self.potential: NeighborhoodPotential | PotentialEnsemble
        if self.query is not None and isinstance(potential, str | Path) and potential == query:
            self.potential = self.query.members[0]  # one file: one potential
        else:
            self.potential = _loaded(potential)
        self.threads = threads
        # Only potentials that have it are asked for single precision.
        self._options: dict[str, Any] = {} if precision == "double" else {"precision": precision}
        self._members = _members_of(self.potential)
        cutoff = max(member.cutoff for member in self._members)
        if self.query is not None:
            cutoff = max(cutoff, self.query.cutoff)
        self._skin = skin
        self.neighbors = VerletNeighbors(cutoff, skin)
        self._types: tuple[NDArray[Any], list[NDArray[np.int32]]] | None = None

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: Sequence[str] = ("energy",),
        system_changes: Sequence[str] = tuple(all_changes),
    ) -> None:
        """Compute all results for `atoms`.

        Parameters
        ----------
        atoms
            Structure; the last one when None.
        properties
            What is asked for; all that exist are computed anyway.
        system_changes
            Not needed: what changed is found by comparison.

        Raises
        ------
        SpeciesError
            An element that the potential does not know.
        DataError
            Positions or cell that are not finite, or no atom at all.
        PropertyNotImplementedError
            Stress without a cell periodic in three directions, or a spread of one potential.
        """
        if atoms is not None:
            self.atoms = atoms.copy()
        # Numbers of the last structure must not outlive a failure.
        self.results = {}
        structure = self.atoms
        if not isinstance(structure, Atoms):
            raise DataError("calculate needs a structure: none was given, now or before")
        _check(structure)
        results = self._evaluate(structure)
        for wanted in properties:
            if wanted not in results:
                raise PropertyNotImplementedError(self._why_absent(wanted, structure))
        self.results = results

    def reset(self) -> None:
        """Forget structure, results and neighbours: what follows is as of a new calculator."""
        Calculator.reset(self)
        self.neighbors = VerletNeighbors(self.neighbors.cutoff, self._skin)

    def check_state(self, atoms: Atoms, tol: float = 1e-15) -> list[str]:
        """List what has changed since the last calculation, of what results depend on.

        Any difference counts, so `tol` does not matter.
        """
        old = self.atoms
        if not isinstance(old, Atoms) or len(old) != len(atoms):
            return list(all_changes)
        pairs = {
            "positions": (old.positions, atoms.positions),
            "numbers": (old.numbers, atoms.numbers),
            "cell": (old.cell.array, atoms.cell.array),
            "pbc": (old.pbc, atoms.pbc),
        }
        return [name for name, (then, now) in pairs.items() if not np.array_equal(then, now)]

    def export_properties(self) -> Properties:
        """Give the results that ASE has names for (the spreads of an ensemble are not)."""
        return Properties({k: v for k, v in self.results.items() if k in all_properties})

    def _evaluate(self, atoms: Atoms) -> dict[str, Any]:
        positions = np.ascontiguousarray(atoms.positions, dtype=np.float64)
        cell = np.ascontiguousarray(atoms.cell.array, dtype=np.float64)
        types = self._types_of(atoms.numbers)
        kept = self.neighbors.neighborhoods(positions, cell, atoms.pbc, types[0])
        volume = atoms.get_volume() if atoms.pbc.all() else None
        wheres = [kept.with_types(numbers) for numbers in types]
        query, grades = self.query, None
        # Of potentials that are also graded by: all in one pass, which is in double precision.
        if query is not None and query.members == self._members and not self._options:
            energies, grades = query.evaluate_neighborhoods(wheres[0], threads=self.threads)
        else:
            energies = tuple(
                member.evaluate_neighborhoods(where, threads=self.threads, **self._options)
                for member, where in zip(self._members, wheres, strict=True)
            )
        if query is not None and grades is None:
            numbers = species_types(atoms.numbers, query.species)
            where = kept.with_types(numbers)
            known = energies if query.members == self._members else None
            grades = query.grade_neighborhoods(where, known, threads=self.threads)
        each = [_results(one, volume) for one in energies]
        results = each[0] if len(each) == 1 else _mean_and_spread(each)
        return results if grades is None else results | _graded(grades)

    def _types_of(self, numbers: NDArray[Any]) -> list[NDArray[np.int32]]:
        """Species index of each atom, for each member."""
        if self._types is None or not np.array_equal(self._types[0], numbers):
            found = [species_types(numbers, member.species) for member in self._members]
            self._types = numbers.copy(), found
        return self._types[1]

    def _why_absent(self, wanted: str, atoms: Atoms) -> str:
        if wanted not in self.implemented_properties:
            return f"maxvolt does not compute {wanted!r}"
        if wanted.endswith("_std") and len(self._members) == 1:
            return f"{wanted} is the spread of an ensemble; this calculator has one potential"
        if wanted in ("grade", "grades"):
            return _why_no_grade(wanted, self.query)
        return (
            f"{wanted} needs a cell periodic in three directions; this structure has pbc "
            f"{tuple(bool(p) for p in atoms.pbc)}"
        )


def member_calculators(
    potential: NeighborhoodPotential | PotentialEnsemble | str | Path,
    *,
    skin: float | None = None,
    threads: int | None = None,
) -> tuple[MaxvoltCalculator, ...]:
    """Give each member of an ensemble its own calculator (one for a single potential)."""
    return tuple(
        MaxvoltCalculator(member, skin=skin, threads=threads)
        for member in _members_of(_loaded(potential))
    )


def _loaded(
    potential: NeighborhoodPotential | PotentialEnsemble | str | Path,
) -> NeighborhoodPotential | PotentialEnsemble:
    """Read the potential where a path is given."""
    if not isinstance(potential, str | Path):
        return potential
    try:
        return read_potential(potential)
    except SpeciesError as error:
        raise SpeciesError(
            f"{error}; here: maxvolt.Calculator(maxvolt.read_potential({str(potential)!r}, "
            "species=[...]))"
        ) from error


def _loaded_query(query: QueryStrategy | str | Path | None) -> QueryStrategy | None:
    """Read the active set where a path is given."""
    if query is None or isinstance(query, QueryStrategy):
        return query
    if not isinstance(query, str | Path):
        raise DataError(
            "query must be a maxvolt.ActiveSet, a maxvolt.Committee or the path of a potential "
            f"file with an active set, not {type(query).__name__}"
        )
    return read_active_set(query)


def _why_no_grade(wanted: str, query: QueryStrategy | None) -> str:
    if query is None:
        return f"{wanted} needs a query, such as a maxvolt.ActiveSet; this calculator has none"
    return f"{wanted} of atoms do not exist here: {query.description}"


def _members_of(
    potential: NeighborhoodPotential | PotentialEnsemble,
) -> tuple[NeighborhoodPotential, ...]:
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


def _check(atoms: Atoms) -> None:
    """Refuse what no neighbour list can be built for, naming the first atom at fault."""
    if len(atoms) == 0:
        raise DataError("the structure has no atoms")
    if np.isfinite(atoms.positions.sum() + atoms.cell.array.sum()):
        return
    bad = np.flatnonzero(~np.isfinite(atoms.positions).all(axis=1))
    if len(bad):
        raise DataError(
            f"atom {bad[0]} (and {len(bad) - 1} more) has the position "
            f"{atoms.positions[bad[0]].tolist()}, which is not finite: a dynamics or relaxation "
            "that blew up? Look at the last good step, use a shorter time step"
        )
    if not np.isfinite(atoms.cell.array).all():
        raise DataError(f"the cell is not finite: {atoms.cell.array.tolist()}")


def _results(energies: Energies, volume: float | None) -> dict[str, Any]:
    total = float(energies.site_energies.sum())
    results: dict[str, Any] = {
        "energy": total,
        "free_energy": total,
        "energies": energies.site_energies,
        "forces": energies.forces,
    }
    if volume is not None:
        results["stress"] = energies.virials[0] / volume
    return results


def _graded(grades: Grades) -> dict[str, Any]:
    results: dict[str, Any] = {"grade": float(grades.structures[0])}
    if grades.sites is not None:
        results["grades"] = grades.sites
    return results


def _mean_and_spread(members: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Mean of each result over the members, and as ``..._std`` its sample standard deviation."""
    results: dict[str, Any] = {}
    for name in members[0]:
        values = np.array([member[name] for member in members])
        statistics = {name: values.mean(axis=0)}
        if name != "free_energy":
            statistics[f"{name}_std"] = values.std(axis=0, ddof=1)
        for key, value in statistics.items():
            # ASE expects energies to be Python floats.
            results[key] = float(value) if value.ndim == 0 else value
    return results
