"""ANI potentials: energies of atoms by neural networks of symmetry functions."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from maxvolt.errors import MaxvoltError
from maxvolt.neighbors.neighborhoods import Neighborhoods
from maxvolt.potentials.ani.descriptors import Descriptors
from maxvolt.potentials.ani.environments import Environments
from maxvolt.potentials.ani.libraries import check_device, require_torch
from maxvolt.potentials.ani.networks import (
    Weights,
    element_energies,
    first_activations,
    networks_of,
    random_weights,
    weight_names,
)
from maxvolt.potentials.ani.settings import ANISettings
from maxvolt.potentials.ani.torch_threads import torch_threads
from maxvolt.potentials.evaluation import NeighborhoodPotential
from maxvolt.potentials.protocol import Potential
from maxvolt.potentials.refusals import check_finite
from maxvolt.potentials.results import Energies, Precision
from maxvolt.species import check_species
from maxvolt.threads import thread_count
from maxvolt.units import VOIGT

__all__ = ["ANI"]

Array = NDArray[np.float64]

_DEFAULTS = ANISettings()

_TRIPLES_AT_ONCE = 2**15
"""Triples whose functions are held at once: 200 MB with 64 of them."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ANI(NeighborhoodPotential):
    r"""An ANI potential (Smith, Isayev and Roitberg 2017), equations (163) to (168).

    The energy of an atom is

    .. math:: E_i = \epsilon_{t_i} + \sigma_{t_i} \mathcal{N}_{t_i}(G_i),

    a neural network of the symmetry functions of its neighbours, scaled and shifted. Needs torch
    and torchani: ``pip install maxvolt[ani]``. The number of threads may change the last bits of
    what it says.

    Parameters
    ----------
    species
        Chemical symbols, in the order of its types.
    settings
        Symmetry functions and layers.
    weights
        Weights and biases of the networks by name, see `maxvolt.potentials.ani.networks`; empty:
        it is not trained yet.
    energies : shape (C,), eV
        What is added to the energy of an atom of each species.
    scales : shape (C,), eV
        What the output of its network is multiplied with.
    device : "cpu" or "cuda"
        Where torch computes; it is not written to files.

    Raises
    ------
    SpeciesError
        Symbols that are none.
    MaxvoltError
        Weights that do not belong to the settings, or are not finite.
    """

    species: tuple[str, ...]
    settings: ANISettings = _DEFAULTS
    weights: Weights = field(default_factory=dict)
    energies: Array = field(default_factory=lambda: np.zeros(0))
    scales: Array = field(default_factory=lambda: np.ones(0))
    device: str = "cpu"
    _modules: dict[str, tuple[Descriptors, Any]] = field(default_factory=dict, init=False)

    def __post_init__(self) -> None:
        species = check_species(self.species)
        object.__setattr__(self, "species", species)
        each = self.settings.element_layers
        if each is not None and len(each) != len(species):
            raise MaxvoltError(
                f"element_layers: expected widths for {len(species)} species; got {len(each)}"
            )
        if not self.weights:
            object.__setattr__(self, "energies", np.zeros(len(species)))
            object.__setattr__(self, "scales", np.ones(len(species)))
            return
        shapes = weight_names(self.settings, species)
        if missing := [name for name in shapes if name not in self.weights]:
            raise MaxvoltError(f"the weights {missing[0]!r} of the network are missing")
        if unknown := [name for name in self.weights if name not in shapes]:
            raise MaxvoltError(f"{unknown[0]!r} are no weights of these networks")
        weights = {name: _frozen(name, self.weights[name], shapes[name]) for name in shapes}
        object.__setattr__(self, "weights", weights)
        for name in ("energies", "scales"):
            values = _frozen(name, getattr(self, name), (len(species),))
            object.__setattr__(self, name, values)

    @property
    def cutoff(self) -> float:
        """Cutoff of the radial functions, Angstrom."""
        return self.settings.radial_cutoff

    @property
    def is_trained(self) -> bool:
        """Whether the networks have weights."""
        return bool(self.weights)

    @property
    def n_parameters(self) -> int:
        """Number of weights and biases of all networks."""
        shapes = weight_names(self.settings, self.species).values()
        return int(sum(np.prod(shape) for shape in shapes))

    @property
    def digest(self) -> str:
        """Name of its numbers, settings and species."""
        digest = hashlib.sha256(f"{self.species} {self.settings}".encode())
        for name, values in self.weights.items():
            digest.update(name.encode() + values.tobytes())
        digest.update(self.energies.tobytes() + self.scales.tobytes())
        return digest.hexdigest()[:16]

    @classmethod
    def random(
        cls, species: Sequence[str], settings: ANISettings = _DEFAULTS, *, seed: int = 0
    ) -> Self:
        """Make a potential with random weights: a start, or something to try out."""
        symbols = check_species(species)
        weights = random_weights(settings, symbols, np.random.default_rng(seed))
        return cls(symbols, settings, weights, np.zeros(len(symbols)), np.ones(len(symbols)))

    def with_weights(self, weights: Weights, energies: Array, scales: Array) -> Self:
        """Return the potential of the same form with these numbers."""
        return type(self)(self.species, self.settings, weights, energies, scales, self.device)

    def on(self, device: str) -> Self:
        """Return the same potential for another device, "cpu" or "cuda".

        Raises
        ------
        MaxvoltError
            It is neither of these, or torch finds no GPU.
        """
        check_device(device)
        numbers = (self.weights, self.energies, self.scales)
        return type(self)(self.species, self.settings, *numbers, device)

    def __repr__(self) -> str:
        layers = self.settings.layers_text(self.species)
        return f"ANI({', '.join(self.species)}; {layers}, cutoff {self.cutoff:g} A)"

    def __copy__(self) -> Self:
        """Return itself: what cannot change needs no copy."""
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Return itself: what cannot change needs no copy."""
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle without the modules of torch, which are made again from the numbers."""
        numbers = (dict(self.weights), self.energies, self.scales)
        return type(self), (self.species, self.settings, *numbers, self.device)

    def check_options(self, *, threads: int | None, precision: str = "double") -> None:
        """Refuse numbers of threads and precisions that cannot be, before any work.

        Raises
        ------
        MaxvoltError
            Threads below one, or a precision that is unknown.
        """
        thread_count(threads)
        if precision not in ("double", "single"):
            raise MaxvoltError(f'precision must be "double" or "single"; got {precision!r}')

    def evaluate_neighborhoods(
        self,
        neighborhoods: Neighborhoods,
        *,
        threads: int | None = None,
        precision: Precision = "double",
    ) -> Energies:
        """Energies, forces and virials of structures whose neighbours are known.

        Raises
        ------
        MaxvoltError
            It is not trained, or torch is not installed.
        DataError
            Two atoms coincide.
        EvaluationError
            An energy or a force is not finite.
        """
        self.check_options(threads=threads, precision=precision)
        (found,) = self.evaluate_together(
            [self], neighborhoods, threads=threads, precision=precision
        )
        return check_finite(found, neighborhoods)

    def shares_with(self, other: Potential) -> bool:
        """Whether another has the same symmetry functions of the same species."""
        return (
            isinstance(other, ANI)
            and self.device == other.device
            and self.species == other.species
            and self.settings.has_functions_of(other.settings)
        )

    def evaluate_together(
        self,
        members: Sequence[Self],
        neighborhoods: Neighborhoods,
        *,
        mean: bool = False,
        threads: int | None = None,
        precision: Precision = "double",
    ) -> list[Energies]:
        """What each of several says, or their mean, whose symmetry functions are computed once.

        Parameters
        ----------
        members
            Potentials with the symmetry functions of this one.
        neighborhoods
            Structures.
        mean
            Give one entry, the mean: the symmetry functions are then differentiated once, too.
        threads
            Number of threads; None for every core.
        precision
            Of the arithmetic.

        Returns
        -------
        list of Energies
            Numbers that are not finite stay as they are.

        Raises
        ------
        MaxvoltError
            One is not trained, or torch is not installed.
        DataError
            Two atoms coincide.
        """
        with torch_threads(threads):
            where, each = self._evaluated(members, neighborhoods, precision, mean=mean)
        structures = neighborhoods.structures[where.owners]
        found = []
        for site_energies, slopes in each:
            forces = _summed(where.owners, slopes, neighborhoods.n_atoms)
            forces -= _summed(where.neighbors, slopes, neighborhoods.n_atoms)
            products = np.stack([slopes[:, a] * where.vectors[:, b] for a, b in VOIGT], axis=1)
            virials = _summed(structures, products, neighborhoods.n_structures)
            found.append(Energies(site_energies, forces, virials))
        return found

    def atomic_virials(
        self, neighborhoods: Neighborhoods, *, threads: int | None = None
    ) -> NDArray[np.float64]:
        """Share of each atom in the virial, equation (13a), shape (N, 3, 3), eV.

        Errors as of `evaluate_neighborhoods`.
        """
        self.check_options(threads=threads)
        with torch_threads(threads):
            where, ((site_energies, slopes),) = self._evaluated([self], neighborhoods, "double")
        # An atom has what the energies of others say of its place.
        products = (where.vectors[:, :, None] * slopes[:, None, :]).reshape(-1, 9)
        shares = _summed(where.neighbors, products, neighborhoods.n_atoms)
        check_finite(Energies(site_energies, shares[:, :3], shares), neighborhoods)
        return shares.reshape(-1, 3, 3)

    def site_features(
        self, neighborhoods: Neighborhoods, *, threads: int | None = None
    ) -> NDArray[np.float64]:
        """Activations of the first layer for every atom, equation (189), shape (N, C width).

        The networks of different species have columns of their own.

        Raises
        ------
        MaxvoltError
            It is not trained, or torch is not installed.
        """
        self.check_options(threads=threads)
        torch = require_torch()
        descriptors, networks = self._in_precision("double")
        where = Environments.of(neighborhoods, self.cutoff, self.settings.angular_cutoff)
        found = [np.zeros((0, len(self.species) * self.settings.layers[0]))]
        with torch_threads(threads), torch.no_grad():
            for _, part in where.portions(_TRIPLES_AT_ONCE):
                known = descriptors.with_derivatives(part)
                types = descriptors.tensor(part.types)
                found.append(first_activations(networks, known.features, types).cpu().numpy())
        return np.concatenate(found)

    def _evaluated(
        self,
        members: Sequence[Self],
        neighborhoods: Neighborhoods,
        precision: Precision,
        *,
        mean: bool = False,
    ) -> tuple[Environments, list[tuple[Array, Array]]]:
        """Neighbours; of each, energies of atoms and their slopes by the vectors to neighbours."""
        descriptors, _ = self._in_precision(precision)
        where = Environments.of(neighborhoods, self.cutoff, self.settings.angular_cutoff)
        count = 1 if mean else len(members)
        energies = [[np.zeros(0)] for _ in range(count)]
        slopes = [[np.zeros((0, 3))] for _ in range(count)]
        for _, part in where.portions(_TRIPLES_AT_ONCE):
            known = descriptors.with_derivatives(part)
            each = [one._by_features(known.features, part.types, precision) for one in members]
            if mean:
                # The chain rule (171) is linear in the slopes by the symmetry functions.
                sums = (sum(values[1:], values[0]) for values in zip(*each, strict=True))
                each = [tuple(one / len(members) for one in sums)]
            pairs = (part.owners, part.neighbor_types, part.near)
            indices = [descriptors.tensor(one) for one in pairs]
            for number, (of_sites, by_feature) in enumerate(each):
                energies[number].append(of_sites)
                slope = known.slopes(by_feature, *indices)
                slopes[number].append(slope.double().cpu().numpy())
        together = zip(energies, slopes, strict=True)
        return where, [(np.concatenate(one), np.concatenate(other)) for one, other in together]

    def _by_features(
        self, features: Any, types: NDArray[np.int64], precision: Precision
    ) -> tuple[Array, Any]:
        """Energies of atoms with these symmetry functions, and their slopes by them."""
        torch = require_torch()
        descriptors, networks = self._in_precision(precision)
        features, kinds = features.detach().requires_grad_(), descriptors.tensor(types)
        scales = descriptors.tensor(self.scales[types]).to(features.dtype)
        scaled = scales * element_energies(networks, features, kinds)
        (by_feature,) = torch.autograd.grad(scaled.sum(), features)
        return self.energies[types] + scaled.detach().double().cpu().numpy(), by_feature

    def _in_precision(self, precision: Precision) -> tuple[Descriptors, Any]:
        """Symmetry functions and networks as modules of torch, made once."""
        if not self.is_trained:
            raise MaxvoltError("this potential is untrained: fit it first, with maxvolt.fit")
        torch = require_torch()
        if precision not in self._modules:
            dtype = torch.float64 if precision == "double" else torch.float32
            check_device(self.device)
            of_all = (dtype, self.device)
            descriptors = Descriptors.of(self.settings, len(self.species), *of_all)
            networks = networks_of(self.settings, self.species, self.weights, *of_all)
            self._modules[precision] = descriptors, networks.requires_grad_(False)
        return self._modules[precision]

    def write(self, path: str | Path) -> None:
        """Write a ``.ani.safetensors`` file, whole or not at all.

        Raises
        ------
        DataError
            The name has another ending, or it cannot be written.
        MaxvoltError
            safetensors is not installed.
        """
        from maxvolt.potentials.ani.files import Content, write_content

        write_content(
            path, Content(self.species, self.settings, self.weights, self.energies, self.scales)
        )


def _frozen(name: str, given: Any, shape: tuple[int, ...]) -> Array:
    values = np.array(given, dtype=np.float64)
    if values.shape != shape:
        raise MaxvoltError(f"{name}: expected numbers of the shape {shape}; got {values.shape}")
    if not np.isfinite(values).all():
        raise MaxvoltError(f"{name}: holds a number that is not finite")
    values.setflags(write=False)
    return values


def _summed(owners: NDArray[Any], values: Array, n: int) -> Array:
    """Sum rows that belong to the same of n owners; shape (n, columns)."""
    return np.stack([np.bincount(owners, column, n) for column in values.T], axis=1)
