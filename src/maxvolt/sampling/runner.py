"""Run many scenarios at once, hand over each part as it is done, lose none to an error.

Everything that runs scenarios does so here: campaigns, the commands ``maxvolt md`` and ``maxvolt
relax``, and `run_scenarios` of scripts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from dataclasses import dataclass
from functools import partial
from itertools import islice

from maxvolt.errors import DataError
from maxvolt.parallel.ranks import ONE_PROCESS, Ranks
from maxvolt.sampling.processes import ProcessDiedError, WorkerPool, Workers
from maxvolt.sampling.recorder import Recorder
from maxvolt.sampling.results import SamplingResult
from maxvolt.sampling.rule import Thresholds
from maxvolt.sampling.scenario import Progress, Scenario, part_seed
from maxvolt.sampling.workers import CalculatorFactory, Task, pickled_factory, run_task

__all__ = ["iterate_scenarios", "run_scenarios", "run_tasks"]


@dataclass(frozen=True, slots=True)
class _Started:
    """A task and when it was handed over, seconds."""

    task: Task
    time: float

    @property
    def seconds(self) -> float:
        return time.perf_counter() - self.time


def run_scenarios(
    scenarios: Sequence[Scenario],
    calculator_factory: CalculatorFactory,
    thresholds: Thresholds,
    *,
    seed: int,
    executor: Executor | int | None = None,
    done: Collection[tuple[str, int]] = (),
    progress: Progress | None = None,
    recorder: Callable[[Scenario], Recorder] | None = None,
) -> list[SamplingResult]:
    """Run scenarios and return the result of each part, in the order of scenarios and parts.

    See `iterate_scenarios`, which hands the results over one by one.
    """
    order = {(part.name, part.part): index for index, part in enumerate(_parts(scenarios))}
    results = iterate_scenarios(
        scenarios,
        calculator_factory,
        thresholds,
        seed=seed,
        executor=executor,
        done=done,
        progress=progress,
        recorder=recorder,
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
    recorder: Callable[[Scenario], Recorder] | None = None,
    ranks: Ranks = ONE_PROCESS,
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
    recorder
        Makes what follows a part while it runs; called where it runs, so that it must be possible
        to pickle it where that is another process.
    ranks
        Processes of an MPI run, which are then the workers; there is no executor beside them.

    Yields
    ------
    result
        Of one part.
    """
    tasks = [
        Task(
            part,
            thresholds,
            part_seed(seed, part.name, part.part),
            Recorder if recorder is None else partial(recorder, part),
        )
        for part in _parts(scenarios)
        if (part.name, part.part) not in done
    ]
    if ranks.size > 1:
        return _on_ranks(tasks, pickled_factory(calculator_factory), ranks, progress)
    if executor is None or executor == 1:
        return run_tasks(tasks, calculator_factory, None, progress=progress)
    pickled_factory(calculator_factory)  # refused here, not with the first result
    return _in_own_pool(tasks, calculator_factory, WorkerPool(executor), progress)


def run_tasks(
    tasks: Sequence[Task],
    calculator_factory: CalculatorFactory,
    workers: Workers | None,
    *,
    progress: Progress | None = None,
    strict: bool = False,
) -> Iterator[SamplingResult]:
    """Run tasks and yield the result of each as it is done.

    Parameters
    ----------
    tasks
        Parts of scenarios, no two of the same name and number.
    calculator_factory, progress
        As of `iterate_scenarios`.
    workers
        Where they run; None for this process.
    strict
        Whether an error that is no fault of the simulation is raised: a calculator that cannot be
        made, a recorder that cannot write. Else the part fails with it and the others go on.

    Yields
    ------
    result
        Of one task.

    Raises
    ------
    MaxvoltError
        A process of an executor that was given has died.
    """
    if workers is None:
        return _in_this_process(tasks, calculator_factory, progress, strict)
    return _in_workers(tasks, pickled_factory(calculator_factory), workers, progress, strict)


def _parts(scenarios: Sequence[Scenario]) -> list[Scenario]:
    names = [scenario.name for scenario in scenarios]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"two scenarios are called {twice[0]!r}; give each a name of its own")
    return [part for scenario in scenarios for part in scenario.split()]


