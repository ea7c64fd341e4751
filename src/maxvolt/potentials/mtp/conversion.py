"""From what MLIP's files of potentials say to models, and back."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from maxvolt.errors import FileFormatError, MaxvoltError, SpeciesError
from maxvolt.potentials.mtp.basis.contraction import ContractionTable
from maxvolt.potentials.mtp.basis.radial import RadialBasis
from maxvolt.potentials.mtp.basis.repulsion import ZBL
from maxvolt.potentials.mtp.files.active_set import ActiveSetRecord
from maxvolt.potentials.mtp.files.record import PotentialFile
from maxvolt.potentials.mtp.model import Model, species_numbers
from maxvolt.species import check_species
from maxvolt.unnamed_types import are_stand_ins

__all__ = ["About", "file_of_model", "model_of_file", "table_of_file"]

_ZBL = re.compile(r"\s*zbl:\s+(\S+)\s+(\S+)")


@dataclass(frozen=True, slots=True)
class About:
    """What a potential is besides its numbers.

    Attributes
    ----------
    level
        Level of its basis, None where a file gave its table.
    is_trained
        Whether its coefficients mean something.
    name, tag
        ``potential_name``, and what stands behind ``potential_tag`` besides species and repulsion.
    species_labels
        Species ids in a file of MLIP; None stands for 0, 1, ...
    """

    level: int | None = None
    is_trained: bool = True
    name: str = "MTP"
    tag: str = ""
    species_labels: tuple[int, ...] | None = None


def model_of_file(
    path: str | Path, file: PotentialFile, species: Sequence[str] | None = None
) -> tuple[Model, tuple[str, ...], About]:
    """Model, species and description from what a file says.

    Parameters
    ----------
    path
        What an error names.
    file
        What it says; its contraction tables are used as they stand.
    species
        Chemical symbols in the order of the types; needed where the file names none (MLIP's own
        files do not), and then the file's names, if any, must agree.

    Raises
    ------
    FileFormatError
        The file is no valid potential.
    SpeciesError
        Species are needed, of wrong number, or differ from those in the file.
    """
    symbols = _file_species(path, file, species)
    repulsion, tag = _repulsion_from_tag(path, file)
    model = Model(
        radial=RadialBasis(
            file.radial_basis_type,
            file.min_dist,
            file.max_dist,
            file.radial_basis_size,
        ),
        table=table_of_file(path, file),
        radial_coeffs=(
            np.zeros((len(symbols), len(symbols), file.radial_funcs_count, file.radial_basis_size))
            if file.radial_coeffs is None
            else file.radial_coeffs
        ),
        scaling=file.scaling,
        species_coeffs=(
            np.zeros(len(symbols)) if file.species_coeffs is None else file.species_coeffs
        ),
        moment_coeffs=(
            np.zeros(len(file.alpha_moment_mapping))
            if file.moment_coeffs is None
            else file.moment_coeffs
        ),
        numbers=species_numbers(symbols),
        repulsion=repulsion,
    )
    about = About(
        is_trained=file.is_trained, name=file.name, tag=tag, species_labels=file.species_labels
    )
    return model, symbols, about


def file_of_model(
    model: Model, species: tuple[str, ...], about: About, active_set: ActiveSetRecord | None = None
) -> PotentialFile:
    """What a file says of a model: MLIP's .mtp, with the species behind ``potential_tag``.

    Species that have no names, see `maxvolt.unnamed_types`, are left out.
    A ZBL repulsion is noted there, too; MLIP itself ignores the note, and with it the repulsion.
    """
    zbl, trained = model.repulsion, about.is_trained
    note = "" if zbl is None else f" zbl: {zbl.inner!r} {zbl.outer!r}"
    return PotentialFile(
        radial_basis_type=model.radial.kind,
        min_dist=model.radial.min_dist,
        max_dist=model.radial.max_dist,
        radial_basis_size=model.radial.size,
        alpha_moments_count=model.table.n_moments,
        alpha_index_basic=model.table.basic,
        alpha_index_times=model.table.products,
        alpha_moment_mapping=model.table.scalars,
        species_count=len(species),
        radial_coeffs=model.radial_coeffs if trained else None,
        species_coeffs=model.species_coeffs if trained else None,
        moment_coeffs=model.moment_coeffs if trained else None,
        species_labels=about.species_labels,
        species=None if are_stand_ins(species) else species,
        scaling=model.scaling,
        name=about.name,
        tag=(about.tag + note).strip(),
        active_set=active_set,
    )


def table_of_file(path: str | Path, file: PotentialFile) -> ContractionTable:
    """Return the contraction table of a file; `path` is what an error names."""
    try:
        return ContractionTable(
            file.alpha_index_basic,
            file.alpha_index_times,
            file.alpha_moment_mapping,
            file.alpha_moments_count,
        )
    except MaxvoltError as error:
        raise FileFormatError(path, str(error)) from error


def _file_species(
    path: str | Path, file: PotentialFile, species: Sequence[str] | None
) -> tuple[str, ...]:
    if species is None:
        if file.species is None:
            raise SpeciesError(
                f"{path}: the file does not name its {file.species_count} species; give their "
                "symbols in the order of the types, with species=[...] or --species"
            )
        return check_species(file.species)
    given = check_species(species)
    if file.species is not None and given != file.species:
        raise SpeciesError(
            f"{path}: the file names the species {', '.join(file.species)}, but "
            f"{', '.join(given)} were given; leave them out to use those of the file"
        )
    if not file.is_trained and file.species_count == 1:
        return given  # an untrained template serves any number of species
    if len(given) != file.species_count:
        raise SpeciesError(
            f"{path}: the potential has {file.species_count} species, but {len(given)} were given "
            f"({', '.join(given)})"
        )
    return given


def _repulsion_from_tag(path: str | Path, file: PotentialFile) -> tuple[ZBL | None, str]:
    tag = file.tag
    found = _ZBL.search(tag)
    if found is None:
        return None, tag
    try:
        zbl = ZBL(float(found[1]), float(found[2]))
    except (ValueError, MaxvoltError) as error:
        raise FileFormatError(
            path, f"expected two distances after 'zbl:' in potential_tag: {error}"
        ) from error
    if zbl.outer > file.max_dist:
        raise FileFormatError(
            path,
            f"the repulsion noted after potential_tag reaches to {zbl.outer:g} A, beyond max_dist "
            f"= {file.max_dist:g} A, where it would break off; correct one of them",
        )
    return zbl, tag[: found.start()] + tag[found.end() :]
