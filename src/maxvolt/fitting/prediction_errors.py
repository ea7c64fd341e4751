"""How far a potential is from the labels of a dataset.

The root mean square errors of K structures of N_k atoms are those of Novikov et al., Mach. Learn.:
Sci. Technol. 2, 025002 (2021): equation (8) for the energy per atom, (9) for the 3 N_k force
components, (10) for the nine components of the stress tensor (each shear component twice).

Equation (9) takes the mean inside each structure first, then over structures; this is
`ErrorStatistics.rmse_over_structures`. MLIP's programs and most benchmarks take it over all atoms
alike; this is `ErrorStatistics.rmse`. They differ for forces where structures differ in size; for
energies and stresses they are the same. Force vectors and stress tensors are compared by their
Euclidean (Frobenius) norm too, which is what MLIP-3 prints (and MLIP-2 before July 2020).

Percentages are the root mean square error over the root mean square of the reference; for energies,
whose zero is arbitrary, over the standard deviation of the reference.

Missing labels are left out and counted; weights of structures play no role.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike

import numpy as np
from numpy.typing import NDArray

from maxvolt.dataset import Dataset
from maxvolt.errors import DataError
from maxvolt.fitting.error_statistics import (
    EnsembleErrors,
    ErrorReport,
    GroupErrors,
    LabelDifferences,
)
from maxvolt.io.structures import Structures, structures_of
from maxvolt.potentials.ensemble import ask_members, mean_of, spread_of
from maxvolt.potentials.loading import load
from maxvolt.potentials.stepped import DatasetPotential
from maxvolt.units import GPA_PER_EV_A3

__all__ = ["Comparison", "compare", "compute_ensemble_errors", "compute_errors"]

_VOIGT_TO_NINE = (0, 1, 2, 3, 3, 4, 4, 5, 5)
"""Voigt components in the nine of the tensor: each shear component occurs twice."""


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Labels of a dataset side by side with what a potential predicts.

    Attributes
    ----------
    dataset
        Structures and labels.
    energies : shape (n,), eV
        Predicted; likewise the next two.
    forces : shape (N, 3), eV/Angstrom
    stresses : shape (n, 6), eV/Angstrom^3
    """

    dataset: Dataset
    energies: NDArray[np.float64]
    forces: NDArray[np.float64]
    stresses: NDArray[np.float64]

    def __post_init__(self) -> None:
        dataset = self.dataset
        for name, values, shape in (
            ("energies", self.energies, (len(dataset),)),
            ("forces", self.forces, (dataset.n_atoms, 3)),
            ("stresses", self.stresses, (len(dataset), 6)),
        ):
            if np.shape(values) != shape:
                raise DataError(f"predicted {name}: shape {np.shape(values)}, expected {shape}")
        bad = ~np.isfinite(self.energies) | (
            dataset.pbc.all(axis=1) & ~np.isfinite(self.stresses).all(axis=1)
        )
        bad[dataset.structure_of_atom[~np.isfinite(self.forces).all(axis=1)]] = True
        if bad.any():
            others = f" (and {int(bad.sum()) - 1} more)" if bad.sum() > 1 else ""
            raise DataError(
                f"structure {int(np.flatnonzero(bad)[0])}{others}: the "
                "potential predicts numbers that are not finite; are atoms on top of each other?"
            )

    def errors(self) -> ErrorReport:
        """Summarise the differences, in total and by group."""
        groups = np.array(self.dataset.groups, dtype=object)
        return ErrorReport(
            total=self._errors_of("total", np.ones(len(self.dataset), dtype=bool)),
            groups=tuple(
                self._errors_of(name, np.asarray(groups == name))
                for name in dict.fromkeys(self.dataset.groups)
            ),
        )

    def _errors_of(self, name: str, chosen: NDArray[np.bool_]) -> GroupErrors:
        data = self.dataset
        counts = data.counts[:, None].astype(np.float64)
        has_stress = data.has_stress & np.isfinite(self.stresses).all(axis=1)
        nine = list(_VOIGT_TO_NINE)
        stress, reference_stress = self.stresses[:, nine], data.stresses[:, nine]
        volumes = data.volumes[:, None]
        owner = data.structure_of_atom
        structures = np.arange(len(data))

        energy = LabelDifferences(
            self.energies[:, None], data.energies[:, None], data.has_energy, chosen, structures
        )
        forces = LabelDifferences(
            self.forces, data.forces, data.has_forces[owner], chosen[owner], owner
        )
        stresses = LabelDifferences(stress, reference_stress, has_stress, chosen, structures)
        return GroupErrors(
            name=name,
            structures=int(chosen.sum()),
            atoms=int(data.counts[chosen].sum()),
            energy=energy.statistics(centred=True),
            energy_per_atom=energy.statistics(1 / counts, centred=True),
            force_components=forces.statistics(),
            force_vectors=forces.statistics(norm=True),
            stress_components=stresses.statistics(GPA_PER_EV_A3),
            stress_tensors=stresses.statistics(GPA_PER_EV_A3, norm=True),
            virials=stresses.statistics(volumes, norm=True),
        )


