"""Independent chains on all cores: means, and errors from their scatter, equation (229)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maxvolt.errors import SettingsError
from maxvolt.potentials.lattice.potential import LowRankPotential
from maxvolt.potentials.lattice.supercells import Supercell
from maxvolt.properties.lattice.annealing import AnnealingSettings, annealed
from maxvolt.properties.lattice.at_temperature import AtTemperature
from maxvolt.properties.lattice.order import OrderedState, Peak
from maxvolt.properties.lattice.seeds import seed_of_chain
from maxvolt.properties.lattice.side_by_side import side_by_side

__all__ = ["anneal_chains", "mean_of_chains"]

Array = NDArray[np.float64]


def anneal_chains(
    potential: LowRankPotential,
    supercell: Supercell,
    occupations: Sequence[NDArray[np.integer[Any]]],
    settings: AnnealingSettings,
    *,
    threads: int | None = None,
    folder: str | Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[list[AtTemperature]]:
    """Anneal several chains with random numbers of their own, the first with those of `anneal`.

    The result is the same whatever the number of threads.

    Parameters
    ----------
    potential
        Energies.
    supercell
        Of all chains.
    occupations : shape (chains, n_sites)
        What each chain begins with.
    settings
        Of each chain; `seed_of_chain` makes their seeds.
    threads
        None: `OMP_NUM_THREADS`, or all cores.
    folder
        Keeps the temperatures of all chains, as `anneal` does.
    progress
        Is told how many temperatures are done, and of how many, of all chains.

    Returns
    -------
    chains
        The temperatures of each.

    Raises
    ------
    SettingsError
        There is no chain.
    """
    if not len(occupations):
        raise SettingsError("there is no chain to anneal")
    lock, total = Lock(), len(occupations) * len(settings.temperatures)
    done = 0

    def advance(*_: int) -> None:
        nonlocal done
        with lock:
            done += 1
            if progress is not None:
                progress(done, total)

    def one(chain: int, check: Callable[[], None]) -> list[AtTemperature]:
        return annealed(
            potential,
            supercell,
            occupations[chain],
            replace(settings, seed=seed_of_chain(settings.seed, chain)),
            folder,
            advance,
            check,
        )

    return side_by_side(one, len(occupations), threads)


def mean_of_chains(chains: Sequence[Sequence[AtTemperature]]) -> list[AtTemperature]:
    """Average over chains, temperature by temperature; errors are from their scatter.

    The order of a single chain is kept as it is. Of several, peaks are averaged; the name says how
    many chains have which order where they differ, and kinds of sites are those of the first
    chain that has the most frequent one. Arrangement and random numbers are those of the first.

    Parameters
    ----------
    chains
        As `anneal_chains` gives them.
    """
    return [_mean(of_chains) for of_chains in zip(*chains, strict=True)]


def _mean(found: Sequence[AtTemperature]) -> AtTemperature:
    if len(found) == 1:
        return found[0]
    energy, energy_error = _mean_and_error([one.energy for one in found])
    capacity, capacity_error = _mean_and_error([one.heat_capacity for one in found])
    order, order_error = _mean_and_error([one.order for one in found])
    states = [one.state for one in found if one.state is not None]
    return replace(
        found[0],
        energy=float(energy),
        energy_error=float(energy_error),
        heat_capacity=float(capacity),
        heat_capacity_error=float(capacity_error),
        accepted=float(np.mean([one.accepted for one in found])),
        concentrations=np.mean([one.concentrations for one in found], axis=0),
        order=order,
        order_error=order_error,
        state=_mean_state(states) if states else None,
    )


def _mean_and_error(values: Sequence[Any]) -> tuple[Array, Array]:
    every = np.array(values, float)
    return every.mean(axis=0), every.std(axis=0, ddof=1) / np.sqrt(len(every))


def _mean_state(states: Sequence[OrderedState]) -> OrderedState:
    frequent = Counter(one.text for one in states).most_common()
    first = next(one for one in states if one.text == frequent[0][0])
    text = frequent[0][0]
    if len(frequent) > 1:
        text = ", ".join(f"{name} in {count} of {len(states)}" for name, count in frequent)
    every = [{peak.star: peak for peak in one.peaks} for one in states]
    common = [star for star in every[0] if all(star in one for one in every)]
    peaks = tuple(_mean_peak([one[star] for one in every]) for star in common)
    return replace(first, text=text, peaks=peaks)


def _mean_peak(peaks: Sequence[Peak]) -> Peak:
    second, fourth = np.mean([one.moments for one in peaks], axis=0)
    return replace(
        peaks[0],
        shares=np.mean([one.shares for one in peaks], axis=0),
        structure_factor=np.mean([one.structure_factor for one in peaks], axis=0),
        moments=(float(second), float(fourth)),
    )
