"""Write the potentials that the tests of the core read: compiled models, and text potentials.

    python src/maxvolt/core/tests/make_models.py

Random coefficients of a fixed seed; sizes of forces are those of real potentials. The active sets
of the small one have the rows 1 0 0 .., 1 1 0 .., 1 1 1 .., whose inverse one can write down.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import get_args

import numpy as np

import maxvolt
from maxvolt import MTP
from maxvolt.files import replacing
from maxvolt.io.cfg_record import CfgConfiguration
from maxvolt.io.cfg_write import text_bytes
from maxvolt.potentials.mtp.compiled_file import MEASURES, ErrorRecord
from maxvolt.potentials.mtp.conversion import file_of_model
from maxvolt.potentials.mtp.files.access import write_potential_file
from maxvolt.potentials.mtp.files.active_set import ActiveSetRecord, Dialect

FOLDER = Path(__file__).resolve().parent / "models"
ENDINGS: dict[Dialect, str] = {"MLIP-3": "almtp", "MLIP-2": "als"}
GRADED: dict[Dialect, str] = {"MLIP-3": "configurations", "MLIP-2": "atoms"}


def main() -> None:
    """Write all potentials."""
    write("level8", 8, ["Al", "Ni"])
    write("level14", 14, ["Mo"])
    small = write("small", 4, ["Cu"], radial_basis_size=2)
    for dialect in get_args(Dialect):
        record = active_set(small.n_parameters, dialect)
        file = file_of_model(small.model, small.species, small.about, record)
        write_potential_file(FOLDER / f"small.{ENDINGS[dialect]}", file)
        graded = replace(record, force_weight=0.0, stress_weight=0.0)
        if dialect == "MLIP-2":  # one with grades of atoms, one with those of configurations
            graded = replace(graded, energy_weight=0.0, site_energy_weight=1.0)
        small.write_compiled(FOLDER / f"graded_{GRADED[dialect]}.maxvolt", graded)
        if dialect == "MLIP-2":
            errors = calibration(small.n_parameters)
            small.write_compiled(FOLDER / "expected_errors.maxvolt", graded, errors)


def write(name: str, level: int, species: list[str], radial_basis_size: int = 5) -> MTP:
    """Write one potential, compiled and as text."""
    values = np.random.default_rng(level)
    untrained = maxvolt.MTP(
        level=level,
        species=species,
        cutoff=4.5,
        min_dist=2.0,
        radial_basis_size=radial_basis_size,
    )
    model = untrained.model
    potential = untrained.with_coefficients(
        0.1 * values.normal(size=model.radial_coeffs.shape),
        values.normal(size=len(species)),
        0.1 * values.normal(size=len(model.moment_coeffs)),
    )
    with replacing(FOLDER / f"{name}.maxvolt") as file:
        file.write(potential.core.file_bytes(list(potential.species)))
    potential.write(FOLDER / f"{name}.mtp")
    return potential


def active_set(n: int, dialect: Dialect) -> ActiveSetRecord:
    """Make an active set of one structure, as MLIP-3 or MLIP-2 would write it."""
    structure = CfgConfiguration(np.zeros(1, np.int32), np.zeros((1, 3)), 3.0 * np.eye(3))
    matrix = np.tril(np.ones((n, n)))
    return ActiveSetRecord(
        energy_weight=1.0,
        force_weight=0.25,
        stress_weight=0.125,
        site_energy_weight=0.0,
        weight_scaling=2,
        matrix=matrix,
        inverse=np.eye(n) - np.eye(n, k=-1),
        origins=np.zeros((n, 2), np.int64),
        structures=text_bytes(structure),
        dialect=dialect,
    )


def calibration(n: int) -> ErrorRecord:
    """Make one of all measures, with two bins."""
    return ErrorRecord(
        measures=MEASURES,
        factor=np.tril(np.ones((n, n))),
        floors=np.array([0.1, 0.01, 0.5]),
        exponents=np.array([0.5, 0.25, 1.0]),
        largest=np.array([3.0, 2.0, 1.0]),
        prefactor=0.1,
        edges=np.array([0.1]),
        scores=(np.array([0.5, 1.0, 2.0]), np.array([1.0, 1.5])),
        structures=np.array([3.0, 2.0]),
        reached=np.array([[0.0, 0.5, 0.9], [0.0, 0.4, 0.8]]),
    )


if __name__ == "__main__":
    main()
