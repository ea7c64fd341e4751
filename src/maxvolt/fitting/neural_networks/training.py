"""ANI potentials as a family that can be trained."""

from __future__ import annotations

import math
from dataclasses import replace
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from maxvolt.errors import FitError
from maxvolt.fitting.atomic_energies import baseline_of
from maxvolt.fitting.contract import FitRequest, FittedMembers, MemberFit, Training
from maxvolt.fitting.network_settings import NetworkSettings
from maxvolt.fitting.neural_networks.network_fit import (
    EPOCH_LIMIT,
    Measured,
    NetworkFit,
    first_state,
)
from maxvolt.fitting.neural_networks.samples import Samples
from maxvolt.fitting.neural_networks.section import NeuralNetworkSection, same_form, start_of_fit
from maxvolt.fitting.neural_networks.state import (
    NetworkState,
    fit_signature,
    states_so_far,
    write_states,
)
from maxvolt.fitting.objective import Objective
from maxvolt.fitting.progress import FitProgress
from maxvolt.fitting.settings import FitSettings
from maxvolt.potentials.ani.descriptors import Descriptors
from maxvolt.potentials.ani.libraries import (
    check_device,
    require_safetensors,
    require_torch,
    require_torchani,
)
from maxvolt.potentials.ani.networks import random_weights
from maxvolt.potentials.ani.potential import ANI
from maxvolt.potentials.ani.settings import SUFFIX
from maxvolt.potentials.ani.torch_threads import torch_threads
from maxvolt.species import species_types

__all__ = ["TRAINING", "energies_and_scale", "fit_members"]

_OTHERS = FitSettings()
"""Settings as they are where nothing is asked for."""

_SMALLEST_SCALE = 1e-3
"""eV; energies and forces of a training set below say nothing of the size of outputs."""


def fit_members(request: FitRequest) -> FittedMembers:
    """Fit the networks of all potentials of a request, one potential after the other.

    Raises
    ------
    FitError
        Settings that networks do not have, a checkpoint that cannot be used, or a loss that is not
        finite.
    """
    _check(request)
    check_device(request.settings.network.device)
    potential = request.potential
    assert isinstance(potential, ANI)
    signature = fit_signature(request)
    states = states_so_far(request, signature)
    with torch_threads(request.threads):
        fits = _Fits(request, potential, signature, states)
        fitted = [fits.fit(member) for member in range(request.settings.ensemble)]
    limited = sum(state.finished == EPOCH_LIMIT for state in fitted)
    warnings = []
    if limited:
        warnings.append(
            f"{limited} of {len(fitted)} fits reached the limit of "
            f"{request.settings.network.epochs} epochs before their loss stopped falling; allow "
            "more (epochs, --epochs)"
        )
    return FittedMembers(
        potentials=tuple(
            potential.with_weights(
                state.best, state.constants["energies"], state.constants["scales"]
            )
            for state in fitted
        ),
        histories=tuple(MemberFit(state.losses, state.finished) for state in fitted),
        warnings=tuple(warnings),
        simplification="use smaller networks or fewer symmetry functions",
    )


