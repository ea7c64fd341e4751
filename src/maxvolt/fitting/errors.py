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

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from os import PathLike
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from maxvolt.dataset import Dataset
from maxvolt.errors import DataError
from maxvolt.io.structures import Structures, structures_of
from maxvolt.potentials import load
from maxvolt.potentials.ensemble import ask_members
from maxvolt.potentials.results import Predictions
from maxvolt.units import GPA_PER_EV_A3

__all__ = [
    "Comparison",
    "EnsembleErrors",
    "ErrorReport",
    "ErrorStatistics",
    "GroupErrors",
    "compare",
    "compute_ensemble_errors",
    "compute_errors",
    "mean_and_two_sigma",
]

_LEAST_SPREAD = 1 / 3
"""Spread relative to the error below which it is no measure of the error: two standard deviations
then cover fewer than half of the errors."""

_VOIGT_TO_NINE = (0, 1, 2, 3, 3, 4, 4, 5, 5)
"""Voigt components in the nine of the tensor: each shear component occurs twice."""


class DatasetPotential(Protocol):
    """A potential that can be evaluated on a dataset."""

    def evaluate_dataset(self, dataset: Dataset, *, threads: int | None = None) -> Predictions:
        """Predict energies, forces and stresses of all structures."""


@dataclass(frozen=True, slots=True)
class ErrorStatistics:
    """Differences between predictions and labels of one quantity.

    Attributes
    ----------
    count
        How many structures (energy, stress) or atoms (forces) were compared.
    missing
        How many were left out: without the label, or (stress) without a cell periodic in three
        directions.
    rmse, mae, maximum
        Root mean square, mean and largest absolute difference; NaN when `count` is 0.
    rmse_over_structures
        Root of the mean over structures of each structure's mean square difference.
    reference_rms, reference_maximum
        Root mean square and largest magnitude of the reference; for energies, of the reference
        less its mean.
    """

    count: int
    missing: int
    rmse: float
    mae: float
    maximum: float
    rmse_over_structures: float
    reference_rms: float
    reference_maximum: float

    @property
    def relative_rmse(self) -> float:
        """`rmse` over `reference_rms`; NaN where the reference vanishes or does not vary."""
        return self.rmse / self.reference_rms if self.reference_rms > 0 else float("nan")

    @property
    def relative_maximum(self) -> float:
        """`maximum` over `reference_maximum`; NaN where the reference vanishes."""
        return self.maximum / self.reference_maximum if self.reference_maximum > 0 else float("nan")

    def to_dict(self) -> dict[str, float | int]:
        """Plain numbers; ``rmse_percent`` is `relative_rmse` in per cent."""
        return {
            "count": self.count,
            "missing": self.missing,
            "rmse": self.rmse,
            "mae": self.mae,
            "max": self.maximum,
            "rmse_percent": 100 * self.relative_rmse,
            "rmse_over_structures": self.rmse_over_structures,
            "reference_rms": self.reference_rms,
            "reference_max": self.reference_maximum,
        }


@dataclass(frozen=True, slots=True)
class GroupErrors:
    """Errors of one group of structures, or of all.

    Attributes
    ----------
    name
        Group name; "" for structures without one, "total" for all of them.
    structures, atoms
        How many there are, labelled or not.
    energy : eV
    energy_per_atom : eV/atom
    force_components, force_vectors : eV/Angstrom
        Over single components; over the norm of each atom's force difference.
    stress_components, stress_tensors : GPa
        Over the nine components; over the Frobenius norm of each structure's difference.
    virials : eV
        Frobenius norm of the difference of stress times volume.
    """

    name: str
    structures: int
    atoms: int
    energy: ErrorStatistics
    energy_per_atom: ErrorStatistics
    force_components: ErrorStatistics
    force_vectors: ErrorStatistics
    stress_components: ErrorStatistics
    stress_tensors: ErrorStatistics
    virials: ErrorStatistics

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers with units in the keys."""
        return {
            "structures": self.structures,
            "atoms": self.atoms,
            "energy_eV": self.energy.to_dict(),
            "energy_per_atom_eV": self.energy_per_atom.to_dict(),
            "force_components_eV_per_A": self.force_components.to_dict(),
            "force_vectors_eV_per_A": self.force_vectors.to_dict(),
            "stress_components_GPa": self.stress_components.to_dict(),
            "stress_tensors_GPa": self.stress_tensors.to_dict(),
            "virials_eV": self.virials.to_dict(),
        }


@dataclass(frozen=True, slots=True)
class ErrorReport:
    """Errors over a whole dataset and over each of its groups.

    Attributes
    ----------
    total
        All structures.
    groups
        One a group, in the order in which the groups first appear.
    """

    total: GroupErrors
    groups: tuple[GroupErrors, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain numbers: ``total`` and, by name, ``groups``."""
        return {
            "total": self.total.to_dict(),
            "groups": {group.name: group.to_dict() for group in self.groups},
        }


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

        energy = _Labels(
            self.energies[:, None], data.energies[:, None], data.has_energy, chosen, structures
        )
        forces = _Labels(self.forces, data.forces, data.has_forces[owner], chosen[owner], owner)
        stresses = _Labels(stress, reference_stress, has_stress, chosen, structures)
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


