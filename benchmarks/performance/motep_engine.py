"""motep's C engine, to measure beside: a dependency of the benchmarks alone.

motep's types are ASE's atomic numbers 0, 1, ...: structures are copied with those.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from numpy.typing import NDArray

import maxvolt
from performance.context import NotMeasuredError

__all__ = ["MotepLoss", "calculator", "require_motep", "train", "typed_copy"]


def require_motep() -> None:
    """Raise NotMeasuredError where motep is not installed."""
    if find_spec("motep") is None:
        raise NotMeasuredError("motep is not installed: pip install '.[bench]'")


def typed_copy(atoms: Atoms, species: Sequence[str]) -> Atoms:
    """The structure with type indices for atomic numbers, labels kept."""
    copied: Atoms = atoms.copy()
    copied.numbers = [species.index(symbol) for symbol in atoms.symbols]
    if atoms.calc is not None:
        copied.calc = SinglePointCalculator(copied, **atoms.calc.results)
    return copied


def calculator(path: Path, n_species: int = 1) -> Any:
    """ASE calculator of a potential file, in the mode meant for dynamics."""
    from motep.calculator import MTP

    return MTP(_read(path, n_species), engine="cext", mode="run")


class MotepLoss:
    """motep's loss and its gradient, defined as maxvolt's: equation (11), divided by K.

    Parameters
    ----------
    path
        Potential file with one species.
    dataset
        Structures of this one species, all labelled.
    """

    def __init__(self, path: Path, dataset: maxvolt.Dataset) -> None:
        from motep.loss import LossFunction

        self.data = _read(path, 1)
        self.function = _loss(LossFunction, self.data, dataset)

    @property
    def parameters(self) -> NDArray[np.float64]:
        """Parameters of the file: moment, species, radial coefficients."""
        return np.array(self.data.parameters, dtype=float)

    def __call__(self, parameters: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        """Loss and gradient, as motep's optimiser asks for them."""
        return float(self.function(parameters)), np.asarray(self.function.jac(parameters))


def train(
    path: Path, dataset: maxvolt.Dataset, min_dist: float, seconds: float
) -> tuple[list[float], list[float]]:
    """Train with motep's optimisers for so many seconds; times and the best loss so far.

    From random coefficients: a fit at level 2, then L-BFGS-B over all of them.

    Parameters
    ----------
    path
        Potential file with one species; its coefficients are not used.
    dataset
        As of `MotepLoss`.
    min_dist
        Where the radial basis begins, Angstrom.
    seconds
        When to stop, unless the optimiser stops before.
    """
    from motep.loss import LossFunction
    from motep.optimizers import make_optimizer

    times: list[float] = []
    losses: list[float] = []
    began = perf_counter()

    class Recorded(LossFunction):  # type: ignore[misc]
        starting = True  # losses of random coefficients mean nothing

        def __call__(self, parameters: list[float]) -> float:
            loss = float(super().__call__(parameters))
            if not self.starting:
                times.append(perf_counter() - began)
                losses.append(min([loss, *losses[-1:]]))
                if times[-1] > seconds:
                    raise _TimeIsOverError
            return loss

    data = _read(path, 1)
    data.radial_coeffs = data.moment_coeffs = data.species_coeffs = None
    data.radial_basis.min = min_dist
    data.initialize(np.random.default_rng(0))
    function = _loss(Recorded, data, dataset)
    try:
        make_optimizer("Level2MTP")(function).optimize()
        function.starting = False
        make_optimizer("minimize")(function).optimize(
            method="L-BFGS-B", options={"maxiter": 10_000, "maxfun": 100_000}
        )
    except _TimeIsOverError:
        pass
    return times, losses


class _TimeIsOverError(Exception):
    """Ends an optimisation."""


def _loss(kind: Any, data: Any, dataset: maxvolt.Dataset) -> Any:
    """A loss function of motep with the weights of equation (11)."""
    from motep.loss import LossSetting

    setting = LossSetting(energy_per_atom=False, forces_per_atom=False)
    typed = [typed_copy(atoms, [str(atoms.symbols[0])]) for atoms in dataset.to_atoms()]
    function = kind(typed, data, setting, engine="cext")
    function.loss_energy.configuration_weight = 1.0 / dataset.counts
    function.loss_stress.configuration_weight = 1.0 / dataset.counts
    return function


def _read(path: Path, n_species: int) -> Any:
    logging.getLogger("motep").setLevel(logging.ERROR)  # distances below min_dist
    from motep.io.mlip.mtp import read_mtp

    data = read_mtp(path)
    data.species = list(range(n_species))
    return data
