"""The example of NbMoTaW on its lattice: its quick form, and the transitions that it tells."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from example_modules import importable
from promises import needs

EXAMPLE = Path(__file__).parents[2] / "examples" / "nbmotaw_lattice"


@pytest.fixture
def example() -> Iterator[Any]:
    with importable(EXAMPLE):
        import run

        yield run


def test_the_quick_form_goes_to_its_end_and_on(example: Any, shared: Path, tmp_path: Path) -> None:
    needs("lattice")
    potential = shared / "reference/mlip3/trained/MoNbTaW.mtp"
    command = ["--potential", str(potential), "--quick", "--output", str(tmp_path)]
    example.main(command)
    found = json.loads((tmp_path / "order.json").read_text())
    assert 3.1 < found["lattice constant (A)"] < 3.4
    # Atoms that relax lower the energy.
    plain, relaxed = (
        np.load(tmp_path / kind / "energies-0.npz")["energies"] for kind in ("unrelaxed", "relaxed")
    )
    gained = (plain - relaxed)[np.isfinite(relaxed)]
    assert gained.min() > -1e-6
    assert gained.max() > 1e-3
    text = (tmp_path / "order.md").read_text()
    (tmp_path / "order.md").unlink()
    example.main(command)
    assert (tmp_path / "order.md").read_text() == text


def test_transitions_are_the_maxima_of_all_chains(example: Any) -> None:
    import results

    temperatures = np.arange(2000.0, 99.0, -50.0)

    def chain(top: float) -> list[Any]:
        capacities = 0.5 + np.exp(-(((temperatures - top) / 150) ** 2))
        return [
            SimpleNamespace(temperature=t, heat_capacity=c)
            for t, c in zip(temperatures, capacities, strict=True)
        ]

    (one,) = results.transitions([chain(1010.0), chain(1030.0)])
    assert one["temperature (K)"] == pytest.approx(1020.0, abs=1.0)
    assert one["error (K)"] == pytest.approx(10.0, abs=1.0)
    assert one["heat capacity (k_B)"] == pytest.approx(1.5, abs=0.01)
