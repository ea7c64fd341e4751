"""Labelled structures as networks are trained on them: symmetry functions, labels, weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maxvolt.cells import cell_volumes
from maxvolt.fitting.objective import EquationWeights, Objective
from maxvolt.neighbors.neighborhoods import dataset_neighborhoods
from maxvolt.potentials.ani.descriptors import Descriptors, FeatureDerivatives
from maxvolt.potentials.ani.environments import Environments
from maxvolt.potentials.ani.libraries import require_torch

__all__ = ["Batch", "Samples"]

Array = NDArray[np.float64]
Tensor = Any

_MOST_KEPT = 2**31
"""Bytes of symmetry functions and derivatives that are kept between epochs."""


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Some structures together: n structures, N atoms, P directed pairs, Q within angular range.

    Attributes
    ----------
    types, structures : shape (N,)
        Species and structure of each atom.
    owners, neighbors, neighbor_types : shape (P,)
        Atoms of each pair, and the species of the second.
    near : shape (Q,)
        Pairs inside the angular cutoff.
    vectors : shape (P, 3), Angstrom
    known
        Symmetry functions and derivatives.
    energies, forces, virials : shapes (n,), (N, 3), (n, 6)
        Labels, in eV and Angstrom; zero where there is none.
    energy_weights, force_weights, virial_weights : shapes (n,), (N, 1), (n, 6)
    counts : shape (n,)
        Atoms of each structure.
    volumes : shape (n,), Angstrom^3
    """

    types: Tensor
    structures: Tensor
    owners: Tensor
    neighbors: Tensor
    neighbor_types: Tensor
    near: Tensor
    vectors: Tensor
    known: FeatureDerivatives
    energies: Tensor
    forces: Tensor
    virials: Tensor
    energy_weights: Tensor
    force_weights: Tensor
    virial_weights: Tensor
    counts: Tensor
    volumes: Tensor

    @property
    def n_structures(self) -> int:
        """Number of structures n."""
        return len(self.energies)


@dataclass(slots=True, eq=False)
class Samples:
    """All structures of an objective, of which batches are made.

    Symmetry functions do not depend on the weights: they are kept as far as memory allows.

    Attributes
    ----------
    objective
        Structures, labels, weights.
    species
        Of the potential.
    cutoff, angular_cutoff : float, Angstrom
    descriptors
        Symmetry functions.
    """

    objective: Objective
    species: tuple[str, ...]
    cutoff: float
    angular_cutoff: float
    descriptors: Descriptors
    _weights: EquationWeights = field(init=False)
    _kept: dict[int, tuple[Environments, FeatureDerivatives]] = field(
        default_factory=dict, init=False
    )
    _bytes: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self._weights = self.objective.equation_weights()

    def __len__(self) -> int:
        return len(self.objective.dataset)

    def batch(self, chosen: Sequence[int] | NDArray[np.int64]) -> Batch:
        """Make a batch of some structures, in the order of their numbers."""
        tensor = self.descriptors.tensor
        numbers = np.sort(np.asarray(chosen, dtype=np.int64))
        part = self.objective.dataset.select(numbers)
        found = [self._known(int(number)) for number in numbers]
        environments = [one for one, _ in found]
        atoms = np.concatenate([[0], np.cumsum([len(one.types) for one in environments])])
        pairs = np.concatenate([[0], np.cumsum([len(one.owners) for one in environments])])

        def joined(name: str, offsets: NDArray[np.int64] | None = None) -> Tensor:
            values = [getattr(one, name) for one in environments]
            if offsets is not None:
                values = [v + o for v, o in zip(values, offsets[:-1], strict=True)]
            return tensor(np.concatenate(values))

        return Batch(
            types=joined("types"),
            structures=tensor(part.structure_of_atom.astype(np.int64)),
            owners=joined("owners", atoms),
            neighbors=joined("neighbors", atoms),
            neighbor_types=joined("neighbor_types"),
            near=joined("near", pairs),
            vectors=joined("vectors").to(self.descriptors.dtype),
            known=_stacked([one for _, one in found]),
            **self._labels(numbers),
            counts=tensor(part.counts.astype(float)).to(self.descriptors.dtype),
            volumes=tensor(cell_volumes(part.cells)).to(self.descriptors.dtype),
        )

    def _labels(self, numbers: NDArray[np.int64]) -> dict[str, Tensor]:
        tensor, dataset = self.descriptors.tensor, self.objective.dataset
        part, every = dataset.select(numbers), self._weights
        atoms = np.concatenate(
            [np.arange(dataset.offsets[s], dataset.offsets[s + 1]) for s in numbers]
        )
        weights = every.energies[numbers], every.forces[atoms][:, None], every.virials[numbers]
        virials = part.stresses * cell_volumes(part.cells)[:, None]
        labels = part.energies, part.forces, virials
        found = {}
        for name, label, weight in zip(("energy", "force", "virial"), labels, weights, strict=True):
            plural = "energies" if name == "energy" else f"{name}s"
            found[plural] = np.where(weight > 0, label, 0.0)
            found[f"{name}_weights"] = weight
        return {
            name: tensor(values).to(self.descriptors.dtype)
            if name != "energies"
            else tensor(values)
            for name, values in found.items()
        }

    def _known(self, number: int) -> tuple[Environments, FeatureDerivatives]:
        if number in self._kept:
            return self._kept[number]
        part = self.objective.dataset.select(slice(number, number + 1))
        neighborhoods = dataset_neighborhoods(
            part, self.species, self.cutoff, first_structure=number
        )
        where = Environments.of(neighborhoods, self.cutoff, self.angular_cutoff)
        known = self.descriptors.with_derivatives(where)
        size = sum(
            tensor.nbytes
            for tensor in (known.features, known.directions, known.radial, known.angular)
        )
        if self._bytes + size <= _MOST_KEPT:
            self._bytes += size
            self._kept[number] = where, known
        return where, known


def _stacked(parts: Sequence[FeatureDerivatives]) -> FeatureDerivatives:
    torch = require_torch()
    return FeatureDerivatives(
        *(
            torch.cat([getattr(part, name) for part in parts])
            for name in ("features", "directions", "radial", "angular")
        )
    )
