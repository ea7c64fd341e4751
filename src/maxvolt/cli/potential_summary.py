"""Numbers that describe a file of a potential."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from maxvolt.errors import SpeciesError
from maxvolt.io.mtp import read_potential_file
from maxvolt.io.potential_file import PotentialFile

__all__ = ["PotentialSummary", "level_of"]


@dataclass(frozen=True, slots=True)
class PotentialSummary:
    """What a file of a potential holds; `species` are the symbols it names or was given."""

    file: PotentialFile
    species: tuple[str, ...] | None

    @classmethod
    def of_file(cls, path: Path, species: tuple[str, ...] | None) -> Self:
        """Read a file and summarise it."""
        file = read_potential_file(path)
        # An untrained template of one species serves any number of them.
        is_template = file.species_count == 1 and not file.is_trained
        if species is not None and len(species) != file.species_count and not is_template:
            raise SpeciesError(
                f"{path}: has {file.species_count} species, --species names {len(species)}"
            )
        return cls(file, species or file.species)

    def to_dict(self) -> dict[str, Any]:
        """Return the summary for JSON, units in the names."""
        file = self.file
        scalars = len(file.alpha_moment_mapping)
        pairs = file.species_count**2
        radial = pairs * file.radial_funcs_count * file.radial_basis_size
        return {
            "kind": "potential",
            "name": file.name,
            "tag": file.tag,
            "level": level_of(file),
            "species": self.species,
            "species_count": file.species_count,
            "trained": file.is_trained,
            "radial_basis": file.radial_basis_type,
            "radial_basis_size": file.radial_basis_size,
            "radial_functions": file.radial_funcs_count,
            "min_dist_A": file.min_dist,
            "cutoff_A": file.max_dist,
            "scaling": file.scaling,
            "moments": file.alpha_moments_count,
            "basic_moments": len(file.alpha_index_basic),
            "products": len(file.alpha_index_times),
            "basis_functions": scalars,
            "parameters": radial + file.species_count + scalars,
            "active_set": file.active_set is not None,
        }

    def to_text(self) -> dict[str, str]:
        """Return the summary for people: names and values."""
        facts = self.to_dict()
        species = " ".join(self.species or ()) or f"{self.file.species_count}, not named"
        return {
            "potential": f"moment tensor potential of level {facts['level']}, {facts['name']}",
            "species": species,
            "state": "trained" if self.file.is_trained else "untrained",
            "radial basis": f"{facts['radial_basis']}, size {facts['radial_basis_size']}, "
            f"{facts['radial_functions']} functions a pair",
            "distances": f"{facts['min_dist_A']:g} to {facts['cutoff_A']:g} A",
            "moments": f"{facts['moments']} ({facts['basic_moments']} basic), "
            f"{facts['products']} products",
            "parameters": f"{facts['parameters']}, of these {facts['basis_functions']} "
            "of basis functions",
            "active set": "kept behind the potential" if facts["active_set"] else "none",
        }


def level_of(file: PotentialFile) -> int:
    """Return the largest level of a basis function, eq. (4) of docs/formulation.md."""
    basic = file.alpha_index_basic
    levels: list[int] = (2 + 4 * basic[:, 0] + basic[:, 1:].sum(axis=1)).tolist()
    levels += [0] * (file.alpha_moments_count - len(levels))
    for first, second, _, product in file.alpha_index_times.tolist():
        levels[product] = max(levels[product], levels[first] + levels[second])
    scalars: list[int] = file.alpha_moment_mapping.tolist()
    return max(levels[scalar] for scalar in scalars)
