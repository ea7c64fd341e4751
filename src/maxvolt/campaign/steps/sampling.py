"""Steps B and C: run every scenario until it ends or its grade breaks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import BrokenExecutor, Executor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from maxvolt.calculators.ase import MaxvoltCalculator
from maxvolt.campaign.record.heartbeat import Heartbeat
from maxvolt.campaign.record.integrity import inputs_of
from maxvolt.campaign.steps.grading import calculator_of, thresholds_of
from maxvolt.campaign.settings.sections import SelectionSection
from maxvolt.campaign.record.checkpoints import STATE_SUFFIX, StateFile
from maxvolt.campaign.record.storage import StepResult, write_result
from maxvolt.dataset import Dataset
from maxvolt.sampling import (
    MolecularDynamics,
    SamplingResult,
    Scenario,
    StopReason,
    Thresholds,
)

__all__ = ["Part", "is_made", "part_result", "run_part", "run_parts"]


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a scenario to be run, with all that its result depends on.

    Attributes
    ----------
    scenario
        What is run.
    potential_files
        The potential and, for an active set, its grades.
    selection
        How extrapolation is measured; thresholds.
    seed
        Of its random numbers.
    inputs
        Fingerprint of all this.
    path
        Where the result goes.
    seconds_between_states
        How often the state of a simulation is written down, so that it can go on after a kill.
    """

    scenario: Scenario
    potential_files: tuple[Path, ...]
    selection: SelectionSection
    seed: int
    inputs: str
    path: Path
    seconds_between_states: float = 30.0

    @property
    def state_file(self) -> Path:
        """State of the simulation while it runs."""
        return self.path.with_suffix(STATE_SUFFIX)


def is_made(path: Path, inputs: str) -> bool:
    """Whether a result is there, undamaged, and was made from the same inputs."""
    return inputs_of(path) == inputs


def run_part(part: Part) -> None:
    """Run a part of a scenario and write its result; an error becomes the reason of its end."""
    heartbeat = Heartbeat(part.path, part.scenario.total_steps)
    # A new calculator: one that was used before has another order of neighbours, and sums that
    # differ in their last bits. That it cannot be read is no fault of the scenario.
    calculator = calculator_of(part.potential_files, part.selection)
    thresholds = thresholds_of(part.selection)
    states = StateFile(part.state_file, part.inputs, part.seconds_between_states)
    try:
        with threadpool_limits(limits=1, user_api="blas"):  # many processes share the cores
            result = _simulated(part, calculator, thresholds, heartbeat, states)
        written = part_result(result, part)
    except Exception as error:  # noqa: BLE001 (whatever a simulation raises is told, not lost)
        written = _failure(part, f"{type(error).__name__}: {error}")
    write_result(part.path, written)
    states.remove()
    heartbeat.remove()


def _simulated(
    part: Part,
    calculator: MaxvoltCalculator,
    thresholds: Thresholds,
    heartbeat: Heartbeat,
    states: StateFile,
) -> SamplingResult:
    """Run a scenario; molecular dynamics goes on from the last state that was written down."""
    scenario, seed = part.scenario, part.seed
    if not isinstance(scenario, MolecularDynamics):
        return scenario.run(calculator, thresholds, seed=seed, progress=heartbeat)
    return scenario.run(
        calculator,
        thresholds,
        seed=seed,
        progress=heartbeat,
        keep=states.keep,
        state=states.read(),
    )


def run_parts(
    parts: Sequence[Part],
    executor: Callable[[], Executor],
    done: Callable[[Part], None],
) -> None:
    """Run all parts whose results are not there, many at once.

    Parameters
    ----------
    parts
        Of all scenarios.
    executor
        Gives the executor; a new one after one whose process has died.
    done
        Called with each part as its result appears, in the order in which they end.
    """
    waiting = [part for part in parts if not is_made(part.path, part.inputs)]
    try:
        futures = {executor().submit(run_part, part): part for part in waiting}
        for future in as_completed(futures):
            future.result()
            done(futures[future])
    except BrokenExecutor:
        # A process died, of lack of memory perhaps. One at a time it is known whose fault it is.
        for part in parts:
            if not is_made(part.path, part.inputs):
                _run_alone(part, executor)
                done(part)


def _run_alone(part: Part, executor: Callable[[], Executor]) -> None:
    try:
        executor().submit(run_part, part).result()
    except BrokenExecutor as error:
        message = (
            f"the process died ({error}): too little memory, or a script that begins the campaign "
            'outside of if __name__ == "__main__":'
        )
        write_result(part.path, _failure(part, message))


def part_result(result: SamplingResult, part: Part) -> StepResult:
    """What is kept of a part."""
    finite = result.grades[np.isfinite(result.grades)]
    arrays: dict[str, NDArray[Any]] = {"grades": result.grades}
    if result.trace is not None:
        arrays |= {"steps": result.trace.steps, "temperatures": result.trace.temperatures}
    record = {
        **_record(part),
        "reason": str(result.reason),
        "is_break": result.reason.is_break,
        "message": result.message,
        "steps": result.steps,
        "total_steps": result.total_steps,
        "seconds": result.seconds,
        "n_extrapolative": len(result.extrapolative),
        "max_grade": float(finite.max()) if len(finite) else None,
    }
    datasets = {"extrapolative": result.extrapolative, "last": Dataset.from_atoms([result.last])}
    return StepResult(record, datasets, arrays)


def _failure(part: Part, message: str) -> StepResult:
    record = {
        **_record(part),
        "reason": str(StopReason.FAILED),
        "is_break": True,
        "message": message,
        "steps": 0,
        "total_steps": part.scenario.total_steps,
        "seconds": None,
        "n_extrapolative": 0,
        "max_grade": None,
    }
    return StepResult(record, {"extrapolative": Dataset.from_atoms([])}, {"grades": np.empty(0)})


def _record(part: Part) -> dict[str, Any]:
    return {
        "inputs": part.inputs,
        "scenario": part.scenario.name,
        "part": part.scenario.part,
        "kind": type(part.scenario).__name__,
        "seed": part.seed,
    }
