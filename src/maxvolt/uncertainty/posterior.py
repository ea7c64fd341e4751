"""The Laplace posterior of a fitted potential: what its training set says of its parameters.

Near its minimum the loss is a parabola, so that the parameters are normally distributed with the
covariance (43) of docs/formulation. What follows from it for a site energy, a force or an energy
are the standard deviations (44): how far predictions may move while the training set is fitted as
well as the noise allows. They are measures of the error, and not errors: a potential that cannot
describe its data is wrong by more. `maxvolt.uncertainty.calibration` makes errors of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh
from threadpoolctl import threadpool_limits

from maxvolt.errors import DataError, FitError
from maxvolt.fitting.atomic_energies import resolve_isolated_energies
from maxvolt.fitting.curvature import Curvature, CurvatureSums
from maxvolt.fitting.families import training_of
from maxvolt.fitting.objective import Objective
from maxvolt.fitting.settings import FitSettings, settings_with
from maxvolt.io.structures import Structures, structures_of
from maxvolt.neighbors.neighborhoods import Neighborhoods, iterate_neighborhoods
from maxvolt.potentials import Ensemble, HasMembers, ParameterGradients, Potential, load
from maxvolt.species import check_known_species
from maxvolt.threads import thread_count
from maxvolt.uncertainty.archive import (
    Archive,
    bytes_of,
    damage_named,
    potential_of,
    read_archive,
    write_archive,
)

__all__ = [
    "Deviations",
    "Posterior",
    "curvature_on",
    "posterior_from",
    "read_posterior",
    "trained_potential",
]

_KIND = "maxvolt posterior"
_VERSION = 1

_ATOMS_AT_ONCE = 5000
"""Whose gradients are held."""

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Deviations:
    """Standard deviations of predictions of n structures with N atoms.

    Attributes
    ----------
    sites : shape (N,), eV
        Of the site energies.
    structures : shape (n,), eV
        Of the energies of the structures.
    """

    sites: Array
    structures: Array


@dataclass(frozen=True, slots=True, eq=False)
class Posterior:
    """Normal distribution of the P parameters of a potential around their values.

    Make one with `from_dataset`.

    Parameters
    ----------
    potential
        The potential, whose parameters are the mean.
    factor : shape (P, r)
        The covariance is ``factor @ factor.T``. Rows are parameters in the order of the potential's
        file and of its gradients (radial, species, moment coefficients); columns are independent
        directions, those that the training set determines least first. The standard deviation of
        whatever has the gradient g by the parameters is the length of ``g @ factor``.
    linear_factor : shape (L, l)
        The same for the last L parameters, the linear ones, with the others held fixed.
    noise : float
        Estimate of the weighted residual of one equation, from the training set.
    n_effective : float
        Number of parameters that the training set determines.

    Raises
    ------
    DataError
        A factor that does not belong to the potential, or is not finite.
    """

    potential: ParameterGradients
    factor: Array
    linear_factor: Array
    noise: float
    n_effective: float

    def __post_init__(self) -> None:
        p, shape = self.potential.n_parameters, self.linear_factor.shape
        if self.factor.ndim != 2 or len(self.factor) != p or len(shape) != 2 or shape[0] > p:
            raise DataError(
                f"a posterior of {p} parameters needs a factor with as many rows; got shapes "
                f"{self.factor.shape} and {self.linear_factor.shape}"
            )
        if not (np.isfinite(self.factor).all() and np.isfinite(self.linear_factor).all()):
            raise DataError("the posterior is not finite: fit the potential again")

    @classmethod
    def from_dataset(
        cls,
        potential: ParameterGradients | str | PathLike[str],
        dataset: Structures,
        settings: FitSettings | Mapping[str, Any] = FitSettings(),  # noqa: B008 (immutable)
        *,
        threads: int | None = None,
        **changes: Any,
    ) -> Posterior:
        """The posterior of a trained potential by its training set.

        One pass over the structures, of the cost of two iterations of a fit.

        Parameters
        ----------
        potential
            A trained potential that is not an ensemble, or the path of its file.
        dataset
            The training set, with labels. A `Dataset`, one `ase.Atoms`, the path of a file, or
            several of these.
        settings, **changes
            As of `maxvolt.fit`: weights, scaling, isolated energies, ridge and the robust loss
            matter. With it, labels have the weights that the fit ended with; where errors of labels
            are normal, deviations are then 10 % too small.
        threads
            Number of threads; None for every core.

        Raises
        ------
        DataError, FitError
            An ensemble, an untrained potential, a family without a posterior; labels that cannot be
            used.
        SpeciesError
            A species unknown to the potential.
        """
        curvature = curvature_on(
            potential, dataset, settings_with(settings, changes), folds=None, threads=threads
        )
        return posterior_from(curvature, curvature.sums())

    def __repr__(self) -> str:
        rows, columns = self.factor.shape
        return f"Posterior({rows} parameters, {columns} directions, {self.n_effective:.1f} known)"

    def write(self, path: str | Path) -> None:
        """Write potential and posterior to one file, which appears whole or not at all.

        `maxvolt.uncertainty.read_posterior` reads it.
        """
        arrays = {"potential": bytes_of(self.potential), **self.to_arrays()}
        document = {"species": list(self.potential.species)}
        write_archive(path, Archive(_KIND, _VERSION, document, arrays))

    def to_arrays(self, prefix: str = "") -> dict[str, NDArray[Any]]:
        """The numbers of the posterior by name, as files keep them (float64, C order)."""
        return {
            f"{prefix}factor": np.ascontiguousarray(self.factor),
            f"{prefix}linear_factor": np.ascontiguousarray(self.linear_factor),
            f"{prefix}numbers": np.array([self.noise, self.n_effective]),
        }

    @classmethod
    def from_arrays(
        cls, potential: Potential, arrays: Mapping[str, NDArray[Any]], prefix: str = ""
    ) -> Self:
        """The reverse of `to_arrays`, around a potential.

        Raises
        ------
        DataError
            The numbers do not belong to the potential.
        KeyError, ValueError
            Numbers are missing.
        """
        noise, effective = arrays[f"{prefix}numbers"].tolist()
        return cls(
            potential=trained_potential(potential),
            factor=np.asarray(arrays[f"{prefix}factor"], np.float64),
            linear_factor=np.asarray(arrays[f"{prefix}linear_factor"], np.float64),
            noise=float(noise),
            n_effective=float(effective),
        )

    # ----------------------------------------------------------------- deviations

    def deviations(self, neighborhoods: Neighborhoods, *, threads: int | None = None) -> Deviations:
        """Standard deviations of site energies and energies, at the price of grades of atoms."""
        gradients = self.potential.site_gradients(neighborhoods, threads=threads)
        return self.deviations_of(gradients, neighborhoods)

    def deviations_of(self, gradients: Array, neighborhoods: Neighborhoods) -> Deviations:
        """The same from gradients of site energies, shape (N, P), that are known."""
        with np.errstate(over="ignore", invalid="ignore"):  # refused by whoever uses them
            projected = gradients @ self.factor
            first = np.searchsorted(neighborhoods.structures, np.arange(neighborhoods.n_structures))
            sums = np.add.reduceat(projected, first, axis=0)
            return Deviations(_lengths(projected), _lengths(sums))

    def energy_factor(self, structures: Structures, *, threads: int | None = None) -> Array:
        """Directions in which energies of structures err together.

        Parameters
        ----------
        structures
            A `Dataset`, ``ase.Atoms`` or the path of a file; labels are not looked at.
        threads
            Number of threads; None for every core.

        Returns
        -------
        factor : shape (n, r), eV
            The covariance of the energies is ``factor @ factor.T``; see
            `maxvolt.properties.convex_hull`.

        Raises
        ------
        SpeciesError
            A species unknown to the potential.
        """
        potential = self.potential
        dataset = structures_of(structures, potential.species, name="structures")
        found = np.empty((len(dataset), self.factor.shape[1]))
        for part, where in iterate_neighborhoods(
            dataset, potential.species, potential.cutoff, atoms_at_once=_ATOMS_AT_ONCE
        ):
            gradients = potential.site_gradients(where, threads=threads)
            first = np.searchsorted(where.structures, np.arange(where.n_structures))
            found[part] = np.add.reduceat(gradients, first, axis=0) @ self.factor
        return found

    def force_deviations(self, neighborhoods: Neighborhoods) -> Array:
        """Standard deviations of the forces on all atoms, shape (N,), eV/Angstrom.

        The root of the summed variances of the three components, exact to first order in the
        parameters. It needs the derivatives of all forces by all parameters, some ten to thirty
        times what site energies need in time, and 24 P bytes of memory an atom.
        """
        of_forces, _ = self.potential.force_and_virial_gradients(neighborhoods)
        return _lengths_of_vectors(of_forces, self.factor)

    def linear_force_deviations(self, neighborhoods: Neighborhoods) -> Array:
        """The same by the linear parameters alone, the others held fixed: what samples spread.

        Radial coefficients of pairs of species that the training set hardly determines move forces
        far beyond where their derivatives hold. Of an alloy with few structures this deviation
        tells the errors much better; of one element both tell the same (docs/uncertainty).
        """
        of_forces, _ = self.potential.force_and_virial_gradients(neighborhoods)
        return _lengths_of_vectors(of_forces[..., -len(self.linear_factor) :], self.linear_factor)

    # ----------------------------------------------------------------- samples

    def ensemble(self, members: int, seed: int = 0) -> Ensemble:
        """Potentials drawn from the posterior of the linear coefficients, the others held fixed.

        At almost no cost: no fit is made. Their mean is the potential itself; with one member it is
        that.

        Parameters
        ----------
        members
            Number of potentials.
        seed
            Of the random numbers.

        Raises
        ------
        DataError
            Fewer than one member, or a negative seed.
        """
        if members < 1 or seed < 0:
            raise DataError(f"expected members >= 1 and seed >= 0; got {members} and {seed}")
        shifted = training_of(self.potential).shifted_linear
        assert shifted is not None
        drawn = np.random.default_rng(seed).normal(size=(members, self.linear_factor.shape[1]))
        # Predictions are linear in these: the mean of the members is that of their coefficients.
        changes = (drawn - drawn.mean(axis=0)) @ self.linear_factor.T
        return Ensemble(tuple(shifted(self.potential, change) for change in changes))


def read_posterior(path: str | Path) -> Posterior:
    """Read what `Posterior.write` wrote.

    The file is an archive of NumPy (``.npz``, not compressed) with ``potential``, the bytes of the
    potential's own file; ``factor``, float64, shape (P, r), row by row, and ``linear_factor``,
    shape (L, l), as of `Posterior`; ``numbers``, the noise and the number of parameters that are
    determined; ``document``, JSON with the species.

    Raises
    ------
    FileFormatError
        The file is missing, damaged, or holds something else.
    """
    archive = read_archive(path, _KIND, _VERSION, "write one with Posterior.write")
    with damage_named(path):
        potential = potential_of(archive.arrays["potential"], archive.document["species"])
        return Posterior.from_arrays(potential, archive.arrays)


def curvature_on(
    potential: ParameterGradients | str | PathLike[str],
    dataset: Structures,
    settings: FitSettings,
    *,
    folds: list[NDArray[np.int64]] | None,
    threads: int | None,
) -> Curvature:
    """Equations of a potential on its training set, as of `Posterior.from_dataset`, by folds."""
    potential = trained_potential(potential)
    data = structures_of(dataset, potential.species)
    check_known_species(data, potential.species, "the training set")
    curvature = training_of(potential).curvature
    if curvature is None:
        raise DataError(f"{type(potential).__name__}: this family of potentials has no posterior")
    energies = resolve_isolated_energies(
        settings.isolated_energies, data, potential.species, potential.cutoff
    )
    objective = Objective(data, settings.weights, settings.scaling, energies)
    count = thread_count(threads)
    with threadpool_limits(1, user_api="blas"):
        return curvature(
            potential,
            objective,
            ridge=settings.ridge,
            robust=settings.robust,
            folds=[np.arange(len(data))] if folds is None else folds,
            threads=count,
        )


def posterior_from(curvature: Curvature, sums: CurvatureSums) -> Posterior:
    """The posterior by some sums of a curvature, around its potential.

    It is of no use around another potential: directions that change no energy of the one, which no
    data determine, change energies of the other.

    Raises
    ------
    FitError
        The sums are not finite.
    """
    if not np.isfinite(sums.matrix).all():
        raise FitError(
            "the Gauss-Newton matrix is not finite: look for atoms that are far too close and for "
            "coefficients that are far too large"
        )
    known = np.zeros(len(sums.matrix), np.bool_)
    known[curvature.known] = True
    linear = np.zeros(len(sums.matrix), np.bool_)
    linear[curvature.linear] = True
    factor, effective = _factor(sums.matrix, curvature.floor, ~known, curvature.ridge)
    noise = float(np.sqrt(sums.squares / max(sums.n_equations - effective, 1.0)))
    linear_factor, _ = _factor(sums.matrix, curvature.floor, ~known & linear, curvature.ridge)
    return Posterior(
        potential=curvature.potential,
        factor=noise * factor,
        linear_factor=noise * linear_factor[linear],
        noise=noise,
        n_effective=effective,
    )


def _factor(
    matrix: Array, floor: Array, free: NDArray[np.bool_], ridge: float
) -> tuple[Array, float]:
    """Factor of the inverse of a regularised block, with zero rows for all other parameters.

    Parameters
    ----------
    matrix, floor
        As of `CurvatureSums` and `Curvature`.
    free : shape (P,)
        The parameters of the block.
    ridge
        Relative to the diagonal.

    Returns
    -------
    factor : shape (P, m)
        With m parameters in the block; the columns of least determined directions first.
    effective
        Number of parameters that the matrix determines.
    """
    block, least = matrix[np.ix_(free, free)], floor[free]
    squares = np.diag(block)
    scale = np.sqrt(np.maximum(squares, least))
    scale[scale == 0.0] = 1.0  # no structure has it: whatever does is beyond all that is known
    scaled = block / scale / scale[:, None]
    scaled[np.diag_indices_from(scaled)] += ridge + np.maximum(least - squares, 0.0) / scale**2
    out = np.zeros((len(matrix), int(free.sum())))
    values, vectors = eigh(scaled)
    values = np.maximum(values, ridge)  # rounding
    out[free] = vectors / np.sqrt(values) / scale[:, None]
    return out, float((1.0 - ridge / values).sum())


def _lengths(rows: Array) -> Array:
    return np.asarray(np.sqrt(np.einsum("ij,ij->i", rows, rows)))


def _lengths_of_vectors(gradients: Array, factor: Array) -> Array:
    """Root of the summed variances of three components with gradients of shape (N, 3, P)."""
    with np.errstate(over="ignore", invalid="ignore"):
        projected = gradients.reshape(-1, gradients.shape[2]) @ factor
        squares = np.einsum("ij,ij->i", projected, projected)
        return np.asarray(np.sqrt(squares.reshape(-1, 3).sum(axis=1)))


def trained_potential(
    given: ParameterGradients | Potential | str | PathLike[str],
) -> ParameterGradients:
    """Give a trained potential that is not an ensemble, also from the path of its file.

    Raises
    ------
    DataError
        It is something else.
    """
    potential = load(given) if isinstance(given, str | PathLike) else given
    if isinstance(potential, HasMembers) or not isinstance(potential, ParameterGradients):
        raise DataError(
            "potential: a posterior belongs to one potential that can be trained, such as "
            f"maxvolt.MTP; got {type(potential).__name__}: of an ensemble give one member"
        )
    if not potential.is_trained:
        raise DataError("the potential is untrained; fit it first, with maxvolt.fit")
    return potential
