"""ANI potentials compute with the threads that are asked for, and leave torch as it was."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT

import maxvolt
from maxvolt.campaign.settings.sections import SelectionSection
from maxvolt.campaign.steps.grading import calculator_of
from maxvolt.errors import MaxvoltError
from maxvolt.processors import thread_count
from promises import needs

FORM = maxvolt.ANISettings(
    radial_cutoff=4.2,
    radial_functions=3,
    angular_cutoff=3.3,
    angular_shells=2,
    angular_sections=2,
    layers=(4,),
)

OWN = 3
"""Threads that torch has outside, other than what is asked for."""


@pytest.fixture(autouse=True)
def _outside() -> Iterator[None]:
    """Torch as a user has set it; it must be found so after each test."""
    needs("ani")
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(OWN)
    yield
    after = torch.get_num_threads()
    torch.set_num_threads(before)
    assert after == OWN


@pytest.fixture
def inside(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Numbers of threads that torch has when it computes symmetry functions and losses."""
    import torch

    from maxvolt.fitting.neural_networks.loss import Predictor
    from maxvolt.potentials.ani.descriptors import Descriptors

    found: list[int] = []
    for owner, name in ((Descriptors, "with_derivatives"), (Predictor, "deviations")):
        original = getattr(owner, name)

        def noted(*given: Any, original: Any = original, **more: Any) -> Any:
            found.append(torch.get_num_threads())
            return original(*given, **more)

        monkeypatch.setattr(owner, name, noted)
    return found


def made(seed: int = 0) -> maxvolt.ANI:
    return maxvolt.ANI.random(["Cu"], FORM, seed=seed)


@pytest.mark.parametrize("threads", [1, 2])
def test_evaluations(threads: int, inside: list[int]) -> None:
    one, several, atoms = made(), maxvolt.Ensemble((made(1), made(2))), bulk("Cu", cubic=True)
    for potential in (one, several):
        atoms.calc = maxvolt.Calculator(potential, threads=threads)
        atoms.get_potential_energy()
        atoms.calc.get_atomic_virials(atoms)
        potential.evaluate_dataset([atoms], threads=threads)
    where = one.neighborhoods(atoms)
    one.site_features(where, threads=threads)
    several.evaluate_each(where, threads=threads)
    assert len(inside) >= 8
    assert set(inside) == {threads}


def test_without_a_number_as_all_else(inside: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    made().evaluate(bulk("Cu"))
    monkeypatch.delenv("OMP_NUM_THREADS")
    made().evaluate(bulk("Cu"))
    assert inside == [2, thread_count(None)]


def test_simulations_of_a_campaign_have_one(
    inside: list[int], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    files = [tmp_path / f"potential.{number}.ani.safetensors" for number in range(2)]
    for number, file in enumerate(files):
        made(number).write(file)
    committee = maxvolt.Committee(maxvolt.load(files), 0.1, 0.1)
    committee.write(tmp_path / "committee.json")
    atoms = bulk("Cu")
    atoms.calc = calculator_of(files, SelectionSection(strategy="committee"))
    atoms.get_potential_energy()
    assert atoms.calc.results["grade"] >= 0.0
    assert set(inside) == {1}


@pytest.mark.parametrize("threads", [1, 2])
def test_fits(threads: int, inside: list[int]) -> None:
    frames = []
    for seed in range(4):
        atoms = bulk("Cu", cubic=True)
        atoms.rattle(0.1, seed=seed)
        atoms.calc = EMT()
        atoms.get_stress()
        frames.append(atoms)
    network = {"epochs": 2, "batch_size": 2}
    maxvolt.fit(maxvolt.ANI(["Cu"], FORM), frames, threads=threads, network=network, progress=False)
    assert len(inside) > 8
    assert set(inside) == {threads}


def test_an_error_leaves_torch_as_it_was() -> None:
    with pytest.raises(MaxvoltError, match="untrained"):
        maxvolt.ANI(["Cu"], FORM).evaluate(bulk("Cu"), threads=1)
    # The fixture looks at torch.


def test_evaluations_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two at once each has its own number; new threads find what torch had before both."""
    import torch

    from maxvolt.potentials.ani.descriptors import Descriptors

    original, together, found = Descriptors.with_derivatives, threading.Barrier(2), {}

    def noted(*given: Any) -> Any:
        together.wait(30)  # both are inside
        found[threading.current_thread().name] = torch.get_num_threads()
        return original(*given)

    monkeypatch.setattr(Descriptors, "with_derivatives", noted)
    atoms, after = bulk("Cu"), []
    running = [
        threading.Thread(
            target=made(number).evaluate,
            args=(atoms,),
            kwargs={"threads": number},
            name=f"{number}",
        )
        for number in (1, 2)
    ]
    for one in running:
        one.start()
    for one in running:
        one.join()
    assert found == {"1": 1, "2": 2}
    later = threading.Thread(target=lambda: after.append(torch.get_num_threads()))
    later.start()
    later.join()
    assert after == [OWN]


def test_numbers_do_not_depend_on_it_beyond_rounding() -> None:
    atoms = bulk("Cu", cubic=True).repeat(3)
    atoms.rattle(0.1, seed=1)
    one, two = (made().evaluate(atoms, threads=threads) for threads in (1, 2))
    np.testing.assert_allclose(two.forces, one.forces, rtol=1e-10, atol=1e-12)