def compare(
    potential: DatasetPotential | str | PathLike[str],
    dataset: Structures,
    *,
    threads: int | None = None,
) -> Comparison:
    """Evaluate a potential on a dataset and put its predictions beside the labels.

    Parameters as of `compute_errors`.
    """
    potential = _potential(potential)
    dataset = structures_of(dataset, getattr(potential, "species", None))
    if len(dataset) == 0:
        raise DataError("the dataset holds no structure, so there is nothing to compare")
    predicted = potential.evaluate_dataset(dataset, threads=threads)
    return Comparison(dataset, predicted.energies, predicted.forces, predicted.stresses)


def compute_errors(
    potential: DatasetPotential | str | PathLike[str],
    dataset: Structures,
    *,
    threads: int | None = None,
) -> ErrorReport:
    """Errors of a potential on a dataset, in total and by group.

    An ensemble is judged by the mean of its members; see `compute_ensemble_errors` for the spread.

    Parameters
    ----------
    potential
        Anything with ``evaluate_dataset``, or the path of a potential file.
    dataset
        Structures with some labels; missing ones are left out and counted. A `Dataset`, one
        `ase.Atoms`, the path of a file, or several of these.
    threads
        Passed on to the potential.

    Raises
    ------
    DataError
        Arguments that are none of these, or no structures.
    """
    return compare(potential, dataset, threads=threads).errors()


def compute_ensemble_errors(
    members: Sequence[DatasetPotential], dataset: Structures, *, threads: int | None = None
) -> EnsembleErrors:
    """Errors of each member of an ensemble and of the mean of their predictions.

    Parameters
    ----------
    members
        Potentials, or an `Ensemble`.
    dataset, threads
        As of `compute_errors`.
    """
    members = getattr(members, "members", members)
    if not members:
        raise DataError("an ensemble needs at least one member")
    dataset = structures_of(dataset, getattr(members[0], "species", None))
    each = ask_members(members, lambda one: compare(one, dataset, threads=threads))
    mean = Comparison(
        dataset,
        mean_of([one.energies for one in each]),
        mean_of([one.forces for one in each]),
        mean_of([one.stresses for one in each]),
    )
    counts = dataset.counts
    return EnsembleErrors(
        mean.errors(),
        tuple(one.errors() for one in each),
        _mean_spread([one.energies / counts for one in each]),
        _mean_spread([one.forces for one in each]),
    )


def _mean_spread(values: Sequence[NDArray[np.float64]]) -> float:
    """Root mean square of the sample standard deviation over the members."""
    if len(values) < 2:
        return float("nan")
    return float(np.sqrt(np.mean(spread_of(values) ** 2)))


def _potential(given: DatasetPotential | str | PathLike[str]) -> DatasetPotential:
    if isinstance(given, str | PathLike):
        return load(given)
    if not hasattr(given, "evaluate_dataset"):
        raise DataError(
            "potential: expected a potential, a maxvolt.Ensemble or the path of a potential "
            f"file; got {type(given).__name__} {given!r:.60}"
        )
    return given
