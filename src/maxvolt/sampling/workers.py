"""One part of a scenario as a task that can be sent to a worker."""

from __future__ import annotations

import pickle
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from ase.calculators.calculator import Calculator
from threadpoolctl import threadpool_limits

from maxvolt.dataset import Dataset
from maxvolt.errors import DataError
from maxvolt.sampling.drawn_dynamics import DrawnDynamics
from maxvolt.sampling.dynamics import MolecularDynamics
from maxvolt.sampling.recorder import Recorder
from maxvolt.sampling.results import SamplingResult
from maxvolt.sampling.rule import StopReason, Thresholds
from maxvolt.sampling.scenario import KeepsJournal, Progress, Scenario

__all__ = ["CalculatorFactory", "Task", "pickled_factory", "run_task"]

CalculatorFactory = Callable[[], Calculator]
"""Makes a calculator that remembers nothing of an earlier part."""


@dataclass(frozen=True, slots=True)
class Task:
    """One part of a scenario, with everything but the calculator.

    Attributes
    ----------
    scenario
        The part.
    thresholds
        Of the two-threshold rule.
    seed
        Random seed.
    recorder
        Makes what follows the part, where it runs.
    """

    scenario: Scenario
    thresholds: Thresholds
    seed: int
    recorder: Callable[[], Recorder] = Recorder

    @property
    def key(self) -> tuple[str, int]:
        """Name and part, which no other task of a run has."""
        return self.scenario.name, self.scenario.part

    def run(
        self, calculator_factory: CalculatorFactory, progress: Progress | None = None
    ) -> SamplingResult:
        """Run it here; an error of the simulation becomes the reason of its end.

        What the factory and the recorder raise is raised: it is no fault of the scenario.
        """
        began = time.perf_counter()
        recorder = self.recorder()
        # A new calculator for each part: one that was used before has another order of neighbours,
        # and sums that differ in their last bits.
        calculator = calculator_factory()
        try:
            with threadpool_limits(limits=1, user_api="blas"):  # many processes share the cores
                result = self._simulate(calculator, recorder, progress)
        except Exception as error:  # noqa: BLE001 (whatever a simulation raises is told, not lost)
            result = self.failure(f"{type(error).__name__}: {error}", time.perf_counter() - began)
        recorder.finish(result)
        return result

    def failure(self, message: str, seconds: float) -> SamplingResult:
        """Give the result of a part that failed as a whole."""
        return SamplingResult(
            scenario=self.scenario.name,
            part=self.scenario.part,
            reason=StopReason.FAILED,
            message=message,
            steps=0,
            total_steps=self.scenario.total_steps,
            extrapolative=Dataset.from_atoms([]),
            last=self.scenario.structures[0],
            grades=np.empty(0),
            seconds=seconds,
        )

    def _simulate(
        self, calculator: Calculator, recorder: Recorder, progress: Progress | None
    ) -> SamplingResult:
        def count(steps: int) -> None:
            recorder.progress(steps)
            if progress is not None:
                progress(steps)

        scenario = self.scenario
        if isinstance(scenario, KeepsJournal):
            return scenario.run(
                calculator,
                self.thresholds,
                seed=self.seed,
                progress=count,
                journal=recorder.journal,
            )
        if isinstance(scenario, DrawnDynamics):
            scenario = scenario.drawn()
        if not isinstance(scenario, MolecularDynamics):
            return scenario.run(calculator, self.thresholds, seed=self.seed, progress=count)
        return scenario.run(
            calculator,
            self.thresholds,
            seed=self.seed,
            progress=count,
            observer=recorder.observe,
            keep=recorder.keep,
            state=recorder.state(),
            renew_every=recorder.renew_every,
        )


def run_task(task: Task, factory: bytes) -> SamplingResult:
    """Run a task in this process.

    Parameters
    ----------
    task
        What to run.
    factory
        The pickled `CalculatorFactory`, which is kept for the next task.
    """
    return task.run(_factory(factory))


def pickled_factory(calculator_factory: CalculatorFactory) -> bytes:
    """Pickle a factory for other processes.

    Raises
    ------
    DataError
        It cannot be pickled.
    """
    try:
        return pickle.dumps(calculator_factory)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise DataError(
            f"the calculator factory cannot be sent to other processes ({error}); give a class, a "
            "function of a module or functools.partial of them, no lambda"
        ) from error


@lru_cache(maxsize=1)
def _factory(pickled: bytes) -> CalculatorFactory:
    factory: CalculatorFactory = pickle.loads(pickled)
    return factory
