"""Training data that no fit can use are refused here, by name and with a remedy."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from maxvolt.dataset import Dataset
from maxvolt.errors import FitError
from maxvolt.fitting.objective import EquationWeights

__all__ = ["check_enough_equations", "check_no_contradiction", "check_training_data"]

_SAME_ENERGY = 1e-3  # eV per atom: below it, labels of equal structures differ by noise only


def check_training_data(dataset: Dataset, weights: EquationWeights) -> None:
    """Refuse empty sets, sets without usable labels and sets that contradict themselves.

    Raises
    ------
    FitError
        Says what is wrong and what to do.
    """
    if len(dataset) == 0:
        raise FitError("the training set is empty: give at least one labelled structure")
    if not any(part.any() for part in (weights.energies, weights.forces, weights.virials)):
        raise FitError(
            "no structure has a label with a weight above zero; "
            f"{int(dataset.has_energy.sum())} of {len(dataset)} structures have an energy, "
            f"{int(dataset.has_forces.sum())} forces, {int(dataset.has_stress.sum())} a stress: "
            "check the labels and the weights"
        )
    for name, label, where in (
        ("energy", dataset.energies, weights.energies > 0),
        ("forces", dataset.forces, weights.forces > 0),
        ("stress", dataset.stresses, weights.virials[:, 0] > 0),
    ):
        finite = np.isfinite(label.reshape(len(label), -1)).all(axis=1)
        if (bad := np.flatnonzero(where & ~finite)).size:
            first = int(dataset.structure_of_atom[bad[0]] if name == "forces" else bad[0])
            raise FitError(
                f"structure {first} of the training set has {name} that are not finite; "
                "remove the label or the structure"
            )
    check_no_contradiction(dataset)


def _fingerprints(dataset: Dataset) -> list[bytes]:
    """Bytes that are equal for structures that are equal to the last digit."""
    out = []
    for s in range(len(dataset)):
        atoms = slice(dataset.offsets[s], dataset.offsets[s + 1])
        out.append(
            b"".join(
                np.ascontiguousarray(part).tobytes()
                for part in (
                    dataset.numbers[atoms],
                    dataset.positions[atoms],
                    np.where(dataset.pbc[s][:, None], dataset.cells[s], 0.0),
                    dataset.pbc[s],
                )
            )
        )
    return out


def check_no_contradiction(dataset: Dataset) -> None:
    """Refuse two equal structures with different energies.

    Raises
    ------
    FitError
        Names both structures.
    """
    seen: dict[bytes, int] = {}
    per_atom: NDArray[np.float64] = dataset.energies / np.maximum(dataset.counts, 1)
    for s, key in enumerate(_fingerprints(dataset)):
        if not dataset.has_energy[s]:
            continue
        first = seen.setdefault(key, s)
        difference = abs(per_atom[s] - per_atom[first])
        if difference > _SAME_ENERGY:
            raise FitError(
                f"structures {first} and {s} of the training set are equal but their energies "
                f"differ by {1e3 * difference:.1f} meV/atom; they come from different "
                "calculations: keep one of them"
            )


def check_enough_equations(n_equations: int, n_linear: int) -> None:
    """Refuse a training set with fewer labels than linear coefficients.

    Raises
    ------
    FitError
        Says how many are missing.
    """
    if n_equations < n_linear:
        raise FitError(
            f"the training set has {n_equations} labels with a weight, fewer than the {n_linear} "
            "linear coefficients of the potential; add structures (with forces) or lower the level"
        )
