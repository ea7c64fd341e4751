"""Bring the processes of a run together: the head runs the program, the others help it."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from maxvolt.errors import MaxvoltError
from maxvolt.parallel.launcher import VARIABLE, Launch, recognised_launch
from maxvolt.parallel.ranks import ONE_PROCESS, Ranks
from maxvolt.processors import fair_share, usable_cores

if TYPE_CHECKING:
    from mpi4py import MPI

    from maxvolt.parallel.messages import Messenger

__all__ = ["run_on_ranks", "started_ranks"]

_UNUSABLE = 2
"""Exit code of processes that leave it to the first one to say what is wrong."""


def run_on_ranks(program: Callable[[Ranks], int], modules: Sequence[str] = ()) -> int:
    """Run a program in the first process, with the help of the others.

    Parameters
    ----------
    program
        Called with all processes; returns an exit code. It runs once, wherever MPI has started it.
    modules
        That helpers import in the beginning, while the program begins, and not with the first work.

    Returns
    -------
    code : int
        Exit code, the same in all processes.

    Raises
    ------
    MaxvoltError
        In the first process: MPI cannot be used.
    """
    launch = recognised_launch()
    if launch is None:
        return program(ONE_PROCESS)
    try:
        messenger = _connected(launch)
    except MaxvoltError:
        if launch.rank:
            return _UNUSABLE
        raise
    return _in_turn(messenger, program, modules)


def _in_turn(messenger: Messenger, program: Callable[[Ranks], int], modules: Sequence[str]) -> int:
    from maxvolt.parallel.head import Head
    from maxvolt.parallel.helper import serve
    from maxvolt.parallel.messages import HEAD

    if messenger.size == 1:
        return program(ONE_PROCESS)
    if messenger.rank != HEAD:
        return serve(messenger, modules)
    head, code = Head(messenger), 1
    try:
        code = program(head)
    except SystemExit as wanted:  # of the parser of arguments
        code = wanted.code if isinstance(wanted.code, int) else 0
        raise
    finally:
        head.end(code)
    return code


@contextmanager
def started_ranks() -> Iterator[Ranks | None]:
    """All processes of a script that MPI has started, for `maxvolt.fit` and others.

    Yields
    ------
    ranks : Ranks or None
        In the first process, and in a script that was started alone: who shares the work. None in
        the others, which have helped until the first one left its block, and have nothing to do.

    Raises
    ------
    MaxvoltError
        MPI cannot be used.

    Examples
    --------
    >>> with started_ranks() as ranks:
    ...     if ranks is not None:
    ...         maxvolt.fit(potential, dataset, ranks=ranks).potential.write("pot.mtp")
    """
    launch = recognised_launch()
    if launch is None:
        yield ONE_PROCESS
        return
    messenger = _connected(launch)
    from maxvolt.parallel.head import Head
    from maxvolt.parallel.helper import serve
    from maxvolt.parallel.messages import HEAD

    if messenger.size == 1:
        yield ONE_PROCESS
    elif messenger.rank != HEAD:
        serve(messenger)
        yield None
    else:
        head, code = Head(messenger), 1
        try:
            yield head
            code = 0
        finally:
            head.end(code)


def _connected(launch: Launch) -> Messenger:
    """Start MPI and share the cores out, before anything is imported that counts them."""
    communicator = _world(launch)
    from mpi4py import MPI

    cores, machine = usable_cores(), MPI.Get_processor_name()
    own = _Process(machine, _namespace(), os.getpid(), cores)
    processes: list[_Process] = communicator.allgather(own)
    of_machine = [one.cores for one in processes if one.machine == machine]
    os.environ.setdefault("OMP_NUM_THREADS", str(fair_share(cores, of_machine)))
    from maxvolt.parallel.messages import Messenger

    neighbors = {
        rank: one.identifier
        for rank, one in enumerate(processes)
        if one != own and (one.machine, one.namespace) == (machine, own.namespace)
    }
    return Messenger(communicator, neighbors)


class _Process(NamedTuple):
    """What processes tell each other when they meet.

    Process identifiers mean something in the same namespace of the same running system only.
    """

    machine: str
    namespace: str
    identifier: int
    cores: frozenset[int]


def _namespace() -> str:
    try:
        namespace = Path("/proc/self/ns/pid").stat().st_ino
        return f"{Path('/proc/sys/kernel/random/boot_id').read_text()} {namespace}"
    except OSError:  # no Linux
        return ""


def _world(launch: Launch) -> MPI.Intracomm:
    alone = f"or set {VARIABLE}=no to let each process work alone"
    if importlib.util.find_spec("mpi4py") is None:
        raise MaxvoltError(
            f"{launch.launcher} has started several processes, and mpi4py, by which they would "
            f"find each other, is not installed: pip install maxvolt[mpi], {alone}"
        )
    try:
        import mpi4py

        mpi4py.rc(thread_level="funneled")
        from mpi4py import MPI
    except (ImportError, RuntimeError) as error:
        raise MaxvoltError(
            f"mpi4py finds no MPI library ({error}); install one (pip install mpich), or load the "
            f"module of the cluster, {alone}"
        ) from error
    world = MPI.COMM_WORLD
    if launch.size > 1 and world.Get_size() == 1:
        raise MaxvoltError(
            f"{launch.launcher} has started {launch.size} processes, but the MPI library of mpi4py "
            f"({MPI.Get_library_version().splitlines()[0][:60]}) does not know of the others: "
            f"start them with the mpiexec of this library (srun: with --mpi=pmi2 or pmix), {alone}"
        )
    return world
