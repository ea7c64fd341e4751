"""What every interatomic potential of this package offers."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, runtime_checkable

from ase import Atoms

from maxvolt.dataset import Dataset
from maxvolt.native.kernels import Energies
from maxvolt.native.neighborhoods import Neighborhoods
from maxvolt.potentials.results import Evaluation, Predictions

__all__ = ["Potential"]


@runtime_checkable
class Potential(Protocol):
    """An immutable interatomic potential."""

    @property
    def species(self) -> tuple[str, ...]:
        """Symbols of the species it describes."""
        ...

    @property
    def cutoff(self) -> float:
        """Largest distance of interacting neighbours, Angstrom."""
        ...

    def evaluate(self, atoms: Atoms, *, threads: int | None = None) -> Evaluation:
        """Energy, forces, stress and site energies of one structure."""
        ...

    def evaluate_dataset(self, dataset: Dataset, *, threads: int | None = None) -> Predictions:
        """The same for every structure of a dataset; its labels are not looked at."""
        ...

    def evaluate_neighborhoods(
        self, where: Neighborhoods, *, threads: int | None = None
    ) -> Energies:
        """The same for structures whose neighbours are known."""
        ...

    def write(self, path: str | Path) -> None:
        """Write the potential to a file."""
        ...
