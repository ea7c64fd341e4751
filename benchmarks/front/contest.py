"""What every kind of potential is given, and what is measured of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter, process_time
from typing import Any, Protocol

import numpy as np
from ase import Atoms
from ase.build import bulk
from numpy.typing import NDArray

import maxvolt

__all__ = ["ELEMENTS", "Contest", "Element", "Model", "Point", "measured", "per_atom"]

Array = NDArray[np.float64]

_ROUNDS = 3
"""Of timing; the least counts."""


@dataclass(frozen=True, slots=True)
class Element:
    """How an element is trained: by all kinds of potentials with the same weights.

    Attributes
    ----------
    force_weight : A^2
        With 1 for energies, in the weighting "vibrations".
    cutoff : A
        Of potentials whose authors chose none for these data.
    radial_basis_size
        Of moment tensor potentials.
    crystal, a
        What times are taken of.
    """

    force_weight: float
    cutoff: float
    radial_basis_size: int
    crystal: str
    a: float


ELEMENTS = {
    "Ni": Element(0.01, 5.2, 10, "fcc", 3.52),
    "Cu": Element(0.01, 5.2, 10, "fcc", 3.63),
    "Li": Element(0.01, 5.2, 8, "bcc", 3.43),
    "Mo": Element(0.003, 5.2, 10, "bcc", 3.17),
    "Si": Element(0.006, 5.0, 12, "diamond", 5.47),
    "Ge": Element(0.011, 5.3, 12, "diamond", 5.76),
}
"""Weights, cutoffs and radial sizes are those of `performance.sections.mlearn`."""


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
    def element(self) -> Element:
        """Settings."""
        return ELEMENTS[self.symbol]

    @property
    def weights(self) -> maxvolt.Weights:
        """Of energies and forces; none of stresses."""
        return maxvolt.Weights(1, self.element.force_weight, 0)

    @property
    def crystal(self) -> Atoms:
        """About 1,000 atoms, displaced by 0.1 A."""
        cell = bulk(self.symbol, self.element.crystal, self.element.a, cubic=True)
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
    once = model.run(atoms)
    once()
    least = np.inf
    for _ in range(_ROUNDS):
        count, began, wall = 0, process_time(), perf_counter()
        while not count or perf_counter() - wall < 1.0:
            once()
            count += 1
        least = min(least, (process_time() - began) / count)
    return float(1e6 * least / len(atoms))
