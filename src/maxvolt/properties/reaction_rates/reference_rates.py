"""Classical rates of transition state theory by quadrature: what sampling must come to."""

from __future__ import annotations

import numpy as np
from ase import units

from maxvolt.errors import DataError, EvaluationError
from maxvolt.properties.reaction_rates.surfaces import Surface

__all__ = ["classical_exchange_rate"]

_POINTS = 400
_ANGLES = 200
_DEEPEST = 5.0
"""eV below the reactants, which no molecule of three equal atoms is."""


def classical_exchange_rate(
    surface: Surface,
    mass: float,
    temperature: float,
    *,
    nearest: float = 0.5,
    farthest: float = 4.0,
) -> float:
    """Classical rate of X + X2 over the surface of equal bonds, equation (141), cm^3/s.

    Both atoms of the molecule are attacked.

    Parameters
    ----------
    surface
        Of three equal atoms.
    mass : u
        Of one.
    temperature : K
    nearest, farthest : Angstrom
        Lengths of bonds between which is integrated.

    Raises
    ------
    DataError
        The surface has a hole: a place far below the energy of the separate reactants.
    EvaluationError
        An energy is not finite.
    """
    kt = units.kB * temperature
    lengths, weights = np.polynomial.legendre.leggauss(_POINTS)
    r = nearest + 0.5 * (farthest - nearest) * (lengths + 1)
    dr = 0.5 * (farthest - nearest) * weights
    far = np.zeros((len(r), 3, 3))
    far[:, 1, 0], far[:, 2, 0] = r, 1e3
    pair, _ = surface(far)
    floor = float(pair.min())
    partition = float((dr * r**2 * np.exp(-(pair - floor) / kt)).sum()) * 4 * np.pi
    # from straight to the equilateral triangle, beyond which another bond is the shortest
    nodes, dcosine = np.polynomial.legendre.leggauss(_ANGLES)
    cosine, dcosine = 0.75 * nodes - 0.25, 0.75 * dcosine
    length, c = np.meshgrid(r, cosine, indexing="ij")
    bent = np.zeros((length.size, 3, 3))
    bent[:, 0, 0] = length.ravel()
    bent[:, 2, 0] = (length * c).ravel()
    bent[:, 2, 1] = (length * np.sqrt(1 - c**2)).ravel()
    energies = surface(bent)[0].reshape(length.shape)
    if not np.isfinite(pair.sum() + energies.sum()):
        raise EvaluationError(
            f"an energy is not finite where bonds are between {nearest} and {farthest} A; train "
            "the potential there, or give a larger `nearest`"
        )
    if energies.min() < floor - _DEEPEST:
        lowest = np.unravel_index(energies.argmin(), energies.shape)
        raise DataError(
            f"the surface has a hole: bonds of {length[lowest]:.2f} A lie "
            f"{floor - energies.min():.1f} eV below the reactants; train the potential there, "
            "or give a larger `nearest`"
        )
    # squared gradient of the difference of bonds over the masses; middle atom: |e1 - e2|^2
    inverse_mass = (2 + 2 - 2 * c) / mass
    speed = np.sqrt(kt * inverse_mass / (2 * np.pi))
    density = 8 * np.pi**2 * length**4 * np.exp(-(energies - floor) / kt)
    flux = dr[:, None] * dcosine * speed * density
    return 2 * float(flux.sum()) / partition * units.fs * 1e-9
