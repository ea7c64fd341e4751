"""Training of ANI potentials: it learns, it is the same again, it goes on after an end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.calculators.singlepoint import SinglePointCalculator

import maxvolt
from maxvolt.errors import FitError, MaxvoltError
from maxvolt.fitting.families import training_of
from maxvolt.fitting.neural_networks.loss import Predictor
from maxvolt.fitting.neural_networks.network_fit import held_out
from maxvolt.fitting.neural_networks.section import NeuralNetworkSection
from maxvolt.fitting.objective import Objective
from maxvolt.fitting.settings import Weights
from promises import needs

FORM = maxvolt.ANISettings(
    radial_cutoff=4.5,
    radial_functions=6,
    angular_cutoff=3.5,
    angular_shells=2,
    angular_sections=3,
    start=1.5,
    layers=(12, 12),
)
SHORT: dict[str, Any] = {"epochs": 4, "batch_size": 3}


@pytest.fixture(autouse=True, scope="module")
def _libraries() -> None:
    needs("ani")


def frames(count: int, seed: int) -> list[Atoms]:
    """Strained, rattled crystals of copper and gold with the labels of EMT."""
    generator, found = np.random.default_rng(seed), []
    for _ in range(count):
        atoms = bulk("Cu", "fcc", a=generator.uniform(3.8, 4.05), cubic=True)
        atoms.symbols = generator.choice(["Cu", "Au"], len(atoms))
        strain = np.eye(3) + generator.uniform(-0.03, 0.03, (3, 3))
        atoms.set_cell(atoms.cell.array @ strain, scale_atoms=True)
        atoms.positions += generator.normal(0.0, 0.07, (len(atoms), 3))
        atoms.calc = EMT()
        results = {
            "energy": atoms.get_potential_energy(),
            "forces": atoms.get_forces(),
            "stress": atoms.get_stress(),
        }
        atoms.calc = SinglePointCalculator(atoms, **results)
        found.append(atoms)
    return found


def fitted(potential: Any = None, **options: Any) -> maxvolt.FitResult:
    potential = maxvolt.ANI(["Cu", "Au"], FORM) if potential is None else potential
    options = {"network": SHORT, "progress": False, "threads": 1, **options}
    return maxvolt.fit(potential, frames(9, 0), **options)


def test_training_on_copper_and_gold_learns_energies_forces_and_stresses() -> None:
    test = frames(12, 1)
    result = maxvolt.fit(
        maxvolt.ANI(["Cu", "Au"], FORM),
        frames(24, 0),
        validation=test,
        progress=False,
        threads=1,
        network={"epochs": 60, "batch_size": 6, "learning_rate": 0.015},
    )
    assert result.validation_errors is not None
    found = result.validation_errors.total
    # When nothing is learnt, all forces are off.
    assert found.force_components.rmse < 0.3 * found.force_components.reference_rms
    assert found.stress_components.rmse < 0.3 * found.stress_components.reference_rms
    assert found.energy_per_atom.rmse < 0.05
    (history,) = result.members
    assert min(history.losses) < 0.1 * history.losses[0]


def test_the_loss_is_differentiated_with_its_forces_and_stresses() -> None:
    """Equation (170) by differences of a weight, and against errors from an evaluation."""
    import torch

    from maxvolt.fitting.neural_networks.samples import Samples
    from maxvolt.potentials.ani.descriptors import Descriptors
    from maxvolt.potentials.ani.networks import networks_of

    data = maxvolt.Dataset.from_atoms(frames(4, 2))
    objective = Objective(data, Weights(1.0, 0.3, 0.2), "vibrations")
    start = maxvolt.ANI.random(["Cu", "Au"], FORM)
    potential = start.with_weights(start.weights, np.array([0.3, -0.2]), np.array([0.5, 0.8]))
    descriptors = Descriptors.of(FORM, 2, torch.float64)
    given = (objective, potential.species, FORM.radial_cutoff, FORM.angular_cutoff, descriptors)
    samples = Samples(*given)
    networks = networks_of(FORM, potential.species, potential.weights, torch.float64)
    predictor = Predictor(
        networks, torch.tensor(potential.energies), torch.tensor(potential.scales)
    )
    batch = samples.batch([0, 2, 3])
    found = predictor.deviations(batch, differentiable=True)
    part = data.select(np.array([0, 2, 3]))
    said, weights = potential.evaluate_dataset(part), objective.equation_weights()
    expected = (weights.energies[[0, 2, 3]] * (said.energies - part.energies) ** 2).sum()
    force_weights = weights.forces.reshape(4, 4)[[0, 2, 3]].reshape(-1, 1)
    expected += (force_weights * (said.forces - part.forces) ** 2).sum()
    volumes = np.array([atoms.get_volume() for atoms in part])[:, None]
    off = (said.stresses - part.stresses) * volumes
    expected += (weights.virials[[0, 2, 3]] * off**2).sum()
    assert found.loss.item() == pytest.approx(expected, rel=1e-10)
    # Tensors that are put on no device have no numbers here, with which nothing can be computed.
    with torch.device("meta"):
        again = predictor.deviations(Samples(*given).batch([0, 2, 3]), differentiable=True)
    assert again.loss.item() == found.loss.item()

    found.loss.backward()
    step = 1e-6
    for parameter, index in ((networks[0].layers[0].weight, (3, 5)), (networks[1][1].bias, (2,))):
        losses = []
        for sign in (1, -1):
            parameter.data[index] += sign * step
            losses.append(predictor.deviations(batch, differentiable=False).loss.item())
            parameter.data[index] -= sign * step
        numeric = (losses[0] - losses[1]) / (2 * step)
        assert parameter.grad[index].item() == pytest.approx(numeric, rel=1e-5)


def test_a_device_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(MaxvoltError, match='device "cuda": torch finds no GPU'):
        fitted(network={**SHORT, "device": "cuda"})
    with pytest.raises(FitError, match='device must be "cpu" or "cuda"'):
        fitted(network={**SHORT, "device": "tpu"})


def test_the_same_seed_gives_the_same_potential_bit_for_bit() -> None:
    one, same, other = (fitted(seed=seed).potential.digest for seed in (3, 3, 4))
    assert one == same != other


def test_symmetry_functions_that_are_not_kept_change_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    kept = fitted().potential.digest
    monkeypatch.setattr("maxvolt.fitting.neural_networks.samples._MOST_KEPT", 0)
    assert fitted().potential.digest == kept


def test_members_differ_by_their_starts() -> None:
    result = fitted(ensemble=2)
    assert isinstance(result.potential, maxvolt.Ensemble)
    first, second = result.potential.members
    assert first.digest == fitted().potential.digest != second.digest
    assert isinstance(first, maxvolt.ANI)
    assert isinstance(second, maxvolt.ANI)
    np.testing.assert_array_equal(first.energies, second.energies)


def test_a_warm_start_begins_where_the_potential_was() -> None:
    first = fitted()
    assert isinstance(first.potential, maxvolt.ANI)
    again = fitted(first.potential)
    assert again.members[0].losses[0] == pytest.approx(min(first.members[0].losses), rel=1e-12)
    cold = fitted(first.potential, restart_from_potential=False)
    assert cold.potential.digest == first.potential.digest


def test_an_ensemble_goes_on_member_by_member(tmp_path: Path) -> None:
    before = fitted(ensemble=2)
    assert isinstance(before.potential, maxvolt.Ensemble)
    lowest = [min(one.losses) for one in before.members]
    again = fitted(before.potential, ensemble=2)
    assert [one.losses[0] for one in again.members] == pytest.approx(lowest, rel=1e-12)
    before.potential.write(tmp_path / "pot.ani.safetensors")
    assert fitted(tmp_path / "pot.ani.safetensors", ensemble=2).members == again.members
    # Of one potential the first goes on, and others begin at random.
    first, second = before.potential.members
    one = fitted(first, ensemble=2)
    assert one.members == (again.members[0], before.members[1])
    with pytest.raises(FitError, match=r"an ensemble of 2, and ensemble=3 .* give ensemble=2"):
        fitted(before.potential, ensemble=3)
    wider = maxvolt.ANI(["Cu", "Au"], replace(FORM, layers=(5,)))
    with pytest.raises(FitError, match="of one form; member 1"):
        fitted(maxvolt.Ensemble((first, wider)), ensemble=2)
    # A checkpoint is of all that go on.
    checkpoint = tmp_path / "fit.ckpt"
    fitted(before.potential, ensemble=2, checkpoint=checkpoint)
    swapped = maxvolt.Ensemble((first, first))
    assert second.digest != first.digest
    with pytest.raises(FitError, match="other data, potential or settings"):
        fitted(swapped, ensemble=2, checkpoint=checkpoint, restart=True)


class KilledError(Exception):
    """Ends a fit as a kill would."""


def stopping(member: int, epoch: int) -> Callable[[maxvolt.FitProgress], None]:
    def tell(news: maxvolt.FitProgress) -> None:
        if (news.member, news.iteration) == (member, epoch):
            raise KilledError

    return tell


@pytest.mark.parametrize("precision", ["double", "single"])
def test_a_fit_goes_on_bit_for_bit(precision: str, tmp_path: Path) -> None:
    network, checkpoint = {**SHORT, "precision": precision, "patience": 1}, tmp_path / "fit.ckpt"
    whole = fitted(ensemble=2, network=network)
    for number, where in enumerate(((0, 0), (0, 2), (1, 1), (1, 4))):
        with pytest.raises(KilledError):
            fitted(
                ensemble=2,
                network=network,
                checkpoint=checkpoint,
                restart=number > 0,
                progress=stopping(*where),
            )
    result = fitted(ensemble=2, network=network, checkpoint=checkpoint, restart=True)
    assert result.potential.digest == whole.potential.digest
    assert result.members == whole.members


def test_more_epochs_continue_a_fit(tmp_path: Path) -> None:
    checkpoint = tmp_path / "fit.ckpt"
    fitted(checkpoint=checkpoint)
    longer = {**SHORT, "epochs": 6}
    more = fitted(checkpoint=checkpoint, restart=True, network=longer)
    assert more.members == fitted(network=longer).members
    assert len(more.members[0].losses) == 7


def test_checkpoints_that_cannot_be_used_are_refused(tmp_path: Path) -> None:
    checkpoint = tmp_path / "fit.ckpt"
    with pytest.raises(FitError, match="no such checkpoint"):
        fitted(checkpoint=checkpoint, restart=True)
    fitted(checkpoint=checkpoint)
    with pytest.raises(FitError, match="this checkpoint exists"):
        fitted(checkpoint=checkpoint)
    with pytest.raises(FitError, match="other data, potential or settings"):
        fitted(checkpoint=checkpoint, restart=True, seed=9)
    checkpoint.write_bytes(checkpoint.read_bytes()[:-9])
    with pytest.raises(FitError, match="not a checkpoint of a fit of networks"):
        fitted(checkpoint=checkpoint, restart=True)


def test_the_fit_ends_when_the_loss_no_longer_falls() -> None:
    network = {"epochs": 500, "patience": 1, "learning_rate": 0.03, "decay": 0.01}
    result = fitted(network={**network, "validation_share": 0.7})
    (history,) = result.members
    assert history.finished == "the loss no longer falls"
    assert len(history.losses) < 500
    assert not any("epochs" in warning for warning in result.warnings)
    (limited,) = fitted().members
    assert limited.finished == "the limit of epochs was reached"
    assert any("limit of 4 epochs" in warning for warning in fitted().warnings)


def test_structures_held_out_are_a_share_of_all() -> None:
    used, watched = held_out(20, 0.1, 0)
    assert len(watched) == 2
    assert sorted([*used, *watched]) == list(range(20))
    for count, share in ((1, 0.9), (5, 0.0)):
        used, watched = held_out(count, share, 0)
        assert len(used) == count
        assert not len(watched)


@pytest.mark.parametrize("share", [0.07, 0.1, 0.3, 0.5, 0.9])
def test_what_is_held_out_stays_so_as_data_grow(share: float) -> None:
    for seed in (0, 2**62 + 1):
        before = np.zeros(0, np.int64)
        for count in range(1, 120):
            used, watched = held_out(count, share, seed)
            assert set(before) == {number for number in watched if number < count - 1}
            assert abs(len(watched) - share * count) <= 1
            assert 0 in used
            before = watched
    # Each place is drawn as often as others: none is favoured in blocks after the first.
    drawn = [held_out(20, 0.1, seed)[1][1] - 10 for seed in range(400)]
    assert np.bincount(drawn, minlength=10).min() > 15


def test_the_seed_of_the_split_is_a_setting() -> None:
    one, other, again = (
        fitted(network={**SHORT, "validation_share": 0.7, "split_seed": seed}).members[0]
        for seed in (3, 4, 3)
    )
    assert one.losses == again.losses
    assert one.losses[0] != other.losses[0]  # of the same weights, watched on other structures


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"robust": True}, "robust: is not available for ANI"),
        ({"starts_apart": True}, "starts_apart: is not available"),
        ({"starts": 3}, "starts: is not available"),
        ({"max_iterations": 7}, "max_iterations: is not available"),
        ({"isolated_energies": {"Cu": 0.0, "Au": 0.0}}, "isolated_energies: is not available"),
        ({"network": {"epochs": 0}}, "epochs must lie between"),
        ({"network": {"batches": 3}}, "network: there is no 'batches' among epochs"),
        ({"network": {"validation_share": 1.0}}, "validation_share must lie between"),
        ({"network": {"precision": "half"}}, 'precision must be "double" or "single"'),
        ({"network": {"learning_rate": float("nan")}}, "learning_rate must lie between"),
        ({"network": 3}, "network: expected NetworkSettings"),
    ],
)
def test_settings_that_cannot_be_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(FitError, match=message):
        fitted(**options)


def test_labels_may_be_missing() -> None:
    data = frames(9, 0)
    for atoms in data[:3]:
        assert atoms.calc is not None
        del atoms.calc.results["stress"]
    for atoms in data[2:5]:
        assert atoms.calc is not None
        del atoms.calc.results["energy"]
    result = maxvolt.fit(
        maxvolt.ANI(["Cu", "Au"], FORM), data, network=SHORT, progress=False, resampling="none"
    )
    assert np.isfinite(result.members[0].losses).all()
    assert result.training_errors.total.energy.missing == 3


def test_the_family_is_found_by_the_potential() -> None:
    training = training_of(maxvolt.ANI(["Cu"], FORM))
    assert training.suffix == ".ani.safetensors"
    assert training.section is NeuralNetworkSection
