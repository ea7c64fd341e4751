"""Run many scenarios at once, hand over each part as it is done, lose none to an error."""

from __future__ import annotations

import pickle
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice

import numpy as np

from maxvolt.dataset import Dataset
from maxvolt.errors import DataError
from maxvolt.sampling.results import SamplingResult
from maxvolt.sampling.rule import StopReason, Thresholds
from maxvolt.sampling.scenario import Progress, Scenario, part_seed
from maxvolt.sampling.workers import CalculatorFactory, Task, local_pool, run_task

__all__ = ["iterate_scenarios", "run_scenarios"]

_AHEAD = 2
"""Tasks in flight per worker, so that none waits for the next one."""

_REMOTE_WORKERS = 64
"""Workers taken for granted where an executor does not say how many it has."""


@dataclass(frozen=True, slots=True)
class _Started:
    """A task and when it was handed over, seconds."""

    task: Task
    begin: float


def run_scenarios(
    scenarios: Sequence[Scenario],
    calculator_factory: CalculatorFactory,
    thresholds: Thresholds,
    *,
    seed: int,
    executor: Executor | int | None = None,
    done: Collection[tuple[str, int]] = (),
    progress: Progress | None = None,
) -> list[SamplingResult]:
    """Run scenarios and return the result of each part, in the order of scenarios and parts.

    See `iterate_scenarios`, which hands the results over one by one.
    """
    order = {
        (scenario.name, part.part): index
        for index, (scenario, part) in enumerate(_parts(scenarios))
    }
    results = list(
        iterate_scenarios(
            scenarios,
            calculator_factory,
            thresholds,
            seed=seed,
            executor=executor,
            done=done,
            progress=progress,
        )
    )
    return sorted(results, key=lambda result: order[result.scenario, result.part])


def iterate_scenarios(
    scenarios: Sequence[Scenario],
    calculator_factory: CalculatorFactory,
    thresholds: Thresholds,
    *,
    seed: int,
    executor: Executor | int | None = None,
    done: Collection[tuple[str, int]] = (),
    progress: Progress | None = None,
) -> Iterator[SamplingResult]:
    """Run scenarios and yield the result of each part as it is done.

    The results do not depend on the number of workers, nor on the order in which they come: each
    part has its own random numbers, derived from the seed, the name of its scenario and its number.
    A part that raises an error gives a result with the reason FAILED and the message; so does one
    whose worker process dies twice.

    Parameters
    ----------
    scenarios
        What to run; their names must differ.
    calculator_factory
        Makes a calculator; called for each part, so that none depends on what a calculator
        remembers. It must be possible to pickle it: a function of a module, a class or
        ``functools.partial`` of them. Let it use one thread where there are several workers.
    thresholds
        Where structures are kept and where simulations stop.
    seed
        Random seed.
    executor
        An executor of `concurrent.futures` (Dask: ``client.get_executor()``), or how many local
        processes to use. None and 1 run in this process. Local processes import the main module,
        so a script that uses them must guard its code by ``if __name__ == "__main__":``.
    done
        Parts, as (scenario, part), that are done already and left out: those of a run that was
        interrupted.
    progress
        Told the steps of this process as they are made, and of workers when a part is done.

    Yields
    ------
    result
        Of one part.
    """
    tasks = _tasks(scenarios, thresholds, seed, frozenset(done))
    if executor is None or executor == 1:
        return _in_this_process(tasks, calculator_factory, progress)
    factory = _pickled(calculator_factory)
    if isinstance(executor, int):
        if executor < 1:
            raise DataError(f"the number of workers must be at least 1, not {executor}")
        return _in_local_processes(tasks, factory, executor, progress)
    return _in_executor(executor, tasks, factory, progress, {})


def _pickled(calculator_factory: CalculatorFactory) -> bytes:
    try:
        return pickle.dumps(calculator_factory)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise DataError(
            f"the calculator factory cannot be sent to other processes ({error}); give a class, a "
            "function of a module or functools.partial of them, no lambda"
        ) from error


def _parts(scenarios: Sequence[Scenario]) -> list[tuple[Scenario, Scenario]]:
    names = [scenario.name for scenario in scenarios]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"two scenarios are called {twice[0]!r}; give each a name of its own")
    return [(scenario, part) for scenario in scenarios for part in scenario.split()]


def _tasks(
    scenarios: Sequence[Scenario],
    thresholds: Thresholds,
    seed: int,
    done: frozenset[tuple[str, int]],
) -> list[Task]:
    tasks = [
        Task(part, thresholds, part_seed(seed, part.name, part.part))
        for _, part in _parts(scenarios)
    ]
    return [task for task in tasks if task.key not in done]


def _in_this_process(
    tasks: list[Task], calculator_factory: CalculatorFactory, progress: Progress | None
) -> Iterator[SamplingResult]:
    for task in tasks:
        started = _Started(task, time.perf_counter())
        try:
            result = task.run(calculator_factory(), progress)
        except Exception as error:  # noqa: BLE001 (of any calculator; the other parts go on)
            result = _failed(started, error)
        yield result


def _in_executor(
    executor: Executor,
    tasks: Iterable[Task],
    factory: bytes,
    progress: Progress | None,
    running: dict[Future[SamplingResult], _Started],
) -> Iterator[SamplingResult]:
    """Keep the workers busy; `running` holds what is in flight, also after an error."""
    waiting = iter(tasks)
    most = _AHEAD * (getattr(executor, "_max_workers", None) or _REMOTE_WORKERS)
    try:
        while True:
            for task in islice(waiting, most - len(running)):
                started = _Started(task, time.perf_counter())
                running[executor.submit(run_task, task, factory)] = started
            if not running:
                return
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                result = _result_of(future, running[future])
                del running[future]
                if progress is not None:
                    progress(result.steps)
                yield result
    finally:
        for future in running:
            future.cancel()


def _in_local_processes(
    tasks: Sequence[Task], factory: bytes, workers: int, progress: Progress | None
) -> Iterator[SamplingResult]:
    """Run in processes; where one dies, those in flight are run again, each alone."""
    left = {task.key: task for task in tasks}
    while left:
        running: dict[Future[SamplingResult], _Started] = {}
        with suppress(BrokenProcessPool), local_pool(min(workers, len(left))) as pool:
            for result in _in_executor(pool, list(left.values()), factory, progress, running):
                del left[result.scenario, result.part]
                yield result
        for started in running.values():
            del left[started.task.key]
            yield _alone(started.task, factory)


def _alone(task: Task, factory: bytes) -> SamplingResult:
    started = _Started(task, time.perf_counter())
    try:
        with local_pool(1) as pool:
            return _result_of(pool.submit(run_task, task, factory), started)
    except BrokenProcessPool as error:
        return _failed(started, error)


def _result_of(future: Future[SamplingResult], started: _Started) -> SamplingResult:
    try:
        return future.result()
    except BrokenProcessPool:
        raise
    except Exception as error:  # noqa: BLE001 (whatever a worker raised; the other parts go on)
        return _failed(started, error)


def _failed(started: _Started, error: Exception) -> SamplingResult:
    scenario = started.task.scenario
    return SamplingResult(
        scenario=scenario.name,
        part=scenario.part,
        reason=StopReason.FAILED,
        message=f"{type(error).__name__}: {error}",
        steps=0,
        total_steps=scenario.total_steps,
        extrapolative=Dataset.from_atoms([]),
        last=scenario.structures[0],
        grades=np.empty(0),
        seconds=time.perf_counter() - started.begin,
    )
