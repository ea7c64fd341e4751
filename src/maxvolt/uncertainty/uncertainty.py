"""A potential with measures and their calibration: what it predicts, and how wrong that may be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maxvolt.errors import DataError
from maxvolt.io.structures import Structures, structures_of
from maxvolt.neighbors.neighborhoods import Neighborhoods
from maxvolt.potentials import Potential
from maxvolt.potentials.ensemble import joined, mean_of, members_of
from maxvolt.potentials.results import Energies
from maxvolt.selection import ActiveSet
from maxvolt.selection.active_rows import ActiveRows
from maxvolt.threads import thread_count
from maxvolt.uncertainty.calibration import Calibration
from maxvolt.uncertainty.compiled import check_compilable, write_compiled_parts
from maxvolt.uncertainty.expected_errors import ExpectedErrors, expected_errors
from maxvolt.uncertainty.files import read_parts, write_parts
from maxvolt.uncertainty.held_out import evaluate_and_measure, measure_all, portions_of
from maxvolt.uncertainty.measures import GradeMeasure, Measure, Measured

__all__ = ["Uncertainty", "read_uncertainty"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Uncertainty:
    """Expected errors of a potential in eV/Angstrom and eV/atom.

    Make one with `maxvolt.calibrate`, or read it with `maxvolt.read_uncertainty`.

    Parameters
    ----------
    potential : Potential
        Whose errors are told; of an ensemble, those of its mean.
    measures : tuple of Measure
        In the order of the calibration.
    calibration : Calibration
        From measures to errors.

    Raises
    ------
    DataError
        Measures of other names or species than the calibration or the potential has.
    """

    potential: Potential
    measures: tuple[Measure, ...]
    calibration: Calibration

    def __post_init__(self) -> None:
        names = tuple(measure.name for measure in self.measures)
        if names != self.calibration.names:
            raise DataError(
                f"the calibration is of {', '.join(self.calibration.names)}; got the measures "
                f"{', '.join(names)}"
            )
        for measure in self.measures:
            if set(measure.species) != set(self.potential.species):
                raise DataError(
                    f"the measure {measure.name} knows {', '.join(measure.species)}, the potential "
                    f"{', '.join(self.potential.species)}: they do not belong together"
                )

    def __repr__(self) -> str:
        names = ", ".join(self.calibration.names)
        return f"Uncertainty({names}; {self.calibration.n_structures} structures held out)"

    @property
    def species(self) -> tuple[str, ...]:
        """Symbols of the species of the potential."""
        return self.potential.species

    @property
    def cutoff(self) -> float:
        """Longest cutoff of the potential and of the measures, Angstrom."""
        return max([self.potential.cutoff, *(measure.cutoff for measure in self.measures)])

    @property
    def members(self) -> tuple[Potential, ...]:
        """The potentials whose mean is the prediction."""
        return members_of(self.potential)

    @property
    def active_set(self) -> ActiveSet | None:
        """The active set among the measures, if there is one."""
        for measure in self.measures:
            if isinstance(measure, GradeMeasure):
                return measure.active_set
        return None

    def of(self, structures: Structures, *, threads: int | None = None) -> ExpectedErrors:
        """Expected errors of structures, in bounded memory.

        Parameters
        ----------
        structures
            A `Dataset`, one `ase.Atoms`, the path of a file, or several of these; labels are not
            looked at.
        threads
            Number of threads; None for every core.

        Raises
        ------
        DataError
            No structures.
        SpeciesError
            A species unknown to the potential.
        """
        thread_count(threads)
        dataset = structures_of(structures, self.species, name="structures")
        if not len(dataset):
            raise DataError("structures: there is none")
        parts: list[list[Measured]] = []
        lengths: list[Array] = []
        for _, neighborhoods in portions_of(dataset, self.potential, self.measures):
            measured, length = self._measured(neighborhoods, None, threads)
            parts.append(measured)
            lengths.append(length)
        joined_parts = [
            Measured(
                np.concatenate([part[k].structures for part in parts]),
                np.concatenate([part[k].sites for part in parts]),
            )
            for k in range(len(self.measures))
        ]
        return expected_errors(
            self.calibration, joined_parts, np.concatenate(lengths), dataset.structure_of_atom
        )

    def of_neighborhoods(
        self,
        neighborhoods: Neighborhoods,
        energies: Sequence[Energies] | None = None,
        *,
        threads: int | None = None,
    ) -> ExpectedErrors:
        """Expected errors of structures whose neighbours are known.

        Parameters
        ----------
        neighborhoods
            Structures and neighbours inside `cutoff`, with the types of `species`.
        energies
            What `members` say of them, one entry each, where that is known.
        threads
            Number of threads; None for every core.
        """
        measured, lengths = self._measured(neighborhoods, energies, threads)
        owners = neighborhoods.structures.astype(np.int64)
        return expected_errors(self.calibration, measured, lengths, owners)

    def evaluate_neighborhoods(
        self, neighborhoods: Neighborhoods, *, threads: int | None = None
    ) -> tuple[Sequence[Energies], ExpectedErrors]:
        """What `members` say of structures, and the errors to be expected of their mean.

        In one pass where a measure allows it: the posterior and the grade of the potential do.

        Parameters
        ----------
        neighborhoods, threads
            As of `of_neighborhoods`.
        """
        energies, measured = evaluate_and_measure(
            self.measures, self.potential, neighborhoods, threads=threads
        )
        owners = neighborhoods.structures.astype(np.int64)
        lengths = _force_lengths(energies)
        return energies, expected_errors(self.calibration, measured, lengths, owners)

    def write(self, path: str | Path) -> None:
        """Write potential, measures and calibration to one file, which appears whole or not at all.

        `maxvolt.read_uncertainty` reads it; a file whose name ends with ``.maxvolt`` is a compiled
        model for LAMMPS, see `write_compiled`.
        """
        if Path(path).suffix == ".maxvolt":
            self.write_compiled(path)
            return
        write_parts(path, self.potential, self.measures, self.calibration)

    def write_compiled(self, path: str | Path, active_set: ActiveRows | None = None) -> None:
        """Write a compiled model, by which LAMMPS predicts force errors as `of` does.

        Parameters
        ----------
        path
            The file; it appears whole or not at all.
        active_set
            By which LAMMPS grades, too; that of the measures comes before it.

        Raises
        ------
        DataError
            See `check_compilable`.
        """
        write_compiled_parts(path, self.potential, self.measures, self.calibration, active_set)

    def check_compilable(self) -> None:
        """Refuse what LAMMPS cannot compute.

        Raises
        ------
        DataError
            A measure other than grades of atoms and the posterior of site energies, or a potential
            other than one moment tensor potential.
        """
        check_compilable(self.potential, self.measures)

    def _measured(
        self, neighborhoods: Neighborhoods, energies: Sequence[Energies] | None, threads: int | None
    ) -> tuple[list[Measured], Array]:
        if energies is None and self.calibration.uses_force_length:
            energies, measured = evaluate_and_measure(
                self.measures, self.potential, neighborhoods, threads=threads
            )
            return measured, _force_lengths(energies)
        measured = measure_all(
            self.measures, self.potential, neighborhoods, energies, threads=threads
        )
        if energies is None:
            return measured, np.zeros(neighborhoods.n_atoms)
        return measured, _force_lengths(energies)


def _force_lengths(energies: Sequence[Energies]) -> Array:
    """Of the mean of the members, shape (N,), eV/Angstrom."""
    return np.asarray(np.linalg.norm(joined(energies, mean_of).forces, axis=1))


def read_uncertainty(path: str | Path) -> Uncertainty:
    """Read what `Uncertainty.write` or ``maxvolt calibrate`` wrote.

    Raises
    ------
    FileFormatError
        The file is missing, damaged, or holds something else.
    """
    return Uncertainty(*read_parts(path))
