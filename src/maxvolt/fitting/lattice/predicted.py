"""What a potential on a lattice says of structures, and how far that is from their labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maxvolt.dataset import Dataset
from maxvolt.errors import DataError
from maxvolt.fitting.error_statistics import ErrorStatistics, LabelDifferences
from maxvolt.fitting.lattice.labelled import OnSites, labels_of, structures_on_sites
from maxvolt.potentials.lattice.ensemble import LowRankEnsemble
from maxvolt.potentials.lattice.potential import LowRankPotential

__all__ = ["LatticeErrors", "LatticePredictions", "lattice_errors", "predicted_energies"]

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class LatticePredictions:
    """Energies of structures on their lattice.

    Attributes
    ----------
    sites
        Where the structures are, and which are on no lattice.
    members : shape (S, members), eV
        Energy of each structure on the lattice by each potential.
    """

    sites: OnSites
    members: Array

    @property
    def energies(self) -> Array:
        """Mean over the potentials, shape (S,), eV."""
        return np.asarray(self.members.mean(axis=1))

    @property
    def spreads(self) -> Array | None:
        """Sample standard deviation over the potentials, shape (S,), eV; None of one alone."""
        return self.members.std(axis=1, ddof=1) if self.members.shape[1] > 1 else None

    @property
    def counts(self) -> NDArray[np.int64]:
        """Sites with a choice of each structure, shape (S,)."""
        return np.array([len(one.occupation) for one in self.sites.mapped], np.int64)


@dataclass(frozen=True, slots=True, eq=False)
class LatticeErrors:
    """Differences between energies per site and their labels, eV.

    Attributes
    ----------
    predictions
        Of all structures on the lattice.
    labels : shape (S,), eV
        Of these; NaN where there is none.
    total
        Of the mean of the potentials.
    groups
        The same of each group of structures.
    members
        Of each potential.
    """

    predictions: LatticePredictions
    labels: Array
    total: ErrorStatistics
    groups: Mapping[str, ErrorStatistics]
    members: tuple[ErrorStatistics, ...]

    @property
    def spread(self) -> float:
        """Root mean square of the spread of the potentials, eV per site; NaN of one alone."""
        spreads = self.predictions.spreads
        if spreads is None:
            return float("nan")
        return float(np.sqrt(np.mean((spreads / self.predictions.counts) ** 2)))

    def to_dict(self) -> dict[str, Any]:
        """Values for JSON, units in the names."""
        return {
            "schema": "maxvolt-lattice-errors/1",
            **self.predictions.sites.to_dict(),
            "total": {"energy_per_site_eV": self.total.to_dict()},
            "groups": {
                name: {"energy_per_site_eV": one.to_dict()} for name, one in self.groups.items()
            },
            "members": [{"energy_per_site_eV": one.to_dict()} for one in self.members],
            "spread_eV_per_site": self.spread,
        }


def predicted_energies(
    potential: LowRankPotential | LowRankEnsemble,
    dataset: Dataset,
    *,
    largest: float = 0.8,
    largest_strain: float = 0.15,
    progress: Callable[[int], None] | None = None,
) -> LatticePredictions:
    """Energies of all structures that are on the lattice of a potential, relaxed or not.

    Parameters
    ----------
    potential
        One, or an ensemble.
    dataset, largest, largest_strain, progress
        As of `maxvolt.fitting.lattice.structures_on_sites`.
    """
    sites = structures_on_sites(
        dataset, potential.parent, largest=largest, largest_strain=largest_strain,
        progress=progress,
    )  # fmt: skip
    members = potential.members if isinstance(potential, LowRankEnsemble) else (potential,)
    found = [[each.energy(one.supercell, one.occupation) for each in members]
             for one in sites.mapped]  # fmt: skip
    return LatticePredictions(sites, np.array(found).reshape(-1, len(members)))


def lattice_errors(
    predictions: LatticePredictions, dataset: Dataset, energies: Array | None = None
) -> LatticeErrors:
    """Compare predictions with labels.

    Parameters
    ----------
    predictions
        Of `predicted_energies`.
    dataset
        The same.
    energies : shape (number of structures,), eV
        In place of the labels; NaN where there is none.

    Raises
    ------
    DataError
        No structure on the lattice has an energy.
    """
    chosen = predictions.sites.structures
    labels = labels_of(dataset, energies)[chosen]
    present = np.isfinite(labels)
    if not present.any():
        raise DataError("no structure on the lattice has an energy to compare with")
    groups = np.array([dataset.groups[number] for number in chosen.tolist()], dtype=object)
    per_site = 1.0 / predictions.counts[:, None].astype(float)

    def statistics(values: Array, inside: NDArray[np.bool_]) -> ErrorStatistics:
        differences = LabelDifferences(
            values[:, None], labels[:, None], present, inside, np.arange(len(labels))
        )
        return differences.statistics(per_site, centred=True)

    every = np.ones(len(labels), bool)
    return LatticeErrors(
        predictions,
        labels,
        statistics(predictions.energies, every),
        {
            name: statistics(predictions.energies, np.asarray(groups == name))
            for name in dict.fromkeys(groups.tolist())
        },
        tuple(statistics(column, every) for column in predictions.members.T),
    )
