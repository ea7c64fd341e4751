"""[fit.network] of a campaign file: how neural networks are trained."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from maxvolt import limits
from maxvolt.fitting.network_settings import NetworkSettings
from maxvolt.sections import Section, within

__all__ = ["NetworkSection"]

_NETWORK = NetworkSettings()
"""Defaults."""

Whole = Annotated[int, within(limits.ITERATIONS, whole=True)]
Rate = Annotated[float, Field(gt=0, le=1)]


class NetworkSection(Section):
    """How neural networks are trained: fields of `maxvolt.NetworkSettings`, with its defaults."""

    epochs: Whole = _NETWORK.epochs
    """Most passes over the training set."""
    batch_size: Whole = _NETWORK.batch_size
    """Structures of a minibatch."""
    learning_rate: Rate = _NETWORK.learning_rate
    """Of Adam, at the start of each fit."""
    decay: Annotated[float, Field(gt=0, lt=1)] = _NETWORK.decay
    """Its factor when the loss has not fallen for `patience` epochs."""
    patience: Whole = _NETWORK.patience
    """Epochs without a lower loss before that."""
    smallest_learning_rate: Rate = _NETWORK.smallest_learning_rate
    """The fit ends when the learning rate falls below it."""
    validation_share: Annotated[float, Field(ge=0, le=0.9)] = _NETWORK.validation_share
    """Share of the training set that is held out, whose loss decides on all this and chooses the
    weights that are kept."""
    precision: Literal["double", "single"] = _NETWORK.precision
    """Of the arithmetic of the training."""
    device: Literal["cpu", "cuda"] = _NETWORK.device
    """Where networks are trained; simulations compute on the CPU."""

    def settings(self) -> NetworkSettings:
        """Give the settings of the training."""
        return NetworkSettings(**self.model_dump())
