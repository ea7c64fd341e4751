"""Write the compiled models that the tests of the core read.

    python src/maxvolt/core/tests/make_models.py

Random coefficients of a fixed seed; sizes of forces are those of real potentials.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

import maxvolt
from maxvolt.files import replacing

FOLDER = Path(__file__).resolve().parent / "models"


def main() -> None:
    """Write all models."""
    write("level8", 8, ["Al", "Ni"])
    write("level14", 14, ["Mo"])


def write(name: str, level: int, species: list[str]) -> None:
    """Write one model."""
    values = np.random.default_rng(level)
    untrained = maxvolt.MTP(
        level=level, species=species, cutoff=4.5, min_dist=2.0, radial_basis_size=5
    )
    model = untrained.model
    potential = untrained.with_coefficients(
        0.1 * values.normal(size=model.radial_coeffs.shape),
        values.normal(size=len(species)),
        0.1 * values.normal(size=len(model.moment_coeffs)),
    )
    with replacing(FOLDER / f"{name}.maxvolt") as file:
        file.write(potential.core.file_bytes(list(potential.species)))


if __name__ == "__main__":
    main()
