"""Potentials and ensembles as an ASE calculator."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

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

from maxvolt.calculators.absent import why_absent
from maxvolt.calculators.extrapolation import grades_of, with_expected_errors
from maxvolt.calculators.hessian import difference_hessian, warn_of_crossings
from maxvolt.calculators.inputs import (
    check_names,
    check_structure,
    loaded,
    loaded_query,
    loaded_uncertainty,
    positions_of,
)
from maxvolt.calculators.results import (
    FailedEvaluationError,
    graded,
    mean_and_spread,
    results_of,
    stress_shares,
    volume_of,
)
from maxvolt.errors import DataError, EvaluationError
from maxvolt.neighbors.neighborhoods import Neighborhoods
from maxvolt.neighbors.verlet import VerletNeighbors
from maxvolt.potentials import Ensemble, Potential, SharesVirials
from maxvolt.potentials.families import title_of
from maxvolt.potentials.results import Energies, Precision
from maxvolt.selection import QueryStrategy
from maxvolt.species import species_types
from maxvolt.uncertainty import Uncertainty

__all__ = ["FailedEvaluationError", "MaxvoltCalculator"]

_ON_REQUEST = ("stresses", "atomic_virials", "hessian")
"""What costs more than energies and forces and is computed only where it is asked for."""

_OWN_OPTIONS = ("query", "uncertainty", "skin", "threads", "precision")
_ASE_OPTIONS = ("atoms", "directory", "label")
_CHANGEABLE = ("skin", "threads", "precision")


class MaxvoltCalculator(Calculator):
    """ASE calculator of a potential, or of the mean of an ensemble.

    Results, in ASE's units and sign: ``energy`` and ``free_energy`` (the same), ``energies`` (per
    atom), ``forces`` and, where the cell is periodic in three directions, ``stress``. All are
    computed at once, whichever is asked for.

    Computed only when asked for, in double precision: ``stresses`` (N, 6), shares of the atoms in
    the stress, which add up to it; ``atomic_virials`` (N, 3, 3), the same in eV and not made
    symmetric, as a heat flux needs them (docs/formulation, equation (13a)); ``hessian``
    (3 N, 3 N), see `get_hessian`.

    An ensemble gives the mean over its members and, as further results, the sample standard
    deviation over them: ``energy_std`` (eV), ``energies_std`` (N,), ``forces_std`` (N, 3) and
    ``stress_std`` (6,); read them with ``calculator.get_property("energy_std", atoms)``.

    With a query strategy (an active set or a committee) it also says how far the structure
    extrapolates: ``grade`` (one number) and, where the strategy has them, ``grades`` (N,).

    With an uncertainty it also says how wrong it may be: ``force_errors`` (N,), the expected length
    of the error of each force (eV/Angstrom), and ``energy_error``, that of the energy (eV).

    It can be copied and pickled at any time, also with the atoms that carry it; what the compiled
    core holds is made again. Several threads may share one: they take turns, so each gets
    the numbers of its own atoms from ``atoms.get_...`` and `get_property`; ``results`` are those
    of the last evaluation.

    Parameters
    ----------
    potential
        A potential, an ensemble, or the path of one (see `maxvolt.load`) that names its species.
    query
        What grades structures: a `maxvolt.ActiveSet`, a `maxvolt.Committee`, or the path of a
        potential file with an active set; None: no grades.
    uncertainty
        A `maxvolt.Uncertainty` of the same potential, or the path of its file; None: no errors.
    skin
        How far beyond the cutoff the neighbour list reaches, Angstrom. A longer skin makes each
        step slower and rebuilds rarer; see `VerletNeighbors`. 0 builds the list at each step,
        None finds a length that suits how the atoms move.
    threads
        Number of threads; None: what OMP_NUM_THREADS says, or else every core that this process
        may use by its CPU affinity and the CPU quota of its control group (docs/conventions).
    precision
        "single" is up to twice as fast and good to 1e-6 of the forces (docs/conventions); grades
        stay double.
    **ase_options
        ``atoms``, ``directory`` and ``label`` of ASE's calculators.

    Attributes
    ----------
    grading : bool
        Set it to False to leave grades out but where ``grade`` or ``grades`` is asked for by name.

    Examples
    --------
    ``atoms.calc = maxvolt.Calculator("Al.eam.alloy")``, or for a file that does not name its
    species ``maxvolt.Calculator(maxvolt.load("potential", species=["Mo"]))``

    Raises
    ------
    SpeciesError
        The file does not name its species.
    FileFormatError
        The file is no valid potential.
    DataError
        What is given is none of these.
    MaxvoltError
        An unknown option, or a number of threads or a precision that is not possible.
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
        "energy_error",
        "force_errors",
        *_ON_REQUEST,
    ]

    def __init__(
        self,
        potential: Potential | str | Path,
        *,
        query: QueryStrategy | str | Path | None = None,
        uncertainty: Uncertainty | str | Path | None = None,
        skin: float | None = None,
        threads: int | None = None,
        precision: Precision = "double",
        **ase_options: Any,
    ) -> None:
        check_names(ase_options, (*_OWN_OPTIONS, *_ASE_OPTIONS), "maxvolt.Calculator")
        self._lock = threading.RLock()
        Calculator.__init__(self, **ase_options)
        self.query = loaded_query(query)
        self.potential: Potential
        if self.query is not None and isinstance(potential, str | Path) and potential == query:
            self.potential = self.query.members[0]  # one file: one potential
        else:
            self.potential = loaded(potential)
        self._files = {
            key: str(given)
            for key, given in zip(
                ("potential", "query", "uncertainty"), (potential, query, uncertainty), strict=True
            )
            if isinstance(given, str | Path)
        }
        one = self.potential
        self.ensemble = one if isinstance(one, Ensemble) else Ensemble((one,))
        self.members = self.ensemble.members
        self.ensemble.check_options(threads=threads, precision=precision)
        self.threads = threads
        self.precision: Precision = precision
        self.uncertainty = loaded_uncertainty(uncertainty, self.members)
        self.grading = True
        self._later: Callable[[], dict[str, Any]] | None = None
        cutoff = self.ensemble.cutoff
        for asked in (self.query, self.uncertainty):
            cutoff = cutoff if asked is None else max(cutoff, asked.cutoff)
        self._skin = skin
        self.neighbors = VerletNeighbors(cutoff, skin)
        self._types: tuple[NDArray[Any], NDArray[np.int32]] | None = None
        self._description: dict[str, Any] = {}

    # ----------------------------------------------------------------- what ASE asks

    def set(self, **changes: Any) -> dict[str, Any]:
        """Change ``skin``, ``threads`` or ``precision``; give back what is different now.

        Raises
        ------
        MaxvoltError
            Anything else, or values that are not possible.
        """
        if not changes:
            return {}
        check_names(changes, _CHANGEABLE, "set")
        with self._lock:
            threads = changes.get("threads", self.threads)
            precision = changes.get("precision", self.precision)
            self.ensemble.check_options(threads=threads, precision=precision)
            if "skin" in changes:
                self.neighbors = VerletNeighbors(self.neighbors.cutoff, changes["skin"])
            if precision != self.precision:
                self.results = {}
            self.threads, self.precision = threads, precision
        return changes

    def todict(self, skip_default: bool = True) -> dict[str, Any]:
        """Say what computes, as trajectories and databases of ASE note it.

        Returns
        -------
        dict
            ``potential`` and ``query``, the paths of their files where they came from files;
            ``digests``, one of each potential's coefficients and basis; ``species``;
            ``precision``; ``grade`` and ``grades`` where they were computed, since those files
            keep results that ASE has names for and no others.
        """
        if not self._description:
            self._description = {
                **self._files,
                "digests": [one.digest for one in self.members],
                "species": list(self.ensemble.species),
            }
            if self.query is not None:
                self._description.setdefault("query", type(self.query).__name__)
        grades = {key: self.results[key] for key in ("grade", "grades") if key in self.results}
        return {**self._description, "precision": self.precision, **grades}

    def get_property(
        self, name: str, atoms: Atoms | None = None, allow_calculation: bool = True
    ) -> Any:
        """Give one result, computed where it is not known; threads that share this take turns."""
        with self._lock:
            return Calculator.get_property(self, name, atoms, allow_calculation)

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Keep other threads from calculating: ``atoms`` and ``results`` then belong together."""
        with self._lock:
            yield

    def get_hessian(self, atoms: Atoms | None = None) -> NDArray[np.float64]:
        """Second derivatives of the energy by positions, shape (3 N, 3 N), eV/Angstrom^2.

        Central differences of the forces with displacements of 1e-4 Angstrom, made symmetric:
        6 N evaluations. It is what ``ase.vibrations.VibrationsData.from_2d`` takes.

        Warns
        -----
        UserWarning
            Pairs of atoms are as far apart as the cutoff, where second derivatives jump.
        """
        return np.asarray(self.get_property("hessian", atoms))

    def get_atomic_virials(self, atoms: Atoms | None = None) -> NDArray[np.float64]:
        """Share of each atom in the virial, docs/formulation, equation (13a): (N, 3, 3), eV.

        All nine components, which are not symmetric: the potential part of the heat flux is
        ``-np.einsum("iab,ib->a", virials, velocities)``, in eV times the velocities' unit. LAMMPS'
        ``compute centroid/stress/atom`` gives the same with the other sign.
        """
        return np.asarray(self.get_property("atomic_virials", atoms))

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
            What is asked for; energies, forces, stress and grades are computed anyway.
        system_changes
            Not needed: what changed is found by comparison.

        Raises
        ------
        SpeciesError
            An element that the potential does not know.
        DataError
            Positions or cell that are not finite, no atom at all, or two at one place.
        FailedEvaluationError
            An energy, force or grade that is not finite; names the atom and the ensemble's member.
        PropertyNotImplementedError
            Stress without a cell periodic in three directions, or a spread of one potential.
        """
        with self._lock:
            extra = [name for name in properties if name in _ON_REQUEST]
            known: dict[str, Any] = {}
            # Asked for after energy and forces of the same structure, the rest alone is computed.
            if extra and len(extra) == len(properties) and atoms is not None:
                known = {} if self.check_state(atoms) else self.results
            if atoms is not None:
                self.atoms = atoms.copy()
            # Numbers of the last structure must not outlive a failure.
            self.results = {}
            structure = self.atoms
            if not isinstance(structure, Atoms):
                raise DataError("calculate needs a structure: none was given, now or before")
            check_structure(structure)
            try:
                results = known or self._evaluate(structure, properties)
                if extra:
                    results = results | self._evaluate_extra(structure, extra)
            except EvaluationError as error:
                raise FailedEvaluationError(str(error)) from error
            for wanted in properties:
                if wanted not in results:
                    raise PropertyNotImplementedError(why_absent(wanted, self, structure))
            self.results = results

    def graded_later(self) -> Callable[[], dict[str, Any]] | None:
        """Give what computes the grades of the last structure, if they were left out; else None.

        It may be called at any time, whatever has been calculated since.
        """
        with self._lock:
            return self._later

    def reset(self) -> None:
        """Forget structure, results and neighbours: what follows is as of a new calculator."""
        with self._lock:
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

    def __getstate__(self) -> dict[str, Any]:
        """Copy and pickle without lock and neighbour list; results are kept."""
        with self._lock:
            state = self.__dict__ | {
                "neighbors": copy.copy(self.neighbors),
                "results": dict(self.results),
                "_later": None,
            }
        # ASE's is bound to the calculator that is copied.
        return {k: v for k, v in state.items() if k not in ("_lock", "get_spin_polarized")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.RLock()
        self.get_spin_polarized = self._deprecated_get_spin_polarized

    # ----------------------------------------------------------------- inside

    def _where(self, atoms: Atoms, positions: NDArray[np.float64]) -> Neighborhoods:
        """What is evaluated, with the types of the potential."""
        cell = np.ascontiguousarray(atoms.cell.array, dtype=np.float64)
        types = self._types_of(atoms.numbers)
        return self.neighbors.neighborhoods(positions, cell, atoms.pbc, types)

    def _evaluate(self, atoms: Atoms, wanted: Sequence[str]) -> dict[str, Any]:
        where, query = self._where(atoms, positions_of(atoms)), self.query
        energies: Sequence[Energies]
        grades: dict[str, Any] = {}
        now = self.grading or not {"grade", "grades"}.isdisjoint(wanted)
        # Of potentials that are also graded by: all in one pass, which is in double precision.
        shared = query is not None and query.members == self.members
        if now and query is not None and shared and self.precision == "double":
            energies, found = query.evaluate_neighborhoods(where, threads=self.threads)
            grades = graded(found)
        else:
            energies = self.ensemble.evaluate_each(
                where, threads=self.threads, precision=self.precision
            )
        self._later = None
        if query is not None and not grades:
            known = energies if shared else None
            later = partial(
                grades_of, query, where, atoms.numbers.copy(), known, threads=self.threads
            )
            grades, self._later = (later(), None) if now else ({}, later)
        each = [results_of(one, volume_of(atoms)) for one in energies]
        results = (each[0] if len(each) == 1 else mean_and_spread(each)) | grades
        if self.uncertainty is None:
            return results
        return with_expected_errors(
            results, self.uncertainty, where, atoms.numbers, energies, threads=self.threads
        )

    def _evaluate_extra(self, atoms: Atoms, wanted: Sequence[str]) -> dict[str, Any]:
        results: dict[str, Any] = {}
        if "hessian" in wanted:
            results["hessian"] = self._hessian(atoms)
        if "hessian" not in wanted or len(wanted) > 1:
            results |= stress_shares(self._atomic_virials(atoms), volume_of(atoms))
        return results

    def _hessian(self, atoms: Atoms) -> NDArray[np.float64]:
        def forces(positions: NDArray[np.float64]) -> NDArray[np.float64]:
            where = self._where(atoms, positions)
            return self.ensemble.evaluate_neighborhoods(where, threads=self.threads).forces

        positions = positions_of(atoms)
        where = self._where(atoms, positions)
        for cutoff in sorted({member.cutoff for member in self.members}):
            warn_of_crossings(where, cutoff)
        return difference_hessian(forces, positions)

    def _atomic_virials(self, atoms: Atoms) -> NDArray[np.float64]:
        for member in self.members:
            if not isinstance(member, SharesVirials):
                raise PropertyNotImplementedError(
                    f"a potential ({title_of(member)}) does not share out its virial among atoms"
                )
        where = self._where(atoms, positions_of(atoms))
        return self.ensemble.atomic_virials(where, threads=self.threads)

    def _types_of(self, numbers: NDArray[Any]) -> NDArray[np.int32]:
        """Species index of each atom."""
        if self._types is None or not np.array_equal(self._types[0], numbers):
            self._types = numbers.copy(), species_types(numbers, self.ensemble.species)
        return self._types[1]
