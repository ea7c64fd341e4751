"""ANI potentials as a family of potentials."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from maxvolt.errors import FileFormatError, MaxvoltError, SpeciesError
from maxvolt.potentials.ani.files import looks_like_ani as looks_like
from maxvolt.potentials.ani.files import read_content
from maxvolt.potentials.families import Description
from maxvolt.species import check_species

if TYPE_CHECKING:
    from maxvolt.potentials.ani.potential import ANI

__all__ = ["describe", "lammps_suffix", "looks_like", "read"]


def read(path: str | Path, species: Sequence[str] | None = None) -> ANI:
    """Read a file; see `maxvolt.load`.

    Raises
    ------
    FileFormatError
        The file is no such potential.
    SpeciesError
        Other species than those of the file were given.
    """
    from maxvolt.potentials.ani.potential import ANI

    path = Path(path)
    found = read_content(path)
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
    potential = read(path, species)
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
    return Description(facts, lines)


def lammps_suffix(potential: ANI) -> None:
    """LAMMPS has no pair style that reads these files."""
