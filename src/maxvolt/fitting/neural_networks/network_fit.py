"""The fit of one potential's networks: Adam in minibatches until the loss no longer falls."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maxvolt.errors import FitError
from maxvolt.fitting.network_settings import NetworkSettings
from maxvolt.fitting.neural_networks.loss import Predictor
from maxvolt.fitting.neural_networks.samples import Samples
from maxvolt.fitting.neural_networks.state import NetworkState
from maxvolt.potentials.ani.libraries import require_torch
from maxvolt.potentials.ani.networks import networks_of, weight_names, weights_of
from maxvolt.potentials.ani.potential import ANI
from maxvolt.units import VOIGT_COUNTS

__all__ = ["EPOCH_LIMIT", "Measured", "NetworkFit", "first_state", "held_out"]

EPOCH_LIMIT = "the limit of epochs was reached"

_FEWEST_WATCHED = 5
"""Structures held out whose loss is to be watched alone: fewer may have nothing in common with what
a fit is to learn, and it would end with the weights that it began with."""

_FALL = 1e-4
"""Relative fall of the loss that counts as one."""

Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Measured:
    """Loss and errors of some structures.

    Attributes
    ----------
    loss : float
    energy_rmse : float, eV/atom
    force_rmse : float, eV/Angstrom
    stress_rmse : float, eV/Angstrom^3
        NaN where there are no labels.
    """

    loss: float
    energy_rmse: float
    force_rmse: float
    stress_rmse: float


def held_out(count: int, share: float, seed: int) -> tuple[Indices, Indices]:
    """Numbers of structures to train on, and of those held out, equation (183).

    Of every 1 / share structures in succession one is drawn, so that what is held out of some
    structures stays so when others are appended. The first is always trained on; of a few, none
    may be held out.
    """
    blocks = math.ceil(share * count)
    # Rounded, since 1 / share need not be exact.
    edges = [math.ceil(round(block / share, 6)) for block in range(blocks + 1)] if blocks else []
    drawn = [
        int(np.random.default_rng([seed, block]).integers(max(first, 1), end))
        for block, (first, end) in enumerate(pairwise(edges))
    ]
    watched = np.array([number for number in drawn if number < count], np.int64)
    return np.setdiff1d(np.arange(count), watched), watched


def first_state(potential: ANI, settings: NetworkSettings) -> NetworkState:
    """Give the state before the first epoch, from the weights of a potential."""
    weights = dict(potential.weights)
    zeros = {name: np.zeros_like(values) for name, values in weights.items()}
    constants = {"energies": potential.energies, "scales": potential.scales}
    rate = settings.learning_rate
    return NetworkState(0, (), rate, 0, math.inf, "", weights, weights, zeros, zeros, constants)


class NetworkFit:
    """Epochs of one fit, from a state on.

    Parameters
    ----------
    potential
        What is fitted.
    samples
        Structures.
    settings
        How.
    seed, member
        Of the random numbers.
    state
        Where it goes on.
    """

    def __init__(
        self,
        potential: ANI,
        samples: Samples,
        settings: NetworkSettings,
        seed: int,
        member: int,
        state: NetworkState,
    ) -> None:
        torch = require_torch()
        dtype, device = samples.descriptors.dtype, samples.descriptors.device
        self._potential, self._samples, self._settings = potential, samples, settings
        self._seed = (seed, member)
        split = seed if settings.split_seed is None else settings.split_seed
        self._used, held = held_out(len(samples), settings.validation_share, split)
        self._watched = held if len(held) >= _FEWEST_WATCHED else np.arange(len(samples))
        networks = networks_of(potential.settings, potential.species, state.weights, dtype, device)
        constants = {
            name: samples.descriptors.tensor(values) for name, values in state.constants.items()
        }
        self._predictor = Predictor(networks, constants["energies"], constants["scales"].to(dtype))
        self._optimizer = torch.optim.Adam(networks.parameters(), lr=state.learning_rate)
        # Files have another order.
        self._names = list(weight_names(potential.settings, potential.species))
        for name, parameter in zip(self._names, networks.parameters(), strict=True):
            if state.epoch:
                self._optimizer.state[parameter] = {
                    "step": torch.tensor(float(state.epoch * len(self._batches(0)))),
                    "exp_avg": torch.tensor(state.means[name]).to(device, dtype),
                    "exp_avg_sq": torch.tensor(state.squares[name]).to(device, dtype),
                }
        self.state = state

    def epochs(self) -> Iterator[Measured]:
        """Do epochs until the fit has ended; `state` is that after each."""
        if not self.state.losses:
            measured = self._measured()
            self._note(measured, 0)
            yield measured
        while not self.state.finished:
            epoch = self.state.epoch + 1
            for numbers in self._batches(epoch):
                self._step(numbers)
            measured = self._measured()
            self._note(measured, epoch)
            yield measured

    def _batches(self, epoch: int) -> Sequence[Indices]:
        """Numbers of the structures of each minibatch, drawn anew for each epoch."""
        order = np.random.default_rng([*self._seed, epoch]).permutation(self._used)
        return np.array_split(order, -(-len(order) // self._settings.batch_size))

    def _step(self, numbers: Indices) -> None:
        found = self._predictor.deviations(self._samples.batch(numbers), differentiable=True)
        loss = found.loss * (len(self._samples) / len(numbers))
        self._optimizer.zero_grad()
        loss.backward()
        self._optimizer.step()

    def _measured(self) -> Measured:
        """Loss and errors of the structures held out; where there are few, of all."""
        chosen = self._watched
        sums, counts = np.zeros(4), np.zeros(3)
        for first in range(0, len(chosen), self._settings.batch_size):
            batch = self._samples.batch(chosen[first : first + self._settings.batch_size])
            found = self._predictor.deviations(batch, differentiable=False)
            stresses = found.virials / batch.volumes.clamp(min=1e-300)[:, None]
            sums += [
                found.loss.item(),
                ((found.energies / batch.counts) ** 2).sum().item(),
                (found.forces**2).sum().item(),
                float(((stresses.detach().double().cpu().numpy() ** 2) @ VOIGT_COUNTS).sum()),
            ]
            counts += [
                int((batch.energy_weights > 0).sum()),
                3 * int((batch.force_weights > 0).sum()),
                9 * int((batch.virial_weights > 0).any(dim=1).sum()),
            ]
        with np.errstate(invalid="ignore"):
            means = np.sqrt(np.where(counts > 0, sums[1:] / np.maximum(counts, 1), np.nan))
        loss = float(sums[0]) * len(self._samples) / len(chosen)
        return Measured(loss, *means.tolist())

    def _note(self, measured: Measured, epoch: int) -> None:
        """Make the state after an epoch: the best weights, the learning rate, whether it ends."""
        before, settings = self.state, self._settings
        if not math.isfinite(measured.loss):
            raise FitError(
                f"the loss of the networks is not finite after epoch {epoch}; lower learning_rate "
                f"(--learning-rate), now {settings.learning_rate:g}"
            )
        weights = weights_of(
            self._predictor.networks, self._potential.settings, self._potential.species
        )
        is_lower = measured.loss < before.best_loss * (1.0 - _FALL)
        waiting = 0 if is_lower else before.waiting + 1
        rate, finished = before.learning_rate, ""
        if waiting > settings.patience:
            rate, waiting = rate * settings.decay, 0
            self._optimizer.param_groups[0]["lr"] = rate
        if rate < settings.smallest_learning_rate:
            finished = "the loss no longer falls"
        elif epoch >= settings.epochs:
            finished = EPOCH_LIMIT
        self.state = NetworkState(
            epoch=epoch,
            losses=(*before.losses, measured.loss),
            learning_rate=rate,
            waiting=waiting,
            best_loss=measured.loss if is_lower else before.best_loss,
            finished=finished,
            weights=weights,
            best=weights if is_lower else before.best,
            means=self._running("exp_avg"),
            squares=self._running("exp_avg_sq"),
            constants=before.constants,
        )

    def _running(self, which: str) -> dict[str, NDArray[np.float64]]:
        """Running means of Adam by the names of the weights; none before the first step."""
        found: dict[str, Any] = {}
        for name, parameter in zip(self._names, self._predictor.networks.parameters(), strict=True):
            kept = self._optimizer.state.get(parameter, {}).get(which)
            if kept is not None:
                found[name] = kept.double().cpu().numpy().copy()
        return found
