"""What every kind of potential is given, and what is measured of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from time import process_time
from typing import Any, Protocol

import numpy as np
from ase import Atoms
from ase.build import bulk
from numpy.typing import NDArray

import maxvolt
from performance.sections.mlearn import CASES, Case
from performance.timing import smallest_times

__all__ = ["CRYSTALS", "Contest", "Model", "Point", "measured", "per_atom"]

Array = NDArray[np.float64]

_SECONDS = 3.0
"""Of evaluations; the least time counts."""


CRYSTALS = {
    "Ni": ("fcc", 3.52), "Cu": ("fcc", 3.63), "Li": ("bcc", 3.43), "Mo": ("bcc", 3.17),
    "Si": ("diamond", 5.47), "Ge": ("diamond", 5.76),
}  # fmt: skip
"""What times are taken of; lattice constants in Angstrom."""


@dataclass(frozen=True, slots=True)
class Contest:
    """Data of one element."""

    symbol: str
    training: maxvolt.Dataset
    test: maxvolt.Dataset

    @classmethod
    def read(cls, symbol: str, data: Path) -> Contest:
        """Read training and test set; stresses are left out, which are offset in two of six."""
        parts = (maxvolt.read(data / f"{symbol}_{part}.xyz") for part in ("train", "test"))
        return cls(symbol, *parts)

    @property
    def case(self) -> Case:
        """Cutoff, weights, and size of the radial basis, as in the benchmark of errors."""
        return CASES[self.symbol]

    @property
    def weights(self) -> maxvolt.Weights:
        """Of energies and forces; none of stresses."""
        return replace(self.case.weights, stress=0.0)

    @property
    def crystal(self) -> Atoms:
        """About 1,000 atoms, displaced by 0.1 A."""
        cell = bulk(self.symbol, *CRYSTALS[self.symbol], cubic=True)
        atoms: Atoms = cell.repeat(round((1000 / len(cell)) ** (1 / 3)))
        atoms.rattle(0.1, seed=0)
        return atoms


class Model(Protocol):
    """A trained potential."""

    @property
    def parameters(self) -> int:
        """How many there are."""

    def predict(self, atoms: Atoms) -> tuple[float, Array]:
        """Energy, eV, up to a constant for each atom, and forces, eV/A."""

    def run(self, atoms: Atoms) -> Callable[[], object]:
        """Prepare evaluations of energy and forces, and give what makes one of them."""


@dataclass(frozen=True, slots=True)
class Point:
    """One potential: what it costs, and how far off it is.

    Attributes
    ----------
    method, name
        Its kind, and which one of it.
    parameters
        Fitted ones.
    microseconds : per atom
        Processor time of energy and forces, one thread.
    energy_train, energy_test : meV/atom
        Root mean square errors; the mean difference is taken away.
    force_train, force_test : meV/A
        Root mean square errors of the components.
    fit_seconds
        Processor time of the fit; None where it was published.
    """

    method: str
    name: str
    parameters: int
    microseconds: float
    energy_train: float
    energy_test: float
    force_train: float
    force_test: float
    fit_seconds: float | None

    def to_dict(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)


def measured(
    method: str, name: str, contest: Contest, make: Callable[[], Model], *, published: bool = False
) -> Point:
    """Fit, and measure errors and cost.

    Parameters
    ----------
    method, name
        As of `Point`.
    contest
        The data.
    make
        Fits the potential, or reads it.
    published
        It is read: no time of a fit.
    """
    began = process_time()
    model = make()
    seconds = process_time() - began
    offsets = _differences(model, contest.training)[0]
    shift = float(np.mean(offsets))
    errors = []
    for dataset in (contest.training, contest.test):
        energies, forces = _differences(model, dataset)
        errors.append(1000 * float(np.sqrt(np.mean((energies - shift) ** 2))))
        errors.append(1000 * float(np.sqrt(np.mean(forces**2))))
    return Point(
        method, name, model.parameters, per_atom(model, contest.crystal),
        errors[0], errors[2], errors[1], errors[3], None if published else seconds,
    )  # fmt: skip


def _differences(model: Model, dataset: maxvolt.Dataset) -> tuple[Array, Array]:
    """Energies per atom and all components of forces, less those of the data."""
    energies, forces = [], []
    for atoms, energy, known in zip(dataset, dataset.energies, _split(dataset), strict=True):
        predicted, own = model.predict(atoms)
        energies.append((predicted - energy) / len(atoms))
        forces.append((own - known).ravel())
    return np.array(energies), np.concatenate(forces)


def _split(dataset: maxvolt.Dataset) -> list[Array]:
    """Forces of each structure."""
    return np.split(dataset.forces, np.cumsum(dataset.counts)[:-1])


def per_atom(model: Model, atoms: Atoms) -> float:
    """Least processor time of an evaluation, microseconds per atom."""
    best = smallest_times({"evaluation": model.run(atoms)}, _SECONDS)
    return 1e6 * best["evaluation"] / len(atoms)
