"""Active sets from and to the files of MLIP-3 (``.almtp``) and MLIP-2 (``.als``).

Compiled models (``.maxvolt``), which LAMMPS reads, are written only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maxvolt.dataset import Dataset
from maxvolt.errors import DataError, FileFormatError
from maxvolt.io.cfg_dataset import cfg_from_dataset, dataset_from_cfg
from maxvolt.io.cfg_types import with_indices, with_labels
from maxvolt.io.cfg_write import text_bytes
from maxvolt.potentials import MTP
from maxvolt.potentials.families import family_of_file
from maxvolt.potentials.mtp.compiled_file import ErrorRecord
from maxvolt.potentials.mtp.conversion import file_of_model, model_of_file
from maxvolt.potentials.mtp.files.access import read_potential_file, write_potential_file
from maxvolt.potentials.mtp.files.active_set import INITIAL, ActiveSetRecord, Dialect
from maxvolt.selection.active_rows import EQUATIONS, ActiveRows
from maxvolt.selection.rows import iterate_rows
from maxvolt.selection.weights import RowWeights

__all__ = ["has_active_set", "read_active_rows", "read_with_active_rows", "write_active_set"]


def read_active_rows(path: str | Path, species: Sequence[str] | None = None) -> ActiveRows:
    """Read a potential with its active set; see `maxvolt.read_active_set`."""
    _, rows = read_with_active_rows(path, species)
    if rows is None:
        raise FileFormatError(
            path,
            "the potential has no active set; make one from its training set: maxvolt select "
            "POT TRAIN --save-active-set, or maxvolt.ActiveSet.from_dataset",
        )
    return rows


def read_with_active_rows(
    path: str | Path, species: Sequence[str] | None = None
) -> tuple[MTP, ActiveRows | None]:
    """Read a potential, and its active set where the file has one, in one go."""
    file = read_potential_file(path)
    potential = MTP.from_model(*model_of_file(path, file, species))
    if file.active_set is None:
        return potential, None
    return potential, _active_rows(potential, file.active_set, path)


def has_active_set(path: str | Path) -> bool:
    """Whether a file of a potential holds an active set; False too for what is not a potential.

    Raises
    ------
    FileFormatError
        A damaged file.
    """
    family = family_of_file(path)
    if family is None or family.name != "mtp" or not Path(path).is_file():
        return False
    return read_potential_file(path).active_set is not None


def _active_rows(potential: MTP, record: ActiveSetRecord, path: str | Path) -> ActiveRows:
    structures, numbers = _structures(record, potential, path)
    origins = record.origins.copy()
    chosen = origins[:, 0] != INITIAL
    if chosen.any() and origins[chosen, 0].max() >= len(numbers):
        raise FileFormatError(
            path,
            f"active set: a row names structure {origins[chosen, 0].max()}, but the file holds "
            f"{len(numbers)}",
        )
    origins[chosen, 0] = numbers[origins[chosen, 0]]
    origins[origins[:, 0] == INITIAL] = INITIAL
    weights = RowWeights(
        energy=record.energy_weight,
        force=record.force_weight,
        stress=record.stress_weight,
        site_energy=record.site_energy_weight,
        scaling=record.weight_scaling,
    )
    if record.dialect == "MLIP-2":
        origins = _with_equations(potential, weights, record.matrix, origins, structures)
    return ActiveRows(
        potential=potential,
        weights=weights,
        matrix=record.matrix,
        inverse=record.inverse,
        origins=origins,
        structures=structures,
    )


def write_active_set(
    path: str | Path,
    active_set: ActiveRows,
    dialect: Dialect | None = None,
    errors: ErrorRecord | None = None,
) -> None:
    """Write potential and active set; see `maxvolt.ActiveSet.write`.

    Parameters
    ----------
    path
        File to write.
    active_set
        What to write.
    dialect
        Whose file it is to be; None: as the name says.
    errors
        What makes expected errors, for a compiled model.
    """
    if dialect is None:
        dialect = "MLIP-2" if Path(path).suffix == ".als" else "MLIP-3"
    potential = active_set.potential
    if not isinstance(potential, MTP):
        raise DataError(
            f"{path}: files of MLIP hold active sets of moment tensor potentials only, not of "
            f"{type(potential).__name__}"
        )
    record = _record(active_set, potential, dialect)
    if Path(path).suffix == ".maxvolt":
        potential.write_compiled(path, record, errors)
        return
    file = file_of_model(potential.model, potential.species, potential.about, record)
    write_potential_file(path, file)


def _record(active_set: ActiveRows, potential: MTP, dialect: Dialect) -> ActiveSetRecord:
    weights = active_set.weights
    if dialect == "MLIP-2" and weights.scaling != 2:
        raise DataError(
            f"an .als file cannot hold the scaling {weights.scaling} of the weights; write "
            "an .almtp file"
        )
    infos = [dict(info) for info in active_set.structures.infos]
    for number, info in enumerate(infos):
        of_structure = active_set.origins[active_set.origins[:, 0] == number, 1]
        info[EQUATIONS] = ",".join(map(str, np.sort(of_structure)))
    labelled = replace(active_set.structures, infos=tuple(infos))
    configurations = with_labels(
        cfg_from_dataset(labelled, active_set.species, quiet=True), potential.about.species_labels
    )
    return ActiveSetRecord(
        energy_weight=weights.energy,
        force_weight=weights.force,
        stress_weight=weights.stress,
        site_energy_weight=weights.site_energy,
        weight_scaling=weights.scaling,
        matrix=active_set.matrix,
        inverse=active_set.inverse,
        origins=active_set.origins,
        structures=b"".join(map(text_bytes, configurations)),
        dialect=dialect,
    )


def _structures(
    record: ActiveSetRecord, potential: MTP, path: str | Path
) -> tuple[Dataset, NDArray[np.int64]]:
    """Return the structures with atoms, and the number each of the file has among them."""
    found = record.configurations(path)
    full = np.array([len(configuration) > 0 for configuration in found], np.bool_)
    numbers = np.where(full, np.cumsum(full) - 1, INITIAL).astype(np.int64)
    typed = with_indices([c for c in found if len(c)], potential.about.species_labels, path)
    structures = dataset_from_cfg(typed, potential.species, path=path)
    infos = [{k: v for k, v in info.items() if k != EQUATIONS} for info in structures.infos]
    return replace(structures, infos=tuple(infos)), numbers


def _with_equations(
    potential: MTP,
    weights: RowWeights,
    matrix: NDArray[np.float64],
    origins: NDArray[np.int64],
    structures: Dataset,
) -> NDArray[np.int64]:
    """Find the equations that a file of MLIP-2 does not name, by comparing rows."""
    if not (weights.force or weights.stress or weights.site_energy):
        return origins  # one row per structure: equation 0
    found = origins.copy()
    for _, rows in iterate_rows(potential, weights, structures, threads=None):
        for structure in np.unique(rows.structures):
            of_structure = rows.select(rows.structures == structure)
            for row in np.flatnonzero(origins[:, 0] == structure):
                distances = np.linalg.norm(of_structure.values - matrix[row], axis=1)
                found[row, 1] = of_structure.equations[int(np.argmin(distances))]
    return found
