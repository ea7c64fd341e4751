"""A map of local environments, with what is known of each, and landmarks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import ArrayLike, NDArray

from maxvolt.coverage.averages import radius_averages
from maxvolt.coverage.embedding import check_perplexity, embed, library_for
from maxvolt.coverage.environments import (
    AtomicQuantities,
    atomic_quantities,
    chosen_atoms,
    describing,
)
from maxvolt.dataset import Dataset, StructureLike
from maxvolt.errors import DataError, MaxvoltError
from maxvolt.potentials import Potential
from maxvolt.units import GPA_PER_EV_A3

__all__ = ["COLOURINGS", "CoverageMap", "Marker", "coverage_map"]

COLOURINGS = {
    "iteration": "iteration",
    "force-error": "force error (eV/Å)",
    "energy": "energy (eV)",
    "stress": "atomic stress (GPa)",
}
"""What environments can be coloured by, with the labels of the scales."""


@dataclass(frozen=True, slots=True, eq=False)
class Marker:
    """A landmark: atoms of a perfect crystal or of frames.

    Parameters
    ----------
    name
    kind
        "crystal" or "frame".
    places : shape (m, 2)
        In the map.
    """

    name: str
    kind: str
    places: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class CoverageMap:
    """Local environments in the plane.

    Parameters
    ----------
    places : shape (n, 2)
        By t-SNE, in a unit without meaning.
    quantities
        Features, energies, stresses and force errors of the environments.
    values
        By names of `COLOURINGS`, shape (n,); the atomic stress is a third of the trace, GPa. Those
        that no environment has are left out.
    averages
        The same averaged over the environments within the radius, equation (192).
    markers
        Landmarks.
    n_atoms
        Atoms of all structures, from which the environments were drawn.
    radius
        Of the averages, in the unit of the map.
    perplexity, seed, library
        Of t-SNE.
    """

    places: NDArray[np.float64]
    quantities: AtomicQuantities
    values: Mapping[str, NDArray[np.float64]]
    averages: Mapping[str, NDArray[np.float64]]
    markers: tuple[Marker, ...]
    n_atoms: int
    radius: float
    perplexity: float
    seed: int
    library: str

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers; null where an environment has no such quantity."""
        return {
            "schema": "maxvolt-map/1",
            "environments": len(self.places),
            "atoms": self.n_atoms,
            "perplexity": self.perplexity,
            "seed": self.seed,
            "library": self.library,
            "radius": self.radius,
            "places": self.places.tolist(),
            "structures": self.quantities.structures.tolist(),
            "atom_numbers": self.quantities.atoms.tolist(),
            "values": {name: _listed(values) for name, values in self.values.items()},
            "averages": {name: _listed(values) for name, values in self.averages.items()},
            "units": {name: COLOURINGS[name] for name in self.values},
            "markers": [
                {"name": one.name, "kind": one.kind, "places": one.places.tolist()}
                for one in self.markers
            ],
        }


