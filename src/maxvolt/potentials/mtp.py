"""Moment tensor potentials."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from ase import Atoms
from ase.data import atomic_numbers
from numpy.typing import NDArray

from maxvolt.basis.contraction import contraction_table
from maxvolt.basis.radial import RadialBasis
from maxvolt.basis.repulsion import ZBL
from maxvolt.cells import cell_volume, cell_volumes
from maxvolt.dataset import Dataset
from maxvolt.errors import MaxvoltError
from maxvolt.io.active_set import ActiveSetRecord
from maxvolt.limits import CUTOFF, MOST_PARAMETERS, NARROWEST_BASIS, RADIAL_SIZE
from maxvolt.native import _core, kernels
from maxvolt.native.model import Model, compile_model
from maxvolt.native.neighborhoods import Neighborhoods
from maxvolt.native.threads import thread_count
from maxvolt.potentials.neighborhoods import (
    batches,
    check_species,
    dataset_neighborhoods,
    portions,
    species_types,
)
from maxvolt.potentials.results import Evaluation, Predictions

__all__ = ["MTP", "species_numbers"]

HIGHEST_LEVEL = 32
"""The number of scalars grows by 1.7 with each level; beyond this nobody can fit them."""

_MOST_VERTICES = 8

_PORTION = 20_000
"""Atoms whose neighbours are held at once when a dataset is evaluated."""


@dataclass(frozen=True, slots=True, eq=False, init=False, repr=False)
class MTP:
    """A moment tensor potential (Shapeev 2016; docs/formulation, equations (1) to (6)).

    It is immutable: fitting returns a new one. A new potential is untrained and can only be fitted.

    Parameters
    ----------
    level : int
        Level of the basis, even, 2 to 32, equation (4).
    species : sequence of str
        Chemical symbols; their order is that of the types in MLIP's files.
    cutoff : float, Angstrom
        Distance beyond which atoms do not interact.
    min_dist : float, Angstrom
        Where the radial basis begins; about the smallest distance in the training set.
    radial_basis_size : int
        Number of radial basis functions.
    radial_basis : str
        Kind of radial basis, as MLIP names it.
    repulsion : ZBL, optional
        Short-range pair repulsion added to the potential.
    max_vertices : int
        Most moments that are multiplied in a scalar; 4 as in MLIP.

    Raises
    ------
    MaxvoltError
        A parameter is out of its range.
    SpeciesError
        Species that are no elements, or named twice.
    """

    model: Model
    species: tuple[str, ...]
    level: int | None
    is_trained: bool
    name: str
    tag: str
    species_labels: tuple[int, ...] | None
    active_set: ActiveSetRecord | None
    core: _core.Core

    def __init__(
        self,
        level: int,
        species: Sequence[str],
        cutoff: float,
        min_dist: float,
        radial_basis_size: int = 8,
        *,
        radial_basis: str = "RBChebyshev",
        repulsion: ZBL | None = None,
        max_vertices: int = 4,
    ) -> None:
        symbols = check_species(species)
        if not 2 <= level <= HIGHEST_LEVEL or level % 2:
            raise MaxvoltError(
                f"level must be even, from 2 to {HIGHEST_LEVEL}, for example 16; got {level}"
            )
        CUTOFF.check("cutoff", cutoff)
        if not 0 <= min_dist <= cutoff - NARROWEST_BASIS:
            raise MaxvoltError(
                f"expected 0 <= min_dist < cutoff, apart by {NARROWEST_BASIS:g} A or more; got "
                f"min_dist={min_dist} and cutoff={cutoff}"
            )
        RADIAL_SIZE.check("radial_basis_size", radial_basis_size)
        if not 1 <= max_vertices <= _MOST_VERTICES:
            raise MaxvoltError(f"max_vertices must be 1 to {_MOST_VERTICES}; got {max_vertices}")
        table = contraction_table(level, max_vertices=max_vertices)
        n_mu, c = int(table.basic[:, 0].max()) + 1, len(symbols)
        n_parameters = c * c * n_mu * radial_basis_size + c + len(table.scalars)
        if n_parameters > MOST_PARAMETERS:
            raise MaxvoltError(
                f"{c} species at level {level} with radial_basis_size={radial_basis_size} have "
                f"{n_parameters} parameters; expected at most {MOST_PARAMETERS}: lower one of them"
            )
        model = Model(
            radial=RadialBasis(radial_basis, min_dist, cutoff, radial_basis_size),
            table=table,
            radial_coeffs=np.zeros((c, c, n_mu, radial_basis_size)),
            scaling=1.0,
            species_coeffs=np.zeros(c),
            moment_coeffs=np.zeros(len(table.scalars)),
            numbers=species_numbers(symbols),
            repulsion=repulsion,
        )
        self._set(model, symbols, level=level, is_trained=False)

    def _set(
        self,
        model: Model,
        species: tuple[str, ...],
        *,
        level: int | None,
        is_trained: bool,
        name: str = "MTP",
        tag: str = "",
        species_labels: tuple[int, ...] | None = None,
        active_set: ActiveSetRecord | None = None,
    ) -> None:
        zbl, cutoff = model.repulsion, model.radial.max_dist
        if zbl is not None and zbl.outer > cutoff:
            raise MaxvoltError(
                f"the ZBL repulsion reaches to {zbl.outer:g} A, beyond the cutoff of {cutoff:g} A, "
                "where it would break off; choose a smaller outer radius"
            )
        for field, value in (
            ("model", model.frozen()),
            ("species", species),
            ("level", level),
            ("is_trained", is_trained),
            ("name", name),
            ("tag", tag),
            ("species_labels", species_labels),
            ("active_set", active_set),
            ("core", compile_model(model)),
        ):
            object.__setattr__(self, field, value)

    @classmethod
    def from_model(
        cls,
        model: Model,
        species: Sequence[str],
        *,
        level: int | None = None,
        is_trained: bool = True,
        name: str = "MTP",
        tag: str = "",
        species_labels: tuple[int, ...] | None = None,
        active_set: ActiveSetRecord | None = None,
    ) -> Self:
        """Wrap a model, for example one read from a file."""
        new = object.__new__(cls)
        new._set(
            model,
            check_species(species),
            level=level,
            is_trained=is_trained,
            name=name,
            tag=tag,
            species_labels=species_labels,
            active_set=active_set,
        )
        return new

    def with_coefficients(
        self,
        radial_coeffs: NDArray[np.float64],
        species_coeffs: NDArray[np.float64],
        moment_coeffs: NDArray[np.float64],
        *,
        scaling: float = 1.0,
    ) -> Self:
        """Return the trained potential with these coefficients (shapes as in `Model`).

        An active set belongs to the old coefficients and is dropped.
        """
        model = replace(
            self.model,
            radial_coeffs=radial_coeffs.reshape(self.model.radial_coeffs.shape),
            species_coeffs=species_coeffs,
            moment_coeffs=moment_coeffs,
            scaling=scaling,
        )
        about = {**self._about, "is_trained": True, "active_set": None}
        return self.from_model(model, self.species, **about)

    def with_repulsion(self, repulsion: ZBL | None) -> Self:
        """Return the potential with a short-range pair repulsion added, or without one.

        The coefficients stay as they are, so energies change wherever atoms are within its reach;
        fit again if the training set has such structures.
        """
        about = {**self._about, "active_set": None}
        return self.from_model(replace(self.model, repulsion=repulsion), self.species, **about)

    def with_active_set(self, active_set: ActiveSetRecord | None) -> Self:
        """Return the potential with an active set that is written along with it, or without one."""
        about = {**self._about, "active_set": active_set}
        return self.from_model(self.model, self.species, **about)

    @property
    def _about(self) -> dict[str, Any]:
        """What `from_model` takes besides model and species."""
        names = ("level", "is_trained", "name", "tag", "species_labels", "active_set")
        return {name: getattr(self, name) for name in names}

    def __copy__(self) -> Self:
        """Return itself: what cannot change needs no copy."""
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Return itself: what cannot change needs no copy."""
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle without the compiled core, which is built again from the model."""
        return _restore, (type(self), self.model, self.species, self._about)

    def __repr__(self) -> str:
        level = "from file" if self.level is None else f"level {self.level}"
        state = "trained" if self.is_trained else "untrained"
        return (
            f"MTP({', '.join(self.species)}; {level}, {len(self.model.moment_coeffs)} scalars, "
            f"cutoff {self.cutoff:g} A, {self.n_parameters} parameters, {state})"
        )

    @property
    def cutoff(self) -> float:
        """Cutoff, Angstrom."""
        return self.model.radial.max_dist

    @property
    def min_dist(self) -> float:
        """Beginning of the radial basis, Angstrom."""
        return self.model.radial.min_dist

    @property
    def radial_basis_size(self) -> int:
        """Number of radial basis functions."""
        return self.model.radial.size

    @property
    def n_parameters(self) -> int:
        """Number of all coefficients: radial, species and moment."""
        return self.model.n_parameters

    @property
    def digest(self) -> str:
        """Name of its numbers and species: potentials that differ in any have different digests."""
        text = f"{self.model.digest()} {' '.join(self.species)}"
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def neighborhoods(self, structures: Dataset | Atoms) -> Neighborhoods:
        """Structures with all neighbours inside the cutoff.

        Raises
        ------
        SpeciesError
            A species unknown to the potential.
        DataError
            A structure that cannot be searched.
        """
        dataset = Dataset.of(structures)
        return dataset_neighborhoods(dataset, self.species, self.cutoff)

    def _portion(self, dataset: Dataset, part: slice, before: int = 0) -> Neighborhoods:
        """Part of a dataset that comes after so many other structures."""
        return dataset_neighborhoods(
            dataset.select(part), self.species, self.cutoff, first_structure=before + part.start
        )

    def types(self, numbers: NDArray[np.int32]) -> NDArray[np.int32]:
        """Species index of atoms from their atomic numbers; SpeciesError for unknown ones."""
        return species_types(numbers, self.species)

    def evaluate_neighborhoods(
        self,
        where: Neighborhoods,
        *,
        threads: int | None = None,
        precision: kernels.Precision = "double",
    ) -> kernels.Energies:
        """Energies, forces and virials of structures whose neighbours are known.

        Raises
        ------
        MaxvoltError
            The potential is untrained.
        DataError
            Two atoms coincide.
        EvaluationError
            An energy or a force is not finite.
        """
        self._require_trained()
        found = kernels.evaluate(self.core, where, threads=threads, precision=precision)
        return kernels.check_finite(found, where)

    def _require_trained(self) -> None:
        if not self.is_trained:
            raise MaxvoltError("this potential is untrained: fit it first, with maxvolt.fit")

    def check_options(self, *, threads: int | None, precision: str = "double") -> None:
        """Refuse numbers of threads and precisions that cannot be, before any work.

        Raises
        ------
        MaxvoltError
            Threads below one, or a precision that is unknown or not available here.
        """
        thread_count(threads)
        kernels.check_precision(self.core, precision)

    def atomic_virials(
        self, where: Neighborhoods, *, threads: int | None = None
    ) -> NDArray[np.float64]:
        """Share of each atom in the virial, equation (13a), shape (N, 3, 3), eV.

        Errors as of `evaluate_neighborhoods`.
        """
        self._require_trained()
        return kernels.atomic_virials(self.core, where, threads=threads)

    def evaluate(
        self,
        atoms: Atoms,
        *,
        threads: int | None = None,
        precision: kernels.Precision = "double",
    ) -> Evaluation:
        """Energy, forces, stress and site energies of one structure.

        Parameters
        ----------
        atoms
            Any cell, also smaller than the cutoff; any periodicity.
        threads
            Number of threads; None for every core.
        precision
            "single" is up to twice as fast and good to 1e-6 of the forces; see docs/conventions.

        Raises
        ------
        SpeciesError, DataError, MaxvoltError
            As of `neighborhoods` and `evaluate_neighborhoods`.
        """
        self.check_options(threads=threads, precision=precision)
        out = self.evaluate_neighborhoods(
            self.neighborhoods(atoms), threads=threads, precision=precision
        )
        stress = out.virials[0] / cell_volume(atoms.cell.array) if all(atoms.pbc) else None
        return Evaluation(float(out.site_energies.sum()), out.forces, stress, out.site_energies)

    def evaluate_dataset(
        self,
        dataset: Dataset,
        *,
        threads: int | None = None,
        precision: kernels.Precision = "double",
    ) -> Predictions:
        """Evaluate every structure of a dataset, in bounded memory; see `evaluate`."""
        self.check_options(threads=threads, precision=precision)
        result = Predictions(
            np.empty(len(dataset)),
            np.empty((dataset.n_atoms, 3)),
            np.full((len(dataset), 6), np.nan),
            np.empty(dataset.n_atoms),
        )
        for part in portions(dataset.counts, _PORTION):
            portion = dataset.select(part)
            where = self._portion(dataset, part)
            out = self.evaluate_neighborhoods(where, threads=threads, precision=precision)
            atoms = slice(dataset.offsets[part.start], dataset.offsets[part.stop])
            result.energies[part] = np.bincount(
                where.structures, out.site_energies, minlength=len(portion)
            )
            result.forces[atoms] = out.forces
            result.site_energies[atoms] = out.site_energies
            periodic = portion.pbc.all(axis=1)
            volumes = cell_volumes(portion.cells[periodic])
            result.stresses[part][periodic] = out.virials[periodic] / volumes[:, None]
        return result

    def site_energy_gradients(
        self, structures: Dataset | Atoms, *, threads: int | None = None
    ) -> NDArray[np.float64]:
        """Gradient of every site energy by all parameters of the file, equations (17) and (18).

        Returns
        -------
        rows : shape (N, n_parameters)
            Order radial, species, moment coefficients, as in MLIP.
        """
        self.check_options(threads=threads)
        where = self.neighborhoods(structures)
        return self._scaled(kernels.site_gradients(self.core, where, threads=threads))

    def _scaled(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """From the kernels' product of coefficient and scaling to the coefficient of the file."""
        rows[:, : self.model.n_radial] *= self.model.scaling
        return rows

    def energy_gradients(
        self, dataset: Dataset, *, threads: int | None = None
    ) -> NDArray[np.float64]:
        """Gradient of every energy by all parameters, shape (n, n_parameters); as site energies."""
        out = np.empty((len(dataset), self.n_parameters))
        begin = 0
        for rows in self.iter_energy_gradients([dataset], threads=threads):
            out[begin : begin + len(rows)] = rows
            begin += len(rows)
        return out

    def iter_energy_gradients(
        self, stream: Iterable[Dataset | Atoms], *, threads: int | None = None
    ) -> Iterator[NDArray[np.float64]]:
        """Gradients of the energies of a stream of structures, in bounded memory.

        Parameters
        ----------
        stream
            Datasets or single structures; as long as it likes.
        threads
            Number of threads; None for every core.

        Yields
        ------
        rows : shape (m, n_parameters)
            The next structures in order, some at a time.
        """
        self.check_options(threads=threads)
        before = 0
        for dataset in batches(stream, _PORTION):
            for part in portions(dataset.counts, _PORTION):
                where = self._portion(dataset, part, before)
                yield self._scaled(kernels.structure_gradients(self.core, where, threads=threads))
            before += len(dataset)

    def write(self, path: str | Path) -> None:
        """Write the potential as .mtp or .almtp; an active set that came with it follows it."""
        from maxvolt.potentials.files import write_potential

        write_potential(path, self)


def species_numbers(species: tuple[str, ...]) -> NDArray[np.int32]:
    """Atomic numbers of symbols."""
    return np.array([atomic_numbers[s] for s in species], dtype=np.int32)


def _restore(cls: type[MTP], model: Model, species: tuple[str, ...], rest: dict[str, Any]) -> MTP:
    return cls.from_model(model, species, **rest)