@dataclass(frozen=True, slots=True)
class EnsembleErrors:
    """Errors of an ensemble of potentials.

    Attributes
    ----------
    mean_prediction
        Errors of the mean of the members' predictions.
    members
        Errors of each member.
    energy_spread : eV/atom
        Root mean square over the structures of the members' sample standard deviation; NaN for one
        member.
    force_spread : eV/Angstrom
        Likewise of force components.
    """

    mean_prediction: ErrorReport
    members: tuple[ErrorReport, ...]
    energy_spread: float
    force_spread: float

    def spread(self, quantity: Callable[[ErrorReport], float]) -> tuple[float, float]:
        """Mean over members and twice their sample standard deviation of one number.

        With one member the second is NaN.

        Examples
        --------
        ``errors.spread(lambda report: report.total.energy_per_atom.rmse)``
        """
        return mean_and_two_sigma([quantity(report) for report in self.members])

    def doubt(self, name: str) -> str | None:
        """Say where the spread of the members is far below their error, and no measure of it.

        Parameters
        ----------
        name
            Of the dataset.
        """
        total = self.mean_prediction.total
        small = [
            f"{what} by {1000 * spread:.3g} {unit} and are off by {1000 * error:.3g}"
            for what, spread, error, unit in (
                ("energies", self.energy_spread, total.energy_per_atom.rmse, "meV/atom"),
                ("forces", self.force_spread, total.force_components.rmse, "meV/A"),
            )
            if spread < _LEAST_SPREAD * error
        ]
        if not small:
            return None
        return (
            f"the members of the ensemble differ in {', in '.join(small)} ({name}): their "
            "spread is no estimate of the error, which lies in what all of them lack; take a "
            "higher level or a larger cutoff, and judge by the errors on a validation set"
        )


def mean_and_two_sigma(values: Sequence[float]) -> tuple[float, float]:
    """Mean and twice the sample standard deviation; the latter is NaN for a single value."""
    two_sigma = 2 * float(np.std(values, ddof=1)) if len(values) > 1 else float("nan")
    return float(np.mean(values)), two_sigma


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
        np.mean([one.energies for one in each], axis=0),
        np.mean([one.forces for one in each], axis=0),
        np.mean([one.stresses for one in each], axis=0),
    )
    counts = dataset.counts
    return EnsembleErrors(
        mean.errors(),
        tuple(one.errors() for one in each),
        _spread([one.energies / counts for one in each]),
        _spread([one.forces for one in each]),
    )


def _spread(values: Sequence[NDArray[np.float64]]) -> float:
    """Root mean square of the sample standard deviation over the members."""
    if len(values) < 2:
        return float("nan")
    return float(np.sqrt(np.mean(np.var(values, axis=0, ddof=1))))


def _potential(given: DatasetPotential | str | PathLike[str]) -> DatasetPotential:
    if isinstance(given, str | PathLike):
        return load(given)
    if not hasattr(given, "evaluate_dataset"):
        raise DataError(
            "potential: expected a potential, a maxvolt.Ensemble or the path of a potential "
            f"file; got {type(given).__name__} {given!r:.60}"
        )
    return given


class _Labels:
    """Predictions and labels of one quantity for the structures chosen."""

    def __init__(
        self,
        predicted: NDArray[np.float64],
        reference: NDArray[np.float64],
        present: NDArray[np.bool_],
        chosen: NDArray[np.bool_],
        owner: NDArray[np.int64],
    ) -> None:
        self.used = present & chosen
        self.missing = int((chosen & ~present).sum())
        self.difference = predicted[self.used] - reference[self.used]
        self.reference = reference[self.used]
        self.owner = owner[self.used]

    def statistics(
        self, scale: NDArray[np.float64] | float = 1.0, *, norm: bool = False, centred: bool = False
    ) -> ErrorStatistics:
        """Statistics of components, or of row norms, after a change of unit.

        Parameters
        ----------
        scale : scalar or shape (rows, 1)
            Factor to the unit reported.
        norm
            Compare the norm of each row in place of its components.
        centred
            Refer the reference to its mean.
        """
        count = len(self.difference)
        if count == 0:
            nan = float("nan")
            return ErrorStatistics(0, self.missing, nan, nan, nan, nan, nan, nan)
        factor = scale[self.used] if isinstance(scale, np.ndarray) else scale
        difference, reference = self.difference * factor, self.reference * factor
        if centred:
            reference = reference - reference.mean(axis=0)
        if norm:
            difference = np.linalg.norm(difference, axis=1, keepdims=True)
            reference = np.linalg.norm(reference, axis=1, keepdims=True)
        squares = np.mean(difference**2, axis=1)
        # Mean square inside each structure that has labels, then over these structures.
        _, inside = np.unique(self.owner, return_inverse=True)
        by_structure = np.bincount(inside, weights=squares) / np.bincount(inside)
        return ErrorStatistics(
            count=count,
            missing=self.missing,
            rmse=float(np.sqrt(squares.mean())),
            mae=float(np.abs(difference).mean()),
            maximum=float(np.abs(difference).max()),
            rmse_over_structures=float(np.sqrt(by_structure.mean())),
            reference_rms=float(np.sqrt(np.mean(reference**2))),
            reference_maximum=float(np.abs(reference).max()),
        )
