"""Moment tensor potentials."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from maxvolt.compiled import _core
from maxvolt.dataset import Dataset
from maxvolt.errors import MaxvoltError
from maxvolt.limits import CUTOFF, MOST_PARAMETERS, NARROWEST_BASIS, RADIAL_SIZE
from maxvolt.neighbors.neighborhoods import Neighborhoods, stream_neighborhoods
from maxvolt.potentials.evaluation import ATOMS_AT_ONCE, NeighborhoodPotential
from maxvolt.potentials.mtp.basis.contraction import contraction_table
from maxvolt.potentials.mtp.basis.radial import RadialBasis
from maxvolt.potentials.mtp.basis.repulsion import ZBL
from maxvolt.potentials.mtp.binding import kernels
from maxvolt.potentials.mtp.binding.grading import CoreGrader
from maxvolt.potentials.mtp.compiled_file import ErrorRecord, write_compiled_model
from maxvolt.potentials.mtp.conversion import About, file_of_model, model_of_file
from maxvolt.potentials.mtp.files.access import read_potential_file, write_potential_file
from maxvolt.potentials.mtp.files.active_set import ActiveSetRecord
from maxvolt.potentials.mtp.independence import largest_rank
from maxvolt.potentials.mtp.model import Model, compile_model, species_numbers
from maxvolt.potentials.refusals import check_finite
from maxvolt.potentials.results import Energies, Precision
from maxvolt.species import check_species, species_types
from maxvolt.threads import thread_count

__all__ = ["MTP", "read_potential"]

HIGHEST_LEVEL = 32
"""The number of scalars grows by 1.7 with each level; beyond this nobody can fit them."""

_MOST_VERTICES = 8


@dataclass(frozen=True, slots=True, eq=False, init=False, repr=False)
class MTP(NeighborhoodPotential):
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
    about: About
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
        self._set(model, symbols, About(level=level, is_trained=False))

    def _set(self, model: Model, species: tuple[str, ...], about: About) -> None:
        zbl, cutoff = model.repulsion, model.radial.max_dist
        if zbl is not None and zbl.outer > cutoff:
            raise MaxvoltError(
                f"the ZBL repulsion reaches to {zbl.outer:g} A, beyond the cutoff of {cutoff:g} A, "
                "where it would break off; choose a smaller outer radius"
            )
        for field, value in (
            ("model", model.frozen()),
            ("species", species),
            ("about", about),
            ("core", compile_model(model)),
        ):
            object.__setattr__(self, field, value)

    @classmethod
    def from_model(cls, model: Model, species: Sequence[str], about: About | None = None) -> Self:
        """Wrap a model, for example one read from a file; trained, where nothing is said."""
        new = object.__new__(cls)
        new._set(model, check_species(species), about or About())
        return new

    @classmethod
    def read(cls, path: str | Path, species: Sequence[str] | None = None) -> Self:
        """Read a .mtp or .almtp file; see `maxvolt.read_potential`."""
        return cls.from_model(*model_of_file(path, read_potential_file(path), species))

    @property
    def level(self) -> int | None:
        """Level of the basis, None where it came from a file."""
        return self.about.level

    @property
    def is_trained(self) -> bool:
        """Whether its coefficients mean something."""
        return self.about.is_trained

    def with_coefficients(
        self,
        radial_coeffs: NDArray[np.float64],
        species_coeffs: NDArray[np.float64],
        moment_coeffs: NDArray[np.float64],
        *,
        scaling: float = 1.0,
    ) -> Self:
        """Return the trained potential with these coefficients (shapes as in `Model`)."""
        model = replace(
            self.model,
            radial_coeffs=radial_coeffs.reshape(self.model.radial_coeffs.shape),
            species_coeffs=species_coeffs,
            moment_coeffs=moment_coeffs,
            scaling=scaling,
        )
        return self.from_model(model, self.species, replace(self.about, is_trained=True))

    def with_repulsion(self, repulsion: ZBL | None) -> Self:
        """Return the potential with a short-range pair repulsion added, or without one.

        The coefficients stay as they are, so energies change wherever atoms are within its reach;
        fit again if the training set has such structures.
        """
        return self.from_model(replace(self.model, repulsion=repulsion), self.species, self.about)

    def __copy__(self) -> Self:
        """Return itself: what cannot change needs no copy."""
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Return itself: what cannot change needs no copy."""
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle without the compiled core, which is built again from the model."""
        return _restore, (type(self), self.model, self.species, self.about)

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

    def types(self, numbers: NDArray[np.int32]) -> NDArray[np.int32]:
        """Species index of atoms from their atomic numbers; SpeciesError for unknown ones."""
        return species_types(numbers, self.species)

    def evaluate_neighborhoods(
        self,
        neighborhoods: Neighborhoods,
        *,
        threads: int | None = None,
        precision: Precision = "double",
    ) -> Energies:
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
        found = kernels.evaluate(self.core, neighborhoods, threads=threads, precision=precision)
        return check_finite(found, neighborhoods)

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
        self, neighborhoods: Neighborhoods, *, threads: int | None = None
    ) -> NDArray[np.float64]:
        """Share of each atom in the virial, equation (13a), shape (N, 3, 3), eV."""
        self._require_trained()
        return kernels.atomic_virials(self.core, neighborhoods, threads=threads)

    def largest_rank(self, *, of_sites: bool) -> int:
        """Number of independent gradients that structures, or their atoms, can have."""
        return largest_rank(self.model, of_sites=of_sites)

    def site_gradients(
        self, neighborhoods: Neighborhoods, *, threads: int | None = None
    ) -> NDArray[np.float64]:
        """Gradient of every site energy by all parameters of the file, shape (N, n_parameters).

        The order is radial, species, moment coefficients, as in MLIP; equations (17) and (18).
        """
        return self._of_file(kernels.site_gradients(self.core, neighborhoods, threads=threads))

    def site_features(
        self, neighborhoods: Neighborhoods, *, threads: int | None = None
    ) -> NDArray[np.float64]:
        """Basis functions of every atom, equation (189): columns of linear coefficients."""
        self._require_trained()
        return self.site_gradients(neighborhoods, threads=threads)[:, self.model.n_radial :]

    def structure_gradients(
        self, neighborhoods: Neighborhoods, *, threads: int | None = None
    ) -> NDArray[np.float64]:
        """Gradient of the energy of every structure, shape (n, n_parameters)."""
        return self._of_file(kernels.structure_gradients(self.core, neighborhoods, threads=threads))

    def evaluate_with_gradients(
        self, neighborhoods: Neighborhoods, *, of_sites: bool, threads: int | None = None
    ) -> tuple[Energies, NDArray[np.float64]]:
        """Energies and forces together with one of the two above, in one pass."""
        energies, gradients = kernels.evaluate_with_gradients(
            self.core, neighborhoods, sites=of_sites, threads=threads
        )
        return check_finite(energies, neighborhoods), self._of_file(gradients)

    def site_grader(self, inverse: NDArray[np.float64]) -> CoreGrader:
        """Give what grades atoms by the inverse of the matrix of active rows, shape (P, P)."""
        return CoreGrader(self.core, inverse, self.model.scaling, self.model.n_radial)

    def force_and_virial_gradients(
        self, neighborhoods: Neighborhoods
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Gradients of forces, shape (N, 3, n_parameters), and of virials, (n, 6, ...)."""
        jacobian = kernels.jacobian(self.core, neighborhoods)
        self._of_file(jacobian.table)
        return jacobian.forces, jacobian.virials

    def _of_file(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """From the kernels' product of coefficient and scaling to the coefficient of the file."""
        with np.errstate(over="ignore", invalid="ignore"):  # refused by whoever uses them
            rows[:, : self.model.n_radial] *= self.model.scaling
        return rows

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
        return self.site_gradients(self.neighborhoods(structures), threads=threads)

    def energy_gradients(
        self, dataset: Dataset, *, threads: int | None = None, atoms_at_once: int = ATOMS_AT_ONCE
    ) -> NDArray[np.float64]:
        """Gradient of every energy by all parameters, shape (n, n_parameters); as site energies."""
        out = np.empty((len(dataset), self.n_parameters))
        begin = 0
        stream = self.iter_energy_gradients([dataset], threads=threads, atoms_at_once=atoms_at_once)
        for rows in stream:
            begin += len(rows)
            out[begin - len(rows) : begin] = rows
        return out

    def iter_energy_gradients(
        self,
        stream: Iterable[Dataset | Atoms],
        *,
        threads: int | None = None,
        atoms_at_once: int = ATOMS_AT_ONCE,
    ) -> Iterator[NDArray[np.float64]]:
        """Gradients of the energies of a stream of structures, in bounded memory.

        Parameters
        ----------
        stream
            Datasets or single structures; as long as it likes.
        threads, atoms_at_once
            Number of threads, None for every core; atoms whose neighbours are held at once.

        Yields
        ------
        rows : shape (m, n_parameters)
            The next structures in order, some at a time.
        """
        self.check_options(threads=threads)
        for neighborhoods in stream_neighborhoods(
            stream, self.species, self.cutoff, atoms_at_once=atoms_at_once
        ):
            yield self.structure_gradients(neighborhoods, threads=threads)

    def _facts(self) -> dict[str, object]:
        return {"level": self.level, "min_dist": self.min_dist} | NeighborhoodPotential._facts(self)

    def write(self, path: str | Path) -> None:
        """Write the potential as .mtp; the file appears whole or not at all."""
        write_potential_file(path, file_of_model(self.model, self.species, self.about))

    def write_compiled(
        self,
        path: str | Path,
        active_set: ActiveSetRecord | None = None,
        errors: ErrorRecord | None = None,
    ) -> None:
        """Write a compiled model file, from which the core evaluates without Python.

        It appears whole or not at all. With the `active_set` LAMMPS grades, with `errors` it
        expects errors: `maxvolt.ActiveSet.write` and `maxvolt.Uncertainty.write` give them.

        Raises
        ------
        MaxvoltError
            The potential is untrained.
        DataError
            The file cannot be written.
        """
        self._require_trained()
        write_compiled_model(path, self.core, self.species, self.model, active_set, errors)


def read_potential(path: str | Path, species: Sequence[str] | None = None) -> MTP:
    """Read a .mtp or .almtp file of MLIP-2, MLIP-3 or this package.

    An active set in the file is left out; `maxvolt.read_active_set` reads both. `maxvolt.load`
    reads potentials of other families and ensembles as well.

    Parameters
    ----------
    path
        The file. Its contraction tables are used as they stand.
    species
        Chemical symbols in the order of the types; needed where the file names none (MLIP's own
        files do not), and then the file's names, if any, must agree.

    Returns
    -------
    MTP
        Untrained if the file has no coefficients.

    Raises
    ------
    FileFormatError
        The file is no valid potential; names file and line. Magnetic potentials are not supported.
    SpeciesError
        Species are needed, of wrong number, or differ from those in the file.
    """
    return MTP.read(path, species)


def _restore(cls: type[MTP], model: Model, species: tuple[str, ...], about: About) -> MTP:
    return cls.from_model(model, species, about)