def _on_ranks(
    tasks: Sequence[Task], factory: bytes, ranks: Ranks, progress: Progress | None
) -> Iterator[SamplingResult]:
    for result in ranks.stream(partial(_task_runner, factory), tasks, ordered=False):
        if progress is not None:
            progress(result.steps)
        yield result


def _task_runner(factory: bytes) -> Callable[[Task], SamplingResult]:
    def work(task: Task) -> SamplingResult:
        started = _Started(task, time.perf_counter())
        try:
            return run_task(task, factory)
        except Exception as error:  # noqa: BLE001 (the part fails with it, the others go on)
            return _failure(started, error)

    return work


def _in_own_pool(
    tasks: Sequence[Task],
    calculator_factory: CalculatorFactory,
    workers: WorkerPool,
    progress: Progress | None,
) -> Iterator[SamplingResult]:
    with workers:
        yield from run_tasks(tasks, calculator_factory, workers, progress=progress)


def _in_this_process(
    tasks: Sequence[Task],
    calculator_factory: CalculatorFactory,
    progress: Progress | None,
    strict: bool,
) -> Iterator[SamplingResult]:
    for task in tasks:
        started = _Started(task, time.perf_counter())
        try:
            result = task.run(calculator_factory, progress)
        except Exception as error:
            if strict:
                raise
            result = _failure(started, error)
        yield result


def _in_workers(
    tasks: Sequence[Task],
    factory: bytes,
    workers: Workers,
    progress: Progress | None,
    strict: bool,
) -> Iterator[SamplingResult]:
    """Run in workers; where one dies, the tasks in flight are run again, each alone.

    One at a time it is known whose fault it is.
    """
    left = {task.key: task for task in tasks}
    while left:
        running: dict[Future[SamplingResult], _Started] = {}
        try:
            for result in _collect(list(left.values()), factory, workers, strict, running):
                del left[result.scenario, result.part]
                if progress is not None:
                    progress(result.steps)
                yield result
        except BrokenExecutor:
            workers.replace()
        for started in running.values():
            del left[started.task.key]
            yield _run_alone(started.task, factory, workers, strict)


def _collect(
    tasks: Iterable[Task],
    factory: bytes,
    workers: Workers,
    strict: bool,
    running: dict[Future[SamplingResult], _Started],
) -> Iterator[SamplingResult]:
    """Keep the workers busy; `running` holds what is in flight, also after an error."""
    waiting = iter(tasks)
    executor = workers.executor()
    try:
        while True:
            for task in islice(waiting, max(0, workers.room - len(running))):
                started = _Started(task, time.perf_counter())
                running[executor.submit(run_task, task, factory)] = started
            if not running:
                return
            finished, _ = wait(running, workers.patience, FIRST_COMPLETED)
            # Results first: an error must not lose those that came with it.
            for future in sorted(finished, key=lambda one: one.exception() is not None):
                result = _result_of(future, running[future], strict)
                del running[future]
                yield result
    finally:
        for future in running:
            future.cancel()


def _run_alone(task: Task, factory: bytes, workers: Workers, strict: bool) -> SamplingResult:
    started = _Started(task, time.perf_counter())
    try:
        return _result_of(workers.executor().submit(run_task, task, factory), started, strict)
    except BrokenExecutor as error:
        workers.replace()
        return _death(
            started,
            f"the process died ({error}): too little memory, or a script that starts workers "
            'outside of if __name__ == "__main__":',
        )


def _result_of(future: Future[SamplingResult], started: _Started, strict: bool) -> SamplingResult:
    try:
        return future.result()
    except BrokenExecutor:
        raise
    except ProcessDiedError as error:  # each task of this executor has a process of its own
        return _death(started, f"the process died ({error}): too little memory?")
    except Exception as error:
        if strict:
            raise
        return _failure(started, error)


def _death(started: _Started, message: str) -> SamplingResult:
    """Give the result of a task that its process did not survive, and write it down."""
    result = started.task.failure(message, started.seconds)
    started.task.recorder().finish(result)
    return result


def _failure(started: _Started, error: Exception) -> SamplingResult:
    return started.task.failure(f"{type(error).__name__}: {error}", started.seconds)
