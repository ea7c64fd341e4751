"""Formation energies of compounds, their convex hull, and how far each structure is above it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from ase.data import atomic_numbers
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import ConvexHull as Qhull

from maxvolt.dataset import Dataset
from maxvolt.errors import DataError
from maxvolt.html_tables import TableOfNumbers
from maxvolt.io.structures import Structures, structures_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["SAME_ENERGY", "ConvexHull", "convex_hull"]

Array = NDArray[np.float64]

SAME_ENERGY = 1e-4
"""eV/atom; structures of one composition that differ by less are taken for the same crystal."""

_FLAT = 1e-10
"""Facets whose normals have a smaller component along the energy stand upright."""

_NO_VOLUME = 1e-12
"""Determinant of the compositions of a facet whose corners lie in one line or plane."""


@dataclass(frozen=True, slots=True, eq=False)
class ConvexHull(TableOfNumbers):
    """Formation energies and their lower convex hull, formulation (71) to (73).

    Attributes
    ----------
    elements : tuple of str
        The components.
    compositions : shape (n, elements)
        Share of each element in each structure.
    formation_energies : shape (n,), eV/atom
        Energy above the mixture of the lowest structures of the pure elements.
    distances : shape (n,), eV/atom
        Above the hull.
    errors : shape (n,), eV/atom
        Standard deviation of the distances; NaN where nobody knows.
    end_members : shape (elements,)
        Numbers of the lowest structures of the pure elements.
    ground_states : tuple of int
        Numbers of the corners of the hull, end members among them, by composition.
    margins : shape (ground states,), eV/atom
        How far each ground state is below the hull of the others; NaN of an end member without
        another structure of its element.
    """

    elements: tuple[str, ...]
    compositions: Array
    formation_energies: Array
    distances: Array
    errors: Array
    end_members: NDArray[np.int64]
    ground_states: tuple[int, ...]
    margins: Array

    def __repr__(self) -> str:
        """Say how many structures and ground states there are."""
        return (
            f"ConvexHull({'-'.join(self.elements)}: {len(self.distances)} structures, "
            f"{len(self.ground_states)} ground states)"
        )

    def near(self, sigmas: float | None = None, within: float | None = None) -> NDArray[np.int64]:
        """Numbers of the structures near the hull.

        Parameters
        ----------
        sigmas
            Largest distance in units of its error.
        within : eV/atom
            Largest distance, where `sigmas` is not given.

        Raises
        ------
        DataError
            Neither is given, or there is no error.
        """
        if sigmas is None:
            if within is None:
                raise DataError("near: give sigmas or within")
            return np.flatnonzero(self.distances <= within)  # of corners exactly 0
        if np.isnan(self.errors).any():
            raise DataError("near: sigmas need errors; give them to convex_hull, or give within")
        return np.flatnonzero(self.distances <= sigmas * self.errors)

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain numbers and lists, units in the keys."""
        return {
            "elements": list(self.elements),
            "compositions": self.compositions.tolist(),
            "formation_energies_eV_per_atom": self.formation_energies.tolist(),
            "distances_eV_per_atom": self.distances.tolist(),
            "errors_eV_per_atom": self.errors.tolist(),
            "end_members": self.end_members.tolist(),
            "ground_states": list(self.ground_states),
            "margins_eV_per_atom": self.margins.tolist(),
        }

    def plot(self, reference: ConvexHull | None = None) -> Figure:
        """Draw a hull of two or three elements, and that of a reference beside it.

        Raises
        ------
        DataError
            There are other numbers of elements, or the reference has other elements.
        """
        from maxvolt.properties.hull_figure import hull_figure

        return hull_figure(self, reference)


