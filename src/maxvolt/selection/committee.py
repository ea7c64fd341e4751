"""Query by committee: what an ensemble of potentials disagrees about, equations (41) and (42)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from maxvolt.dataset import Dataset
from maxvolt.errors import DataError, FileFormatError
from maxvolt.files import reading, replacing
from maxvolt.io.structures import Structures, structures_of
from maxvolt.limits import SETTINGS_BYTES
from maxvolt.neighbors.neighborhoods import Neighborhoods, iterate_neighborhoods
from maxvolt.potentials import Ensemble, Potential
from maxvolt.potentials.ensemble import spreads_of_members
from maxvolt.potentials.evaluation import ATOMS_AT_ONCE
from maxvolt.potentials.results import Energies
from maxvolt.selection.candidates import candidates_above, largest_first
from maxvolt.selection.committee_errors import Compared, SpreadsAndErrors
from maxvolt.selection.grades import Grades, finite_grades
from maxvolt.selection.rows import as_datasets
from maxvolt.selection.strategy import Selection
from maxvolt.threads import thread_count

__all__ = ["Committee"]

_KIND = "maxvolt committee"
_VERSION = 1
_NO_COMMITTEE = "holds no scales of a committee, as Committee.write writes them"


@dataclass(frozen=True, slots=True, eq=False)
class Committee:
    """An ensemble whose members' disagreement grades structures.

    The spread (sample standard deviation over the members) of the energy, divided by sqrt(N), and
    that of the force on each atom are measured in units of their own; the grade is the largest of
    these numbers. Units chosen by `from_dataset` make 1 the largest grade of a training set, so
    that thresholds mean the same as those of an `ActiveSet`.

    Parameters
    ----------
    ensemble
        At least two potentials.
    energy_scale : eV
        Spread of the energy over sqrt(N) that counts as grade 1; None: energies do not count.
    force_scale : eV/Angstrom
        Spread of the force on an atom that counts as grade 1; None: forces do not count.

    Raises
    ------
    DataError
        One member only, no scale at all, or one that is not positive.
    """

    ensemble: Ensemble
    energy_scale: float | None = None
    force_scale: float | None = None

    def __post_init__(self) -> None:
        if len(self.ensemble.members) < 2:
            raise DataError("a committee needs at least two potentials: one has no spread")
        scales = [s for s in (self.energy_scale, self.force_scale) if s is not None]
        if not scales or not all(np.isfinite(s) and s > 0 for s in scales):
            raise DataError(
                f"energy_scale is {self.energy_scale} and force_scale {self.force_scale}; expected "
                "at least one positive number, or use Committee.from_dataset"
            )

    @classmethod
    def from_dataset(
        cls,
        ensemble: Ensemble,
        dataset: Structures,
        *,
        energies: bool = True,
        forces: bool = True,
        threads: int | None = None,
    ) -> Self:
        """Choose the scales so that the largest spreads on a training set have grade 1.

        Parameters
        ----------
        ensemble
            At least two potentials.
        dataset
            The training set; its labels are not looked at. A `Dataset`, one `ase.Atoms`, the path
            of a file, or several of these.
        energies, forces
            What counts.
        threads
            Number of threads; None for every core.
        """
        thread_count(threads)
        _check_ensemble(ensemble)
        dataset = structures_of(dataset, ensemble.species)
        raw = cls(ensemble, 1.0 if energies else None, 1.0 if forces else None)
        largest_energy = largest_force = 0.0
        for neighborhoods in _portions(ensemble, dataset):
            of_energies, of_forces = raw._spreads(neighborhoods, None, threads)
            largest_energy = max(largest_energy, float(of_energies.max()))
            largest_force = max(largest_force, float(of_forces.max()))
        return cls(
            ensemble, largest_energy if energies else None, largest_force if forces else None
        )

    @classmethod
    def from_errors(
        cls,
        ensemble: Ensemble,
        labelled: Structures,
        *,
        energy: float | None = None,
        force: float | None = None,
        threads: int | None = None,
    ) -> Self:
        """Choose the scales by errors on held-out labels, equations (180) to (182).

        Grades are multiples of the error that the ensemble makes there: at grade 2 twice that
        error is expected. Or, with `energy` or `force`, they are multiples of these; what is then
        not given does not count.

        Parameters
        ----------
        ensemble
            At least two potentials.
        labelled
            Structures that none of them was fitted to, with energies, forces, or both. A `Dataset`,
            one `ase.Atoms`, the path of a file, or several of these.
        energy : eV
            Error of the energy over sqrt(N) that is expected at grade 1.
        force : eV/Angstrom
            Error of the force on an atom that is expected at grade 1.
        threads
            Number of threads; None for every core.

        Raises
        ------
        DataError
            Labels are missing, or members agree exactly.
        """
        thread_count(threads)
        _check_ensemble(ensemble)
        dataset = structures_of(labelled, ensemble.species)
        found = SpreadsAndErrors.of(ensemble, dataset, threads=threads)
        wanted = {"energies": energy, "forces": force}
        all_count = energy is None and force is None
        scales: list[float | None] = []
        for name, error in wanted.items():
            compared: Compared | None = getattr(found, name)
            if error is not None and compared is None:
                raise DataError(f"none of the held-out structures has {name}; label them, too")
            counts = compared is not None and (all_count or error is not None)
            scales.append(compared.scale(error) if compared is not None and counts else None)
        return cls(ensemble, *scales)

    @classmethod
    def read(cls, path: str | Path, ensemble: Ensemble) -> Self:
        """Read the scales that `write` has written, for the same potentials.

        Parameters
        ----------
        path
            The file.
        ensemble
            The potentials, in any order.

        Raises
        ------
        FileFormatError
            The file cannot be read, or holds no scales of a committee.
        DataError
            The scales were measured with other potentials, or `ensemble` is not an ensemble.
        """
        _check_ensemble(ensemble)
        document = _read_document(path)
        try:
            scales = [document["energy_scale"], document["force_scale"]]
            digests = sorted(document["members"])
            energy, force = (None if scale is None else float(scale) for scale in scales)
        except (KeyError, TypeError, ValueError) as error:
            raise FileFormatError(
                path, f"{_NO_COMMITTEE}: energy_scale, force_scale or members is missing or wrong"
            ) from error
        if digests != _digests(ensemble):
            raise DataError(
                f"{path}: the scales were measured with {len(digests)} potentials, of which "
                f"{_shared(digests, _digests(ensemble))} are among the {len(ensemble.members)} "
                "given; give the potentials that they belong to, or measure them again with "
                "Committee.from_dataset"
            )
        try:
            return cls(ensemble, energy, force)
        except DataError as error:
            raise FileFormatError(path, str(error)) from error

    def write(self, path: str | Path) -> None:
        """Write the scales, and which potentials they belong to, as a small JSON file.

        The potentials have files of their own (`Ensemble.write`). A scale that is None, because it
        does not count, is None when it is read.

        Parameters
        ----------
        path
            The file; it appears whole or not at all.
        """
        document = {
            "kind": _KIND,
            "version": _VERSION,
            "energy_scale": self.energy_scale,
            "force_scale": self.force_scale,
            "species": list(self.species),
            "members": [member.digest for member in self.members],
        }
        with replacing(path) as stream:
            stream.write(json.dumps(document, indent=1).encode() + b"\n")

    # ----------------------------------------------------------------- what it is

    @property
    def species(self) -> tuple[str, ...]:
        """Symbols of the species of the ensemble."""
        return self.ensemble.species

    @property
    def cutoff(self) -> float:
        """Cutoff of the ensemble, Angstrom."""
        return self.ensemble.cutoff

    @property
    def members(self) -> tuple[Potential, ...]:
        """The potentials."""
        return self.ensemble.members

    @property
    def description(self) -> str:
        """What the grades are."""
        units = []
        if self.energy_scale is not None:
            units.append(f"energies in units of {self.energy_scale:.3g} eV sqrt(N)")
        if self.force_scale is not None:
            units.append(f"forces in units of {self.force_scale:.3g} eV/A")
        return f"spread of {len(self.ensemble.members)} potentials: {' and '.join(units)}"

    # ----------------------------------------------------------------- grades

    def grade(
        self,
        structures: Dataset | Atoms | Iterable[Dataset | Atoms],
        *,
        threads: int | None = None,
    ) -> NDArray[np.float64]:
        """Grades of structures, shape (n,), in bounded memory."""
        thread_count(threads)
        found = [np.empty(0)]
        for dataset in as_datasets(structures, self.species):
            for neighborhoods in _portions(self.ensemble, dataset):
                found.append(self.grade_neighborhoods(neighborhoods, threads=threads).structures)
        return np.concatenate(found)

    def site_grades(
        self, structures: Dataset | Atoms, *, threads: int | None = None
    ) -> NDArray[np.float64]:
        """Grades of the forces on all atoms, shape (N,).

        Raises
        ------
        DataError
            Forces do not count in this committee.
        """
        if self.force_scale is None:
            raise DataError(
                "grades of atoms are those of their forces, which do not count in this committee; "
                "give it a force_scale"
            )
        thread_count(threads)
        found = [np.empty(0)]
        for dataset in as_datasets(structures, self.species):
            for neighborhoods in _portions(self.ensemble, dataset):
                sites = self.grade_neighborhoods(neighborhoods, threads=threads).sites
                assert sites is not None
                found.append(sites)
        return np.concatenate(found)

    def grade_neighborhoods(
        self,
        neighborhoods: Neighborhoods,
        energies: Sequence[Energies] | None = None,
        *,
        threads: int | None = None,
    ) -> Grades:
        """Grades of structures whose neighbours are known, and what the members say, if known."""
        of_energies, of_forces = self._spreads(neighborhoods, energies, threads)
        grades = np.zeros(neighborhoods.n_structures)
        if self.energy_scale is not None:
            grades = of_energies / self.energy_scale
        if self.force_scale is None:
            return finite_grades(Grades(grades, None), neighborhoods)
        sites = of_forces / self.force_scale
        np.maximum.at(grades, neighborhoods.structures, sites)
        return finite_grades(Grades(grades, sites), neighborhoods)

    def evaluate_neighborhoods(
        self, neighborhoods: Neighborhoods, *, threads: int | None = None
    ) -> tuple[tuple[Energies, ...], Grades]:
        """Energies and forces by every member, and grades from them."""
        energies = tuple(self.ensemble.evaluate_each(neighborhoods, threads=threads))
        return energies, self.grade_neighborhoods(neighborhoods, energies)

    def select(
        self,
        candidates: Dataset | Atoms | Iterable[Dataset | Atoms],
        *,
        threshold: float,
        limit: int | None = None,
        threads: int | None = None,
    ) -> Selection:
        """Select the candidates with grades above the threshold, the largest first up to the limit.

        A committee cannot say whether two of them are alike: draw candidates from a
        trajectory at intervals.
        """
        thread_count(threads)
        above = candidates_above(
            candidates, self.species, lambda one: self.grade(one, threads=threads), threshold
        )
        if limit is None or len(above.indices) <= limit:
            return above
        best = largest_first(above.grades[above.indices], limit)
        return Selection(above.indices[best], above.grades, above.structures.select(best))

    # ----------------------------------------------------------------- inside

    def _spreads(
        self, neighborhoods: Neighborhoods, energies: Sequence[Energies] | None, threads: int | None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Spread of the energies over sqrt(N), shape (n,), and of the forces, shape (N,)."""
        if energies is None:
            energies = self.ensemble.evaluate_each(neighborhoods, threads=threads)
        of_energies, of_forces = spreads_of_members(neighborhoods, energies)
        counts = np.bincount(neighborhoods.structures, minlength=neighborhoods.n_structures)
        return of_energies / np.sqrt(counts), of_forces


