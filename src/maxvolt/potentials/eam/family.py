"""Embedded-atom potentials as a family of potentials."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from maxvolt.potentials.eam.tables import looks_like_tables as looks_like
from maxvolt.potentials.families import Description

if TYPE_CHECKING:
    from maxvolt.potentials.eam.potential import EmbeddedAtom

__all__ = ["describe", "lammps_suffix", "looks_like", "read"]


def read(path: str | Path, species: Sequence[str] | None = None) -> EmbeddedAtom:
    """Read a file; see `maxvolt.load`."""
    from maxvolt.potentials.eam.potential import read_eam

    return read_eam(path, species)


def describe(path: str | Path, species: Sequence[str] | None = None) -> Description:
    """Describe a file; errors as of `read`."""
    tables = read(path, species).tables
    n_rho, n_r = tables.embedding.shape[1], tables.pairs.shape[2]
    largest_density = tables.density_spacing * (n_rho - 1)
    longest = tables.distance_spacing * (n_r - 1)
    facts = {
        "name": tables.comment,
        "form": f"eam/{tables.form}",
        "species": tables.species,
        "species_count": len(tables.species),
        "cutoff_A": tables.cutoff,
        "distance_points": n_r,
        "distance_spacing_A": tables.distance_spacing,
        "density_points": n_rho,
        "density_spacing": tables.density_spacing,
    }
    lines = {
        "potential": f"embedded-atom potential, eam/{tables.form}",
        "comment": tables.comment or "none",
        "species": " ".join(tables.species),
        "cutoff": f"{tables.cutoff:g} A",
        "distances": f"{n_r} points up to {longest:g} A, {tables.distance_spacing:g} A apart",
        "densities": f"{n_rho} points up to {largest_density:g}, {tables.density_spacing:g} apart",
    }
    return Description(facts, lines)


def lammps_suffix(potential: EmbeddedAtom) -> str:
    """LAMMPS has pair styles for both forms."""
    return f".eam.{potential.tables.form}"