def convex_hull(
    structures: Structures,
    *,
    errors: ArrayLike | None = None,
    joint_errors: ArrayLike | None = None,
    member_energies: ArrayLike | None = None,
) -> ConvexHull:
    """Find formation energies, their convex hull, and the distance of each structure to it.

    Structures may occur several times; a ground state is then named once.

    Parameters
    ----------
    structures
        With energies: a `Dataset`, several ``ase.Atoms`` or the path of a file.
    errors : eV/atom
        Standard deviation of the energies, one or one for each structure, that are independent of
        each other: equation (73).
    joint_errors : shape (n, directions), eV/atom
        Errors that belong together, instead of `errors`: the covariance of the energies is
        ``joint_errors @ joint_errors.T``, equation (73a). See `Posterior.energy_factor`.
    member_energies : shape (members, n), eV
        Energies by each member of an ensemble, instead of `errors`: the error of a distance is then
        the standard deviation of the distances that the members give, each with its own hull.

    Raises
    ------
    DataError
        No structures, one without energy, or an element of which there is no pure structure.
    """
    dataset = structures_of(structures, None, name="structures")
    elements, compositions, energies = _per_atom(dataset)
    found = _Lower.of(compositions, energies, elements)
    distances = found.distances(compositions, energies)
    distances[found.corners] = (
        0.0  # not rounding errors, which would be above the error of a corner
    )
    if sum(given is not None for given in (errors, joint_errors, member_energies)) > 1:
        raise DataError("convex_hull: give one of errors, joint_errors, member_energies, not both")
    known = np.full(len(energies), np.nan)
    if member_energies is not None:
        known = _spread(np.asarray(member_energies, np.float64), dataset, compositions, elements)
    elif joint_errors is not None:
        known = found.joint_errors(compositions, _factor_of(joint_errors, len(energies)))
    elif errors is not None:
        known = found.errors(compositions, _errors_of(errors, len(energies)))
    order = np.lexsort(compositions[found.corners].T[::-1])
    ground_states = tuple(int(found.corners[k]) for k in order)
    return ConvexHull(
        elements=elements,
        compositions=compositions,
        formation_energies=energies - compositions @ energies[found.end_members],
        distances=distances,
        errors=known,
        end_members=found.end_members,
        ground_states=ground_states,
        margins=np.array([_margin(s, compositions, energies, elements) for s in ground_states]),
    )


def _per_atom(dataset: Dataset) -> tuple[tuple[str, ...], Array, Array]:
    """Elements, shares of each in each structure, and energies per atom."""
    if not len(dataset):
        raise DataError("structures: there is none; expected some with energies")
    without = np.flatnonzero(~dataset.has_energy)
    if len(without):
        raise DataError(
            f"structure {without[0]} (and {len(without) - 1} more) of {len(dataset)}, counted from "
            "0, has no energy; leave such structures out, or compute their energies "
            "('maxvolt evaluate', 'maxvolt label')"
        )
    elements = dataset.species
    numbers = np.array([atomic_numbers[symbol] for symbol in elements])
    counts = np.zeros((len(dataset), len(elements)))
    columns = np.searchsorted(np.sort(numbers), dataset.numbers)
    np.add.at(counts, (dataset.structure_of_atom, np.argsort(numbers)[columns]), 1.0)
    n_atoms = counts.sum(axis=1)
    return elements, counts / n_atoms[:, None], dataset.energies / n_atoms


def _errors_of(errors: ArrayLike, n: int) -> Array:
    given = np.asarray(errors, np.float64)
    if given.ndim > 1 or given.size not in (1, n) or not (given >= 0).all():
        raise DataError(
            f"errors: expected one number of at least 0, or one for each of {n} structures; got "
            f"shape {given.shape}"
        )
    return np.broadcast_to(given.reshape(-1), (n,))


def _factor_of(joint_errors: ArrayLike, n: int) -> Array:
    given = np.asarray(joint_errors, np.float64)
    if given.ndim != 2 or len(given) != n or not np.isfinite(given).all():
        raise DataError(
            f"joint_errors: expected finite numbers of shape ({n}, directions); got shape "
            f"{given.shape}"
        )
    return given


def _spread(
    member_energies: Array, dataset: Dataset, compositions: Array, elements: tuple[str, ...]
) -> Array:
    """Standard deviation of the distances by the members."""
    if member_energies.ndim != 2 or member_energies.shape[1] != len(dataset):
        raise DataError(
            f"member_energies: expected shape (members, {len(dataset)}); got "
            f"{member_energies.shape}"
        )
    if len(member_energies) < 2:
        raise DataError("member_energies: a spread needs at least two members")
    each = []
    for row in member_energies / np.diff(dataset.offsets):
        each.append(_Lower.of(compositions, row, elements).distances(compositions, row))
    return np.asarray(np.std(each, axis=0, ddof=1))


def _margin(s: int, compositions: Array, energies: Array, elements: tuple[str, ...]) -> float:
    """How far a structure is below the hull of all that are not the same crystal."""
    same = (abs(compositions - compositions[s]) < 1e-9).all(axis=1)
    others = ~(same & (abs(energies - energies[s]) < SAME_ENERGY))
    if (compositions[others].max(axis=0, initial=0.0) < 1 - 1e-9).any():
        return float("nan")  # nothing else is there of a pure element
    found = _Lower.of(compositions[others], energies[others], elements)
    return -float(found.distances(compositions[s : s + 1], energies[s : s + 1])[0])


