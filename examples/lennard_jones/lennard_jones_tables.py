"""The Lennard-Jones potential as tables without a density, so that maxvolt evaluates many at once.

    python examples/lennard_jones/lennard_jones_tables.py lj.eam.alloy

sigma is 3 Angstrom and epsilon 1 eV, so that energies are those of the literature, in units of
epsilon. Between the points of the table are splines: energies of the known clusters agree within
1e-6. Closer than 0.6 sigma the energy goes on as a straight line; no cluster comes there.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from maxvolt.files import replacing

SIGMA = 3.0
REACH = 24.0
POINTS = 40_000
INNERMOST = 0.6 * SIGMA


def energy(r: NDArray[np.float64]) -> NDArray[np.float64]:
    """Energy of a pair, eV."""
    ratio = (SIGMA / np.maximum(r, INNERMOST)) ** 6
    slope = -24.0 * (2.0 * ratio**2 - ratio) / INNERMOST
    return np.asarray(4.0 * (ratio**2 - ratio) + np.minimum(r - INNERMOST, 0.0) * slope)


def write_tables(path: Path) -> None:
    """Write them for argon, as LAMMPS and maxvolt read them."""
    r = np.linspace(0.0, REACH, POINTS)
    lines = ["Lennard-Jones, sigma 3 Angstrom, epsilon 1 eV", "", "", "1 Ar"]
    lines += [f"{POINTS} 1.0 {POINTS} {r[1]:.17g} {REACH:g}", "18 39.948 5.26 fcc"]
    lines += ["0.0"] * (2 * POINTS) + [f"{value:.17g}" for value in (r * energy(r)).tolist()]
    with replacing(path) as file:
        file.write(("\n".join(lines) + "\n").encode())


if __name__ == "__main__":
    write_tables(Path(sys.argv[1]))
