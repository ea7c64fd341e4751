"""The neural network of each element, equation (167), by torchani."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from maxvolt.potentials.ani.libraries import require_torch, require_torchani
from maxvolt.potentials.ani.settings import ANISettings

__all__ = [
    "Weights",
    "element_energies",
    "first_activations",
    "networks_of",
    "random_weights",
    "weight_names",
    "weights_of",
]

Weights = Mapping[str, NDArray[np.float64]]
"""Weights and biases by name, as ``Al.0.weight`` for those of the first layer of aluminium."""


def weight_names(settings: ANISettings, species: tuple[str, ...]) -> dict[str, tuple[int, ...]]:
    """Names of all weights and biases, with their shapes."""
    shapes: dict[str, tuple[int, ...]] = {}
    for kind, symbol in enumerate(species):
        for number, (weight, bias) in enumerate(settings.weight_shapes(len(species), kind)):
            shapes[f"{symbol}.{number}.weight"] = weight
            shapes[f"{symbol}.{number}.bias"] = bias
    return shapes


def random_weights(
    settings: ANISettings, species: tuple[str, ...], generator: np.random.Generator
) -> dict[str, NDArray[np.float64]]:
    """Weights to begin with: normal, of variance 2 / (inputs + outputs) (Glorot and Bengio 2010).

    Biases are zero.
    """
    return {
        name: generator.normal(size=shape) * np.sqrt(2.0 / sum(shape))
        if len(shape) == 2
        else np.zeros(shape)
        for name, shape in weight_names(settings, species).items()
    }


def networks_of(
    settings: ANISettings,
    species: tuple[str, ...],
    weights: Weights,
    dtype: Any,
    device: Any = "cpu",
) -> Any:
    """Make the networks of all elements, in the order of their types, as a module of torch."""
    torch, torchani = require_torch(), require_torchani()
    networks = torch.nn.ModuleList()
    for kind, symbol in enumerate(species):
        network = torchani.nn.AtomicNetwork(
            settings.layer_sizes(len(species), kind), torch.nn.CELU(settings.celu_alpha), bias=True
        ).to(device, dtype)
        for number, layer in enumerate([*network.layers, network.final_layer]):
            for part in ("weight", "bias"):
                values = torch.tensor(weights[f"{symbol}.{number}.{part}"])
                getattr(layer, part).data.copy_(values)
        networks.append(network)
    return networks


def element_energies(networks: Any, features: Any, types: Any) -> Any:
    """Outputs of the networks for atoms with these symmetry functions, shape (N,)."""
    torch = require_torch()
    energies = features.new_zeros(len(features))
    for kind, network in enumerate(networks):
        chosen = torch.nonzero(types == kind).flatten()
        energies = energies.index_add(0, chosen, network(features[chosen]).flatten())
    return energies


def first_activations(networks: Any, features: Any, types: Any) -> Any:
    """Outputs of the first layers, shape (N, C layer size).

    Each species has columns of its own: what neurons of different networks say does not compare.
    """
    torch = require_torch()
    size = networks[0].layers[0].out_features
    found = features.new_zeros((len(features), len(networks) * size))
    for kind, network in enumerate(networks):
        chosen = torch.nonzero(types == kind).flatten()
        outputs = network.activation(network.layers[0](features[chosen]))
        found[chosen, kind * size : (kind + 1) * size] = outputs
    return found


def weights_of(
    networks: Any, settings: ANISettings, species: tuple[str, ...]
) -> dict[str, NDArray[np.float64]]:
    """Copy the weights and biases of networks, by name."""
    names = weight_names(settings, species)
    return {
        name: parameter.detach().double().cpu().numpy().copy()
        for name, parameter in zip(names, networks.parameters(), strict=True)
    }