def coverage_map(
    potential: Potential,
    dataset: Dataset,
    *,
    environments: int = 3000,
    iterations: ArrayLike | None = None,
    crystals: Mapping[str, Atoms] | None = None,
    frames: Mapping[str, Dataset | Sequence[StructureLike] | StructureLike] | None = None,
    perplexity: float = 30.0,
    radius: float = 0.03,
    seed: int = 0,
    library: str | None = None,
    threads: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> CoverageMap:
    """Map local environments as a potential sees them, equations (189) to (192).

    Environments and landmarks are placed together, by t-SNE with cosine distances of basis
    functions (moment tensor potentials) or of activations of the first layer (ANI), after Smith
    et al., Nat. Commun. 12, 1257 (2021). Needs ``pip install maxvolt[map]``.

    Parameters
    ----------
    potential
        Trained. Of an ensemble, features are those of its first member.
    dataset
        Structures, labelled or not.
    environments
        Most of the atoms that are drawn for the map.
    iterations : shape (structures,)
        When each structure came to the data; None: unknown.
    crystals
        Perfect crystals by name, as from `perfect_crystals`.
    frames
        Structures by name that are to be shown in the map; of each, at most as many atoms are
        drawn.
    perplexity
        About how many neighbours of each environment decide where it comes.
    radius
        Of the averages, as a fraction of the longer side of the map.
    seed
        Of the drawing and of t-SNE: the same gives the same map, on the same machine.
    library
        "openTSNE" or "scikit-learn"; None: the first of them that is installed.
    threads
        Number of threads of the potential; None for every core.
    progress
        Called with the number of structures that are evaluated.

    Raises
    ------
    MaxvoltError
        No library of t-SNE is installed, or an argument is out of its range; the potential is
        untrained or has no features.
    SpeciesError
        A species that the potential does not know.
    DataError
        No structures, too few environments for the perplexity, or numbers that are not finite.
    """
    library = library_for(library)
    describing(potential)
    if not 0 < radius <= 1:
        raise MaxvoltError(
            f"radius: expected a fraction of the map, above 0, up to 1; got {radius}"
        )
    steps = _per_structure(iterations, len(dataset))
    drawn = chosen_atoms(dataset, environments, seed)
    landmarks = _landmarks(potential, crystals or {}, frames or {}, environments, seed, threads)
    check_perplexity(perplexity, len(drawn) + sum(len(found) for _, _, found in landmarks))
    found = atomic_quantities(potential, dataset, drawn, threads=threads, progress=progress)
    features = np.concatenate([found.features, *(rows for _, _, rows in landmarks)])
    places = embed(features, perplexity=perplexity, seed=seed, library=library)
    ends = np.cumsum([len(found), *(len(rows) for _, _, rows in landmarks)])
    shown = places[: len(found)]
    reach = radius * float(np.ptp(shown, axis=0).max())
    values = _values(found, steps)
    return CoverageMap(
        places=shown,
        quantities=found,
        values=values,
        averages={name: radius_averages(shown, one, reach) for name, one in values.items()},
        markers=tuple(
            Marker(name, kind, places[start : start + len(rows)])
            for (name, kind, rows), start in zip(landmarks, ends[:-1], strict=True)
        ),
        n_atoms=dataset.n_atoms,
        radius=reach,
        perplexity=perplexity,
        seed=seed,
        library=library,
    )


def _per_structure(iterations: ArrayLike | None, count: int) -> NDArray[np.float64] | None:
    if iterations is None:
        return None
    steps = np.asarray(iterations, np.float64)
    if steps.shape != (count,):
        raise DataError(f"iterations: expected one for each of {count} structures")
    return steps


def _landmarks(
    potential: Potential,
    crystals: Mapping[str, Atoms],
    frames: Mapping[str, Dataset | Sequence[StructureLike] | StructureLike],
    most: int,
    seed: int,
    threads: int | None,
) -> list[tuple[str, str, NDArray[np.float64]]]:
    """Name, kind and features of every landmark."""
    found = []
    for kind, given in (("crystal", crystals), ("frame", frames)):
        for name, structures in given.items():
            dataset = Dataset.of(structures, labels=False)
            try:
                drawn = chosen_atoms(dataset, most, seed)
                rows = atomic_quantities(potential, dataset, drawn, threads=threads).features
            except MaxvoltError as error:
                raise type(error)(f"{kind} {name!r}: {error}") from error
            found.append((name, kind, rows))
    return found


def _values(
    found: AtomicQuantities, iterations: NDArray[np.float64] | None
) -> dict[str, NDArray[np.float64]]:
    values = {
        "force-error": found.force_errors,
        "energy": found.energies,
        "stress": GPA_PER_EV_A3 * found.stresses[:, :3].mean(axis=1),
    }
    if iterations is not None:
        values = {"iteration": iterations[found.structures], **values}
    return {name: one for name, one in values.items() if np.isfinite(one).any()}


def _listed(values: NDArray[np.float64]) -> list[float | None]:
    return [float(value) if np.isfinite(value) else None for value in values]
