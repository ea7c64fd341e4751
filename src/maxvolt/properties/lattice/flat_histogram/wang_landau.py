"""Densities of states by walks that visit all energies alike: equations (205) and (227)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import isfinite, log
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from maxvolt.errors import SettingsError
from maxvolt.files import make_folder
from maxvolt.potentials.lattice.chain import Chain
from maxvolt.potentials.lattice.hamiltonian import Hamiltonian
from maxvolt.potentials.lattice.potential import LowRankPotential
from maxvolt.potentials.lattice.supercells import Supercell
from maxvolt.properties.lattice.annealing import digest_of
from maxvolt.properties.lattice.flat_histogram.density_of_states import (
    DensityOfStates,
    joined,
    logarithm_of_arrangements,
)
from maxvolt.properties.lattice.flat_histogram.energy_range import energy_range, into
from maxvolt.properties.lattice.flat_histogram.window import Window
from maxvolt.properties.lattice.seeds import seed_of_chain
from maxvolt.properties.lattice.side_by_side import side_by_side

__all__ = ["WangLandauSettings", "wang_landau"]

_BLOCK = 200_000
"""Attempts between looks at the visits; ten blocks between files."""

_KEPT = 10


@dataclass(frozen=True, slots=True)
class WangLandauSettings:
    """How densities of states are found.

    Attributes
    ----------
    bins
        Of the range of energies.
    lowest, highest : eV
        The range, of the whole supercell; None: found by cooling and heating.
    windows
        Overlapping ranges with walks of their own.
    flatness
        What the least visited energy must have of the mean before the step is halved.
    final_step
        The walk ends below it.
    chains
        Independent walks, for errors.
    seed
        Of the random numbers.
    """

    bins: int = 200
    lowest: float | None = None
    highest: float | None = None
    windows: int = 1
    flatness: float = 0.8
    final_step: float = 1e-6
    chains: int = 1
    seed: int = 0

    def __post_init__(self) -> None:
        for name, least in (("bins", 2), ("windows", 1), ("chains", 1), ("seed", 0)):
            value = getattr(self, name)
            if not isinstance(value, int) or value < least:
                raise SettingsError(f"{name} must be a whole number from {least} on, got {value!r}")
        for name, value in (("lowest", self.lowest), ("highest", self.highest)):
            if value is not None and not isfinite(value):
                raise SettingsError(f"{name} must be a number of eV, got {value!r}")
        if not (0 <= self.flatness < 1 and 0 < self.final_step < 1):
            raise SettingsError("flatness must be 0 to 1, without 1, and final_step 0 to 1")
        if self.bins < 2 * self.windows:
            raise SettingsError("there must be two bins or more for each window")


def wang_landau(
    potential: LowRankPotential,
    supercell: Supercell,
    occupation: NDArray[np.integer[Any]],
    settings: WangLandauSettings,
    *,
    threads: int | None = None,
    folder: str | Path | None = None,
    progress: Callable[[float], None] | None = None,
) -> list[DensityOfStates]:
    """Find the density of states of all arrangements of a composition, by swaps.

    All windows of all chains walk at once; the result is the same whatever the number of threads.

    Parameters
    ----------
    potential
        Energies.
    supercell, occupation
        What all walks begin with; it says the composition.
    settings
        Bins, range, windows, end.
    threads
        None: `OMP_NUM_THREADS`, or all cores.
    folder
        Keeps each walk, about every two million attempts; the same call goes on from there, bit
        for bit.
    progress
        Is told which part is done, 0 to 1, by the logarithms of the steps.

    Returns
    -------
    densities
        Of each chain.

    Raises
    ------
    SettingsError
        The range is empty or cannot be reached, or sites have only some species in common.
    """
    hamiltonian = Hamiltonian.of(potential, supercell)
    total = logarithm_of_arrangements(potential.parent, occupation)
    prefix = digest_of(potential, supercell, occupation, settings).hexdigest()[:12]
    if folder is not None:
        make_folder(Path(folder))
    lowest, highest = _range(Chain(hamiltonian, occupation, settings.seed), settings)
    width = (highest - lowest) / settings.bins
    ranges = _windows(settings.bins, settings.windows)
    watcher = _Watcher(settings.chains * len(ranges), settings.final_step, progress)

    def walk(number: int, check: Callable[[], None]) -> Window:
        first, last = ranges[number % len(ranges)]
        path = None if folder is None else Path(folder) / f"walk-{prefix}-{number:03d}.npz"
        if path is not None and path.exists():
            window = Window.read(path, hamiltonian)
        else:
            chain = Chain(hamiltonian, occupation, seed_of_chain(settings.seed, number + 1))
            begin, end = lowest + first * width, lowest + last * width
            into(chain, begin, end, 1.0 / width)
            window = Window.begin(chain, begin, width, last - first)
        for step in _walk(window, settings, path):
            check()
            watcher.tell(number, step)
        return window

    found = side_by_side(walk, settings.chains * len(ranges), threads)
    return [
        _density(found[one : one + len(ranges)], ranges, (lowest, width), total)
        for one in range(0, len(found), len(ranges))
    ]


def _range(chain: Chain, settings: WangLandauSettings) -> tuple[float, float]:
    lowest, highest = settings.lowest, settings.highest
    if lowest is None or highest is None:
        found = energy_range(chain)
        lowest = found[0] if lowest is None else lowest
        # The highest energy that was found is inside its bin.
        highest = found[1] + (found[1] - lowest) / settings.bins if highest is None else highest
    if lowest >= highest:
        raise SettingsError(f"the range of energies is empty: {lowest:g} to {highest:g} eV")
    return lowest, highest


def _windows(bins: int, count: int) -> list[tuple[int, int]]:
    """First bin and end of each window; each shares half of its bins with the next."""
    step = bins / (count + 1)
    if count == 1:
        return [(0, bins)]
    return [(round(k * step), round((k + 2) * step)) for k in range(count)]


def _walk(window: Window, settings: WangLandauSettings, path: Path | None) -> Iterator[float]:
    """Walk to the end, and yield the step now and then."""
    blocks = 0
    while window.step > settings.final_step:
        window.advance(_BLOCK, settings.flatness)
        blocks += 1
        if path is not None and (blocks % _KEPT == 0 or window.step <= settings.final_step):
            window.write(path)
        yield window.step
    yield window.step


class _Watcher:
    """Which part of the way all walks have gone, by the logarithms of their steps."""

    def __init__(
        self, count: int, final_step: float, progress: Callable[[float], None] | None
    ) -> None:
        self._parts = np.zeros(count)
        self._final, self._progress, self._lock = log(final_step), progress, Lock()

    def tell(self, number: int, step: float) -> None:
        with self._lock:
            self._parts[number] = min(1.0, log(step) / self._final)
            if self._progress is not None:
                self._progress(float(self._parts.mean()))


def _density(
    windows: list[Window],
    ranges: list[tuple[int, int]],
    bins: tuple[float, float],
    total: float,
) -> DensityOfStates:
    lowest, width = bins
    places, logarithms = joined([
        (np.flatnonzero(one.known) + first, one.logarithms[one.known])
        for one, (first, _) in zip(windows, ranges, strict=True)
    ])  # fmt: skip
    return DensityOfStates(
        energies=np.asarray(lowest + (places + 0.5) * width, np.float64),
        logarithms=logarithms - logsumexp(logarithms) + total,
        width=width,
        n_sites=len(windows[0].chain.occupation),
        attempts=sum(one.total for one in windows),
    )
