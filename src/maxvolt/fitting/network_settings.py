"""Settings of the training of neural networks: their one set of defaults."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from maxvolt.errors import FitError
from maxvolt.limits import ITERATIONS, LARGEST_SEED

__all__ = ["NetworkSettings"]


@dataclass(frozen=True, slots=True)
class NetworkSettings:
    """How the weights of neural networks are found: Adam, in minibatches, with early stopping.

    Attributes
    ----------
    epochs : int
        Most passes over the training set.
    batch_size : int
        Structures of a minibatch.
    learning_rate : float
        Of Adam, at the start.
    decay : float
        Factor of the learning rate when the loss has not fallen for `patience` epochs.
    patience : int
        Epochs without a lower loss before that.
    smallest_learning_rate : float
        The fit ends when the learning rate falls below it.
    validation_share : float
        Share of the training set that is held out, whose loss decides on all this and chooses the
        weights that are kept, equation (184); where these are fewer than five structures, the loss
        of all does.
    precision : "double" or "single"
        Of the arithmetic.
    device : "cpu" or "cuda"
        Where torch computes.
    split_seed : int or None
        Of the random choice of what is held out; None: the seed of the fit. With the same seed,
        what was held out of a training set stays so when structures are appended to it.

    Raises
    ------
    FitError
        A value is out of its range.
    """

    epochs: int = 1000
    batch_size: int = 16
    learning_rate: float = 1e-3
    decay: float = 0.5
    patience: int = 25
    smallest_learning_rate: float = 1e-5
    validation_share: float = 0.1
    precision: Literal["double", "single"] = "double"
    device: Literal["cpu", "cuda"] = "cpu"
    split_seed: int | None = None

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "patience"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool):
                raise FitError(f"{name}: expected a whole number; got {value!r:.40}")
            ITERATIONS.check(name, value, FitError)
        if self.split_seed is not None and not 0 <= self.split_seed <= LARGEST_SEED:
            raise FitError(f"split_seed must lie between 0 and 2^63 - 1; got {self.split_seed}")
        for name in ("learning_rate", "smallest_learning_rate"):
            value = getattr(self, name)
            if not (0 < value <= 1 and math.isfinite(value)):
                raise FitError(f"{name} must lie between 0 and 1; got {value}")
        if not 0 < self.decay < 1:
            raise FitError(f"decay must lie between 0 and 1; got {self.decay}")
        if not 0 <= self.validation_share <= 0.9:
            raise FitError(
                f"validation_share must lie between 0 and 0.9; got {self.validation_share}"
            )
        if self.precision not in ("double", "single"):
            raise FitError(f'precision must be "double" or "single"; got {self.precision!r}')
        if self.device not in ("cpu", "cuda"):
            raise FitError(f'device must be "cpu" or "cuda"; got {self.device!r:.40}')
