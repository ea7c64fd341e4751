"""How many threads and processes to use where nothing is asked for."""

from __future__ import annotations

import math
import operator
import os
from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from maxvolt.errors import MaxvoltError

__all__ = [
    "core_count",
    "cpu_quota",
    "fair_share",
    "thread_count",
    "usable_cores",
    "worker_count",
]

_GROUPS = Path("/sys/fs/cgroup")
_MEMBERSHIP = Path("/proc/self/cgroup")


def thread_count(threads: int | None) -> int:
    """Number of threads to compute with.

    As given; else ``OMP_NUM_THREADS`` where it is a positive number (the first of a list), as of
    programs that use OpenMP; else `core_count`.

    Raises
    ------
    MaxvoltError
        What is given is not a whole number, or is below one.
    """
    if threads is not None:
        return _checked("threads", threads)
    first = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    if first.isascii() and first.isdigit() and int(first) > 0:
        return int(first)
    return core_count()


def worker_count(workers: int | None) -> int:
    """Number of processes to run at once: as given, or `core_count`.

    Raises
    ------
    MaxvoltError
        What is given is not a whole number, or is below one.
    """
    return core_count() if workers is None else _checked("workers", workers)


def core_count() -> int:
    """Number of cores this process may keep busy.

    Those of its CPU affinity (``taskset``, a batch system), or fewer where a CPU quota of its
    control group (a container, systemd) allows less.
    """
    cores, quota = len(usable_cores()), cpu_quota()
    return cores if quota is None else max(1, min(cores, math.ceil(quota)))


def usable_cores() -> frozenset[int]:
    """Numbers of the cores that the CPU affinity leaves to this process."""
    if hasattr(os, "sched_getaffinity"):
        return frozenset(os.sched_getaffinity(0))
    return frozenset(range(os.cpu_count() or 1))


def fair_share(cores: Collection[int], of_all: Sequence[Collection[int]]) -> int:
    """Number of cores that a process may keep busy beside others of the same run.

    Parameters
    ----------
    cores
        That it may use, see `usable_cores`.
    of_all
        Those of each process of the run on this machine, this one included. Cores that several of
        them may use are shared out, and so is a quota.
    """
    share = sum(1 / sum(core in theirs for theirs in of_all) for core in cores)
    quota = cpu_quota()
    if quota is not None:
        share = min(share, math.ceil(quota) / len(of_all))
    return max(1, int(share + 1e-9))


@lru_cache(maxsize=1)
def cpu_quota(groups: Path = _GROUPS, membership: Path = _MEMBERSHIP) -> float | None:
    """Cores' worth of time that control groups leave to this process; None without a limit.

    Parameters
    ----------
    groups
        Where the control groups are mounted.
    membership
        File that says in which groups the process is.
    """
    quotas = [quota for folder in _folders(groups, membership) for quota in _quotas(folder)]
    return min(quotas, default=None)


def _folders(groups: Path, membership: Path) -> Iterator[Path]:
    """Folders of the process's group and of those around it, of both versions of the interface."""
    try:
        lines = membership.read_text().splitlines()
    except OSError:  # no Linux, or none of its control groups
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        mount = groups / controllers if controllers else groups
        inside = Path(path.lstrip("/"))
        yield from (mount / part for part in (inside, *inside.parents))


def _quotas(folder: Path) -> Iterator[float]:
    for names in (("cpu.max",), ("cpu.cfs_quota_us", "cpu.cfs_period_us")):
        try:
            words = " ".join((folder / name).read_text() for name in names).split()
        except OSError:  # the other version, or the group of a container seen from inside
            continue
        quota, period = words[:2]
        if quota not in ("max", "-1"):
            yield int(quota) / int(period)


def _checked(name: str, number: int) -> int:
    try:
        if isinstance(number, bool):
            raise TypeError
        count = operator.index(number)
    except TypeError as error:
        raise MaxvoltError(
            f"{name} must be a whole number, or None for all cores; got {number!r}"
        ) from error
    if count < 1:
        raise MaxvoltError(f"{name} must be at least 1, or None for all cores; got {count}")
    return count
