"""Numbers that describe a file of structures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from ase.data import chemical_symbols
from numpy.typing import NDArray

from maxvolt.cli.structures import read_with_names
from maxvolt.dataset import Dataset
from maxvolt.units import GPA_PER_EV_A3

__all__ = ["DataSummary", "Range"]


@dataclass(frozen=True, slots=True)
class Range:
    """Smallest, mean and largest of some numbers; NaN where there are none."""

    smallest: float
    mean: float
    largest: float

    @classmethod
    def of(cls, values: NDArray[Any]) -> Self:
        """Take the range of an array of any shape."""
        if values.size == 0:
            return cls(np.nan, np.nan, np.nan)
        return cls(float(values.min()), float(values.mean()), float(values.max()))

    def to_dict(self) -> dict[str, float]:
        """Return the range for JSON."""
        return {"min": self.smallest, "mean": self.mean, "max": self.largest}

    def to_text(self, digits: int, unit: str = "") -> str:
        """Return the range for people."""
        if np.isnan(self.mean):
            return "none"
        values = (self.smallest, self.mean, self.largest)
        low, mean, high = (f"{value:.{digits}f}" for value in values)
        return f"{low} to {high} {unit}".rstrip() + f" (mean {mean})"


@dataclass(frozen=True, slots=True)
class DataSummary:
    """What a data set holds.

    Energies in eV/atom, force norms in eV/Angstrom, pressures in GPa, volumes in Angstrom^3/atom.
    """

    structures: int
    atoms: int
    atoms_per_structure: Range
    atoms_of_species: Mapping[str, int]
    periodicity: Mapping[str, int]
    labels: Mapping[str, int]
    energy_per_atom: Range
    force_norm: Range
    pressure: Range
    volume_per_atom: Range
    groups: Mapping[str, int]

    @classmethod
    def of_file(cls, path: Path, species: tuple[str, ...] | None) -> Self:
        """Read a file and summarise it."""
        return cls.of(*read_with_names(path, species))

    @classmethod
    def of(cls, dataset: Dataset, names: Mapping[str, str]) -> Self:
        """Summarise a data set, with the names under which its symbols are printed."""
        numbers, counts = np.unique(dataset.numbers, return_counts=True)
        forces = dataset.forces[np.repeat(dataset.has_forces, dataset.counts)]
        has_volume = dataset.pbc.all(axis=1)
        return cls(
            structures=len(dataset),
            atoms=dataset.n_atoms,
            atoms_per_structure=Range.of(dataset.counts),
            atoms_of_species={
                names[chemical_symbols[number]]: int(count)
                for number, count in zip(numbers, counts, strict=True)
            },
            periodicity=Counter(_periodicity(pbc) for pbc in dataset.pbc),
            labels={
                "energy": int(dataset.has_energy.sum()),
                "forces": int(dataset.has_forces.sum()),
                "stress": int(dataset.has_stress.sum()),
            },
            energy_per_atom=Range.of((dataset.energies / dataset.counts)[dataset.has_energy]),
            force_norm=Range.of(np.linalg.norm(forces, axis=1)),
            pressure=Range.of(
                -dataset.stresses[dataset.has_stress, :3].mean(axis=1) * GPA_PER_EV_A3
            ),
            volume_per_atom=Range.of((dataset.volumes / dataset.counts)[has_volume]),
            groups=Counter(group for group in dataset.groups if group),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the summary for JSON, units in the names."""
        return {
            "kind": "structures",
            "structures": self.structures,
            "atoms": self.atoms,
            "atoms_per_structure": self.atoms_per_structure.to_dict(),
            "atoms_of_species": dict(self.atoms_of_species),
            "periodicity": dict(self.periodicity),
            "labels": dict(self.labels),
            "energy_per_atom_eV": self.energy_per_atom.to_dict(),
            "force_norm_eV_per_A": self.force_norm.to_dict(),
            "pressure_GPa": self.pressure.to_dict(),
            "volume_per_atom_A3": self.volume_per_atom.to_dict(),
            "groups": dict(self.groups),
        }

    def to_text(self) -> dict[str, str]:
        """Return the summary for people: names and values."""
        sizes = self.atoms_per_structure
        text = {
            "structures": f"{self.structures}, {sizes.smallest:.0f} to {sizes.largest:.0f} atoms",
            "atoms": _listed(self.atoms_of_species),
            "periodic along": _listed(self.periodicity),
            "labels": _listed(self.labels),
            "energy": self.energy_per_atom.to_text(4, "eV/atom"),
            "force": self.force_norm.to_text(4, "eV/A"),
            "pressure": self.pressure.to_text(3, "GPa"),
            "volume": self.volume_per_atom.to_text(3, "A^3/atom"),
        }
        if not self.structures:
            text["structures"] = "0"
        if self.groups:
            text["groups"] = _listed(self.groups)
        return text


def _periodicity(pbc: NDArray[np.bool_]) -> str:
    return "".join(axis for axis, repeats in zip("abc", pbc, strict=True) if repeats) or "none"


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or "none"
