"""Active sets: the rows of a training set that span the largest volume, and grades by them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from os import PathLike
from pathlib import Path
from typing import Self

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from maxvolt.dataset import Dataset
from maxvolt.errors import DataError
from maxvolt.io.structures import Structures
from maxvolt.neighbors.neighborhoods import Neighborhoods
from maxvolt.parallel.ranks import ONE_PROCESS, Ranks
from maxvolt.potentials import HasMembers, ParameterGradients, load
from maxvolt.potentials.results import Energies
from maxvolt.selection.active_rows import EQUATIONS, ActiveRows
from maxvolt.selection.grades import Grades, finite_grades
from maxvolt.selection.grading import iterate_row_grades
from maxvolt.selection.kept_grader import KeptGrader, grades_of_sites
from maxvolt.selection.maxvol import largest_coordinates
from maxvolt.selection.mlip_files import read_active_rows, write_active_set
from maxvolt.selection.mlip_order import Algorithm
from maxvolt.selection.rows import (
    SITES,
    Rows,
    as_datasets,
    evaluated_rows,
    neighborhood_rows,
    own_atoms,
)
from maxvolt.selection.selector import NOWHERE, Outcome, Selector, grades_of_structures
from maxvolt.selection.strategy import Selection
from maxvolt.selection.weights import Mode, RowWeights, weights_of_mode
from maxvolt.threads import thread_count

__all__ = [
    "INITIAL_VALUE",
    "THRESHOLD",
    "ActiveSelection",
    "ActiveSet",
    "read_active_set",
]

THRESHOLD = 1.001
"""Grade above which a selection swaps a row, as MLIP-3."""

INITIAL_VALUE = 1e-6
"""On the diagonal of the matrix before anything is selected, as MLIP-3."""


@dataclass(frozen=True, slots=True, eq=False)
class ActiveSelection(Selection):
    """What an active set selected from candidates.

    Parameters
    ----------
    indices, grades, structures
        As of `Selection`.
    active_set
        The active set with the rows of the selected structures.
    """

    active_set: ActiveSet


@dataclass(frozen=True, slots=True, eq=False)
class ActiveSet(ActiveRows):
    """The rows that stand for a training set, and the structures they come from.

    A grade says how far a structure extrapolates: its row is a combination of the active rows, and
    the grade is the largest magnitude of a coefficient, equation (37). The structures of the active
    set have grade 1; up to 1 a structure is interpolated.

    Make one with `from_dataset` or `maxvolt.read_active_set`.

    Parameters
    ----------
    potential
        The potential whose parameters the rows are gradients of.
    weights
        Which gradients make rows.
    matrix, inverse : shape (n, n)
        The rows, and their inverse; n is the number of parameters.
    origins : shape (n, 2), int64
        Number in `structures` and equation of each row; -1 -1 for one that was never replaced.
    structures
        The selected structures, with their labels.
    """

    _grader: KeptGrader = field(default_factory=KeptGrader, init=False, repr=False)

    @classmethod
    def from_dataset(
        cls,
        potential: ParameterGradients | str | PathLike[str],
        dataset: Structures,
        *,
        weights: RowWeights | None = None,
        mode: Mode | None = None,
        threshold: float = THRESHOLD,
        initial_value: float = INITIAL_VALUE,
        algorithm: Algorithm = "stream",
        threads: int | None = None,
        ranks: Ranks = ONE_PROCESS,
    ) -> ActiveSet:
        """Select the active set of a training set; every structure of it then has a grade up to
        the threshold.

        Parameters
        ----------
        potential
            A trained potential, or the path of its file.
        dataset
            The training set; labels are not needed. A `Dataset`, one `ase.Atoms`, the path of a
            file, or several of these, also as a stream.
        weights
            Which gradients make rows; None: as the mode says.
        mode
            "configuration", one row per structure (the default), or "neighborhood", one per atom.
        threshold
            Grade above which a row is swapped in.
        initial_value
            On the diagonal of the matrix before the first swap.
        algorithm
            "stream", in bounded memory, or "mlip": rows are offered in the order of MLIP-3, so that
            its active set is found, row by row, and its grades come out as it prints them. The rows
            of 9999 structures are then held at once.
        threads
            Number of threads; None for every core.
        ranks
            As of `select`.

        Raises
        ------
        DataError
            An untrained potential, weights that contradict the mode, gradients that are not finite.
        SpeciesError
            A species unknown to the potential.
        """  # noqa: D205
        potential = _potential(potential)
        empty = cls.empty(potential, weights=weights, mode=mode, initial_value=initial_value)
        selection = empty.select(
            dataset, threshold=threshold, algorithm=algorithm, threads=threads, ranks=ranks
        )
        return selection.active_set

    @classmethod
    def empty(
        cls,
        potential: ParameterGradients,
        *,
        weights: RowWeights | None = None,
        mode: Mode | None = None,
        initial_value: float = INITIAL_VALUE,
    ) -> Self:
        """Return a set from which nothing has been selected yet; parameters as `from_dataset`."""
        if not (np.isfinite(initial_value) and initial_value > 0):
            raise DataError(f"initial_value is {initial_value}; expected a small number above 0")
        n = potential.n_parameters
        return cls(
            potential=potential,
            weights=weights_of_mode(weights, mode),
            matrix=initial_value * np.eye(n),
            inverse=np.eye(n) / initial_value,
            origins=np.full((n, 2), NOWHERE, np.int64),
            structures=Dataset.from_atoms([]),
        )

    @classmethod
    def _of_outcome(
        cls, potential: ParameterGradients, weights: RowWeights, outcome: Outcome
    ) -> Self:
        return cls(
            potential=potential,
            weights=weights,
            matrix=outcome.matrix,
            inverse=outcome.inverse,
            origins=outcome.origins(),
            structures=outcome.structures,
        )

    def __repr__(self) -> str:
        return f"ActiveSet({len(self.structures)} structures, {self.completeness}, {self.mode})"

    # ----------------------------------------------------------------- grades

    def grade(
        self,
        structures: Structures,
        *,
        threads: int | None = None,
        ranks: Ranks = ONE_PROCESS,
    ) -> NDArray[np.float64]:
        """Grades of structures, equation (37), in bounded memory.

        Parameters
        ----------
        structures
            One structure, a dataset, the path of a file, or a stream of these of any length.
        threads
            Number of threads; None for every core.
        ranks
            Processes of an MPI run that share the work, see docs/parallel; by default this one.

        Returns
        -------
        grades : shape (n,)
            The largest of all rows of a structure.
        """
        thread_count(threads)
        found, first = [np.empty(0)], 0
        for dataset in as_datasets(structures, self.species):
            for part, rows in iterate_row_grades(
                *(self.potential, self.weights, self.inverse, dataset),
                first=first,
                threads=threads,
                ranks=ranks,
            ):
                count = part.stop - part.start
                found.append(grades_of_structures(rows.grades, rows.structures, count))
            first += len(dataset)
        return np.concatenate(found)

    def site_grades(
        self,
        structures: Dataset | Atoms,
        *,
        threads: int | None = None,
        ranks: Ranks = ONE_PROCESS,
    ) -> NDArray[np.float64]:
        """Grades of all atoms, shape (N,), in neighbourhood mode; those of ghosts are 0.

        Raises
        ------
        DataError
            The set is of configuration mode, in which atoms have no rows.
        """
        if self.mode != "neighborhood":
            raise DataError(
                "atoms have grades in neighborhood mode only, and this active set is of "
                "configuration mode; make one with mode='neighborhood'"
            )
        thread_count(threads)
        (dataset,) = as_datasets(structures, self.species)
        found = np.zeros(dataset.n_atoms)
        own = own_atoms(dataset)
        for part, rows in iterate_row_grades(
            self.potential, SITES, self.inverse, dataset, threads=threads, ranks=ranks
        ):
            atoms = np.arange(dataset.offsets[part.start], dataset.offsets[part.stop])
            atoms = atoms if own is None else atoms[own[atoms]]
            found[atoms] = rows.grades
        return found

    def grade_dataset(
        self, dataset: Dataset, *, threads: int | None = None, ranks: Ranks = ONE_PROCESS
    ) -> Grades:
        """Grades of structures and, in neighbourhood mode, of their atoms."""
        if self.mode != "neighborhood":
            return Grades(self.grade(dataset, threads=threads, ranks=ranks), None)
        sites = self.site_grades(dataset, threads=threads, ranks=ranks)
        if self.weights != SITES:
            return Grades(self.grade(dataset, threads=threads, ranks=ranks), sites)
        return Grades(np.maximum.reduceat(sites, dataset.offsets[:-1]), sites)

    def grade_neighborhoods(
        self,
        neighborhoods: Neighborhoods,
        energies: Sequence[Energies] | None = None,
        *,
        threads: int | None = None,
    ) -> Grades:
        """Grades of structures whose neighbours are known; `energies` are not needed."""
        grader = self._grader.of(self)
        if grader is not None:
            return grades_of_sites(neighborhoods, grader.grades(neighborhoods, threads=threads))
        rows = neighborhood_rows(self.potential, self.weights, neighborhoods, threads=threads)
        return self._grades_of(neighborhoods, rows, threads)

    def evaluate_neighborhoods(
        self, neighborhoods: Neighborhoods, *, threads: int | None = None
    ) -> tuple[tuple[Energies, ...], Grades]:
        """Energies and forces by the potential, and grades, in one pass over the neighbours."""
        grader = self._grader.of(self)
        if grader is not None:
            energies, sites = grader.evaluate(neighborhoods, threads=threads)
            return (energies,), grades_of_sites(neighborhoods, sites)
        energies, rows = evaluated_rows(
            self.potential, self.weights, neighborhoods, threads=threads
        )
        return (energies,), self._grades_of(neighborhoods, rows, threads)

    # ----------------------------------------------------------------- selection

    def select(
        self,
        candidates: Structures,
        *,
        threshold: float = THRESHOLD,
        limit: int | None = None,
        training: Structures | None = None,
        algorithm: Algorithm = "stream",
        entry: float | None = None,
        threads: int | None = None,
        ranks: Ranks = ONE_PROCESS,
    ) -> ActiveSelection:
        """Select candidates whose rows enlarge the volume.

        Afterwards no candidate, no structure of this active set and none of `training` exceeds the
        threshold, unless the limit stopped the selection. Candidates are read once; memory is
        bounded, rows beyond a limit go to a temporary file.

        Parameters
        ----------
        candidates
            One structure, a dataset, the path of a file, or a stream of these of any length.
        threshold
            Grade above which a row is swapped in.
        limit
            Select at most so many structures: those that enlarge the volume most.
        training
            Further structures whose rows may come back in, as MLIP-3's select_add does.
        algorithm
            As of `from_dataset`; "mlip" has no limit.
        entry
            Grade above which a structure is considered at all, as MLIP-2's select-threshold; no
            structure exceeds it afterwards. None: the threshold.
        threads
            Number of threads; None for every core.
        ranks
            Processes that share the computation of rows; the selection is made in this one.
        """
        thread_count(threads)
        owners = np.full((self.size, 3), NOWHERE, np.int64)
        chosen = self.origins[:, 0] != NOWHERE
        owners[chosen, 0], owners[chosen, 1:] = 0, self.origins[chosen]
        selector = Selector(
            potential=self.potential,
            weights=self.weights,
            matrix=self.matrix,
            owners=owners,
            threshold=threshold,
            threads=threads,
            algorithm=algorithm,
            ranks=ranks,
            entry=entry,
        )
        known = [self.structures] if training is None else [self.structures, training]
        outcome = selector.run([*known, candidates], limit)
        new = outcome.numbers[:, 0] == len(known)
        return ActiveSelection(
            indices=outcome.numbers[new, 1],
            grades=outcome.grades,
            structures=_with_equations(outcome, new),
            active_set=self._of_outcome(self.potential, self.weights, outcome),
        )

    def with_potential(
        self, potential: ParameterGradients, *, threads: int | None = None
    ) -> ActiveSet:
        """Select again from the same structures, for other coefficients or another potential."""
        return ActiveSet.from_dataset(
            potential, self.structures, weights=self.weights, threads=threads
        )

    def write(self, path: str | Path) -> None:
        """Write potential and active set.

        ``.als`` as MLIP-2 does, ``.maxvolt`` as a compiled model for LAMMPS, which cannot be read
        back, any other name as MLIP-3.
        """
        write_active_set(path, self)

    # ----------------------------------------------------------------- inside

    def _grades_of(self, neighborhoods: Neighborhoods, rows: Rows, threads: int | None) -> Grades:
        grades, sites = self._grades(rows), None
        if self.weights == SITES:
            sites = grades
        elif self.mode == "neighborhood":
            sites = self._grades(
                neighborhood_rows(self.potential, SITES, neighborhoods, threads=threads)
            )
        structures = grades_of_structures(grades, rows.structures, neighborhoods.n_structures)
        return finite_grades(Grades(structures, sites), neighborhoods)

    def _grades(self, rows: Rows) -> NDArray[np.float64]:
        with np.errstate(over="ignore", invalid="ignore"):  # refused afterwards, with a message
            return largest_coordinates(rows.values @ self.inverse)


def read_active_set(path: str | Path, species: Sequence[str] | None = None) -> ActiveSet:
    """Read a potential with its active set.

    Parameters
    ----------
    path
        A file of MLIP-3 (.almtp), MLIP-2 (.als) or this package.
    species
        Chemical symbols in the order of the types; needed where the file names none.

    Raises
    ------
    FileFormatError
        The file holds no active set, or is not a valid potential.
    SpeciesError
        As of `maxvolt.read_potential`.
    """
    rows = read_active_rows(path, species)
    return ActiveSet(**{field.name: getattr(rows, field.name) for field in fields(rows)})


def _potential(given: ParameterGradients | str | PathLike[str]) -> ParameterGradients:
    found = load(given) if isinstance(given, str | PathLike) else given
    if isinstance(found, ParameterGradients):
        return found
    remedy = (
        "give one of its members, or make a maxvolt.Committee of all"
        if isinstance(found, HasMembers)
        else "expected a potential with gradients by its parameters, such as maxvolt.MTP, or the "
        "path of its file"
    )
    raise DataError(
        f"potential: an active set belongs to one potential, not {type(found).__name__}: {remedy}"
    )


def _with_equations(outcome: Outcome, new: NDArray[np.bool_]) -> Dataset:
    """Return new structures that say which of their rows were taken."""
    origins, infos = outcome.origins(), []
    for number in np.flatnonzero(new):
        equations = np.sort(origins[origins[:, 0] == number, 1])
        info = outcome.structures.infos[number]
        infos.append({**info, EQUATIONS: ",".join(map(str, equations))})
    return replace(outcome.structures.select(new), infos=tuple(infos))