@dataclass(frozen=True, slots=True, eq=False)
class _Lower:
    """The lower hull of points.

    Attributes
    ----------
    end_members : shape (k,)
        Numbers of the lowest points of the pure elements.
    corners : shape (m,)
        Numbers of the points that span it.
    facets : shape (f, k)
        Corners of each facet, by their numbers among the points.
    planes : shape (f, k)
        Energy of each facet at the pure elements: its plane is linear in the composition.
    """

    end_members: NDArray[np.int64]
    corners: NDArray[np.int64]
    facets: NDArray[np.int64]
    planes: Array
    compositions: Array

    @classmethod
    def of(cls, compositions: Array, energies: Array, elements: tuple[str, ...]) -> _Lower:
        ends = _end_members(compositions, energies, elements)
        k = len(ends)
        formation = energies - compositions @ energies[ends]
        lowest = _lowest_of_each(compositions, formation)
        lowest = lowest[formation[lowest] < -1e-12]
        used = np.concatenate([ends, np.setdiff1d(lowest, ends)])
        if len(used) == k:
            facets = ends[None, :]
        else:
            # Energies of their own scale, and a point above them, so that Qhull sees a solid.
            scale = abs(formation[used]).max()
            points = np.column_stack([compositions[used, :-1], formation[used] / scale])
            apex = np.append(np.full(k - 1, 1 / k), 1.0)
            hull = Qhull(np.vstack([points, apex]))
            lower = hull.equations[:, -2] < -_FLAT
            facets = used[hull.simplices[lower]]
            # Where many points lie in one plane, some facets of Qhull have no volume.
            facets = facets[abs(np.linalg.det(compositions[facets])) > _NO_VOLUME]
        solved = np.linalg.solve(compositions[facets], energies[facets][..., None])
        planes = np.asarray(solved[..., 0], np.float64)
        return cls(ends, np.unique(facets), facets, planes, compositions)

    def distances(self, compositions: Array, energies: Array) -> Array:
        """Distances of points above the hull, which is the largest of its planes; eV/atom."""
        return np.asarray(energies - (compositions @ self.planes.T).max(axis=1))

    def errors(self, compositions: Array, errors: Array) -> Array:
        """Standard deviation of the distances where errors of the energies are independent."""
        corners, weights = self._mixtures(compositions)
        own = corners == np.arange(len(errors))[:, None]
        share = 1.0 - (weights * own).sum(axis=1)
        others = (weights * ~own * errors[corners]) ** 2
        variance = (share * errors) ** 2 + others.sum(axis=1)
        return np.asarray(np.sqrt(variance))

    def joint_errors(self, compositions: Array, factor: Array) -> Array:
        """The same where the covariance of the energies is the square of a factor."""
        corners, weights = self._mixtures(compositions)
        along = factor.copy()
        for corner, weight in zip(corners.T, weights.T, strict=True):
            along -= weight[:, None] * factor[corner]
        along[self.corners] = 0.0  # not rounding errors
        return np.asarray(np.linalg.norm(along, axis=1))

    def _mixtures(self, compositions: Array) -> tuple[NDArray[np.int64], Array]:
        """Corners of the facet at each composition, and their weights, shapes (n, k)."""
        values = compositions @ self.planes.T
        highest = values.max(axis=1, keepdims=True)
        rows, facets = np.nonzero(values >= highest - _FLAT * (1 + abs(highest)))
        spanning = self.compositions[self.facets].transpose(0, 2, 1)
        solved = np.linalg.solve(spanning[facets], compositions[rows][..., None])
        weights = np.asarray(solved[..., 0], np.float64)
        # Facets may lie in one plane; the composition is inside the one without negative weights.
        order = np.lexsort([-weights.min(axis=1), rows])
        inside = order[np.unique(rows[order], return_index=True)[1]]
        return self.facets[facets[inside]], weights[inside]


def _end_members(
    compositions: Array, energies: Array, elements: tuple[str, ...]
) -> NDArray[np.int64]:
    ends = []
    for column, symbol in enumerate(elements):
        pure = np.flatnonzero(compositions[:, column] > 1 - 1e-9)
        if not len(pure):
            raise DataError(
                f"there is no structure of pure {symbol}, from whose energy formation energies are "
                f"counted; add one (of {', '.join(elements)} each)"
            )
        ends.append(pure[energies[pure].argmin()])
    return np.array(ends, np.int64)


def _lowest_of_each(compositions: Array, formation: Array) -> NDArray[np.int64]:
    """The point of the lowest energy of each composition."""
    _, which = np.unique(np.round(compositions, 9), axis=0, return_inverse=True)
    order = np.lexsort([np.arange(len(formation)), formation, which.ravel()])
    first = np.unique(which.ravel()[order], return_index=True)[1]
    return np.asarray(order[first])