class _Fits:
    """Fits the potentials of a request; keeps and tells their states."""

    def __init__(
        self,
        request: FitRequest,
        potential: ANI,
        signature: str,
        states: dict[int, NetworkState],
    ) -> None:
        torch = require_torch()
        self._request, self._potential, self._signature = request, potential, signature
        self._states = states
        dtype = torch.float64 if self._network.precision == "double" else torch.float32
        self._descriptors = Descriptors.of(
            potential.settings, len(potential.species), dtype, self._network.device
        )
        self._shared = self._samples(request.objective)
        self._began, self._epochs = perf_counter(), 0

    @property
    def _network(self) -> NetworkSettings:
        return self._request.settings.network

    def fit(self, member: int) -> NetworkState:
        """Fit one potential, from its state where it has one."""
        seed = self._request.settings.seed
        samples = self._shared
        how = self._request.settings.resampling
        if how in ("weights", "bootstrap"):
            samples = self._samples(self._request.objective.resampled(seed, member, how))
        if member not in self._states:
            self._states[member] = first_state(self._start(member), self._network)
        state = replace(self._states[member], finished="")
        if state.epoch and state.epoch >= self._network.epochs:
            return replace(state, finished=EPOCH_LIMIT)
        if self._states[member].finished not in ("", EPOCH_LIMIT):
            return self._states[member]
        fit = NetworkFit(self._potential, samples, self._network, seed, member, state)
        for measured in fit.epochs():
            self._states[member] = fit.state
            if self._request.checkpoint is not None:
                write_states(self._request.checkpoint, self._signature, self._states)
            self._tell(member, fit.state, measured)
        return fit.state

    def _samples(self, objective: Objective) -> Samples:
        form = self._potential.settings
        return Samples(
            objective,
            self._potential.species,
            form.radial_cutoff,
            form.angular_cutoff,
            self._descriptors,
        )

    def _start(self, member: int) -> ANI:
        """Give what a fit begins with: the potential that was given for it, or random weights."""
        potential, settings, given = self._potential, self._request.settings, self._request.starts
        if settings.restart_from_potential and member < len(given) and given[member].is_trained:
            start = given[member]
            assert isinstance(start, ANI)
            return start
        generator = np.random.default_rng([settings.seed, member])
        weights = random_weights(potential.settings, potential.species, generator)
        energies, scale = energies_and_scale(self._request.objective, potential.species)
        return potential.with_weights(weights, energies, np.full(len(energies), scale))

    def _tell(self, member: int, state: NetworkState, measured: Measured) -> None:
        if self._request.progress is None:
            return
        self._epochs += 1
        elapsed, most = perf_counter() - self._began, self._network.epochs
        members = self._request.settings.ensemble
        left = (members - member - 1) * most + (0 if state.finished else most - state.epoch)
        self._request.progress(
            FitProgress(
                member=member,
                members=members,
                start=1,
                starts=1,
                iteration=state.epoch,
                most_iterations=most,
                loss=measured.loss,
                energy_rmse=measured.energy_rmse,
                force_rmse=measured.force_rmse,
                stress_rmse=measured.stress_rmse,
                elapsed=elapsed,
                remaining=left * elapsed / self._epochs,
                finished=state.finished,
            )
        )


def energies_and_scale(
    objective: Objective, species: tuple[str, ...]
) -> tuple[NDArray[np.float64], float]:
    """Energies of atoms and the spread by which outputs of networks are scaled, equation (169).

    The spread is that of energies per atom, less those of the atoms; where it is smaller, the root
    mean square of the force components over 1 Angstrom.

    Returns
    -------
    energies : shape (C,), eV
    scale : float, eV
    """
    dataset, weights = objective.dataset, objective.equation_weights()
    energies = baseline_of(dataset, species, weights.energies)
    known = weights.energies > 0
    types = species_types(dataset.numbers, species)
    sums = np.bincount(dataset.structure_of_atom, energies[types], minlength=len(dataset))
    residuals = ((dataset.energies - sums) / dataset.counts)[known]
    forces = dataset.forces[weights.forces > 0]
    spread = float(residuals.std()) if len(residuals) else 0.0
    size = float(np.sqrt(np.mean(forces**2))) if forces.size else 0.0
    scale = max(spread, size)
    return energies, scale if scale > _SMALLEST_SCALE and math.isfinite(scale) else 1.0


def _check(request: FitRequest) -> None:
    """Refuse what the fit of networks does not have."""
    settings = request.settings
    given = {
        "robust": settings.robust,
        "starts_apart": settings.starts_apart,
        "starts": settings.starts is not None,
        "max_iterations": settings.max_iterations != _OTHERS.max_iterations,
        "tolerance": settings.tolerance != _OTHERS.tolerance,
        "isolated_energies": settings.isolated_energies != "fit",
        "apart_from": bool(request.apart_from),
        "ranks": request.ranks.size > 1,
    }
    if unavailable := [name for name, is_given in given.items() if is_given]:
        raise FitError(
            f"{unavailable[0]}: is not available for ANI potentials, whose training has settings "
            "of its own (network; on the command line --epochs and so on); leave it out"
        )


def _check_machine(settings: FitSettings) -> None:
    require_torchani()
    require_safetensors()
    check_device(settings.network.device)


def _described(potential: ANI) -> dict[str, float | int | str]:
    return {"cutoff": potential.cutoff}


TRAINING = Training(
    potential=ANI,
    example="maxvolt.ANI(['Al'])",
    section=NeuralNetworkSection,
    suffix=SUFFIX,
    suffix_with_active_set=SUFFIX,
    start_of_fit=start_of_fit,
    fit_members=fit_members,
    same_form=same_form,
    described=_described,
    without=(
        *("isolated_energies", "starts_apart", "robust", "max_iterations", "tolerance"),
        *("starts", "start_iterations", "ridge"),
    ),
    has_active_sets=False,
    resamples=False,
    check_machine=_check_machine,
)
