"""The loss of networks on a batch, equation (170), its forces by automatic differentiation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from maxvolt.fitting.neural_networks.samples import Batch
from maxvolt.potentials.ani.libraries import require_torch
from maxvolt.potentials.ani.networks import element_energies
from maxvolt.units import VOIGT

__all__ = ["Deviations", "Predictor"]

Tensor = Any


@dataclass(frozen=True, slots=True, eq=False)
class Deviations:
    """What networks predict of a batch less its labels.

    Attributes
    ----------
    energies, forces, virials : shapes (n,), (N, 3), (n, 6)
    loss : scalar
        Weighted sum of their squares.
    """

    energies: Tensor
    forces: Tensor
    virials: Tensor
    loss: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Predictor:
    """Networks of elements, with what their outputs are multiplied with and shifted by.

    Attributes
    ----------
    networks
        Of all elements, in the order of their types.
    energies, scales : shape (C,), eV
    """

    networks: Any
    energies: Tensor
    scales: Tensor

    def deviations(self, batch: Batch, *, differentiable: bool) -> Deviations:
        """Compare with the labels of a batch.

        Parameters
        ----------
        batch
            Structures.
        differentiable
            Whether the loss is to be differentiated by the weights.
        """
        torch = require_torch()
        features = batch.known.features.detach().requires_grad_()
        scales = self.scales[batch.types]
        scaled = scales * element_energies(self.networks, features, batch.types)
        (by_feature,) = torch.autograd.grad(scaled.sum(), features, create_graph=differentiable)
        forces, virials = forces_and_virials(batch, by_feature)
        # Of large energies nothing must be lost in single precision: the difference is taken first.
        shifts = batch.energies.new_zeros(batch.n_structures)
        shifts = shifts.index_add(0, batch.structures, self.energies[batch.types])
        labels = (batch.energies - shifts).to(scaled.dtype)
        total = scaled.new_zeros(batch.n_structures).index_add(0, batch.structures, scaled)
        has_energy = (batch.energy_weights > 0).to(scaled.dtype)
        of_energies = (total - labels) * has_energy
        of_forces = (forces - batch.forces) * (batch.force_weights > 0)
        of_virials = (virials - batch.virials) * (batch.virial_weights > 0)
        loss = (
            (batch.energy_weights * of_energies**2).sum()
            + (batch.force_weights * of_forces**2).sum()
            + (batch.virial_weights * of_virials**2).sum()
        )
        return Deviations(of_energies, of_forces, of_virials, loss)


def forces_and_virials(batch: Batch, by_feature: Tensor) -> tuple[Tensor, Tensor]:
    """Chain rule from derivatives by symmetry functions, shape (N, F), to forces and virials."""
    slopes = batch.known.slopes(by_feature, batch.owners, batch.neighbor_types, batch.near)
    forces = slopes.new_zeros((len(batch.types), 3))
    forces = forces.index_add(0, batch.owners, slopes).index_add(0, batch.neighbors, -slopes)
    first, second = (list(column) for column in zip(*VOIGT, strict=True))
    products = slopes[:, first] * batch.vectors[:, second]
    virials = slopes.new_zeros((batch.n_structures, 6))
    return forces, virials.index_add(0, batch.structures[batch.owners], products)