def _portions(ensemble: Ensemble, dataset: Dataset) -> Iterator[Neighborhoods]:
    for _, neighborhoods in iterate_neighborhoods(
        dataset, ensemble.species, ensemble.cutoff, atoms_at_once=ATOMS_AT_ONCE
    ):
        yield neighborhoods


def _check_ensemble(given: object) -> None:
    if not isinstance(given, Ensemble):
        raise DataError(
            "ensemble: a committee is made of a maxvolt.Ensemble of at least two potentials; "
            f"got {type(given).__name__}"
        )


def _read_document(path: str | Path) -> dict[str, Any]:
    """Read the JSON of a committee's file."""
    with reading(path) as stream:
        data = stream.read(SETTINGS_BYTES + 1)
    try:
        document = json.loads(data) if len(data) <= SETTINGS_BYTES else None
    except (ValueError, RecursionError) as error:
        raise FileFormatError(path, f"{_NO_COMMITTEE}: {error}") from error
    if not isinstance(document, dict) or document.get("kind") != _KIND:
        raise FileFormatError(path, _NO_COMMITTEE)
    if document.get("version") != _VERSION:
        raise FileFormatError(
            path, f"is of version {document.get('version')!r:.20}; expected {_VERSION}"
        )
    return document


def _digests(ensemble: Ensemble) -> list[str]:
    return sorted(member.digest for member in ensemble.members)


def _shared(one: Sequence[str], other: Sequence[str]) -> int:
    return (Counter(one) & Counter(other)).total()
