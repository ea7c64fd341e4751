"""From the free energy of a potential to that of its reference, by snapshots."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ase import units
from numpy.typing import ArrayLike

from maxvolt.errors import DataError

__all__ = ["FEWEST_SNAPSHOTS", "Correction", "free_energy_correction"]

_RESAMPLES = 400
FEWEST_SNAPSHOTS = 4


@dataclass(frozen=True, slots=True)
class Correction:
    """Free energy of a reference less that of a potential, for each atom.

    Attributes
    ----------
    value, error : eV/atom
        By the mean of exponentials, equation (150), and its standard error.
    second_order : eV/atom
        By mean and variance, equation (150); where it differs from `value` by more than the error,
        there are too few snapshots.
    spread : eV/atom
        Standard deviation of the difference of energies.
    snapshots
        Their number.
    """

    value: float
    error: float
    second_order: float
    spread: float
    snapshots: int


def free_energy_correction(
    differences: ArrayLike, temperature: float, atoms: int, *, seed: int = 0
) -> Correction:
    """Correct a free energy by energies of a reference for snapshots of the potential.

    R. W. Zwanzig, J. Chem. Phys. 22, 1420 (1954).

    Parameters
    ----------
    differences : shape (n,), eV
        Energy of the reference less that of the potential, of each snapshot; snapshots are far
        enough apart to be independent.
    temperature : K
        Of the snapshots.
    atoms
        In a snapshot.
    seed
        Of the resampling from which the error comes.

    Raises
    ------
    DataError
        There are fewer than four numbers, or they are not finite.
    """
    found = np.asarray(differences, float)
    if found.ndim != 1 or len(found) < FEWEST_SNAPSHOTS or not np.isfinite(found).all():
        raise DataError(
            f"free energy: expected at least {FEWEST_SNAPSHOTS} finite differences of energies; "
            f"got an array of shape {found.shape}"
        )
    kt = units.kB * temperature
    generator = np.random.default_rng(seed)
    drawn = found[generator.integers(len(found), size=(_RESAMPLES, len(found)))]
    values = [_exponential(one, kt) for one in drawn]
    spread = float(found.std(ddof=1))
    return Correction(
        _exponential(found, kt) / atoms,
        float(np.std(values, ddof=1)) / atoms,
        (float(found.mean()) - spread**2 / (2 * kt)) / atoms,
        spread / atoms,
        len(found),
    )


def _exponential(differences: np.ndarray, kt: float) -> float:
    """Mean of exponentials, from the smallest on, so that none overflows."""
    least = float(differences.min())
    return least - kt * float(np.log(np.mean(np.exp(-(differences - least) / kt))))
