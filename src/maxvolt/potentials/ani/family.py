"""ANI potentials as a family of potentials."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from maxvolt.errors import FileFormatError, MaxvoltError, SpeciesError
from maxvolt.potentials.ani.files import Content, looks_like_ani, read_content
from maxvolt.potentials.ani.neurochem import is_neurochem, looks_like_info, read_neurochem
from maxvolt.potentials.families import Description
from maxvolt.species import check_species

if TYPE_CHECKING:
    from maxvolt.potentials.ani.potential import ANI

__all__ = ["describe", "lammps_suffix", "looks_like", "read", "read_members"]


def looks_like(beginning: bytes) -> bool:
    """Whether a file begins as ours do, or as one that names the files of NeuroChem."""
    return looks_like_ani(beginning) or looks_like_info(beginning)


def read(path: str | Path, species: Sequence[str] | None = None) -> ANI:
    """Read a file; see `maxvolt.load`.

    Raises
    ------
    FileFormatError
        The file is no such potential.
    SpeciesError
        Other species than those of the file were given.
    """
    members = read_members(path, species)
    if len(members) > 1:
        raise FileFormatError(
            path, f"holds an ensemble of {len(members)}; give the folder of one of them, as train0"
        )
    return members[0]


def read_members(path: str | Path, species: Sequence[str] | None = None) -> tuple[ANI, ...]:
    """Read a file, or all members of an ensemble of NeuroChem; errors as of `read`."""
    path = Path(path)
    contents = read_neurochem(path) if is_neurochem(path) else [read_content(path)]
    return tuple(_potential(path, content, species) for content in contents)


def _potential(path: Path, found: Content, species: Sequence[str] | None) -> ANI:
    from maxvolt.potentials.ani.potential import ANI

    if species is not None and check_species(species) != found.species:
        raise SpeciesError(
            f"{path}: the file names the species {', '.join(found.species)}, but "
            f"{', '.join(species)} were given; leave them out to use those of the file"
        )
    try:
        return ANI(found.species, found.settings, found.weights, found.energies, found.scales)
    except MaxvoltError as error:
        raise FileFormatError(path, str(error)) from error


def describe(path: str | Path, species: Sequence[str] | None = None) -> Description:
    """Describe a file; errors as of `read`."""
    members = read_members(path, species)
    potential = members[0]
    settings = potential.settings
    species = potential.species
    sizes = [settings.layer_sizes(len(species), kind) for kind in range(len(species))]
    layers = sizes[0] if len(set(sizes)) == 1 else dict(zip(species, sizes, strict=True))
    facts = {
        "form": "ani",
        "species": potential.species,
        "species_count": len(potential.species),
        "cutoff_A": potential.cutoff,
        "trained": potential.is_trained,
        "n_parameters": potential.n_parameters,
        "layer_sizes": layers,
        "energies_eV": potential.energies.tolist(),
        "scales_eV": potential.scales.tolist(),
        "settings": asdict(settings),
    }
    angular = f"{settings.angular_shells} x {settings.angular_sections}"
    lines = {
        "potential": "ANI neural network potential",
        "species": " ".join(potential.species),
        "trained": "yes" if potential.is_trained else "no",
        "radial functions": f"{settings.radial_functions} up to {settings.radial_cutoff:g} A",
        "angular functions": f"{angular} up to {settings.angular_cutoff:g} A",
        "layers": f"{settings.layers_text(species)}, CELU({settings.celu_alpha:g})",
        "parameters": f"{potential.n_parameters:,}",
    }
    if len(members) > 1:
        facts["member_count"] = len(members)
        lines["ensemble"] = f"{len(members)} potentials in one; above, the first"
    return Description(facts, lines)


def lammps_suffix(potential: ANI) -> None:
    """LAMMPS has no pair style that reads these files."""
