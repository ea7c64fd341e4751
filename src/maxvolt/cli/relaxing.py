"""Relaxation of the structures of one scenario, with the processes of this machine or of MPI."""

from __future__ import annotations

from maxvolt.cli.console import counted, note, progress_bar
from maxvolt.cli.sampling_options import calculator_factory
from maxvolt.errors import MaxvoltError
from maxvolt.parallel.ranks import Ranks
from maxvolt.potentials import Potential
from maxvolt.processors import worker_count
from maxvolt.sampling import Relaxation, SamplingResult, Thresholds, iterate_scenarios
from maxvolt.selection import QueryStrategy

__all__ = ["relax_all"]


def relax_all(
    scenario: Relaxation,
    potential: Potential,
    query: QueryStrategy | None,
    thresholds: Thresholds,
    *,
    workers: int | None = None,
    ranks: Ranks,
) -> list[SamplingResult]:
    """Relax every structure and show how far it is.

    Parameters
    ----------
    scenario
        What to relax.
    potential, query, thresholds
        Forces, grades, and at which grades something happens.
    workers
        Processes of this machine; None: one for each core.
    ranks
        Of an MPI run; several of them are the workers.

    Returns
    -------
    results
        Of each part of the scenario, in their order.

    Raises
    ------
    MaxvoltError
        A part was lost, with its process.
    """
    structures = scenario.structures
    parts = len(scenario.split())
    count = min(worker_count(workers) if ranks.size == 1 else ranks.size, parts)
    note(
        f"relaxing {counted(len(structures), 'structure')}, {counted(structures.n_atoms, 'atom')}; "
        f"{count} at once"
    )
    with progress_bar("relaxing", len(structures)) as advance:
        alone = count > 1 and ranks.size == 1  # in a process of this machine for each core
        factory = calculator_factory(potential, query, threads=1 if alone else None)
        results = []
        for result in iterate_scenarios(
            [scenario], factory, thresholds, seed=0, executor=count, ranks=ranks
        ):
            results.append(result)
            advance(len(result.candidates))
    results.sort(key=lambda result: result.part)
    broken = [result for result in results if not result.candidates]
    if broken:
        raise MaxvoltError(f"some structures were lost: {broken[0].message}")
    return results
