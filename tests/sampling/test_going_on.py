"""Dynamics that go on from a state have the bits of dynamics that were never interrupted."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.constraints import FixAtoms

import maxvolt
from maxvolt.errors import DataError
from maxvolt.sampling import (
    MolecularDynamics,
    SamplingResult,
    Thresholds,
    TrajectoryState,
    nonequilibrium,
    oscillation,
    ramp,
)

sys.path.insert(0, str(Path(__file__).parents[1] / "potentials"))
from make_potentials import copper

COPPER = copper()
RULE = Thresholds(2.0, 10.0)

KINDS = {
    "nve": {"ensemble": "nve"},
    "langevin, ramp": {"temperature": ramp(300.0, 900.0, 130)},
    "bussi, strain": {"thermostat": "bussi", "cell": ramp(0.0, 0.02, 100)},
    "npt, volume": {"ensemble": "npt", "pressure": ramp(0.0, 0.03, 130)},
    "npt, shape": {"ensemble": "npt", "shape": True},
    "langevin, nonequilibrium, shear": {
        "temperature": nonequilibrium(300.0, 600.0, 900.0, 70.0, 130),
        "cell": oscillation((0.0,) * 6, (0.0, 0.0, 0.0, 0.03, 0.0, 0.0), 60.0, 130),
    },
    "held atoms": {},
    "EMT": {},
}


class Graded(maxvolt.Calculator):
    """Gives every structure a grade, so that some are kept."""

    def calculate(self, *arguments: object, **options: object) -> None:
        super().calculate(*arguments, **options)
        self.results["grade"] = 3.0


OFTEN = 50
"""Steps between states."""


def scenario(kind: str) -> MolecularDynamics:
    atoms = bulk("Cu", a=3.62, cubic=True) * (2, 2, 2)
    if kind == "held atoms":
        atoms.set_constraint(FixAtoms([0, 4]))
    options = {"temperature": 900.0, **KINDS[kind]}
    return MolecularDynamics("md", atoms, 130, timestep_fs=3.0, record_every=20, **options)


def content(result: SamplingResult) -> list[bytes]:
    assert result.trace is not None
    arrays = [getattr(result.trace, name) for name in result.trace.__slots__]
    arrays += [result.last.positions, result.last.get_momenta(), result.last.cell.array]
    arrays += [result.extrapolative.positions, result.extrapolative.cells]
    return [np.ascontiguousarray(array).tobytes() for array in arrays]


@pytest.mark.parametrize("kind", KINDS)
def test_to_the_last_bit(kind: str) -> None:
    def calculator() -> object:
        return EMT() if kind == "EMT" else Graded(COPPER, threads=1)

    states: list[TrajectoryState] = []
    told: list[int] = []
    whole = scenario(kind).run(
        calculator(), RULE, seed=3, keep=lambda state: states.append(state()), renew_every=OFTEN
    )
    assert whole.reason == "finished"
    assert [state.step for state in states] == [50, 100]
    for state in states:
        told.clear()
        rest = scenario(kind).run(
            calculator(), RULE, seed=3, state=state, progress=told.append, renew_every=OFTEN
        )
        assert content(rest) == content(whole)
        assert rest.steps == whole.steps == sum(told)
        assert told[0] == state.step  # what is done is told at once
        assert rest.extrapolative.infos == whole.extrapolative.infos
    if kind != "EMT":
        assert len(whole.extrapolative) == 8


def test_keeping_states_changes_nothing() -> None:
    one, other = (
        scenario("nve").run(Graded(COPPER, threads=1), RULE, seed=3, keep=keep, renew_every=OFTEN)
        for keep in (None, lambda state: state())
    )
    assert content(one) == content(other)


def test_states_at_no_step_are_refused() -> None:
    with pytest.raises(DataError, match="renew_every must be at least 1, not 0"):
        scenario("nve").run(EMT(), RULE, seed=3, renew_every=0)
