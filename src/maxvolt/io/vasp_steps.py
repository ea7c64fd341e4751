"""What the readers of VASP's two output files share: ionic steps, and which of them to keep."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maxvolt.dataset import Dataset
from maxvolt.io.read_report import INCOMPLETE, UNCONVERGED, UNREADABLE

__all__ = ["IonicStep", "dataset_from_steps"]

# MLIP's converters leave the same note.
_LABELLED: Mapping[str, Any] = MappingProxyType({"EFS_by": "VASP"})
_NOT_CONVERGED: Mapping[str, Any] = MappingProxyType({"EFS_by": "VASP_not_converged"})


@dataclass(slots=True)
class IonicStep:
    """One ionic step as far as the file says it; filled in while reading.

    Parameters
    ----------
    cell : shape (3, 3), Angstrom
    positions : shape (N, 3), Angstrom
    forces : shape (N, 3), eV/Angstrom
    energy : eV
        Free energy TOTEN, which is the force-consistent one.
    stress : shape (6,), eV/Angstrom^3
        In the convention of this package.
    converged
        Whether the electronic steps converged.
    unreadable
        Whether some number was printed as asterisks or otherwise spoilt.
    """

    cell: NDArray[np.float64] | None = None
    positions: NDArray[np.float64] | None = None
    forces: NDArray[np.float64] | None = None
    energy: float | None = None
    stress: NDArray[np.float64] | None = None
    converged: bool = False
    unreadable: bool = False

    def fault(self, keep_unconverged: bool) -> str | None:
        """Return why the step cannot be used; None when it can."""
        if self.unreadable:
            return UNREADABLE
        complete = (self.cell, self.positions, self.forces, self.energy)
        if any(part is None for part in complete):
            return INCOMPLETE
        if not (self.converged or keep_unconverged):
            return UNCONVERGED
        return None


def dataset_from_steps(
    steps: Iterable[IonicStep], numbers: NDArray[np.int32], *, keep_unconverged: bool
) -> tuple[Dataset, Mapping[str, int]]:
    """Return the usable steps, and how many were dropped for which reason."""
    dropped: Counter[str] = Counter()
    kept: list[IonicStep] = []
    for step in steps:
        fault = step.fault(keep_unconverged)
        if fault is None:
            kept.append(step)
        else:
            dropped[fault] += 1
    no_atoms = np.empty((0, 3))
    dataset = Dataset.from_arrays(
        offsets=np.arange(len(kept) + 1) * len(numbers),
        numbers=np.tile(numbers, len(kept)),
        positions=np.concatenate([no_atoms, *(_there(step.positions) for step in kept)]),
        cells=np.array([step.cell for step in kept]).reshape(-1, 3, 3),
        pbc=np.ones((len(kept), 3), np.bool_),
        energies=np.array([step.energy for step in kept], np.float64),
        forces=np.concatenate([no_atoms, *(_there(step.forces) for step in kept)]),
        stresses=np.array(
            [np.full(6, np.nan) if step.stress is None else step.stress for step in kept]
        ).reshape(-1, 6),
        infos=[_LABELLED if step.converged else _NOT_CONVERGED for step in kept],
    )
    return dataset, dict(dropped)


def _there(array: NDArray[np.float64] | None) -> NDArray[np.float64]:
    assert array is not None  # steps that lack it have been dropped
    return array
