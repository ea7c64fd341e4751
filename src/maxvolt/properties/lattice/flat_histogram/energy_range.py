"""The range of energies of the arrangements of a composition."""

from __future__ import annotations

import numpy as np

from maxvolt.errors import SettingsError
from maxvolt.potentials.lattice.chain import Chain

__all__ = ["energy_range", "into"]

_SWEEPS, _COOLING = 100, 40
"""At random and at each temperature; temperatures."""

_DEVIATIONS = 6.0
"""Standard deviations of the energy at random, above its mean, that the range has."""

_MARGIN = 0.02
"""Of the range, below the lowest energy that was found."""

_TRIES = 100_000


def energy_range(chain: Chain) -> tuple[float, float]:
    """Find it: by cooling, and by heating until the temperature is negative.

    The upper end is six standard deviations above the mean at random, if there are such energies:
    they have no weight at positive temperatures.

    Parameters
    ----------
    chain
        Is left at a high energy.

    Returns
    -------
    lowest, highest : eV

    Raises
    ------
    SettingsError
        All arrangements have the same energy.
    """
    n = len(chain.occupation)
    chain.run_at(0.0, _SWEEPS * n)
    at_random = chain.run_at(0.0, 10 * _SWEEPS * n, n).energies
    mean, deviation = float(at_random.mean()), float(at_random.std())
    if deviation <= 1e-9 * max(1.0, abs(mean)):
        raise SettingsError("all arrangements of this composition have the same energy")
    # Energies of single sites, which grow like the deviation over the square root of the sites.
    betas = np.geomspace(0.1, 100.0, _COOLING) * np.sqrt(n) / deviation
    lowest = min(at_random.min(), _extreme(chain, betas))
    chain.run_at(0.0, _SWEEPS * n)
    highest = max(at_random.max(), -_extreme(chain, -betas))
    lowest -= _MARGIN * (highest - lowest)
    return float(lowest), float(min(highest, mean + _DEVIATIONS * deviation))


def _extreme(chain: Chain, betas: np.ndarray) -> float:
    """Lowest energy times the sign of the temperatures."""
    n = len(chain.occupation)
    sign = np.sign(betas[0])
    return float(min(
        (sign * chain.run_at(float(beta), _SWEEPS * n, n).energies).min() for beta in betas
    ))  # fmt: skip


def into(chain: Chain, lowest: float, highest: float, scale: float) -> None:
    """Bring a chain into a range of energies.

    Parameters
    ----------
    chain
        Is changed.
    lowest, highest : eV
        The range, without its upper end.
    scale : 1/eV
        Inverse temperature at which it is cooled and, with the other sign, heated.

    Raises
    ------
    SettingsError
        It does not get there.
    """
    few = max(1, len(chain.occupation) // 50)
    for tried in range(_TRIES):
        if lowest <= chain.energy < highest:
            return
        # Stronger and stronger, for it may hang where the range is deep.
        strength = scale * 1.001 ** (tried % 7000)
        chain.run_at(strength if chain.energy >= highest else -strength, few)
    raise SettingsError(
        f"no arrangement was found with an energy from {lowest:g} to {highest:g} eV; give another "
        "range of energies, or ask for fewer windows"
    )
